"""Passes that fuse promise equal bits: logits of every tiny folder, with each of them left out in turn."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

LATHE = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
SOURCE = pathlib.Path(os.environ.get("LATHE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
FOLDERS = sorted(path.parent for path in (SOURCE / "tests" / "tiny").glob("*/config.json"))
IDS = "5,17,3,42,8,100,7,61,9"


def run(*words):
    return subprocess.run([LATHE, *map(str, words)], check=True, capture_output=True, text=True).stdout


def logits(folder, disabled, *words):
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "logits.npy"
        leave_out = [word for name in disabled for word in ("--disable-pass", name)]
        run("logits", "-m", folder, "--ids", IDS, "-o", path, "-t", 2, *words, *leave_out)
        return path.read_bytes()


class Fusion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.passes = [entry["name"] for entry in json.loads(run("inspect", "-m", FOLDERS[0], "--json"))["passes"]
                      if entry["name"].startswith("fuse_")]

    def hold(self, *words):
        for folder in FOLDERS:
            with self.subTest(folder=folder.name):
                without = logits(folder, self.passes, *words)
                self.assertEqual(logits(folder, [], *words), without)
                for name in self.passes:
                    self.assertEqual(logits(folder, [name], *words), without, name)

    def test_there_are_passes_and_folders(self):
        self.assertIn("fuse_shared_inputs", self.passes)
        self.assertGreater(len(FOLDERS), 10)

    def test_codes(self):
        self.hold("--weights", "q8")

    def test_floats(self):
        self.hold("--math", "f32")


if __name__ == "__main__":
    unittest.main()
