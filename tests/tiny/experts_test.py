"""Experts in 8 bits: the same experts as Q8_0 beside float32 everything else. Run in 8-bit integers, with float
activations, and as float32; the quantized ones stay near the floats, and equal themselves however a prompt is cut.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

import gguf
import numpy as np

import as_gguf
import tiny_folder

PROGRAM = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
# Nats of a position, of 320 tokens. Measured: median at most 5e-5; where a rounding tips a choice between two experts
# (one position of 122) 0.02, which makes a mean of 4e-4.
MEDIAN_BOUND, MEAN_BOUND = 1.5e-4, 2e-3
Q8_0 = gguf.GGMLQuantizationType.Q8_0


def write_with_quantized_experts(path, name):
    """Returns the names of the quantized tensors; rows of 48 columns are no whole blocks and stay as they are."""
    add_tensor = gguf.GGUFWriter.add_tensor
    quantized = []

    def add(writer, tensor_name, values, *words, **more):
        if "_exps" in tensor_name and values.shape[-1] % 32 == 0:
            quantized.append(tensor_name)
            return add_tensor(writer, tensor_name, gguf.quants.quantize(values, Q8_0), raw_dtype=Q8_0)
        return add_tensor(writer, tensor_name, values, *words, **more)

    with mock.patch.object(gguf.GGUFWriter, "add_tensor", add):
        as_gguf.write(path, tiny_folder.config(name), tiny_folder.tensors(name))
    return quantized


def logits(model, ids, *words):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "logits.npy")
        subprocess.run([PROGRAM, "logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", path, "--kv", "f32", *words],
                       check=True, capture_output=True)
        return np.load(path)


def log_softmax(values):
    values = values.astype(np.float64)
    values = values - values.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def divergences(wanted, computed):
    """KL of each position."""
    wanted, computed = log_softmax(wanted), log_softmax(computed)
    return (np.exp(wanted) * (wanted - computed)).sum(axis=-1)


class QuantizedExperts(unittest.TestCase):
    def check(self, name, matrices):
        ids, wanted = tiny_folder.expected(name)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.gguf")
            self.assertEqual(len(write_with_quantized_experts(path, name)), matrices)
            floats = logits(path, ids, "--math", "f32")
            integers = logits(path, ids, "--math", "int8", "-t", "1")
            for words in (["--chunk", "1"], ["--chunk", "7"], ["-t", "3"]):
                np.testing.assert_array_equal(logits(path, ids, "--math", "int8", *words), integers)
        self.assertGreater(float(np.abs(integers - floats).max()), 0)  # activations were quantized
        for computed in (floats, integers):
            self.assertLess(float(np.median(divergences(wanted, computed))), MEDIAN_BOUND)
            self.assertLess(float(divergences(wanted, computed).mean()), MEAN_BOUND)

    def test_mixtral(self):
        self.check("mixtral", 6)

    def test_qwen3_moe(self):
        self.check("qwen3_moe", 4)


if __name__ == "__main__":
    unittest.main()
