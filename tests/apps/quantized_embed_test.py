"""How near the quantized sentence encoder stays to itself in float32.

data/sentences.txt are 200 sentences of 30 to 200 characters, drawn with a seed from those of docs/*.md, as they were
once; data/calibration_sentences.txt are the others. Scales known ahead are calibrated on the program's own text.
"""
import json
import pathlib
import tempfile
import unittest

import numpy as np

from program import lathe, out

DATA = pathlib.Path(__file__).parent / "data"
SENTENCES = (DATA / "sentences.txt").read_text(encoding="utf-8").splitlines()
CALIBRATION = DATA / "calibration_sentences.txt"


def embed(*words):
    return np.array(json.loads(out("embed", *words, *SENTENCES)))  # unit vectors


class QuantizedEmbed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exact = embed("-m", "minilm", "--math", "f32")

    def cosines(self, *words):
        return (self.exact * embed(*words)).sum(axis=1)

    def test_the_texts_are_200_sentences_and_others(self):
        self.assertEqual(len(set(SENTENCES)), 200)
        others = CALIBRATION.read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(set(SENTENCES) & set(others)), 0)

    def test_eight_bits_on_both_sides(self):
        ahead = self.cosines("-m", "minilm", "--weights", "q8", "--activations", "static")
        self.assertGreaterEqual(ahead.mean(), 0.999)
        self.assertGreaterEqual(ahead.min(), 0.996)
        measured = self.cosines("-m", "minilm", "--weights", "q8")
        self.assertGreaterEqual(measured.mean(), 0.9997)
        self.assertGreaterEqual(measured.min(), 0.999)

    def test_at_most_32_channels_of_a_layer_are_kept_finer(self):
        with tempfile.TemporaryDirectory() as folder:
            plan = pathlib.Path(folder) / "static.plan"
            lathe("build", "-m", "minilm", "--weights", "q8", "--activations", "static", "--opt-level", 0, "-o", plan)
            inputs = json.loads(out("inspect", "--json", plan))["activations"]
        fine = {}
        for entry in inputs:
            layer = entry["weights"][0].split(".")[1]
            fine[layer] = fine.get(layer, 0) + len(entry["fine_columns"])
        self.assertEqual(len(fine), 6)
        self.assertLessEqual(max(fine.values()), 32)
        self.assertGreater(min(fine.values()), 0)

    def test_encoder_matrices_of_five_bits_a_weight(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "minilm-q4_1.gguf"
            report = json.loads(out("quantize", "-m", "minilm", "--type", "q4_1", "--gptq", "--calibration", CALIBRATION,
                                    "--ctx", 128, "--json", "-o", path))
            matrices = [tensor for tensor in report["tensors"] if tensor["name"].startswith("blk.") and
                        tensor["name"].endswith(".weight") and len(tensor["shape"]) == 2]
            self.assertEqual(len(matrices), 36)
            for tensor in matrices:
                self.assertLessEqual(tensor["bytes_after"] * 8, 5 * np.prod(tensor["shape"]), tensor["name"])
            near = self.cosines("-m", path)
        self.assertGreaterEqual(near.mean(), 0.985)
        self.assertGreaterEqual(near.min(), 0.97)


if __name__ == "__main__":
    unittest.main()
