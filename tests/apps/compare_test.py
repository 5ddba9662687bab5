"""lathe compare: where two runs part."""
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import numpy
from gguf import GGUFReader
from program import lathe, out

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
IDS = "1,200,3000,40000,5,77"


def model_directory():
    if os.environ.get("LATHE_MODEL_DIR"):
        return pathlib.Path(os.environ["LATHE_MODEL_DIR"])
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "lathe" / "models"


def compare(*words, status):
    return json.loads(lathe("compare", *words, "--json", status=status)[0])


class SameModel(unittest.TestCase):
    def test_two_runs_of_the_same_are_equal(self):
        text = out("compare", "smollm2", "smollm2", "--ids", IDS)
        self.assertIn(" 0 different", text)
        self.assertEqual(out("compare", "smollm2", "--ids", IDS), text)
        report = compare("smollm2", "smollm2", "--ids", IDS, status=0)
        self.assertGreater(len(report["tensors"]), 300)
        self.assertTrue(all(tensor["equal"] and tensor["max_abs"] == 0 for tensor in report["tensors"]))
        self.assertEqual((report["first"], report["worst"], report["only_a"]), (None, None, []))

    def test_tokens_one_by_one_give_the_bits_of_all_at_once(self):
        for words in (["--chunk-b", 1], ["--chunk-a", 2, "--chunk-b", 4], ["--threads-a", 1, "--threads-b", 2]):
            with self.subTest(words):
                report = compare("smollm2", "--ids", IDS, *words, status=0)
                self.assertGreater(len(report["tensors"]), 300)
                self.assertTrue(all(tensor["equal"] for tensor in report["tensors"]))
                logits = next(tensor for tensor in report["tensors"] if tensor["shape"] == [6, 49152])
                self.assertEqual(logits["elements"], 6 * 49152)

    def test_arithmetics_part_and_tolerances_say_how_far_is_too_far(self):
        report = compare("smollm2", "--ids", IDS, "--math-b", "f32", "--kv", "f32", status=1)
        parted = [tensor for tensor in report["tensors"] if not tensor["equal"]]
        self.assertEqual(report["first"], parted[0]["name"])
        self.assertEqual(report["worst"], max(parted, key=lambda tensor: tensor["relative_rms"])["name"])
        self.assertTrue(0 < parted[0]["relative_rms"] < 0.02)
        self.assertTrue(all(tensor["relative_rms"] > 0 and tensor["cosine"] > 0.5 for tensor in parted))
        self.assertTrue(report["only_a"])  # codes of activations
        compare("smollm2", "--ids", IDS, "--math-b", "f32", "--kv", "f32", "--atol", 1e9, status=0)
        text, _ = lathe("compare", "smollm2", "--ids", IDS, "--math-b", "f32", status=1)
        self.assertIn("first to part: " + report["first"], text)
        self.assertLess(text.index("worst first"), text.index("in order"))

    def test_default_text_and_prompts(self):
        self.assertIn("equal bit for bit", out("compare", "smollm2"))
        self.assertIn("equal bit for bit", out("compare", "smollm2", "--prompt", "The sky"))

    def test_wrong_words(self):
        for words, part in ((["smollm2", "--ids", "1", "--prompt", "x"], "ids"), (["smollm2", "--math", "f17"], "math"),
                            (["smollm2", "--disable-pass-b", "nothing"], "nothing"), ([], "A"),
                            (["smollm2", "--ids", IDS, "--kv-b", "off", "--chunk", 2], "keeps nothing"),
                            (["smollm2", "--ids", "49152"], "ids[0] is 49152")):
            with self.subTest(part):
                self.assertIn(part, lathe("compare", *words, status=2)[1])


