"""The ops of com.microsoft on 8-bit codes, of which networks in QOperator format are made, against what their codes mean in
float64: at most one code in a thousand is off, by one."""
import unittest

import numpy as np
from onnx import helper
from onnx_ops import OpTest

MOST_OFF = 1e-3
SCALE = {"a": 0.0312489, "b": 0.0171713, "y": 0.0437317}  # in no simple ratio, so that no number is half way


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axes):
    shifted = np.exp(x - x.max(axes, keepdims=True))
    return shifted / shifted.sum(axes, keepdims=True)


class OnnxMicrosoftQuantized(OpTest):
    opsets = {"": 17, "com.microsoft": 1}

    def codes(self, *shape, dtype=np.uint8):
        range_ = np.iinfo(dtype)
        return self.generator.integers(range_.min, range_.max + 1, shape).astype(dtype)

    def scale(self, name):
        return np.float64(np.float32(SCALE[name]))

    def zero(self, name, dtype):
        return {"a": 7, "b": -5, "y": 100}[name] if dtype == np.int8 else {"a": 130, "b": 77, "y": 21}[name]

    def constants(self, dtypes, zeros=True):
        result = {f"{name}_scale": np.float32(SCALE[name]) for name in dtypes}
        if zeros:
            result |= {f"{name}_zero": np.array(self.zero(name, dtype), dtype) for name, dtype in dtypes.items()}
        return result

    def numbers(self, codes, name, zeros=True):
        return (codes.astype(np.float64) - (self.zero(name, codes.dtype) if zeros else 0)) * self.scale(name)

    def quantized(self, numbers, dtype, zeros=True):
        range_ = np.iinfo(dtype)
        zero = self.zero("y", dtype) if zeros else 0
        return np.clip(np.rint(numbers / self.scale("y")) + zero, range_.min, range_.max).astype(dtype)

    def expect_codes(self, node, constants, inputs, expected):
        done = self.run_nodes([node], constants, inputs, {"y": expected})
        self.assertEqual(done.returncode, 0, done.stderr)
        found = np.load(self.folder / "out" / "y.npy")
        self.assertEqual((found.shape, found.dtype), (expected.shape, expected.dtype))
        off = np.abs(found.astype(np.int64) - expected.astype(np.int64))
        self.assertLessEqual(off.max(), 1, node.op_type)
        self.assertLessEqual(np.count_nonzero(off), MOST_OFF * off.size, node.op_type)

    def expect_function(self, op, dtype, shape, function, **attributes):
        x = self.codes(*shape, dtype=dtype)
        for zeros in (True, False):
            slots = ["a", "a_scale", "a_zero", "y_scale", "y_zero"] if zeros else ["a", "a_scale", "", "y_scale"]
            self.expect_codes(helper.make_node(op, slots, ["y"], domain="com.microsoft", **attributes),
                              self.constants({"a": dtype, "y": dtype}, zeros), {"a": x},
                              self.quantized(function(self.numbers(x, "a", zeros)), dtype, zeros))

    def test_sums_and_products(self):
        slots = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "y_scale", "y_zero"]
        for dtype in (np.uint8, np.int8):
            a, b = self.codes(2, 5, 30, 7, dtype=dtype), self.codes(5, 1, 7, dtype=dtype)
            for op, function in (("QLinearAdd", np.add), ("QLinearMul", np.multiply)):
                self.expect_codes(helper.make_node(op, slots, ["y"], domain="com.microsoft"),
                                  self.constants({"a": dtype, "b": dtype, "y": dtype}), {"a": a, "b": b},
                                  self.quantized(function(self.numbers(a, "a"), self.numbers(b, "b")), dtype))

    def test_functions(self):
        for dtype in (np.uint8, np.int8):
            self.expect_function("QLinearSigmoid", dtype, (3, 500), sigmoid)
            self.expect_function("QLinearLeakyRelu", dtype, (3, 500), lambda x: np.where(x < 0, x * np.float32(0.3), x),
                                 alpha=0.3)
            self.expect_function("QLinearSoftmax", dtype, (6, 5, 40), lambda x: softmax(x, -1), opset=13)
            self.expect_function("QLinearSoftmax", dtype, (6, 5, 40), lambda x: softmax(x, (1, 2)), opset=12, axis=1)

    def test_pools(self):
        for dtype in (np.uint8, np.int8):
            self.expect_function("QLinearGlobalAveragePool", dtype, (2, 300, 7, 7), lambda x: x.mean((2, 3), keepdims=True))
            self.expect_function("QLinearAveragePool", dtype, (2, 30, 8, 6),
                                 lambda x: x.reshape(2, 30, 4, 2, 3, 2).mean((3, 5)), kernel_shape=[2, 2], strides=[2, 2])

    def test_joined(self):
        for dtype in (np.uint8, np.int8):
            a, b = self.codes(2, 40, 9, dtype=dtype), self.codes(2, 30, 9, dtype=dtype)
            slots = ["y_scale", "y_zero", "a", "a_scale", "a_zero", "b", "b_scale", "b_zero"]
            joined = np.concatenate([self.numbers(a, "a"), self.numbers(b, "b")], 1)
            self.expect_codes(helper.make_node("QLinearConcat", slots, ["y"], domain="com.microsoft", axis=1),
                              self.constants({"a": dtype, "b": dtype, "y": dtype}), {"a": a, "b": b},
                              self.quantized(joined, dtype))
            chosen = self.generator.random((2, 30, 9)) < 0.5
            slots = ["chosen", "a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "y_scale", "y_zero"]
            a = a[:, :30]
            self.expect_codes(helper.make_node("QLinearWhere", slots, ["y"], domain="com.microsoft"),
                              self.constants({"a": dtype, "b": dtype, "y": dtype}), {"a": a, "b": b, "chosen": chosen},
                              self.quantized(np.where(chosen, self.numbers(a, "a"), self.numbers(b, "b")), dtype))

    def product(self, dtype, transposed, by_rows):
        """QGemm's inputs, and what the product is."""
        x, weight = self.codes(35, 20, dtype=dtype), self.codes(30, 20, dtype=np.int8)
        scales = (self.generator.random(30 if by_rows else 1) * 0.01 + 0.001).astype(np.float32)
        bias = self.generator.integers(-3000, 3000, 30).astype(np.int32)
        steps = np.float64(np.float32(SCALE["a"])) * scales.astype(np.float64)
        value = self.numbers(x, "a") @ (weight * scales.astype(np.float64)[:, None]).T + bias * steps
        constants = self.constants({"a": dtype, "y": dtype}) | {
            "w": weight if transposed else np.ascontiguousarray(weight.T), "w_scale": scales if by_rows else scales[0],
            "w_zero": np.zeros(30, np.int8) if by_rows else np.int8(0), "bias": bias}
        return x, constants, value

    def test_products(self):
        slots = ["a", "a_scale", "a_zero", "w", "w_scale", "w_zero", "bias"]
        for dtype, transposed, by_rows in ((np.uint8, 1, True), (np.int8, 0, True), (np.uint8, 0, False)):
            x, constants, value = self.product(dtype, transposed, by_rows)
            node = helper.make_node("QGemm", [*slots, "y_scale", "y_zero"], ["y"], domain="com.microsoft", transB=transposed)
            self.expect_codes(node, constants, {"a": x}, self.quantized(value, dtype))
            node = helper.make_node("QGemm", slots, ["y"], domain="com.microsoft", transB=transposed, alpha=0.5)
            self.expect([node], constants, {"a": x}, {"y": (value / 2).astype(np.float32)})

    def test_conversions(self):
        x = self.floats(3, 50)
        for dtype in (np.uint8, np.int8):
            node = helper.make_node("QuantizeLinear", ["x", "y_scale", "y_zero"], ["y"], domain="com.microsoft")
            self.expect_codes(node, self.constants({"y": dtype}), {"x": x}, self.quantized(x.astype(np.float64), dtype))
            codes = self.codes(3, 50, dtype=dtype)
            node = helper.make_node("DequantizeLinear", ["a", "a_scale", "a_zero"], ["y"], domain="com.microsoft")
            self.expect([node], self.constants({"a": dtype}), {"a": codes},
                        {"y": self.numbers(codes, "a").astype(np.float32)})

    def test_what_is_refused(self):
        slots = ["a", "a_scale", "a_zero", "y_scale", "y_zero"]
        node = helper.make_node("QLinearGlobalAveragePool", slots, ["y"], domain="com.microsoft", channels_last=1)
        constants = self.constants({"a": np.uint8, "y": np.uint8})
        self.expect_refused([node], constants, {"a": self.codes(1, 4, 4, 3)}, "channels_last is not computed")
        node = helper.make_node("QLinearConcat", ["y_scale", "y_zero", "a", "a_scale"], ["y"], domain="com.microsoft", axis=1)
        self.expect_refused([node], constants, {"a": self.codes(1, 4)}, "each input must have a scale and a zero point")


if __name__ == "__main__":
    unittest.main()
