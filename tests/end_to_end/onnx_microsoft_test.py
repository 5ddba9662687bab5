"""The ops of com.microsoft in a network that `lathe exec` runs as it stands, against NumPy: norms that add, activations and
rotation."""
import math
import unittest

import numpy as np
from onnx import helper
from onnx_ops import OpTest

TOKENS, WIDTH = 3, 64


def normalized(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


class OnnxMicrosoft(OpTest):
    def test_norms(self):
        x, skip = self.floats(1, TOKENS, WIDTH), self.floats(1, TOKENS, WIDTH)
        weight, bias = self.floats(WIDTH), self.floats(WIDTH)
        nodes = [helper.make_node("SimplifiedLayerNormalization", ["x", "weight"], ["alone"], epsilon=1e-3, axis=-1),
                 helper.make_node("SkipSimplifiedLayerNormalization", ["x", "skip", "weight", "bias"], ["normed", "", "", "sum"],
                                  domain="com.microsoft", epsilon=1e-3)]
        total = x + skip + bias
        self.expect(nodes, {"weight": weight, "bias": bias}, {"x": x, "skip": skip},
                    {"alone": normalized(x, weight, 1e-3), "normed": normalized(total, weight, 1e-3), "sum": total})

    def test_layer_norms(self):
        x, skip = self.floats(2, TOKENS, WIDTH), self.floats(1, TOKENS, WIDTH)
        gamma, beta, bias = (self.floats(WIDTH) for _ in range(3))
        for names, total in ((["gamma"], x + skip), (["gamma", "beta"], x + skip), (["gamma", "beta", "bias"], x + skip + bias)):
            node = helper.make_node("SkipLayerNormalization", ["x", "skip", *names], ["y", "", "", "sum"], domain="com.microsoft",
                                    epsilon=1e-3)
            centred = total - total.mean(-1, keepdims=True)
            y = centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-3) * gamma + (beta if len(names) > 1 else 0)
            constants = {"gamma": gamma, "beta": beta, "bias": bias}
            self.expect([node], {name: constants[name] for name in names}, {"x": x, "skip": skip}, {"y": y, "sum": total})

    def test_activations(self):
        x, bias = self.floats(2, WIDTH), self.floats(WIDTH)
        exact = np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2))))
        y = {"plain": exact(x), "biased": exact(x + bias), "quick": x / (1 + np.exp(-1.702 * x)), "own": x / (1 + np.exp(-0.5 * x))}
        for name, v in (("fast", x), ("fast_biased", x + bias)):
            y[name] = v * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3)))
        nodes = [helper.make_node(op, slots, [name], domain="com.microsoft", **words) for op, slots, name, words in
                 (("Gelu", ["x"], "plain", {}), ("BiasGelu", ["x", "bias"], "biased", {}), ("QuickGelu", ["x"], "quick", {}),
                  ("QuickGelu", ["x"], "own", {"alpha": 0.5}), ("FastGelu", ["x"], "fast", {}),
                  ("FastGelu", ["x", "bias"], "fast_biased", {}))]
        self.expect(nodes, {"bias": bias}, {"x": x}, {name: array.astype(np.float32) for name, array in y.items()})

    def test_rotation(self):
        heads, half = 2, WIDTH // 4
        x, positions = self.floats(1, TOKENS, WIDTH), np.array([[4, 0, 2]], np.int64)
        cosines, sines = self.floats(5, half), self.floats(5, half)
        cosine, sine = cosines[positions[0], None], sines[positions[0], None]
        by_head = x.reshape(1, TOKENS, heads, 2 * half)
        a, b = by_head[..., :half], by_head[..., half:]
        expected = np.concatenate([a * cosine - b * sine, b * cosine + a * sine], -1).reshape(x.shape)
        node = helper.make_node("RotaryEmbedding", ["x", "positions", "cosines", "sines"], ["y"], domain="com.microsoft")
        self.expect([node], {"cosines": cosines, "sines": sines}, {"x": x, "positions": positions}, {"y": expected})


if __name__ == "__main__":
    unittest.main()
