"""lathe logits: NumPy files with the scores of every position."""
import json
import os
import tempfile
import unittest

import numpy

from program import lathe, out, run_json

TEXT = "Water boils at 100 degrees Celsius. Water freezes at 0 degrees. " * 6


class Logits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ids = json.loads(out("tokens", TEXT))[:70]

    def logits(self, *words, ids=None):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "logits.npy")
            lathe("logits", "--ids", json.dumps(ids or self.ids), "-o", path, "--ctx", 256, *words)
            self.assertEqual(os.listdir(folder), ["logits.npy"])
            return numpy.load(path)

    def test_shape_and_type(self):
        logits = self.logits()
        self.assertEqual((logits.shape, logits.dtype), ((70, 49152), numpy.float32))
        self.assertTrue(numpy.isfinite(logits).all())

    def test_the_last_row_picks_the_greedy_token(self):
        answer = run_json("--raw", TEXT.strip(), "-n", 1)
        logits = self.logits(ids=answer["prompt_ids"])
        self.assertEqual(int(logits[-1].argmax()), answer["ids"][0])

    def test_chunks_and_cache_change_no_bit(self):
        for math in ("int8", "f32"):
            whole = self.logits("--math", math)
            for words in (["--chunk", 7, "-t", 1], ["--kv", "off"]):
                with self.subTest(math=math, words=words):
                    self.assertTrue(numpy.array_equal(self.logits("--math", math, *words), whole))

    def test_arithmetics_agree_closely_and_are_not_the_same(self):
        exact, quick = self.logits("--math", "f32"), self.logits()
        self.assertFalse(numpy.array_equal(exact, quick))
        self.assertLess(numpy.square(exact - quick).mean() / numpy.square(exact).mean(), 0.01)

    def test_a_failure_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "logits.npy")
            lathe("logits", "--ids", "1,49152", "-o", path, status=2)
            lathe("logits", "--ids", json.dumps(self.ids), "-o", path, "--ctx", 64, status=1)
            self.assertEqual(os.listdir(folder), [])
        _, errors = lathe("logits", "--ids", "1", "-o", "/no/such/folder/x.npy", status=1)
        self.assertIn("/no/such/folder/x.npy", errors)


if __name__ == "__main__":
    unittest.main()
