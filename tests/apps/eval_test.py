"""lathe eval: perplexity and divergence, held to numpy on the program's own logits and to llama.cpp's figures."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import numpy
from gguf import GGUFReader
from program import lathe, out

TEXT = pathlib.Path(__file__).parents[2] / "LICENSE"
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
# What llama-perplexity says of the two models on that text in contexts of 512 (bench/compare_evaluations.py runs it).
LLAMA_CPP = {"smollm2": 15.9289, "gemma3-270m": 10.1452}
# And of the model that coarsen() makes, against the one that it is made of: figures with the errors that it prints.
LLAMA_CPP_COARSE = {"perplexity": (16.676681, 1.478702), "reference_perplexity": (15.913285, 1.418183),
                    "perplexity_log_ratio": (0.046857, 0.015963), "perplexity_ratio": (1.047972, 0.016729),
                    "perplexity_difference": (0.763396, 0.266895), "kl_mean": (0.087849, 0.004010),
                    "delta_p_mean": (-0.01088, 0.00227), "delta_p_rms": (0.07324, 0.00591),
                    "same_top": (0.83137, 0.01173)}
LLAMA_CPP_COARSE_QUANTILES = {"kl_p99": 0.648223, "kl_p95": 0.268214, "kl_p90": 0.192645, "kl_median": 0.053331,
                              "kl_p10": 0.009048, "delta_p_p95": 0.0738, "delta_p_p25": -0.02166,
                              "delta_p_p5": -0.11668}


def model_directory():
    if os.environ.get("LATHE_MODEL_DIR"):
        return pathlib.Path(os.environ["LATHE_MODEL_DIR"])
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "lathe" / "models"


def coarsen(path):
    """A copy of SmolLM2 with one bit less in every third layer's ffn_down: its Q4_1 codes are rounded down to even."""
    shutil.copyfile(model_directory() / SMOLLM2, path)
    reader = GGUFReader(path, "r+")
    for tensor in reader.tensors:
        if tensor.name.endswith("ffn_down.weight") and int(tensor.name.split(".")[1]) % 3 == 0:
            tensor.data.reshape(-1, 20)[:, 4:] &= 0xEE  # blocks of a scale and a minimum (f16), then 16 bytes of codes
    del tensor, reader


def evaluate(*words, text=TEXT, status=0):
    return json.loads(out("eval", "--text", text, "--json", *words, status=status))


