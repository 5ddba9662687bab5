"""Weights in 8 and 4 bits with every kind of 8-bit activations (W8A8, W4A8): each combination runs, and loses little."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np

import tiny_folder

PROGRAM = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
ACTIVATIONS = ("", "32", "256", "row", "static")
STATIC = 2.5  # what scales known ahead may cost more, of 8 bits on both sides
# Mean KL divergence that 8 bits on both sides stay below, and 4 bits of weights: about twice what was measured.
MOST = {"llama3": {"q8": 6e-4, "q4": 4e-2}, "gemma3": {"q8": 1.2e-3, "q4": 9e-2}}


def log_probabilities(model, ids, *words):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "logits.npy"
        subprocess.run([PROGRAM, "logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", path, "-t", "1", *words], check=True,
                       capture_output=True)
        logits = np.load(path).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


class Codes(unittest.TestCase):
    def test_every_combination_stays_near_float32(self):
        for model, limits in MOST.items():
            folder = tiny_folder.HERE / model
            ids, _ = tiny_folder.expected(model)
            exact = log_probabilities(folder, ids, "--math", "f32")
            for weights, limit in limits.items():
                found = set()
                for kind in ACTIVATIONS:
                    with self.subTest(model=model, weights=weights, activations=kind):
                        words = ["--activations", kind] if kind else []
                        near = log_probabilities(folder, ids, "--weights", weights, *words)
                        divergence = (np.exp(exact) * (exact - near)).sum(axis=1).mean()
                        self.assertLess(divergence, limit * (STATIC if kind == "static" else 1))
                        found.add(divergence)
                self.assertGreaterEqual(len(found), 3)  # no row of these is longer than 256


if __name__ == "__main__":
    unittest.main()
