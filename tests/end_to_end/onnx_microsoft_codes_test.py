"""Ops of com.microsoft on matrices of codes in a network that `lathe exec` runs, against NumPy as ONNX Runtime's processor
kernels compute them: products, rows that are gathered, mixtures of experts."""
import math
import unittest

import ml_dtypes
import numpy as np
from onnx import helper
from onnx_ops import OpTest

EXPERTS, WIDTH, INNER, TOKENS = 4, 32, 64, 5


def packed(codes, bits):
    """Along the last axis, the first one lowest."""
    count = 8 // bits
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % count)])
    return sum(codes[..., i::count].astype(np.uint8) << (i * bits) for i in range(count)).astype(np.uint8)


def over_blocks(factors, axis, block, size):
    return np.take(np.repeat(factors, block, axis), range(size), axis)


class Products(OpTest):
    def test_bits_and_zero_points(self):
        rows, width, block = 10, 96, 32
        x = self.floats(1, 3, width) / 16
        for bits in (2, 4, 8):
            codes = self.generator.integers(0, 1 << bits, (rows, width))
            scales = np.abs(self.floats(rows, width // block)) / 16
            whole, real = self.generator.integers(0, 1 << bits, scales.shape), self.floats(*scales.shape)
            bias = self.floats(rows)
            for zeros, stored in ((np.full(scales.shape, 1 << (bits - 1)), None), (whole, packed(whole, bits)), (real, real)):
                matrix = (codes - over_blocks(zeros, 1, block, width)) * over_blocks(scales, 1, block, width)
                constants = {"codes": packed(codes.reshape(rows, -1, block), bits), "scales": scales, "bias": bias}
                slots = ["x", "codes", "scales", "" if stored is None else "zeros", "", "bias"]
                if stored is not None:
                    constants["zeros"] = stored
                node = helper.make_node("MatMulNBits", slots, ["y"], domain="com.microsoft", K=width, N=rows, bits=bits,
                                        block_size=block)
                with self.subTest((bits, stored is None)):
                    self.expect([node], constants, {"x": x}, {"y": (x @ matrix.T + bias).astype(np.float32)})

    def test_what_is_not_computed_is_refused_by_name(self):
        constants = {"codes": np.zeros((4, 1, 16), np.uint8), "scales": np.ones((4, 1), np.float32), "order": np.zeros(32, np.int32)}
        words = {"K": 32, "N": 4, "bits": 4, "block_size": 32}
        for slots, more, message in ((["x", "codes", "scales", "", "order"], {}, "g_idx"),
                                     (["x", "codes", "scales"], {"weight_prepacked": 1}, "weight_prepacked"),
                                     (["x", "codes", "scales"], {"bits": 3}, "2, 4 or 8 bits")):
            node = helper.make_node("MatMulNBits", slots, ["y"], domain="com.microsoft", **(words | more))
            self.expect_refused([node], constants, {"x": self.floats(1, 32)}, message)


class Recurrences(OpTest):
    def test_lstm_is_that_of_the_numbers_that_the_codes_mean(self):
        rows, batch, width, hidden = 4, 2, 6, 5
        x = self.floats(rows, batch, width)
        for kind, by_row, zeros in ((np.int8, False, False), (np.uint8, True, True)):
            shape = (2, 4 * hidden) if by_row else (2,)
            constants, matrices = {"b": self.floats(2, 8 * hidden)}, []
            for name, columns in (("w", width), ("r", hidden)):
                low, high = np.iinfo(kind).min, np.iinfo(kind).max + 1
                codes = self.generator.integers(low, high, (2, columns, 4 * hidden)).astype(kind)
                scale = (np.abs(self.floats(*shape)) / 128).astype(np.float32)
                zero = self.generator.integers(low, high, shape).astype(kind) if zeros else np.zeros(shape, kind)
                constants |= {name: codes, name + "_scale": scale, name + "_zero": zero}
                wide = (2, 1, 4 * hidden) if by_row else (2, 1, 1)
                matrices.append(((codes.astype(np.float64) - zero.reshape(wide)) * scale.reshape(wide)).transpose(0, 2, 1))
            node = helper.make_node("DynamicQuantizeLSTM", ["x", "w", "r", "b", "", "", "", "", "w_scale", "w_zero", "r_scale",
                                                            "r_zero"],
                                    ["y", "h", "c"], domain="com.microsoft", hidden_size=hidden, direction="bidirectional")
            with self.subTest(kind.__name__):
                self.expect([node], constants, {"x": x}, lstm(x.astype(np.float64), *matrices, constants["b"]))

    def test_weights_without_scales_are_refused(self):
        constants = {"w": np.zeros((1, 3, 8), np.int8), "r": np.zeros((1, 2, 8), np.int8)}
        node = helper.make_node("DynamicQuantizeLSTM", ["x", "w", "r"], ["y"], domain="com.microsoft", hidden_size=2)
        self.expect_refused([node], constants, {"x": self.floats(1, 1, 3)}, "has no input 8")


def lstm(x, w, r, b):
    """y, h and c of an LSTM in two directions, in double; gates i, o, f, c."""
    def sigmoid(v):
        return 1 / (1 + np.exp(-v))
    ys, hs, cs = [], [], []
    for direction in range(2):
        h = c = np.zeros((x.shape[1], r.shape[2]))
        y = np.zeros((x.shape[0], *h.shape))
        for row in range(x.shape[0])[::-1 if direction else 1]:
            i, o, f, g = np.split(x[row] @ w[direction].T + h @ r[direction].T + sum(np.split(b[direction], 2)), 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            y[row] = h
        ys.append(y), hs.append(h), cs.append(c)
    return {"y": np.stack(ys, 1).astype(np.float32), "h": np.stack(hs).astype(np.float32),
            "c": np.stack(cs).astype(np.float32)}


class Gathered(OpTest):
    def check(self, shape, bits=4, block=16, gather=0, quantize=-1, zeros=False, native=None):
        axis = quantize % len(shape)
        least, most = (-8, 8) if native == "int4" else (0, 1 << bits)
        codes = self.generator.integers(least, most, shape)
        scale_shape = list(shape)
        scale_shape[axis] = -(-shape[axis] // block)
        scales = np.abs(self.floats(*scale_shape))
        points = self.generator.integers(least, most, scale_shape) if zeros else np.full(scale_shape, 0 if native else 1 << (bits - 1))
        stored = (lambda a: a.astype(getattr(ml_dtypes, native))) if native else (lambda a: packed(a, bits))
        constants = {"codes": stored(codes), "scales": scales} | ({"zeros": stored(points)} if zeros else {})
        indices = np.array([[1, -2], [0, 5]], np.int64)
        matrix = (codes - over_blocks(points, axis, block, shape[axis])) * over_blocks(scales, axis, block, shape[axis])
        node = helper.make_node("GatherBlockQuantized", ["codes", "indices"] + list(constants)[1:], ["y"], domain="com.microsoft",
                                gather_axis=gather, quantize_axis=quantize, block_size=block, bits=bits)
        self.expect([node], constants, {"indices": indices}, {"y": np.take(matrix, indices, gather).astype(np.float32)})

    def test_bytes_of_codes(self):
        for bits in (2, 4, 8):
            for zeros in (False, True):
                with self.subTest((bits, zeros)):
                    self.check((6, 48), bits, zeros=zeros)

    def test_types_of_four_bits(self):
        for native in ("int4", "uint4"):
            for zeros in (False, True):
                with self.subTest((native, zeros)):
                    self.check((6, 24), native=native, zeros=zeros)
        self.check((32, 6), gather=1, quantize=0, zeros=True, native="uint4")
        self.check((3, 6, 32), gather=1, quantize=2, zeros=True, native="uint4")

    def test_a_row_that_is_not_there_is_refused(self):
        node = helper.make_node("GatherBlockQuantized", ["codes", "indices", "scales"], ["y"], domain="com.microsoft", name="embedding",
                                block_size=16)
        constants = {"codes": np.zeros((4, 8), np.uint8), "scales": np.ones((4, 1), np.float32)}
        self.expect_refused([node], constants, {"indices": np.array([4], np.int64)}, "embedding")


class Experts(OpTest):
    def matrices(self, rows, columns, bits, block, zeros):
        """The constants codes, scales and zero points, and what they mean."""
        codes = self.generator.integers(0, 1 << bits, (EXPERTS, rows, columns))
        scales = np.abs(self.floats(EXPERTS, rows, columns // block) if block else self.floats(EXPERTS, rows)) / 32
        points = self.generator.integers(0, 1 << bits, scales.shape) if zeros else np.full(scales.shape, 1 << (bits - 1))
        wide = [over_blocks(a, 2, block, columns) if block else a[..., None] for a in (scales, points)]
        return packed(codes, bits), scales, packed(points, bits), (codes - wide[1]) * wide[0]

    def check(self, activation="relu", k=2, bits=4, block=0, zeros=False, bias=False, batched=False, **settings):
        gated = activation == "swiglu"
        constants, matrices = {}, []
        for name, rows, columns in (("1", INNER * (2 if gated else 1), WIDTH), ("2", WIDTH, INNER)):
            codes, scales, points, matrix = self.matrices(rows, columns, bits, block, zeros)
            constants |= {"w" + name: codes, "s" + name: scales} | ({"z" + name: points} if zeros else {})
            added = self.floats(EXPERTS, rows) if bias else np.zeros((EXPERTS, rows))
            constants |= {"b" + name: added} if bias else {}
            matrices.append((matrix, added))
        x, router = self.floats(TOKENS, WIDTH), self.floats(TOKENS, EXPERTS)
        y = np.zeros((TOKENS, WIDTH))
        for t in range(TOKENS):
            chosen = np.argsort(-router[t])[:k]
            shares = np.exp(router[t][chosen] - router[t].max())
            for expert, share in zip(chosen, shares / shares.sum()):
                (first, first_bias), (second, second_bias) = matrices
                h = first[expert] @ x[t] + first_bias[expert]
                if activation == "relu":
                    h = np.maximum(h, 0)
                elif activation == "silu":
                    h = h / (1 + np.exp(-h))
                elif activation == "gelu":
                    h = h * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h ** 3)))
                elif gated:
                    limit = settings.get("swiglu_limit", np.inf)
                    gate, linear = np.minimum(h[0::2], limit), np.clip(h[1::2], -limit, limit)
                    h = gate / (1 + np.exp(-settings.get("activation_alpha", 1) * gate)) * (linear + settings.get("activation_beta", 0))
                y[t] += share * (second[expert] @ h + second_bias[expert])
        slots = ["x", "router"] + [name if name in constants else "" for name in
                                   ("w1", "s1", "b1", "w2", "s2", "b2", "", "", "", "z1", "z2")]
        while not slots[-1]:
            slots.pop()
        words = {"k": k, "activation_type": activation, "expert_weight_bits": bits} | ({"block_size": block} if block else {}) | settings
        if gated:
            words["swiglu_fusion"] = 1
        node = helper.make_node("QMoE", slots, ["y"], domain="com.microsoft", **words)
        inputs = {"x": x[None] if batched else x, "router": router}
        self.expect([node], constants, inputs, {"y": (y[None] if batched else y).astype(np.float32)})

    def test_codes(self):
        for bits in (2, 4, 8):
            for block in (0, 16):
                for zeros in (False, True):
                    with self.subTest((bits, block, zeros)):
                        self.check(bits=bits, block=block, zeros=zeros)

    def test_activations(self):
        for activation in ("relu", "silu", "gelu", "identity"):
            with self.subTest(activation):
                self.check(activation, bias=True, batched=True)
        self.check("swiglu", bias=True, block=16, activation_alpha=1.702, activation_beta=1.0, swiglu_limit=1.0)
        self.check("swiglu", k=1)
        self.check("silu", k=EXPERTS, normalize_routing_weights=1)

    def test_what_is_not_computed_is_refused_by_name(self):
        codes, scales, _, _ = self.matrices(INNER, WIDTH, 4, 0, False)
        second, second_scales, _, _ = self.matrices(WIDTH, INNER, 4, 0, False)
        constants = {"w1": codes, "s1": scales, "w2": second, "s2": second_scales}
        inputs = {"x": self.floats(TOKENS, WIDTH), "router": self.floats(TOKENS, EXPERTS)}
        for words, message in (({"quant_type": "fp4"}, "quant_type"), ({"use_sparse_mixer": 1}, "use_sparse_mixer"),
                               ({"activation_type": "swiglu"}, "swiglu_fusion 1"), ({"k": 5}, "k is outside"),
                               ({"weights_prepacked": 1}, "weights_prepacked")):
            node = helper.make_node("QMoE", ["x", "router", "w1", "s1", "", "w2", "s2"], ["y"], domain="com.microsoft",
                                    **({"k": 1, "expert_weight_bits": 4} | words))
            self.expect_refused([node], constants, inputs, message)


if __name__ == "__main__":
    unittest.main()
