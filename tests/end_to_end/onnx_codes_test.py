"""Networks with QuantizeLinear and DequantizeLinear in the file run on codes: each is held to its own meaning, computed
in float64 while it is built, to the layers that its plan has, and to the same network without the passes."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")
MOST_OFF = 1e-3  # of all outputs: by one quantum


def convolved(x, weight, pads, stride, group):
    """x [N, C, H, W], weight [M, C / group, k, k]."""
    x = np.pad(x, ((0, 0), (0, 0), (pads, pads), (pads, pads)))
    size, rows = weight.shape[2], weight.shape[0] // group
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
    parts = np.split(windows, group, 1)
    return np.concatenate([np.einsum("nchwij,mcij->nmhw", part, weight[g * rows:(g + 1) * rows], optimize=True)
                           for g, part in enumerate(parts)], 1)


class Network:
    """Nodes, and what each computes."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)
        self.nodes, self.initializers, self.values, self.inputs, self.outputs = [], [], {}, {}, {}
        self.rows_name = None  # of dimension 0 of inputs and outputs, where only a run knows it

    def constant(self, array, stem="c"):
        name = f"{stem}{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def constant_of(self, number):
        name = self.constant(np.float32(number))
        self.values[name] = np.float64(np.float32(number))
        return name

    def add(self, op, inputs, value, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.values[name] = value
        return name

    def input(self, *shape):
        name = f"x{len(self.inputs)}"
        self.inputs[name] = self.generator.normal(0, 1, shape).astype(np.float32)
        self.values[name] = self.inputs[name].astype(np.float64)
        return name

    def quantize(self, x, scale, zero, dtype):
        scale, range_ = np.float32(scale), np.iinfo(dtype)
        codes = np.clip(np.rint(self.values[x] / np.float64(scale)) + zero, range_.min, range_.max)
        return self.add("QuantizeLinear", [x, self.constant(scale, "scale"), self.constant(np.array(zero, dtype), "zero")],
                        codes.astype(dtype))

    def dequantize(self, codes, scale, zero):
        value = (self.values[codes].astype(np.float64) - zero) * np.float64(np.float32(scale))
        return self.add("DequantizeLinear", [codes, self.constant(np.float32(scale), "scale"),
                                             self.constant(np.array(zero, self.values[codes].dtype), "zero")], value)

    def scale_for(self, x, dtype):
        """The scale and the zero that spread the codes over x."""
        low, high = min(self.values[x].min(), 0), max(self.values[x].max(), 0)
        scale = np.float32((high - low) / 255)
        return scale, int(np.rint(-low / scale)) + np.iinfo(dtype).min

    def pair(self, x, dtype=np.uint8, scale=None, zero=None):
        if scale is None:
            scale, zero = self.scale_for(x, dtype)
        return self.dequantize(self.quantize(x, scale, zero, dtype), scale, zero)

    def finish(self, x, dtype=np.uint8):
        """Codes of x are an output."""
        name = self.quantize(x, *self.scale_for(x, dtype), dtype)
        self.outputs[name] = self.values[name]

    def weight(self, shape, axis=None, dtype=np.int8, zero=0, as_floats=False):
        """Codes behind DQ, with a scale for each index of the axis, or one; or floats behind Q and DQ."""
        codes = self.generator.integers(np.iinfo(dtype).min + 1, np.iinfo(dtype).max + 1, shape)
        count = 1 if axis is None else shape[axis]
        scales = (self.generator.random(count) * 0.01 + 0.002).astype(np.float32)
        whole = [1] * len(shape)
        if axis is not None:
            whole[axis] = count
        values = (codes - zero) * scales.astype(np.float64).reshape(whole)
        scale = self.constant(scales if axis is not None else scales[0], "scale")
        zeros = self.constant(np.full(count, zero, dtype) if axis is not None else np.array(zero, dtype), "zero")
        attributes = {} if axis is None else {"axis": axis}
        stored = self.constant(values.astype(np.float32) if as_floats else codes.astype(dtype), "w")
        if as_floats:
            stored = self.add("QuantizeLinear", [stored, scale, zeros], codes, **attributes)
        return self.add("DequantizeLinear", [stored, scale, zeros], values, **attributes), scales

    def whole_bias(self, rows, x_scale, scales):
        """i32 codes, whose scale is x's times the weight's."""
        codes = self.generator.integers(-2000, 2000, rows).astype(np.int32)
        scale = (np.float32(x_scale) * scales).astype(np.float32)
        one = scale.size == 1
        return self.add("DequantizeLinear", [self.constant(codes, "bias"), self.constant(scale[0] if one else scale, "scale")],
                        codes * scale.astype(np.float64), axis=0)

    def conv(self, x, channels, size=3, pads=1, stride=1, group=1, axis=0, bias="f32", **kind):
        in_channels = self.values[x].shape[1]
        weight, scales = self.weight((channels, in_channels // group, size, size), axis, **kind)
        value = convolved(self.values[x], self.values[weight], pads, stride, group)
        inputs = [x, weight]
        if bias == "i32":
            inputs.append(self.whole_bias(channels, self.step_of(x), scales))
        elif bias == "f32":
            numbers = self.generator.normal(0, 0.3, channels).astype(np.float32)
            inputs.append(self.constant(numbers, "bias"))
            self.values[inputs[2]] = numbers.astype(np.float64)
        if bias is not None:
            value = value + self.values[inputs[2]][:, None, None]
        return self.add("Conv", inputs, value, kernel_shape=[size, size], pads=[pads] * 4, strides=[stride, stride], group=group)

    def step_of(self, dequantized):
        node = next(node for node in self.nodes if node.output[0] == dequantized)
        scale = next(c for c in self.initializers if c.name == node.input[1])
        return float(numpy_helper.to_array(scale))

    def linear(self, x, rows, form, axis=None, bias="f32", **kind):
        """`form`: Gemm, Gemm transB, MatMul, or MatMul with the weight behind a Transpose."""
        columns = self.values[x].shape[-1]
        by_rows = form in ("Gemm transB", "MatMul Transpose")
        by_axis = {None: None, "rows": 0 if by_rows else 1}[axis]
        weight, scales = self.weight((rows, columns) if by_rows else (columns, rows), by_axis, **kind)
        matrix = self.values[weight].T if by_rows else self.values[weight]
        value, numbers = self.values[x] @ matrix, self.generator.normal(0, 1, rows).astype(np.float32)
        if form == "MatMul Transpose":
            weight = self.add("Transpose", [weight], matrix, perm=[1, 0])
        if bias == "i32":
            bias = self.whole_bias(rows, self.step_of(x), scales)
        elif bias == "f32":
            bias = self.constant(numbers, "bias")
            self.values[bias] = numbers.astype(np.float64)
        if form.startswith("Gemm"):
            value = value if bias is None else value + self.values[bias]
            return self.add("Gemm", [x, weight] + ([] if bias is None else [bias]), value, transB=int(by_rows))
        product = self.add("MatMul", [x, weight], value)
        return product if bias is None else self.sum(product, bias)

    def relu(self, x):
        return self.add("Relu", [x], np.maximum(self.values[x], 0))

    def clip(self, x, low, high):
        return self.add("Clip", [x, *(self.constant(np.float32(bound)) for bound in (low, high))], np.clip(self.values[x], low, high))

    def sum(self, a, b):
        return self.add("Add", [a, b], self.values[a] + self.values[b])

    def function(self, op, x, function, **attributes):
        return self.add(op, [x], function(self.values[x]), **attributes)

    def constants_of(self, *parts):
        """Scales and zeros as inputs."""
        return [self.constant(part) for part in parts]

    def codes_conv(self, x, step, zero, channels, dtype, weight_dtype=np.int8, weight_zero=0, group=1):
        """QLinearConv of codes, with a scale for each output and biases; its codes, their scale and zero."""
        codes = self.values[x]
        weight = self.generator.integers(np.iinfo(weight_dtype).min, np.iinfo(weight_dtype).max + 1,
                                         (channels, codes.shape[1] // group, 3, 3)).astype(weight_dtype)
        scales = (self.generator.random(channels) * 0.01 + 0.002).astype(np.float32)
        bias = self.generator.integers(-3000, 3000, channels).astype(np.int32)
        sums = convolved(codes.astype(np.float64) - zero, weight.astype(np.float64) - weight_zero, 1, 1, group)
        sums += bias[:, None, None]
        reals = sums * step * scales[:, None, None]
        low, high = reals.min(), reals.max()
        y_scale = np.float32((high - low) / 300)  # some are held in the range
        y_zero = int(np.rint(-low / y_scale) * 0.8) // 2 * 2 + 1 + np.iinfo(dtype).min  # odd: halves show where it is added
        factors = (np.float32(step) * scales / y_scale).astype(np.float64)
        y = np.clip(np.rint(sums * factors[:, None, None] + y_zero), np.iinfo(dtype).min, np.iinfo(dtype).max)
        inputs = [x, *self.constants_of(np.float32(step), np.array(zero, codes.dtype), weight, scales,
                                        np.full(channels, weight_zero, weight_dtype), y_scale, np.array(y_zero, dtype), bias)]
        name = self.add("QLinearConv", inputs, y.astype(dtype), pads=[1] * 4, kernel_shape=[3, 3], group=group)
        return name, float(y_scale), y_zero

    def codes_product(self, x, step, zero, rows, dtype):
        """QLinearMatMul of codes with a constant."""
        codes = self.values[x]
        weight = self.generator.integers(0, 256, (codes.shape[-1], rows)).astype(np.uint8)
        scales = (self.generator.random(rows) * 0.01 + 0.002).astype(np.float32)
        sums = (codes.astype(np.float64) - zero) @ (weight.astype(np.float64) - 128)
        y_scale = np.float32(np.abs(sums * step * scales).max() / 120)
        y_zero = 3 if dtype == np.int8 else 131
        factors = ((np.float32(step) * scales) / y_scale).astype(np.float64)
        y = np.clip(np.rint(sums * factors + y_zero), np.iinfo(dtype).min, np.iinfo(dtype).max)
        inputs = [x, *self.constants_of(np.float32(step), np.array(zero, codes.dtype), weight, scales,
                                        np.full(rows, 128, np.uint8), y_scale, np.array(y_zero, dtype))]
        return self.add("QLinearMatMul", inputs, y.astype(dtype))

    def difference(self, a, b):
        return self.add("Sub", [a, b], self.values[a] - self.values[b])

    def product(self, a, b):
        return self.add("Mul", [a, b], self.values[a] * self.values[b])

    def max_pool(self, x, size=2):
        n, c, h, w = self.values[x].shape
        value = self.values[x].reshape(n, c, h // size, size, w // size, size).max((3, 5))
        return self.add("MaxPool", [x], value, kernel_shape=[size, size], strides=[size, size])

    def concat(self, parts, axis=1):
        return self.add("Concat", parts, np.concatenate([self.values[part] for part in parts], axis), axis=axis)

    def dynamic(self, x, shape, **attributes):
        """A product of integers whose scale and zero x has in each run; with one scale for each output, and a bias."""
        conv = len(shape) == 4
        rows = (shape[0], 1, 1) if conv else shape[1:]
        outputs = [f"{part}{len(self.nodes)}" for part in ("codes", "scale_of_x", "zero_of_x")]
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], outputs))
        low, high = min(self.values[x].min(), 0), max(self.values[x].max(), 0)
        scale = (high - low) / 255
        codes = np.clip(np.rint(self.values[x] / scale) + np.rint(-low / scale), 0, 255) - np.rint(-low / scale)
        weight = self.generator.integers(-127, 128, shape)
        scales = (self.generator.random(rows) * 0.01 + 0.002).astype(np.float32)
        bias = self.generator.normal(0, 1, rows).astype(np.float32)
        whole = convolved(codes, weight, attributes["pads"][0], 1, 1) if conv else codes @ weight
        inputs = [outputs[0], self.constant(weight.astype(np.int8), "w"), outputs[2]]
        sums = self.add("ConvInteger" if conv else "MatMulInteger", inputs, whole, **attributes)
        cast = self.add("Cast", [sums], whole, to=TensorProto.FLOAT)
        factors = self.add("Mul", [outputs[1], self.constant(scales, "scale")], scale * scales)
        return self.add("Add", [self.add("Mul", [cast, factors], whole * scale * scales), self.constant(bias, "bias")],
                        whole * scale * scales + bias)

    def save(self, path):
        def info(name, array):
            sizes = [self.rows_name or array.shape[0], *array.shape[1:]]
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), sizes)

        graph = helper.make_graph(self.nodes, "codes", [info(n, a) for n, a in self.inputs.items()],
                                  [info(n, a) for n, a in self.outputs.items()], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.checker.check_model(model)
        onnx.save(model, path)


class OnnxCodes(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def computed(self, network, *options):
        """Outputs by name, and the ops of the plan's layers."""
        for name, array in network.inputs.items():
            np.save(self.folder / f"{name}.npy", array)
        network.save(self.folder / "codes.onnx")
        given = [word for name in network.inputs for word in ("--input", f"{name}={self.folder / name}.npy")]
        done = subprocess.run([PROGRAM, "exec", self.folder / "codes.onnx", *given, *ONCE, "--output", self.folder / "out",
                               "--export-layer-info", self.folder / "layers.json", *options],
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        layers = [layer["LayerType"] for layer in json.loads((self.folder / "layers.json").read_text())["Layers"]]
        return {name: np.load(self.folder / "out" / f"{name}.npy") for name in network.outputs}, layers

    def expect(self, network, layers):
        """The codes that the network means, from exactly these layers; and from its passes left out."""
        codes, found = self.computed(network)
        self.assertEqual(sorted(found), sorted(layers))
        floats, without = self.computed(network, "--disable-pass", "propagate_quantization", "--disable-pass", "fuse_codes")
        self.assertFalse({"ConvCodes", "LinearCodes"} & set(without))
        moved, _ = self.computed(network, "--disable-pass", "fuse_codes")
        for name in network.outputs:  # propagate_quantization keeps every bit
            np.testing.assert_array_equal(moved[name], floats[name])
        self.expect_codes(network, codes)
        self.expect_codes(network, floats)

    def expect_codes(self, network, results):
        for name, expected in network.outputs.items():
            self.assertEqual(results[name].dtype, expected.dtype)
            off = np.abs(results[name].astype(np.int64) - expected.astype(np.int64))
            self.assertLessEqual(off.max(), 1, name)
            self.assertLessEqual(np.count_nonzero(off), MOST_OFF * off.size, name)

    def test_convolutions_with_a_residual_and_pooling(self):
        network = Network(1)
        x = network.pair(network.input(2, 3, 24, 24))
        x = network.pair(network.relu(network.conv(x, 16, bias="i32")))
        x = network.pair(network.max_pool(x), scale=network.step_of(x), zero=0)
        y = network.pair(network.relu(network.conv(x, 16, bias="i32")))
        y = network.relu(network.sum(network.conv(y, 16, bias="i32"), x))
        y = network.pair(network.conv(network.pair(y), 16, group=16, stride=2))
        network.finish(network.conv(y, 24, size=1, pads=0))
        self.expect(network, ["QuantizeLinear", "MaxPool"] + ["ConvCodes"] * 5)

    def test_signed_codes_and_one_scale_for_all_weights(self):
        network = Network(2)
        x = network.pair(network.input(1, 8, 15, 15), np.int8)
        x = network.pair(network.clip(network.conv(x, 12, axis=None, bias=None), 0, 6), np.int8)
        x = network.pair(network.conv(x, 12, group=3, axis=None), np.int8)
        network.finish(network.relu(network.conv(x, 9, stride=2, axis=None, bias="i32")), np.int8)
        self.expect(network, ["QuantizeLinear"] + ["ConvCodes"] * 3)

    def test_branches_that_are_joined(self):
        network = Network(3)
        x = network.pair(network.relu(network.conv(network.pair(network.input(1, 4, 16, 16)), 8)))
        parts = [network.relu(network.conv(x, 8)), network.conv(x, 4, size=1, pads=0)]
        y = network.pair(network.concat(parts))
        z = network.pair(network.max_pool(x), scale=network.step_of(x), zero=0)
        self.assertEqual(network.values[z].shape[2:], (8, 8))
        y = network.pair(network.conv(network.max_pool(y), 8), scale=network.step_of(z), zero=0)
        network.finish(network.conv(network.concat([y, z]), 6), np.int8)
        self.expect(network, ["QuantizeLinear", "Concat", "MaxPool", "MaxPool", "Concat"] + ["ConvCodes"] * 5)

    def test_multilayer_perceptron(self):
        for dtype in (np.uint8, np.int8):
            network = Network(4)
            network.rows_name = "N"
            x = network.pair(network.input(37, 40), dtype)
            x = network.pair(network.relu(network.linear(x, 64, "Gemm transB", axis="rows", bias="i32")), dtype)
            x = network.pair(network.relu(network.linear(x, 48, "Gemm", axis="rows")), dtype)
            y = network.sum(network.linear(x, 48, "MatMul Transpose", as_floats=True), x)
            network.finish(network.linear(network.pair(y, dtype), 33, "Gemm", dtype=np.uint8, zero=128, bias=None), dtype)
            self.expect(network, ["QuantizeLinear"] + ["LinearCodes"] * 4)

    def test_sums_differences_and_products_of_codes(self):
        """A residual whose two sides are codes, and a gate of channels: bit-equal to the nodes in float32."""
        for dtype in (np.uint8, np.int8):
            network = Network(8)
            a = network.pair(network.input(2, 8, 17, 16), dtype)
            b = network.pair(network.input(2, 8, 17, 16), np.uint8)
            y = network.pair(network.clip(network.sum(a, b), -1, 4), dtype)
            gate = network.pair(network.input(2, 8, 1, 1), np.int8)
            z = network.pair(network.relu(network.product(y, gate)), dtype)
            network.finish(network.difference(z, a), dtype)
            layers = ["QuantizeLinear"] * 3 + ["AddCodes", "MulCodes", "SubCodes"]
            self.expect(network, layers)
            codes, _ = self.computed(network)
            others, found = self.computed(network, "--disable-pass", "fuse_code_functions")
            self.assertFalse({"AddCodes", "MulCodes", "SubCodes"} & set(found))
            for name, array in codes.items():
                np.testing.assert_array_equal(array, others[name])

    def test_functions_of_codes_are_tables(self):
        network = Network(9)
        x = network.pair(network.input(2, 6, 15, 15), np.int8)
        y = network.pair(network.function("Sigmoid", x, lambda v: 1 / (1 + np.exp(-v))), np.uint8)
        y = network.pair(network.product(x, y), np.int8)
        z = network.function("HardSwish", x, lambda v: v * np.clip(v / 6 + 0.5, 0, 1))
        z = network.pair(network.product(z, network.constant_of(0.75)), np.uint8)
        leaky = network.function("LeakyRelu", x, lambda v: np.where(v < 0, v * np.float32(0.2), v), alpha=0.2)
        parts = [y, z, network.pair(leaky, np.uint8)]
        network.finish(network.concat(parts), np.uint8)  # of other scales than the parts have
        self.expect(network, ["QuantizeLinear"] + ["MapCodes"] * 3 + ["Concat"])
        codes, _ = self.computed(network)
        others, found = self.computed(network, "--disable-pass", "tabulate_codes")
        self.assertNotIn("MapCodes", found)
        for name, array in codes.items():
            np.testing.assert_array_equal(array, others[name])

    def test_operators_on_codes(self):
        """QLinearConv and QLinearMatMul: every bit is what ONNX says, as the kernels of their own give it."""
        for dtype in (np.uint8, np.int8):
            network = Network(10)
            x = network.input(2, 4, 13, 13)
            scale, zero = network.scale_for(x, dtype)
            x, scale, zero = network.codes_conv(network.quantize(x, scale, zero, dtype), float(scale), zero, 12, dtype)
            x, scale, zero = network.codes_conv(x, scale, zero, 12, dtype, np.uint8, 128, group=3)
            x, scale, zero = network.codes_conv(x, scale, zero, 12, np.uint8, group=12)
            x, scale, zero = network.codes_conv(x, scale, zero, 6, dtype, np.uint8, 90)  # in two parts
            x = network.add("Flatten", [x], network.values[x].reshape(12, -1), axis=2)
            y = network.codes_product(x, scale, zero, 19, dtype)
            network.outputs[y] = network.values[y]
            results, layers = self.computed(network)
            self.assertEqual([layer for layer in layers if layer != "Reshape"],
                             ["QuantizeLinear"] + ["ConvCodes"] * 3 + ["Concat", "ConvCodes", "LinearCodes"])
            others, layers = self.computed(network, "--disable-pass", "lower_quantized_products")
            self.assertTrue({"QLinearConv", "QLinearMatMul"} <= set(layers))
            for found in (results, others):
                np.testing.assert_array_equal(found[y], network.outputs[y])

    def test_products_of_rows_in_three_dimensions(self):
        network = Network(5)
        x = network.pair(network.input(2, 7, 32), np.int8)
        x = network.pair(network.linear(x, 64, "MatMul", axis="rows"), np.int8)
        network.finish(network.linear(x, 32, "MatMul Transpose", axis="rows", bias=None), np.int8)
        self.expect(network, ["QuantizeLinear"] + ["LinearCodes"] * 2)

    def test_scales_that_a_run_computes(self):
        """As DynamicQuantizeLinear exports are written: every bit is that of the integer ops one after another."""
        network = Network(7)
        x = network.input(1, 8, 14, 14)
        x = network.relu(network.dynamic(x, (12, 8, 3, 3), pads=[1, 1, 1, 1]))
        x = network.add("Flatten", [x], network.values[x].reshape(12, -1), axis=2)
        y = network.dynamic(x, (196, 50))
        network.outputs[y] = network.values[y].astype(np.float32)
        results, layers = self.computed(network)
        self.assertEqual([layer for layer in layers if layer.endswith("Codes")], ["ConvCodes", "LinearCodes"])
        self.assertFalse({"ConvInteger", "MatMulInteger"} & set(layers))
        others, layers = self.computed(network, "--disable-pass", "fuse_integer_products")
        self.assertTrue({"ConvInteger", "MatMulInteger"} <= set(layers))
        for name, array in results.items():
            np.testing.assert_array_equal(array, others[name])
            np.testing.assert_allclose(array, network.outputs[name], rtol=1e-4, atol=1e-3)

    def test_what_stays_in_float(self):
        network = Network(6)
        x = network.pair(network.input(5, 16))
        x = network.pair(network.linear(x, 16, "Gemm", dtype=np.uint8, zero=100, axis="rows"))
        network.finish(network.linear(x, 16, "MatMul", dtype=np.uint8, zero=140))
        _, layers = self.computed(network)
        self.assertNotIn("LinearCodes", layers)
        self.assertEqual(layers.count("DequantizeLinear"), 2)  # of x; weights are constants
        self.expect(network, layers)
        results, layers = self.computed(network, "--disable-pass", "fold_weights")
        self.assertEqual(layers.count("DequantizeLinear"), 4)
        self.expect_codes(network, results)


if __name__ == "__main__":
    unittest.main()
