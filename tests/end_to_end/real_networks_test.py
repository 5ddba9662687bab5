"""Networks that people use, out of the packages that carry them, give what ONNX Runtime gives for the same inputs.

data/real_networks.json has samples of its outputs: bench/real_networks.py --write tests/end_to_end/data/real_networks.json"""
import json
import os
import pathlib
import sys
import tempfile
import unittest

import numpy as np

import real_network_values

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import fetch_networks  # noqa: E402

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
EXPECTED = json.loads((ROOT / "tests" / "end_to_end" / "data" / "real_networks.json").read_text(encoding="utf-8"))


class RealNetworks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = fetch_networks.fetch(fetch_networks.cache_directory("LATHE_MODEL_DIR", "models"))

    def test_every_network_has_expected_values(self):
        self.assertEqual(sorted(EXPECTED), sorted(network.name for network in fetch_networks.NETWORKS))

    def test_outputs_are_those_of_onnx_runtime(self):
        for network in fetch_networks.NETWORKS:
            expected = EXPECTED[network.name]
            with self.subTest(network.name), tempfile.TemporaryDirectory() as folder:
                words = real_network_values.given(pathlib.Path(folder), fetch_networks.inputs(network))
                found = real_network_values.outputs_of(PROGRAM, self.directory / network.file, words, list(expected))
                for name, values in expected.items():
                    array = found[name]
                    self.assertEqual(list(array.shape), values["shape"], name)
                    self.assertEqual(str(array.dtype), values["type"], name)
                    np.testing.assert_allclose(array.reshape(-1)[values["places"]], values["elements"], rtol=0,
                                               atol=3e-5 * max(values["greatest"], 1e-2), err_msg=name)


if __name__ == "__main__":
    unittest.main()
