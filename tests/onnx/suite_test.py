"""The ONNX conformance suite of the package onnx: all passes but what not_passing.txt lists, and nothing is wrong.

A test that is not supported has its name in the list, and leaves it when it passes: the list only shrinks.

    suite_test.py --write-list      takes the names of tests that pass out of the list
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "not_passing.txt"
EXPORT = HERE.parent.parent / "tools" / "export_onnx_suite.py"
BINARY_DIR = pathlib.Path(os.environ.get("LATHE_BINARY_DIR", HERE.parent.parent / "build"))
TESTS = 2033
NOT_DETERMINISTIC = 12


def run_suite():
    """The names of the tests by outcome, and what the program printed: each failed test with its reason."""
    folder = BINARY_DIR / "onnx_suite"
    subprocess.run([sys.executable, EXPORT, folder], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        names = pathlib.Path(scratch) / "names.json"
        done = subprocess.run([BINARY_DIR / "lathe", "onnx-suite", folder, "--json", names], capture_output=True,
                              text=True)
        if not names.exists():
            raise AssertionError(f"lathe onnx-suite ended with {done.returncode}: {done.stderr}")
        return json.loads(names.read_text()), done


def read_list():
    return LIST.read_text().split()


class OnnxSuite(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.names, cls.done = run_suite()

    def test_every_test_is_counted_once(self):
        names = [name for group in self.names.values() for name in group]
        self.assertEqual(len(names), TESTS)
        self.assertEqual(len(set(names)), TESTS)
        self.assertEqual(len(self.names["not_deterministic"]), NOT_DETERMINISTIC)

    def test_nothing_is_wrong(self):
        self.assertEqual(self.names["failed"], [], self.done.stdout)
        self.assertEqual(self.done.returncode, 0)

    def test_what_does_not_pass_is_in_the_list(self):
        self.assertEqual(sorted(set(self.names["unsupported"]) - set(read_list())), [])

    def test_what_passes_is_not_in_the_list(self):
        self.assertEqual(sorted(set(self.names["passed"]) & set(read_list())), [], "suite_test.py --write-list")

    def test_the_list_names_tests_once_and_in_order(self):
        names = read_list()
        self.assertEqual(names, sorted(set(names)))
        known = set(self.names["passed"] + self.names["failed"] + self.names["unsupported"])
        self.assertEqual(sorted(set(names) - known), [])


def write_list():
    names, _ = run_suite()
    not_passing = names["failed"] + names["unsupported"]
    if LIST.exists():
        listed = set(read_list())
        not_passing = [name for name in not_passing if name in listed]
    LIST.write_text("".join(name + "\n" for name in sorted(not_passing)))
    print(f"{LIST}: {len(not_passing)} tests")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write-list"]:
        write_list()
    else:
        unittest.main()
