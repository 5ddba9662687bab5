"""Holds every #include against the ladder of docs/architecture.md, and files against the sizes that were promised."""
import collections
import os
import pathlib
import re
import statistics
import unittest

ROOT = pathlib.Path(os.environ.get("LATHE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
SRC = ROOT / "src"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
LADDER_ROW = re.compile(r"^\| (\d+) \| `(\w+)` \|", re.MULTILINE)
INTRINSICS = re.compile(r"(\w*intrin|arm_neon|arm_sve|cpuid)\.h")

Include = collections.namedtuple("Include", "file quoted target")


def ladder():
    rows = LADDER_ROW.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    return {directory: int(level) for level, directory in rows}


def sources(directory):
    return sorted(path for path in directory.rglob("*") if path.suffix in (".cc", ".h", ".in"))


def includes(directory):
    for file in sources(directory):
        for quote, target in INCLUDE.findall(file.read_text(encoding="utf-8")):
            yield Include(file.relative_to(ROOT), quote == '"', target)


def first_part(target):
    return target.split("/")[0]


class Ladder(unittest.TestCase):
    def test_names_every_directory_once_and_no_other(self):
        directories = {path.name for path in SRC.iterdir() if path.is_dir() and sources(path)}
        self.assertEqual(set(ladder()), directories)

    def test_every_include_goes_down(self):
        levels = ladder()
        wrong = []
        for include in includes(SRC):
            origin, target = include.file.parts[1], first_part(include.target)
            if not include.quoted or target in ("lathe", origin):
                continue
            if target not in levels or levels[target] >= levels[origin]:
                wrong.append(f"{include.file} includes {include.target}")
        self.assertEqual(wrong, [])

    def test_our_headers_are_named_from_src_and_exist(self):
        wrong = [f"{i.file}: {i.target}" for i in includes(SRC) if i.quoted
                 and not (SRC / i.target).is_file() and not (ROOT / "include" / i.target).is_file()]
        self.assertEqual(wrong, [])

    def test_the_public_headers_lie_below_everything(self):
        wrong = [f"{i.file}: {i.target}" for i in includes(ROOT / "include")
                 if (i.quoted and first_part(i.target) != "lathe") or (not i.quoted and "/" in i.target)]
        self.assertEqual(wrong, [])

    def test_commands_use_the_public_headers_alone(self):
        wrong = [f"{i.file}: {i.target}" for i in includes(SRC / "apps")
                 if i.quoted and first_part(i.target) not in ("lathe", "apps")]
        self.assertEqual(wrong, [])

    def test_there_are_at_most_eight_public_headers(self):
        self.assertLessEqual(len(sources(ROOT / "include")), 8)


class Homes(unittest.TestCase):
    def outside(self, pattern, *homes):
        return [f"{i.file}: {i.target}" for i in includes(SRC)
                if re.match(pattern, i.target) and not str(i.file).startswith(homes)]

    def test_intrinsics_live_under_cpu_avx(self):
        # The one question to the processor itself, which features it has, is asked in base.
        wrong = self.outside(INTRINSICS, "src/cpu/avx2/", "src/cpu/avx512/", "src/cpu/avx512bf16/")
        self.assertEqual([entry for entry in wrong if entry != "src/base/cpu_features.cc: cpuid.h"], [])

    def test_isa_files_see_plain_data_alone(self):
        allowed = {"cstddef", "cstdint", "immintrin.h"}
        for isa in ("avx2", "avx512", "avx512bf16"):
            wrong = [f"{i.file}: {i.target}" for i in includes(SRC / "cpu" / isa)
                     if not i.quoted and i.target not in allowed]
            self.assertEqual(wrong, [])

    def test_the_json_library_is_behind_base(self):
        self.assertEqual(self.outside("nlohmann/", "src/base/json.h"), [])


class Sizes(unittest.TestCase):
    def test_files_stay_small(self):
        files = [path for top in ("src", "include", "tests", "tools", "bench", "examples")
                 for path in (ROOT / top).rglob("*") if path.suffix in (".cc", ".h", ".py", ".sh")]
        lines = {path: path.read_bytes().count(b"\n") for path in files}
        self.assertEqual([str(path) for path, count in lines.items() if count > 800], [])
        self.assertGreaterEqual(sum(count < 400 for count in lines.values()) / len(lines), 0.9)
        self.assertLess(statistics.median(lines.values()), 150)


if __name__ == "__main__":
    unittest.main()
