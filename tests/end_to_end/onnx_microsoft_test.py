"""The ops of com.microsoft in a network that `lathe exec` runs as it stands, against NumPy: products by codes with every
kind of zero point, norms that add, and rotation."""
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
TOKENS, WIDTH, ROWS, BLOCK = 3, 64, 10, 32


def normalized(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


class OnnxMicrosoft(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.generator = np.random.default_rng(3)

    def expect(self, nodes, constants, inputs, expected):
        """The nodes' outputs of `expected`'s names."""
        def info(name, array):
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

        for name, array in inputs.items():
            np.save(self.folder / f"{name}.npy", array)
        graph = helper.make_graph(nodes, "ops", [info(n, a) for n, a in inputs.items()], [info(n, a) for n, a in expected.items()],
                                  [numpy_helper.from_array(a, n) for n, a in constants.items()])
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=11), self.folder / "ops.onnx")
        given = [word for name in inputs for word in ("--input", f"{name}={self.folder / name}.npy")]
        done = subprocess.run([PROGRAM, "exec", self.folder / "ops.onnx", *given, *ONCE, "--output", self.folder / "out"],
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, array in expected.items():
            np.testing.assert_allclose(np.load(self.folder / "out" / f"{name}.npy"), array, rtol=2e-5, atol=2e-5)

    def floats(self, *shape):
        return self.generator.normal(0, 1, shape).astype(np.float32)

    def test_products_by_codes(self):
        x = self.floats(1, TOKENS, WIDTH)
        for bits in (4, 8):
            codes = self.generator.integers(0, 1 << bits, (ROWS, WIDTH))
            blocks = codes.reshape(ROWS, WIDTH // BLOCK, BLOCK)
            packed = blocks.astype(np.uint8) if bits == 8 else (blocks[..., 0::2] | blocks[..., 1::2] << 4).astype(np.uint8)
            scales = np.abs(self.floats(ROWS, WIDTH // BLOCK))
            whole = self.generator.integers(0, 1 << bits, scales.shape)
            packed_zeros = whole.astype(np.uint8) if bits == 8 else (whole[:, 0::2] | whole[:, 1::2] << 4).astype(np.uint8)
            real = self.floats(*scales.shape)
            for zeros, stored in ((np.full(scales.shape, 1 << (bits - 1)), None), (whole, packed_zeros), (real, real)):
                matrix = ((blocks - zeros[..., None]) * scales[..., None]).reshape(ROWS, WIDTH)
                constants = {"codes": packed, "scales": scales} | ({} if stored is None else {"zeros": stored})
                node = helper.make_node("MatMulNBits", ["x", *constants], ["y"], domain="com.microsoft", K=WIDTH, N=ROWS,
                                        bits=bits, block_size=BLOCK)
                expected = x @ matrix.T.astype(np.float32)
                self.expect([node], constants, {"x": x / 64}, {"y": expected / 64})

    def test_norms(self):
        x, skip = self.floats(1, TOKENS, WIDTH), self.floats(1, TOKENS, WIDTH)
        weight, bias = self.floats(WIDTH), self.floats(WIDTH)
        nodes = [helper.make_node("SimplifiedLayerNormalization", ["x", "weight"], ["alone"], epsilon=1e-3, axis=-1),
                 helper.make_node("SkipSimplifiedLayerNormalization", ["x", "skip", "weight", "bias"], ["normed", "", "", "sum"],
                                  domain="com.microsoft", epsilon=1e-3)]
        total = x + skip + bias
        self.expect(nodes, {"weight": weight, "bias": bias}, {"x": x, "skip": skip},
                    {"alone": normalized(x, weight, 1e-3), "normed": normalized(total, weight, 1e-3), "sum": total})

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
