"""Looks at the objects of src/cpu/avx2, avx512 and avx512bf16 with nm: code made for one processor must stay in its own namespace.

A weak (W, V) or unique (u) symbol is an inline function or variable that other objects define too; a linker that keeps
the copy made with AVX instructions crashes every processor without them, far away from any kernel.
"""
import os
import pathlib
import re
import subprocess
import unittest

BINARY = pathlib.Path(os.environ["LATHE_BINARY_DIR"])
SOURCE = pathlib.Path(os.environ.get("LATHE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
LEVELS = ("avx2", "avx512", "avx512bf16")
LINE = re.compile(r"^(?:[0-9a-f]+|\s+) +(\w) (.*)$", re.MULTILINE)
SANITIZER = re.compile(r"__(odr_)?(asan|ubsan|tsan|sancov)|(asan|tsan)\.module")


def objects(isa):
    """One for each source; what an older source left in the build directory does not count."""
    place = BINARY / "src" / "cpu" / "CMakeFiles" / f"lathe_cpu_{isa}.dir" / isa
    return [place / f"{source.name}.o" for source in sorted((SOURCE / "src" / "cpu" / isa).glob("*.cc"))]


def symbols(path):
    listing = subprocess.run(["nm", "-C", "--defined-only", str(path)], capture_output=True, text=True, check=True)
    return [(kind, name) for kind, name in LINE.findall(listing.stdout) if not SANITIZER.match(name)]


class IsaObjects(unittest.TestCase):
    def each(self):
        for isa in LEVELS:
            for path in objects(isa):
                for kind, name in symbols(path):
                    yield isa, path.name, kind, name

    def test_every_file_has_its_object(self):
        for isa in LEVELS:
            self.assertTrue(objects(isa))
            self.assertEqual([str(path) for path in objects(isa) if not path.exists()], [])

    def test_nothing_is_shared_with_other_objects(self):
        shared = [f"{isa}/{file}: {kind} {name}" for isa, file, kind, name in self.each() if kind in "WVwvu"]
        self.assertEqual(shared, [])

    def test_external_names_lie_in_the_namespace_of_the_instruction_set(self):
        outside = [f"{isa}/{file}: {name}" for isa, file, kind, name in self.each()
                   if kind.isupper() and kind != "U" and not re.match(rf"([\w ]+ )?lathe::{isa}::", name)]
        self.assertEqual(outside, [])

    def test_the_look_sees_symbols_at_all(self):
        self.assertTrue(any(kind == "R" or kind == "D" for _, _, kind, _ in self.each()))


if __name__ == "__main__":
    unittest.main()
