"""The sentence encoder as an ONNX network of standard ops, exported by tools/export_onnx.py from its folder: `lathe exec`
on a text's ids gives the embedding that `lathe embed` gives from the folder."""
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
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")
TEXTS = ["The sky is blue.", "Water boils at 100 degrees Celsius at sea level, and lower on a mountain.", "你好"]


def lathe(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True, timeout=300).stdout


def models_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or pathlib.Path(cache) / "lathe" / "models")


class OnnxEncoder(unittest.TestCase):
    def test_embeds_as_the_folder_does(self):
        model = models_directory() / "all-MiniLM-L6-v2"
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            export_onnx.Encoder(str(model)).export(folder)
            for text in TEXTS:
                ids = json.loads(lathe("tokens", "-m", model, text))
                numpy.save(folder / "ids.npy", numpy.array([ids], numpy.int64))
                lathe("exec", folder / "model.onnx", *ONCE, "--input", f"input_ids={folder / 'ids.npy'}", "--output",
                      folder)
                expected = numpy.array(json.loads(lathe("embed", "-m", model, "--math", "f32", text)))
                found = numpy.load(folder / "embeddings.npy")[0]
                self.assertLess(numpy.abs(found - expected.reshape(-1)).max(), 1e-5, text)


if __name__ == "__main__":
    unittest.main()
