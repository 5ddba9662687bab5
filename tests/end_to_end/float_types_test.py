"""A llama whose matrices and embedding are stored as BF16 or F16.

Both stay two bytes a number in memory. F16, and BF16 with --math f32, give the logits of the same numbers stored as F32,
bit for bit; BF16 rounds activations otherwise, by the same bits on every instruction set.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import gguf
import numpy as np

from block_types_test import LATHE, LAYERS, SHAPES, VOCABULARY, WIDTH, logits, write

MATRICES = {f"blk.{i}.{matrix}": shape for i in range(LAYERS) for matrix, shape in SHAPES.items()}
MATRICES |= {"token_embd": (VOCABULARY, WIDTH), "output": (VOCABULARY, WIDTH)}
LEVELS = ("portable", "avx2", "avx512", "avx512bf16")


def levels(model):
    """Those that this processor has."""
    run = [subprocess.run([LATHE, "logits", "-m", model, "--ids", "1", "-o", model.with_suffix(".one")],
                          env=os.environ | {"LATHE_ISA": level}, capture_output=True) for level in LEVELS]
    return [level for level, result in zip(LEVELS, run) if b"has only" not in result.stderr]


def weight_bytes(model, *words):
    """Of what is copied to where kernels read it."""
    text = subprocess.run([LATHE, "inspect", "-m", model, "--json", *words], check=True, capture_output=True).stdout
    return json.loads(text)["memory"]["weight_bytes_copied"]


class FloatTypes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        random = np.random.default_rng(20240611)
        self.numbers = {name: random.normal(0, shape[1] ** -0.5, shape).astype(np.float32)
                        for name, shape in MATRICES.items()}

    def files(self, name):
        """The model stored as the type, and the same numbers as F32."""
        kind = gguf.GGMLQuantizationType[name]
        stored = {tensor: gguf.quants.quantize(values, kind).view(np.uint8) for tensor, values in self.numbers.items()}
        decoded = {tensor: gguf.quants.dequantize(values.view(np.float16) if name == "F16" else values, kind)
                   for tensor, values in stored.items()}
        paths = [pathlib.Path(self.folder.name) / f"{name}.gguf", pathlib.Path(self.folder.name) / f"{name}_f32.gguf"]
        write(paths[0], name, stored)
        write(paths[1], "F32", decoded)
        return paths

    def test_f16_keeps_every_bit(self):
        stored, floats = self.files("F16")
        exact = logits(floats, "--math", "f32")
        self.assertGreater(exact.std(), 0.1)
        for math in ("f32", "int8"):
            self.assertEqual(logits(stored, "--math", math, "--kv", "f32").tobytes(), exact.tobytes())
        self.assertLess(weight_bytes(stored), 0.51 * weight_bytes(floats))

    def test_bf16_rounds_activations_alone(self):
        stored, floats = self.files("BF16")
        exact = logits(floats, "--math", "f32")
        self.assertEqual(logits(stored, "--math", "f32").tobytes(), exact.tobytes())
        rounded = logits(stored)
        self.assertEqual(logits(floats, "--weights", "bf16").tobytes(), rounded.tobytes())
        error = np.linalg.norm(rounded - exact) / np.linalg.norm(exact)
        print(f"BF16: relative error of rounded activations {error:.4f}")
        self.assertGreater(error, 1e-5)
        self.assertLess(error, 0.01)
        self.assertLess(weight_bytes(stored), 0.51 * weight_bytes(floats))
        self.assertLess(weight_bytes(stored, "--math", "f32"), 0.51 * weight_bytes(floats))

    def test_bf16_has_equal_bits_on_every_level(self):
        stored, _ = self.files("BF16")
        expected = logits(stored).tobytes()
        for level in levels(stored):
            for words in (["-t", "1"], ["-t", "2", "--chunk", "7"]):
                os.environ["LATHE_ISA"] = level
                self.addCleanup(os.environ.pop, "LATHE_ISA", None)
                self.assertEqual(logits(stored, *words).tobytes(), expected, f"{level} {words}")


if __name__ == "__main__":
    unittest.main()
