"""compare_peers.py: what it makes of runs, how it makes its peers, and that random models are models."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np

ROOT = pathlib.Path(os.environ["LATHE_SOURCE_DIR"])
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "apps")]
import compare_peers  # noqa: E402
import peer_programs  # noqa: E402
import peer_rows  # noqa: E402
import random_llama  # noqa: E402
from peer_rows import BANDWIDTH, FASTEST, LLAMA, OPENVINO, Row  # noqa: E402
from program import out  # noqa: E402

RECORD = {
    "runs": {"tg8": {"Lathe": [90, 100, 500], "llama.cpp": [30, 40, 50], "llama.cpp, flash attention": [10, 50, 60],
                     OPENVINO: [80, 80, 80]},
             "pp8 A": {"Lathe": [300]}, "pp8 B": {"Lathe": [400]}},
    "limits": {"tg8": {"gb_per_s": [20, 25, 50], "int8_gop_per_s": [1000, 1000, 1000]}},
    "tokens": {"tg8": {"cache_bytes": 1e6, "gop": 2}},
    "weight_bytes": 99e6,
}


class ComparePeers(unittest.TestCase):
    def test_medians_are_held_to_floors(self):
        row = compare_peers.judge(Row("a", "A", "a", "tg8", {LLAMA: 1.9, OPENVINO: 1.3, BANDWIDTH: 0.4}), RECORD)
        self.assertEqual(row["medians"]["Lathe"], 100)
        self.assertEqual(row["measured"][LLAMA], 2)  # of the better side's median
        self.assertEqual(row["measured"][OPENVINO], 1.25)
        self.assertAlmostEqual(row["measured"][BANDWIDTH], 100 * 0.1 / 25)
        self.assertAlmostEqual(row["shares"]["int8 peak"], 0.2)
        self.assertEqual(row["below"], [OPENVINO])

    def test_types_are_held_to_the_fastest(self):
        rows = [compare_peers.judge(Row(kind, kind, "types", f"pp8 {kind}", {FASTEST: 0.8}), RECORD) for kind in "AB"]
        self.assertEqual([row["measured"][FASTEST] for row in rows], [0.75, 1])
        self.assertEqual([row["below"] for row in rows], [[FASTEST], []])

    def test_every_row_can_be_measured(self):
        self.assertLessEqual({row.sitting for row in peer_rows.ROWS}, set(compare_peers.SITTINGS))
        names = [row.name for row in peer_rows.ROWS]
        self.assertEqual(len(set(names)), len(names))

    def test_random_models_compute(self):
        source = compare_peers.peer.find_model("smollm2")
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("Q4_K_M", "Q2_K", "MXFP4"):
                path, logits = (os.path.join(folder, f"{kind}.{end}") for end in ("gguf", "npy"))
                random_llama.write(source, kind, path, layers=2, dim=256, ff=512, heads=4, kv_heads=2)
                out("logits", "-m", path, "--ids", "1,2,3", "-o", logits)
                values = np.load(logits)
                self.assertTrue(np.isfinite(values).all(), kind)
                self.assertGreater(values.std(), 0.01, kind)


class PeerPrograms(unittest.TestCase):
    """How peers are made, with a cmake that makes what it is asked for and a pip that is asked alone."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.peers = pathlib.Path(folder.name) / "build" / "peers"
        self.commands, self.fails = [], ""
        for name, stand_in in (("PEERS", self.peers), ("call", self.call), ("log", lambda words: None)):
            patch = mock.patch.object(peer_programs, name, stand_in)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.dict(os.environ)
        patch.start()
        self.addCleanup(patch.stop)
        os.environ.pop("LATHE_PEER_DIR", None)

    def call(self, command, **_):
        command = [str(word) for word in command]
        self.commands.append(command)
        if self.fails and self.fails in command:
            sys.exit(f"{command[0]} failed")
        if "--sources" in command:
            return "/sources\n"
        for target in command[4:] if command[:2] == ["cmake", "--build"] else []:
            program = pathlib.Path(command[2], "bin", target)
            program.parent.mkdir(parents=True, exist_ok=True)
            program.touch()
        if command[1:3] == ["-m", "venv"]:
            pathlib.Path(command[-1], "bin").mkdir(parents=True)
        return ""

    def made(self):
        """Whether anything was configured, built or installed since the last call."""
        made = [command for command in self.commands if command[0] == "cmake" or "pip" in command]
        self.commands = []
        return made

    def test_llama_cpp_is_built_once(self):
        self.assertEqual(peer_programs.llama_cpp(), (pathlib.Path("/sources"), self.peers / "llama.cpp"))
        configured, built = self.made()
        self.assertEqual(configured[1:5], ["-S", "/sources", "-B", str(self.peers / "llama.cpp")])
        self.assertIn("-DGGML_NATIVE=ON", configured)
        self.assertEqual(built[3:], ["--target", "llama-bench", "llama-batched-bench"])
        peer_programs.llama_cpp()
        self.assertEqual(self.made(), [])

    def test_half_a_build_is_made_anew(self):
        self.fails = "--build"
        with self.assertRaises(SystemExit):
            peer_programs.llama_cpp()
        left = self.peers / "llama.cpp" / "bin" / "llama-bench"
        left.parent.mkdir(parents=True)
        left.touch()
        (self.peers / "llama.cpp" / "CMakeCache.txt").touch()
        self.fails = ""
        self.made()
        peer_programs.llama_cpp()
        self.assertEqual(len(self.made()), 2)
        self.assertFalse((self.peers / "llama.cpp" / "CMakeCache.txt").exists())

    def test_a_link_to_a_build_that_lacks_programs_is_replaced_and_not_emptied(self):
        elsewhere = self.peers.parent / "elsewhere"
        elsewhere.mkdir(parents=True)
        (elsewhere / "CMakeCache.txt").touch()
        self.peers.mkdir()
        (self.peers / "llama.cpp-avx2").symlink_to(elsewhere)
        peer_programs.llama_cpp_avx2()
        self.assertIn("-DGGML_AVX512=OFF", self.made()[0])
        self.assertTrue((elsewhere / "CMakeCache.txt").exists())
        self.assertFalse((elsewhere / "bin").exists())

    def test_sources_elsewhere_bring_their_build(self):
        os.environ["LATHE_PEER_DIR"] = "/other"
        self.assertEqual(peer_programs.llama_cpp(), (pathlib.Path("/other"), pathlib.Path("/other/build")))
        self.assertEqual(self.made(), [])
        peer_programs.llama_cpp_avx2()
        self.assertIn("/other", self.made()[0])

    def test_openvino_is_installed_whole_or_again(self):
        self.fails = "pip"
        with self.assertRaises(SystemExit):
            peer_programs.openvino()
        shutil.rmtree(self.peers / "openvino")  # what --clear would do
        self.fails = ""
        self.made()
        self.assertEqual(peer_programs.openvino(), self.peers / "openvino" / "bin" / "python")
        (install,) = self.made()
        self.assertTrue(all("==" in package for package in install[-len(peer_programs.OPENVINO):]))
        peer_programs.openvino()
        self.assertEqual(self.made(), [])


if __name__ == "__main__":
    unittest.main()
