"""lathe quantize --budget: the size is kept, the mix beats one type for all, and what it says of itself holds."""
import json
import os
import pathlib
import tempfile
import unittest

import gguf
import numpy as np
from tokenizers import pre_tokenizers

from program import lathe, out
from tokenizer_folders import TEXTS, byte_bpe, folder_with

CONTEXT = 64


class Budget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(shared.cleanup)
        cls.place = pathlib.Path(shared.name)
        cls.source = folder_with(byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)]), cls.place / "folder")
        cls.text = cls.place / "text.txt"
        cls.text.write_text("\n".join(TEXTS * 12))
        cls.output = cls.place / "model.gguf"
        cls.ids = json.loads(out("tokens", "-m", cls.source, "-", stdin="A cat that sat there, and ate the rest of it."))
        cls.reference = cls.log_probabilities(cls.source)
        lathe("quantize", "-m", cls.source, "-o", cls.output, "--type", "q4_0", *cls.calibration())
        cls.uniform = (cls.output.stat().st_size, cls.divergence(cls.output))

    @classmethod
    def calibration(cls):
        return ["--calibration", cls.text, "--ctx", CONTEXT]

    @classmethod
    def log_probabilities(cls, model):
        path = cls.place / "logits.npy"
        lathe("logits", "-m", model, "--ids", ",".join(map(str, cls.ids)), "-o", path, "--math", "f32")
        logits = np.load(path).astype(np.float64)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    @classmethod
    def divergence(cls, model):
        found = cls.log_probabilities(model)
        return (np.exp(cls.reference) * (cls.reference - found)).sum(1).mean()

    def budget(self, budget, *words, **options):
        words = ["quantize", "-m", self.source, "-o", self.output, "--budget", budget, *self.calibration(), *words]
        return lathe(*words, **options)

    def test_the_mix_is_better_than_one_type_of_the_same_size(self):
        size, divergence = self.uniform
        report = json.loads(self.budget(f"{size}B", "--json")[0])
        self.assertLessEqual(self.output.stat().st_size, size)
        self.assertGreater(self.output.stat().st_size, 0.95 * size)
        self.assertLess(self.divergence(self.output), 0.75 * divergence)
        tried = [row for row in report["tensors"] if "kl" in row]
        self.assertEqual(len(tried), sum(len(row["shape"]) == 2 for row in report["tensors"]))
        self.assertAlmostEqual(report["kl_expected"], sum(row["kl"] for row in tried), 9)
        self.assertLess(abs(np.log(report["kl_measured"] / report["kl_expected"])), 0.7)
        self.assertTrue(all(row["kl_tried"] > 0 for row in tried))

    def test_bits_of_a_weight(self):
        for bits in (5, 6.5):
            report = json.loads(self.budget(f"{bits}bpw", "--json")[0])
            self.assertLessEqual(report["bits_per_weight"], bits)
            self.assertGreater(report["bits_per_weight"], bits - 0.3)
            self.assertEqual(report["bytes"], os.path.getsize(self.output))

    def test_choices_by_name_stay_and_errors_can_be_fed_on(self):
        _, errors = self.budget("6bpw", "--type-for", "attn_v=q8_0", "--gptq")
        found = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(self.output).tensors}
        self.assertEqual({kind for name, kind in found.items() if "attn_v" in name}, {"Q8_0"})
        self.assertIn("measured", errors)
        self.assertIn("would save", errors)
        self.assertGreater(len(set(found.values())), 2)

    def test_a_large_budget_loses_next_to_nothing(self):
        report = json.loads(self.budget("1GB", "--json")[0])
        self.assertLess(report["kl_measured"], 1e-6)

    def test_what_is_no_budget(self):
        for budget, word in (("4.5", "is no size"), ("fast", "is no size"), ("-3MB", "is no size"), ("0bpw", "is no size"),
                             ("4.5mb", "is no size"), ("infMB", "is no size"), ("nanbpw", "is no size"),
                             ("1bpw", "at least"), ("1kB", "budget")):
            with self.subTest(budget):
                self.assertIn(word, self.budget(budget, status=2)[1])
        words = ["quantize", "-m", self.source, "-o", self.output, "--budget", "5bpw"]
        self.assertIn("a budget needs a calibration text", lathe(*words, status=2)[1])


if __name__ == "__main__":
    unittest.main()
