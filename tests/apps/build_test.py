"""lathe build, refit and timings: plans at every level give the model's bits, refitting gives the file that building gives."""
import json
import pathlib
import tempfile
import unittest

import numpy
from onnx import TensorProto, helper, numpy_helper, save

from program import lathe, out

MODEL = pathlib.Path(__file__).resolve().parents[1] / "tiny" / "qwen2"
WORDS = ("-m", MODEL, "--weights", "q8", "--ctx", 64)


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, name, *words, **expected):
        path = self.folder / name
        _, errors = lathe("build", *WORDS, "-o", path, *words, **expected)
        return path, errors

    def logits(self, *words):
        path = self.folder / "logits.npy"
        lathe("logits", *words, "--ids", "1,2,3,4,5", "-o", path)
        return path.read_bytes()

    def test_every_level_gives_the_bits_of_the_model(self):
        expected = self.logits(*WORDS)
        for level in range(6):
            with self.subTest(level):
                plan, errors = self.build("model.plan", "--opt-level", level)
                self.assertIn("steps", errors)
                self.assertEqual(self.logits("-m", plan), expected)

    def test_measuring_with_long_chunks_gives_the_bits_of_the_model(self):
        """Chunks of 128 tokens: kernels have tiles from 80 on."""
        ids = ",".join(str(i * 37 % 256) for i in range(120))
        words = ("-m", MODEL, "--weights", "q8", "--ctx", 128)
        path = self.folder / "logits.npy"
        lathe("logits", *words, "--ids", ids, "-o", path)
        expected = path.read_bytes()
        for level in (2, 3):
            with self.subTest(level):
                plan = self.folder / "model.plan"
                lathe("build", *words, "-o", plan, "--opt-level", level)
                lathe("logits", "-m", plan, "--ids", ids, "-o", path)
                self.assertEqual(path.read_bytes(), expected)

    def test_a_full_timing_cache_builds_the_same_file(self):
        cache = self.folder / "timings.json"
        self.build("missing.plan", "--timing-cache", cache, "--fail-on-timing-miss", status=1)
        first, _ = self.build("first.plan", "--timing-cache", cache, "--opt-level", 4)
        second, _ = self.build("second.plan", "--timing-cache", cache, "--opt-level", 4, "--fail-on-timing-miss")
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertRegex(out("timings", cache), r"us  (portable|avx2|avx512)\.")

    def test_refitting_gives_the_file_that_building_gives(self):
        whole, _ = self.build("whole.plan", "--opt-level", 0)
        stripped, _ = self.build("stripped.plan", "--opt-level", 0, "--strip")
        self.assertLess(stripped.stat().st_size, whole.stat().st_size / 2)
        for plan in (stripped, whole):
            lathe("refit", plan, "-m", MODEL, "-o", self.folder / "refitted.plan")
            self.assertEqual((self.folder / "refitted.plan").read_bytes(), whole.read_bytes())
        _, errors = lathe("refit", whole, "-m", MODEL.parent / "qwen3", "-o", self.folder / "other.plan", status=2)
        self.assertIn("another model", errors)
        self.assertFalse((self.folder / "other.plan").exists())

    def test_what_cannot_be_written_or_is_damaged_is_said(self):
        self.assertIn("No space left", lathe("build", *WORDS, "--opt-level", 0, "-o", "/dev/full", status=1)[1])
        self.build(pathlib.Path("missing") / "model.plan", "--opt-level", 0, status=1)
        plan, _ = self.build("model.plan", "--opt-level", 0)
        plan.write_bytes(plan.read_bytes()[:-1])
        self.assertIn(str(plan), lathe("logits", "-m", plan, "--ids", "1", "-o", self.folder / "x.npy", status=1)[1])

    def test_says_which_inputs_are_kept_finer_and_why(self):
        plan, errors = self.build("limit.plan", "--opt-level", 0, "--activation-limit", 0.004)
        self.assertRegex(errors, r"input of +codes +because +finer +error")
        self.assertRegex(errors, r"blk\.0\.attn_q, attn_k, attn_v  +\S")
        inputs = json.loads(out("inspect", "--json", plan))["activations"]
        self.assertEqual(sum(len(entry["weights"]) for entry in inputs), 4 * 2 + 3 * 2 + 1)
        finer = [entry for entry in inputs if entry["fine_columns"] or entry["codes"] == "float32"]
        self.assertIn(f"{len(finer)} of {len(inputs)} inputs", errors)
        for entry in inputs:
            self.assertLessEqual(entry["error_after"], 0.004)
            self.assertEqual(entry["limit"], 0.004)
        self.assertIn(f"{len(finer)} of {len(inputs)} inputs", out("inspect", plan))
        exact, _ = self.build("exact.plan", "--opt-level", 0, "--activation-limit", 1e-6)
        self.assertEqual({entry["codes"] for entry in json.loads(out("inspect", "--json", exact))["activations"]},
                         {"float32"})
        lathe("refit", exact, "-m", MODEL, "-o", self.folder / "refitted.plan")
        self.assertEqual((self.folder / "refitted.plan").read_bytes(), exact.read_bytes())
        for words in (("--activations", "row", "--activation-limit", 0.01), ("--activation-limit", 2),
                      ("--activation-limit", "nan")):
            self.assertIn("--activation-limit", self.build("none.plan", *words, status=2)[1])

    def test_a_damaged_weight_is_found_when_asked_for(self):
        plan, _ = self.build("model.plan", "--opt-level", 0)
        data = bytearray(plan.read_bytes())
        data[-4096] ^= 1  # weights are the file's last pages
        plan.write_bytes(data)
        words = ("-m", plan, "--ids", "1", "-o", self.folder / "x.npy")
        lathe("logits", *words)
        _, errors = lathe("logits", *words, "--verify", status=1)
        self.assertIn("weight", errors)


class Networks(unittest.TestCase):
    def test_measuring_picks_rows_that_there_are(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "T"])
            y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "T", 4])
            table = numpy_helper.from_array(numpy.ones((30, 4), numpy.float32), "table")
            graph = helper.make_graph([helper.make_node("Gather", ["table", "ids"], ["y"], "rows")], "g", [ids], [y], [table])
            save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / "net.onnx")
            lathe("build", "-m", folder / "net.onnx", "--shapes", "T=64", "--opt-level", 5, "-o", folder / "net.plan")


if __name__ == "__main__":
    unittest.main()
