"""compare_onnx.py: weights of networks without any, and what it makes of runs."""
import os
import pathlib
import sys
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = pathlib.Path(os.environ["LATHE_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "bench"))
import compare_onnx  # noqa: E402


def bare_network():
    """A convolution and a normalization, their weights made up by ConstantOfShape."""
    shapes = {"w": [8, 4, 3, 3], "scale": [8], "bias": [8], "mean": [8], "variance": [8]}
    nodes = [helper.make_node("ConstantOfShape", [f"{name}_shape"], [name]) for name in shapes]
    nodes += [helper.make_node("Conv", ["x", "w"], ["c"]),
              helper.make_node("BatchNormalization", ["c", "scale", "bias", "mean", "variance"], ["n"]),
              helper.make_node("Sum", ["n", "kept"], ["y"])]
    initializers = [numpy_helper.from_array(np.array(shape), f"{name}_shape") for name, shape in shapes.items()]
    initializers.append(numpy_helper.from_array(np.zeros([1], np.float32), "kept"))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 9, 9])]
    inputs += [helper.make_tensor_value_info(tensor.name, TensorProto.INT64, [1]) for tensor in initializers]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 7, 7])]
    graph = helper.make_graph(nodes, "bare", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)


class CompareOnnx(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place) / "bare.onnx"
            onnx.save(bare_network(), path)
            self.model, self.again, self.other = (compare_onnx.with_weights(path, name) for name in ("a", "a", "b"))
        self.weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}

    def test_weights_take_the_place_of_nodes_that_make_them_up(self):
        self.assertEqual([node.op_type for node in self.model.graph.node], ["Conv", "BatchNormalization", "Sum"])
        self.assertEqual([info.name for info in self.model.graph.input], ["x"])
        self.assertEqual(set(self.weights), {"w", "scale", "bias", "mean", "variance", "kept"})
        onnx.checker.check_model(self.model)

    def test_weights_keep_the_scale_of_what_they_are_applied_to(self):
        self.assertAlmostEqual(float(self.weights["w"].std()), np.sqrt(2 / 36), delta=0.05)
        self.assertGreater(float(self.weights["variance"].min()), 0.3)
        self.assertAlmostEqual(float(self.weights["scale"].mean()), 0.2, delta=0.05)  # of a residual
        x = np.random.default_rng(1).normal(size=[1, 4, 9, 9]).astype(np.float32)
        y, = ReferenceEvaluator(self.model).run(None, {"x": x})
        self.assertTrue(0.05 < float(np.abs(y).mean()) < 1)

    def test_a_seed_of_the_name_decides(self):
        self.assertEqual(self.model.SerializeToString(), self.again.SerializeToString())
        self.assertNotEqual(self.model.SerializeToString(), self.other.SerializeToString())

    def test_medians_and_outputs_are_held_to_their_bounds(self):
        expected = np.array([0.1, 0.9])
        row = compare_onnx.judge("a", [1, 2, 9], [3, 1, 5], np.array([0.1, 0.8995]), expected, int8=False)
        self.assertEqual((row["ratio"], row["below"], row["differs"]), (1.5, False, False))
        row = compare_onnx.judge("a", [4], [3], np.array([0.1, 0.85]), expected, int8=False)
        self.assertEqual((row["ratio"], row["below"], row["differs"]), (0.75, True, True))
        row = compare_onnx.judge("a", [4], [3.5], np.array([0.1, 0.85]), expected, int8=False)
        self.assertFalse(row["below"])
        row = compare_onnx.judge("a", [4], [3.5], np.array([0.1, 0.85]), expected, int8=True)
        self.assertEqual((row["below"], row["differs"]), (True, False))
        row = compare_onnx.judge("a", [1], [3], np.array([0.9, 0.85]), expected, int8=True)
        self.assertTrue(row["differs"])


if __name__ == "__main__":
    unittest.main()
