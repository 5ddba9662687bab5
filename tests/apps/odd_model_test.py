"""A model file that is odd in several ways: what is said at load, and the switches for it."""
import os
import pathlib
import shutil
import tempfile
import unittest

from gguf import GGUFReader
from program import lathe

NAME = b"\x1b[31mred\xff"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def model_directory():
    if os.environ.get("LATHE_MODEL_DIR"):
        return pathlib.Path(os.environ["LATHE_MODEL_DIR"])
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "lathe" / "models"


def stored(text):
    return len(text).to_bytes(8, "little") + text


class OddModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.path = pathlib.Path(cls.place.name) / "odd.gguf"
        shutil.copyfile(model_directory() / MODEL, cls.path)
        reader = GGUFReader(cls.path)
        name = bytes(reader.get_field("general.name").parts[-1])
        cls.factor = next(tensor.data_offset for tensor in reader.tensors if tensor.tensor_type.name == "Q4_1")
        del reader
        with open(cls.path, "r+b") as file:
            head = file.read(4 << 20)
            file.seek(head.index(stored(name)) + 8)
            file.write(NAME.ljust(len(name), b"x")[:len(name)])
            merge = stored("Ġ t".encode())
            file.seek(head.index(merge))
            file.write(merge.replace(b" ", b"x"))
            file.seek(0, os.SEEK_END)
            file.write(b"PK\x03\x04")

    def write_factor(self, content):
        with open(self.path, "r+b") as file:
            file.seek(self.factor)
            before = file.read(2)
            file.seek(self.factor)
            file.write(content)
        return before

    def test_warnings_are_printed_once(self):
        stdout, stderr = lathe("tokens", "-m", self.path, "hello")
        self.assertTrue(stdout.startswith("["))
        lines = stderr.splitlines()
        self.assertEqual(len(lines), 2, stderr)
        self.assertEqual(lines[0], "lathe: warning: 4 bytes follow the last tensor")
        self.assertRegex(lines[1], r"^lathe: warning: 1 of \d+ merges are ignored")

    def test_a_sound_file_gives_none(self):
        self.assertEqual(lathe("tokens", "hello")[1], "")

    def test_strict_refuses_what_follows_the_last_tensor(self):
        for command in (["tokens", "x"], ["inspect"], ["run", "x"]):
            stdout, stderr = lathe(*command, "-m", self.path, "--strict", status=1)
            self.assertEqual(stdout, "")
            self.assertIn("4 bytes follow the last tensor", stderr)

    def test_weights_are_checked_unless_told_otherwise(self):
        before = self.write_factor(b"\x00\x7e")  # NaN
        self.addCleanup(self.write_factor, before)
        words = ("inspect", "--passes", "--ctx", 64, "-m", self.path)
        self.assertIn("NaN", lathe(*words, status=1)[1])
        self.assertIn("pass", lathe(*words, "--no-check-weights")[0])

    def test_the_name_does_not_reach_the_terminal_as_it_is(self):
        stdout, _ = lathe("inspect", "-m", self.path)
        self.assertNotIn("\x1b", stdout)
        self.assertIn(r"\x1b[31mred\xff", stdout)
        stdout, _ = lathe("bench", "-p", 1, "-n", 0, "-r", 1, "--ctx", 64, "-m", self.path)
        self.assertNotIn("\x1b", stdout)
        self.assertIn(r"\x1b[31mred\xff", stdout)


if __name__ == "__main__":
    unittest.main()
