"""The ten-line example, built by the tests' build, answers."""
import os
import pathlib
import subprocess
import unittest

BUILT = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "tests" / "ten_lines_tool"
SOURCE = pathlib.Path(os.environ["LATHE_SOURCE_DIR"]) / "examples" / "ten_lines.cc"


class Example(unittest.TestCase):
    def test_answers(self):
        done = subprocess.run([BUILT], capture_output=True, text=True, timeout=60, check=True)
        self.assertIn("blue", done.stdout.lower())

    def test_has_ten_lines(self):
        lines = SOURCE.read_text().splitlines()
        body = lines[lines.index("int main() {"):]
        self.assertLessEqual(len(body) + sum(line.startswith("#include") for line in lines), 10)


if __name__ == "__main__":
    unittest.main()
