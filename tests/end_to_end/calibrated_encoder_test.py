"""The sentence encoder as an ONNX network in 8 bits: calibrated on some sentences, held to itself in float32 on others."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import export_onnx
import numpy

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
DATA = ROOT / "tests" / "apps" / "data"
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")
LIMIT = 0.1


def lathe(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True, timeout=600).stdout


def models_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or pathlib.Path(cache) / "lathe" / "models")


class CalibratedEncoder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        model = models_directory() / "all-MiniLM-L6-v2"
        cls.network = cls.folder / "model.onnx"
        export_onnx.Encoder(str(model)).export(cls.folder)
        for name, file, step in (("set", "calibration_sentences.txt", 18), ("tests", "sentences.txt", 25)):
            for i, text in enumerate((DATA / file).read_text(encoding="utf-8").splitlines()[::step]):
                ids = json.loads(lathe("tokens", "-m", model, text))
                (cls.folder / name).mkdir(exist_ok=True)
                numpy.save(cls.folder / name / f"{i:03}.npy", numpy.array([ids], numpy.int64))

    def embeddings(self, network):
        found = []
        for ids in sorted((self.folder / "tests").glob("*.npy")):
            lathe("exec", network, *ONCE, "--input", f"input_ids={ids}", "--output", self.folder)
            found.append(numpy.load(self.folder / "embeddings.npy")[0])
        return numpy.array(found)

    def built(self, *words):
        plan = self.folder / "net.plan"
        lathe("build", "-m", self.network, "-o", plan, "--opt-level", 0, "--calibrate", self.folder / "set", "--calibrator",
              "minmax", *words)
        return plan, json.loads(lathe("inspect", "--json", plan))["precision"]

    def test_every_product_in_int8(self):
        exact = self.embeddings(self.network)
        plan, precision = self.built("--precision", "int8", "--error-limit", 0.3)
        self.assertEqual([layer["precision"] for layer in precision["layers"]], ["int8"] * 36)
        cosines = (exact * self.embeddings(plan)).sum(axis=1)
        self.assertGreaterEqual(cosines.mean(), 0.985)
        self.assertGreaterEqual(cosines.min(), 0.975)

    def test_layers_go_back_until_the_limit_holds(self):
        plan, precision = self.built("--precision", "int8,f32", "--error-limit", LIMIT)
        self.assertLessEqual(precision["error"], LIMIT)
        cosines = (self.embeddings(self.network) * self.embeddings(plan)).sum(axis=1)
        self.assertGreaterEqual(cosines.mean(), 0.99)


if __name__ == "__main__":
    unittest.main()
