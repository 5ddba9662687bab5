"""The script ./lathe in a tree of its own, with programs of ours in place of cmake, dpkg-query, apt-get, id and sudo."""
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Every stand-in notes how it was called.
FAKES = {
    "cmake": """
if [ "$1" = --build ]; then
  [ -z "${BUILD_FAILS:-}" ] || { echo "source.cc:1: error: broken"; exit 3; }
  echo "[1/1] building" && sleep "${BUILD_TAKES:-0}"
  mkdir -p "$2" && printf '%s' "$PROGRAM" >"$2/lathe" && chmod +x "$2/lathe"
fi
""",
    "dpkg-query": """
for package in "$@"; do
  case $package in
    -*|'${'*) ;;
    *) case " ${ABSENT:-} " in *" $package "*) ;; *) printf 'installed:%s ' "$package" ;; esac ;;
  esac
done
[ -z "${ABSENT:-}" ]
""",
    "apt-get": 'echo "apt-get says something"; exit "${APT_STATUS:-0}"\n',
    "ctest": 'echo "ctest runs: $*, long: ${LATHE_LONG_TESTS:-no}, models: $LATHE_MODEL_DIR, data: $LATHE_TEST_DATA"; exit "${CTEST_STATUS:-0}"\n',
    "id": 'echo "${FAKE_ID:-1000}"\n',
    "sudo": '[ "$1" = -n ] && shift\n[ -n "${SUDO_WORKS:-}" ] || exit 1\nexec "$@"\n',
}
PROGRAM = '#!/bin/sh\necho "words: $*"\necho "place: $(pwd)"\nexit "${PROGRAM_STATUS:-0}"\n'


