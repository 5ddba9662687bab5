"""compare_peers.py: what it makes of runs, and that random models are models."""
import os
import pathlib
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(os.environ["LATHE_SOURCE_DIR"])
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "apps")]
import compare_peers  # noqa: E402
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


if __name__ == "__main__":
    unittest.main()