def log_softmax(logits):
    rows = logits.astype(numpy.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return rows - numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.text = pathlib.Path(folder.name) / "text.txt"
        cls.text.write_text(TEXT.read_text()[:1200])
        cls.ids = json.loads(out("tokens", cls.text.read_text()[:-1]))
        cls.rows = {}
        for math in ("int8", "f32"):
            for chunk in range(2):
                path = pathlib.Path(folder.name) / "logits.npy"
                ids = cls.ids[64 * chunk:64 * (chunk + 1)]
                lathe("logits", "--ids", json.dumps(ids), "-o", path, "--math", math, "--ctx", 64)
                cls.rows[math, chunk] = log_softmax(numpy.load(path))

    def expected(self, positions, of_next):
        """Surprises of both and divergences, over all chunks."""
        surprise, reference, kl = [], [], []
        for chunk in range(2):
            ids = self.ids[64 * chunk:64 * (chunk + 1)]
            q, p = self.rows["int8", chunk], self.rows["f32", chunk]
            kl += [(numpy.exp(p[i]) * (p[i] - q[i])).sum() for i in positions]
            surprise += [-q[i][ids[i + 1]] for i in of_next]
            reference += [-p[i][ids[i + 1]] for i in of_next]
        return numpy.array(surprise), numpy.array(reference), numpy.array(kl)

    def check(self, report, positions, of_next):
        surprise, reference, kl = self.expected(positions, of_next)
        self.assertEqual((report["chunks"], report["scored"]), (2, len(surprise)))
        self.assertAlmostEqual(report["perplexity"], numpy.exp(surprise.mean()), places=5)
        error = surprise.std(ddof=1) / len(surprise) ** 0.5
        self.assertAlmostEqual(report["perplexity_error"], numpy.exp(surprise.mean()) * error, places=5)
        self.assertAlmostEqual(report["reference_perplexity"], numpy.exp(reference.mean()), places=5)
        self.assertAlmostEqual(report["kl_mean"], kl.mean(), places=8)
        self.assertAlmostEqual(report["kl_mean_error"], kl.std(ddof=1) / len(kl) ** 0.5, places=8)
        for name, share in (("kl_p99", 0.99), ("kl_median", 0.5), ("kl_p99_9", 0.999), ("kl_p5", 0.05)):
            self.assertAlmostEqual(report[name], numpy.quantile(kl, share), places=8)
        self.assertAlmostEqual(report["kl_max"], kl.max(), places=8)
        step = numpy.exp(-surprise) - numpy.exp(-reference)
        self.assertAlmostEqual(report["delta_p_mean"], step.mean(), places=8)
        self.assertAlmostEqual(report["delta_p_p75"], numpy.quantile(step, 0.75), places=8)
        self.assertAlmostEqual(report["delta_p_rms"], numpy.square(step).mean() ** 0.5, places=8)

    def test_the_second_half_of_each_chunk_is_scored(self):
        report = evaluate("--reference-math", "f32", "--ctx", 64, "--chunks", 2, text=self.text)
        self.check(report, range(32, 63), range(32, 63))
        same = [self.rows["int8", chunk][i].argmax() == self.rows["f32", chunk][i].argmax()
                for chunk in range(2) for i in range(32, 63)]
        self.assertAlmostEqual(report["same_top"], numpy.mean(same), places=12)

    def test_all_positions(self):
        self.check(evaluate("--all", "--reference-math", "f32", "--ctx", 64, "--chunks", 2, text=self.text),
                   range(64), range(63))

    def test_a_reference_changes_nothing_of_the_model(self):
        alone = evaluate("--ctx", 64, "--chunks", 2, text=self.text)
        beside = evaluate("--ctx", 64, "--chunks", 2, "--reference-math", "f32", text=self.text)
        self.assertEqual(alone["perplexity"], beside["perplexity"])
        self.assertNotIn("kl_mean", alone)

    def test_nothing_is_lost_against_itself(self):
        report = evaluate("--ctx", 64, "--chunks", 1, "--reference-math", "int8", text=self.text)
        self.assertEqual((report["kl_max"], report["same_top"], report["delta_p_rms"]), (0, 1, 0))
        self.assertEqual(report["perplexity"], report["reference_perplexity"])

    def test_the_words_name_the_blocks_of_llama_perplexity(self):
        text = out("eval", "--text", self.text, "--ctx", 64, "--reference-math", "f32", "--chunks", 2)
        for name in ("Mean PPL(Q)", "Mean PPL(base)", "Cor(ln(PPL(Q)), ln(PPL(base)))", "Mean ln(PPL(Q)/PPL(base))",
                     "Mean PPL(Q)/PPL(base)", "Mean PPL(Q)-PPL(base)", "Mean KLD", "Maximum KLD", "99.9 % KLD",
                     "Median KLD", "0.1 % KLD", "Minimum KLD", "Mean Δp", "RMS Δp", "Same top p"):
            self.assertRegex(text, r"(?m)^" + re.escape(name) + r" +-?\d+\.\d+")
        self.assertRegex(text, r"(?m)^Mean KLD .*± +\d")
        self.assertRegex(out("eval", "--text", self.text, "--ctx", 64), r"(?m)^perplexity +\d+\.\d+ +± \d")

    def test_several_models_are_one_table_and_a_page(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.html"
            words = ["-m", "smollm2", "-m", model_directory() / SMOLLM2, "--ctx", 64, "--chunks", 1, "--weights", "q4"]
            reports = evaluate(*words, "--reference", "smollm2", "--html", page, text=self.text)
            self.assertEqual(os.listdir(folder), ["page.html"])
            alone = evaluate("-m", "smollm2", *words[4:], "--reference", "smollm2", text=self.text)
            self.assertEqual([report["kl_mean"] for report in reports], [alone["kl_mean"]] * 2)
            self.assertGreater(reports[0]["kl_mean"], 0.002)  # 4 bits with other scales than those that are stored
            html.parser.HTMLParser().feed(page.read_text())
            self.assertEqual(page.read_text().count("<svg"), 1 + 2 * 3)
            self.assertIn("blk.29.ffn", page.read_text())


class AgainstLlamaCpp(unittest.TestCase):
    def test_perplexity(self):
        """Both compute in 8 bits by rules of their own: 1 % apart, where one standard error is 9 %."""
        for model, expected in LLAMA_CPP.items():
            with self.subTest(model):
                report = evaluate("-m", model)
                self.assertEqual((report["chunks"], report["scored"]), (4, 4 * 255))
                self.assertAlmostEqual(report["perplexity"] / expected, 1, delta=0.01)


    def test_divergence(self):
        """Where llama.cpp prints no error, two of those that we find."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "coarse.gguf"
            coarsen(path)
            report = evaluate("-m", path, "--reference", "smollm2", "--reference-math", "int8")
        for name, (expected, error) in LLAMA_CPP_COARSE.items():
            self.assertAlmostEqual(report[name], expected, delta=error, msg=name)
        for name, expected in LLAMA_CPP_COARSE_QUANTILES.items():
            self.assertAlmostEqual(report[name], expected, delta=2 * report[f"{name}_error"], msg=name)
        self.assertAlmostEqual(report["correlation"], 0.9839, delta=0.005)


class Refusals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.text = self.folder / "text.txt"
        self.text.write_text("Water boils at 100 degrees. " * 12)

    def refused(self, *words, text=None, status=2):
        errors = lathe("eval", "--text", text or self.text, *words, status=status)[1]
        self.assertRegex(errors, r"^lathe: [^\n]+\n$")
        return errors

    def test_texts(self):
        count = len(json.loads(out("tokens", self.text.read_text())))
        errors = self.refused()
        self.assertIn(f"{count} tokens", errors)
        self.assertIn("512", errors)
        empty = self.folder / "empty.txt"
        for content in ("", "\n"):
            empty.write_text(content)
            self.assertIn("empty", self.refused(text=empty))
        self.assertIn("missing.txt", self.refused(text=self.folder / "missing.txt", status=1))
        self.assertIn(str(self.folder), self.refused(text=self.folder, status=1))
        lathe("eval", status=2)

    def test_contexts(self):
        errors = self.refused("--ctx", 100000)
        self.assertIn("100000", errors)
        self.assertIn("8192", errors)
        self.assertIn("less than 4", self.refused("--ctx", 3))
        self.assertIn("encoder", self.refused("-m", "minilm", "--ctx", 32, status=1))

    def test_models_with_other_tokens(self):
        errors = self.refused("--ctx", 32, "--reference", "gemma3-270m")
        self.assertIn("49152", errors)
        self.assertIn("262144", errors)

    def test_a_page_needs_a_reference_and_is_left_alone_by_failures(self):
        page = self.folder / "page.html"
        self.assertIn("--reference", self.refused("--ctx", 32, "--html", page))
        self.refused("--ctx", 32, "--reference-math", "f17", "--html", page)
        self.assertFalse(page.exists())

    def test_logits_that_are_no_numbers_are_named(self):
        path = self.folder / "overflowing.gguf"
        shutil.copyfile(model_directory() / SMOLLM2, path)
        reader = GGUFReader(path)
        norm = next(tensor for tensor in reader.tensors if tensor.name == "output_norm.weight")
        offset, count = int(norm.data_offset), int(norm.n_elements)
        del norm, reader
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(numpy.full(count, 3e38, numpy.float32).tobytes())
        for words in ([], ["--reference", "smollm2"], ["--reference-math", "f32"]):
            with self.subTest(words):
                errors = self.refused("-m", path, "--math", "f32", "--ctx", 32, *words, status=1)
                self.assertRegex(errors, r"overflowing\.gguf gives a logit that is (not a number|infinite) at position "
                                         r"\d+, of token \d+")


if __name__ == "__main__":
    unittest.main()