class SpoiledWeight(unittest.TestCase):
    def test_the_layer_is_found(self):
        """One block of one row of blk.7.ffn_up: what is computed before it is equal, it and all behind it is not."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "spoiled.gguf"
            shutil.copyfile(model_directory() / MODEL, path)
            reader = GGUFReader(path)
            offset = next(tensor.data_offset for tensor in reader.tensors if tensor.name == "blk.7.ffn_up.weight")
            del reader
            with open(path, "r+b") as file:
                file.seek(offset + 4)
                codes = file.read(16)
                file.seek(offset + 4)
                file.write(bytes(code ^ 0xFF for code in codes))
            for words in ([], ["--chunk", 1]):
                with self.subTest(words):
                    report = compare("smollm2", path, "--ids", IDS, *words, status=1)
                    tensors = report["tensors"]
                    self.assertTrue(report["first"].startswith("blk.7.ffn_"), report["first"])
                    first = [tensor["name"] for tensor in tensors].index(report["first"])
                    self.assertTrue(all(tensor["equal"] for tensor in tensors[:first]))
                    self.assertLess(tensors[first]["first"][1], 32)  # row 0 of the weight: its block of codes
                    for tensor in tensors:
                        if tensor["name"].startswith("blk.8.") and "codes" not in tensor["name"]:
                            self.assertFalse(tensor["equal"], tensor["name"])


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.a, self.b = pathlib.Path(folder.name) / "a", pathlib.Path(folder.name) / "b"
        for path in (self.a, self.b):
            path.mkdir()
        self.x = numpy.linspace(-1, 1, 24, dtype=numpy.float32).reshape(4, 6)

    def test_tensors_are_measured_by_their_difference(self):
        y = self.x.copy()
        y[2, 3] += 0.5
        numpy.save(self.a / "x.npy", self.x)
        numpy.save(self.b / "x.npy", y)
        numpy.save(self.a / "alone.npy", self.x)
        report = compare(self.a, self.b, status=1)
        (tensor,) = report["tensors"]
        difference = (y.astype(float) - self.x)
        self.assertEqual((tensor["first"], tensor["different"], report["only_a"]), ([2, 3], 1, ["alone"]))
        self.assertAlmostEqual(tensor["max_abs"], difference.max(), places=7)
        self.assertAlmostEqual(tensor["rms"], numpy.sqrt((difference ** 2).mean()), places=7)
        self.assertAlmostEqual(tensor["relative_rms"],
                               numpy.sqrt((difference ** 2).mean() / (self.x.astype(float) ** 2).mean()), places=7)
        cosine = (self.x * y).sum() / numpy.linalg.norm(self.x) / numpy.linalg.norm(y)
        self.assertAlmostEqual(tensor["cosine"], cosine, places=6)
        compare(self.a, self.b, "--atol", 0.6, status=0)
        compare(self.a, self.b, "--atol", 0.4, status=1)

    def test_what_is_not_finite(self):
        for content, status in (([numpy.nan, numpy.inf], 0), ([numpy.nan, 1], 1), ([numpy.nan, -numpy.inf], 1)):
            numpy.save(self.a / "x.npy", numpy.array([numpy.nan, numpy.inf], numpy.float32))
            numpy.save(self.b / "x.npy", numpy.array(content, numpy.float32))
            tensor, = compare(self.a, self.b, "--atol", 1e30, status=status)["tensors"]
            self.assertEqual(tensor["max_abs"], None if status else 0)

    def test_other_shapes_and_nothing_in_common_are_no_success(self):
        numpy.save(self.a / "x.npy", self.x)
        numpy.save(self.b / "y.npy", self.x)
        compare(self.a, self.b, status=1)
        numpy.save(self.b / "x.npy", self.x.T)
        self.assertIn("another shape", lathe("compare", self.a, self.b, status=1)[0])

    def test_a_folder_is_compared_with_a_folder(self):
        numpy.save(self.a / "x.npy", self.x)
        self.assertIn("compared with another one", lathe("compare", self.a, "smollm2", status=2)[1])


if __name__ == "__main__":
    unittest.main()
