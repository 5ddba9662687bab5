"""lathe logits: NumPy files with the scores of every position."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import numpy

from program import PROGRAM, lathe, out, run_json

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


class Targets(unittest.TestCase):
    """What lies under the name of -o before: only a regular file may be replaced."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def names(self):
        return sorted(os.listdir(self.folder))

    def write(self, path, **options):
        return lathe("logits", "--ids", "1,2,3", "-o", path, "--ctx", 64, **options)

    def test_a_link_stays_and_its_target_is_replaced(self):
        (self.folder / "inner").mkdir()
        target = self.folder / "inner" / "target.npy"
        (self.folder / "link").symlink_to("middle")
        (self.folder / "middle").symlink_to(os.path.join("inner", "target.npy"))
        for before in (None, b"old"):
            with self.subTest(before):
                if before is not None:
                    target.write_bytes(before)
                    target.chmod(0o600)
                self.write(self.folder / "link")
                self.assertEqual(self.names(), ["inner", "link", "middle"])
                self.assertEqual(os.readlink(self.folder / "link"), "middle")
                self.assertEqual(os.listdir(target.parent), ["target.npy"])
                self.assertEqual(numpy.load(target).shape, (3, 49152))
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)

    def test_a_fifo_is_written_in_place(self):
        path = self.folder / "fifo"
        os.mkfifo(path)
        got = []
        reader = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
        reader.start()
        self.write(path)
        reader.join(30)
        self.assertTrue(stat.S_ISFIFO(path.stat().st_mode))
        self.assertEqual(self.names(), ["fifo"])
        self.write(self.folder / "file.npy")
        self.assertEqual(got, [(self.folder / "file.npy").read_bytes()])

    def test_stdout_is_written_in_place(self):
        self.write(self.folder / "file.npy")
        expected = (self.folder / "file.npy").read_bytes()
        self.assertEqual(self.write("/dev/stdout", text=False)[0], expected)
        with open(self.folder / "redirected", "w+b") as file:
            subprocess.run([PROGRAM, "logits", "--ids", "1,2,3", "-o", "/dev/stdout", "--ctx", "64"], stdout=file,
                           check=True, timeout=60)
            file.seek(0)
            self.assertEqual(file.read(), expected)
        self.assertEqual(self.names(), ["file.npy", "redirected"])

    def test_a_full_device_is_an_error_and_stays_a_device(self):
        # Through a link of this folder: a program that replaces what it finds takes the link and not the device.
        before = os.stat("/dev/full")
        self.assertTrue(stat.S_ISCHR(before.st_mode))
        (self.folder / "full").symlink_to("/dev/full")
        _, errors = self.write(self.folder / "full", status=1)
        self.assertIn(str(self.folder / "full"), errors)
        self.assertRegex(errors, r"^lathe: [^\n]+\n$")
        after = os.stat("/dev/full")
        self.assertEqual((after.st_mode, after.st_rdev, after.st_ino), (before.st_mode, before.st_rdev, before.st_ino))
        self.assertEqual(self.names(), ["full"])

    def test_a_folder_is_an_error(self):
        self.assertIn(str(self.folder), self.write(self.folder, status=1)[1])

    def test_ctrl_c_leaves_nothing(self):
        old = self.folder / "old.npy"
        old.write_bytes(b"old")
        for name in ("new.npy", "old.npy"):
            with self.subTest(name):
                process = subprocess.Popen([PROGRAM, "logits", "--ids", ",".join(["7"] * 4000), "-o",
                                            str(self.folder / name), "--math", "f32"], stderr=subprocess.PIPE)
                opened = pathlib.Path(f"/proc/{process.pid}/fd")
                deadline = time.monotonic() + 60
                while not any(self.is_inside(link) for link in opened.iterdir()):
                    self.assertIsNone(process.poll())
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=30)
                self.assertEqual(process.returncode, 130)
                self.assertEqual(self.names(), ["old.npy"])
                self.assertEqual(old.read_bytes(), b"old")

    def is_inside(self, link):
        try:
            return os.readlink(link).startswith(str(self.folder))
        except FileNotFoundError:  # closed since it was listed
            return False


if __name__ == "__main__":
    unittest.main()
