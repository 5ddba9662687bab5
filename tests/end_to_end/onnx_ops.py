"""A few nodes as a network of their own, run by `lathe exec` on given arrays."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")


def info(name, array, shape=None):
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, dtype, array.shape if shape is None else shape)


class OpTest(unittest.TestCase):
    opsets = {"": 23, "com.microsoft": 1}

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.generator = np.random.default_rng(3)

    def floats(self, *shape):
        return self.generator.normal(0, 1, shape).astype(np.float32)

    def run_nodes(self, nodes, constants, inputs, outputs, shapes=None):
        """The process. Inputs have the dimensions of `shapes`, which may be names, or their own."""
        for name, array in inputs.items():
            np.save(self.folder / f"{name}.npy", array)
        graph = helper.make_graph(nodes, "ops", [info(n, a, (shapes or {}).get(n)) for n, a in inputs.items()],
                                  [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), None)
                                   for n, a in outputs.items()],
                                  [numpy_helper.from_array(a, n) for n, a in constants.items()])
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=11), self.folder / "ops.onnx")
        given = [word for name in inputs for word in ("--input", f"{name}={self.folder / name}.npy")]
        return subprocess.run([PROGRAM, "exec", self.folder / "ops.onnx", *given, *ONCE, "--output", self.folder / "out"],
                              capture_output=True, text=True, check=False, timeout=120)

    def expect(self, nodes, constants, inputs, expected, shapes=None):
        """The nodes' outputs of `expected`'s names."""
        done = self.run_nodes(nodes, constants, inputs, expected, shapes)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, array in expected.items():
            found = np.load(self.folder / "out" / f"{name}.npy")
            self.assertEqual(found.shape, array.shape, name)
            np.testing.assert_allclose(found, array, rtol=2e-5, atol=2e-5, err_msg=name)

    def expect_refused(self, nodes, constants, inputs, message):
        done = self.run_nodes(nodes, constants, inputs, {"y": np.zeros(1, np.float32)})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(message, done.stderr)