class Script(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name).resolve()
        self.tree, self.calls = self.place / "a tree", self.place / "calls"
        for directory in ("src", "include", "cmake"):
            (self.tree / directory).mkdir(parents=True)
            (self.tree / directory / "file").touch()
        for file in ("CMakeLists.txt", "CMakePresets.json"):
            (self.tree / file).touch()
        shutil.copy(ROOT / "lathe", self.tree / "lathe")
        self.fakes = self.place / "bin"
        self.fakes.mkdir()
        for name, body in FAKES.items():
            fake = self.fakes / name
            fake.write_text(f'#!/bin/bash\necho "{name} $*" >>"$CALLS"\n{body}')
            fake.chmod(0o755)
        # Everything older than now, so that a stamp made now is newer.
        for path in [self.tree, *self.tree.rglob("*")]:
            os.utime(path, (time.time() - 100,) * 2)

    def environment(self, **extra):
        return {**os.environ, "PATH": f"{self.fakes}:{os.environ['PATH']}", "CALLS": str(self.calls),
                "PROGRAM": PROGRAM, **extra}

    def run_script(self, *words, cwd=None, **extra):
        return subprocess.run([str(self.tree / "lathe"), *words], env=self.environment(**extra), cwd=cwd or self.place,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)

    def called(self):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.write_text("")
        return lines

    def builds(self):
        return [line for line in self.called() if line.startswith("cmake --build")]

    def test_builds_then_starts_the_program_with_the_same_words_in_the_same_place(self):
        result = self.run_script("run", "two words", "")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, f"words: run two words \nplace: {self.place}\n")
        self.assertTrue((self.tree / "build" / "lathe").is_symlink())
        calls = self.called()
        self.assertTrue(any(line.startswith("cmake --preset release") for line in calls))
        self.assertFalse(any(line.startswith("apt-get") for line in calls), "nothing is missing")

    def test_says_a_line_for_each_step_on_stderr(self):
        result = self.run_script()
        self.assertEqual(result.stderr.splitlines(), ["lathe: configuring release", "lathe: building the program"])

    def test_a_second_call_starts_nothing_but_the_program(self):
        self.run_script()
        self.called()
        result = self.run_script("tokens", "x")
        self.assertEqual((result.stdout.splitlines()[0], result.stderr), ("words: tokens x", ""))
        self.assertEqual(self.called(), [])

    def test_a_second_call_adds_less_than_a_tenth_of_a_second(self):
        for number in range(600):  # more files than the tree has
            (self.tree / "src" / f"file{number}.cc").touch()
        self.run_script()

        def seconds(command):
            start = time.monotonic()
            subprocess.run(command, env=self.environment(), stdout=subprocess.DEVNULL, check=True)
            return time.monotonic() - start

        added = [seconds([str(self.tree / "lathe")]) - seconds([str(self.tree / "build" / "lathe")])
                 for _ in range(15)]
        self.assertLess(statistics.median(added), 0.1)

    def test_gives_the_status_of_the_program(self):
        for status in (0, 1, 2, 42):
            self.assertEqual(self.run_script(PROGRAM_STATUS=str(status)).returncode, status)

    def test_without_words_it_shows_the_help(self):
        self.assertIn("words: --help\n", self.run_script().stdout)

    def test_builds_again_where_a_source_changed_came_or_went(self):
        self.run_script()
        self.called()
        (self.tree / "src" / "file").write_text("changed")
        self.run_script()
        self.assertEqual(len(self.builds()), 1)
        (self.tree / "include" / "new.h").touch()
        self.run_script()
        self.assertEqual(len(self.builds()), 1)
        (self.tree / "include" / "new.h").unlink()
        self.run_script()
        self.assertEqual(len(self.builds()), 1)
        self.run_script()
        self.assertEqual(self.builds(), [])

    def test_a_source_that_changes_during_the_build_is_built_by_the_next_call(self):
        process = subprocess.Popen([str(self.tree / "lathe")], env=self.environment(BUILD_TAKES="1"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.calls.exists() or "--build" not in self.calls.read_text():
            time.sleep(0.01)
        (self.tree / "src" / "file").write_text("changed meanwhile")
        process.wait(timeout=60)
        self.called()
        self.run_script()
        self.assertEqual(len(self.builds()), 1)

    def test_two_at_once_build_once(self):
        processes = [subprocess.Popen([str(self.tree / "lathe")], env=self.environment(BUILD_TAKES="0.5"),
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(3)]
        for process in processes:
            self.assertIn("words:", process.communicate(timeout=60)[0])
        self.assertEqual(len(self.builds()), 1)

    def test_a_failed_build_shows_its_output_and_is_tried_again(self):
        result = self.run_script(BUILD_FAILS="1")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("source.cc:1: error: broken", result.stderr)
        self.assertIn("release-build.log", result.stderr)
        self.assertEqual(self.run_script().returncode, 0)

    def test_a_tree_that_was_moved_is_configured_anew(self):
        self.run_script()
        cache = self.tree / "build" / "release" / "CMakeCache.txt"
        cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else\n")
        (self.tree / "src" / "file").write_text("changed")
        self.assertEqual(self.run_script().returncode, 0)
        self.assertFalse(cache.exists())

    def test_works_through_a_link(self):
        (self.place / "link").symlink_to(self.tree / "lathe")
        result = subprocess.run([str(self.place / "link"), "x"], env=self.environment(), capture_output=True, text=True)
        self.assertIn("words: x", result.stdout)

    def test_root_installs_what_is_missing(self):
        self.assertEqual(self.run_script(ABSENT="ninja-build libutf8proc-dev", FAKE_ID="0").returncode, 0)
        installs = [line for line in self.called() if line.startswith("apt-get")]
        self.assertEqual(installs, ["apt-get update",
                                    "apt-get install -y --no-install-recommends ninja-build libutf8proc-dev"])

    def test_sudo_without_a_password_installs_too(self):
        self.assertEqual(self.run_script(ABSENT="g++", SUDO_WORKS="1").returncode, 0)
        calls = self.called()
        self.assertIn("sudo -n apt-get update", calls)
        self.assertIn("apt-get install -y --no-install-recommends g++", calls)

    def test_without_root_it_prints_the_line_to_run(self):
        result = self.run_script("run", "x", ABSENT="cmake libcli11-dev")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("apt-get update && apt-get install -y --no-install-recommends cmake libcli11-dev\n", result.stderr)
        self.assertFalse(any(line.startswith(("apt-get", "cmake")) for line in self.called()))

    def test_a_failed_installation_shows_why(self):
        result = self.run_script(ABSENT="g++", FAKE_ID="0", APT_STATUS="100")
        self.assertEqual(result.returncode, 1)
        self.assertIn("apt-get says something", result.stderr)

    def with_test_environment(self):
        python = self.tree / "build" / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/bash\necho "python $*" >>"$CALLS"\nlast=${1##*/}; last=${last%.py}\n'
                          'echo "/path of $last/${2:-}"\necho "$last ${2:-} says" >&2\n'
                          'sleep "${FETCH_TAKES:-0}"\n[ "$last${2:-}" != "${FETCH_FAILS:-}" ]\n')
        python.chmod(0o755)
        (self.tree / "tests").mkdir()
        for copy in (self.tree / "tests", self.tree / "build" / "venv"):
            (copy / "requirements.txt").write_text("numpy\n")

    def test_test_builds_all_fetches_models_and_runs_ctest(self):
        self.with_test_environment()
        result = self.run_script("test", "-R", "golden")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, f"ctest runs: --test-dir {self.tree}/build/dev --output-on-failure "
                                        "--no-tests=error -j2 -R golden, long: no, models: /path of fetch_model, "
                                        "data: /path of fetch_test_data\n")
        calls = self.called()
        self.assertTrue(any(line.startswith("cmake --preset dev") for line in calls))
        self.assertIn(f"cmake --build {self.tree}/build/dev", calls)
        self.assertEqual({line.split()[-1] for line in calls if "fetch_model.py" in line}, {"smollm2", "gemma3-270m", "minilm"})
        self.assertEqual(len([line for line in calls if line.endswith("/tools/fetch_test_data.py")]), 1)
        self.assertEqual(len([line for line in calls if line.endswith("/tools/fetch_networks.py")]), 1)
        for words in ("fetch_model smollm2 says", "fetch_model gemma3-270m says", "fetch_test_data  says"):
            self.assertIn(words, result.stderr)
        self.assertTrue(any("librapidcheck-dev" in line for line in calls if line.startswith("dpkg-query")))

    def test_test_where_a_fetch_fails_runs_no_test_and_says_which(self):
        self.with_test_environment()
        for fails, name in (("fetch_test_data", "test-data"), ("fetch_modelgemma3-270m", "gemma3-270m")):
            result = self.run_script("test", FETCH_FAILS=fails)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn(f"lathe: {name} could not be fetched", result.stderr)

    def test_test_fetches_beside_the_build_and_each_other(self):
        self.with_test_environment()
        start = time.monotonic()
        self.assertEqual(self.run_script("test", FETCH_TAKES="1", BUILD_TAKES="1").returncode, 0)
        self.assertLess(time.monotonic() - start, 2.5)

    def test_test_leaves_no_fetch_running_where_the_build_fails(self):
        self.with_test_environment()
        start = time.monotonic()
        self.assertEqual(self.run_script("test", FETCH_TAKES="30", BUILD_FAILS="1").returncode, 1)
        self.assertLess(time.monotonic() - start, 15)

    def test_test_long_and_the_status_of_ctest(self):
        self.with_test_environment()
        result = self.run_script("test", "--long", CTEST_STATUS="8")
        self.assertEqual(result.returncode, 8)
        self.assertIn("long: 1", result.stdout)

    def test_test_with_a_failed_build_runs_no_test(self):
        self.with_test_environment()
        result = self.run_script("test", BUILD_FAILS="1")
        self.assertEqual((result.returncode, result.stdout), (1, ""))


if __name__ == "__main__":
    unittest.main()
