"""lathe compare on networks: tensor by tensor against another run, and against what a network should give."""
import json
import pathlib
import tempfile
import unittest

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from program import lathe, out

FLOAT = TensorProto.FLOAT
X = numpy.random.default_rng(1).standard_normal((4, 8)).astype(numpy.float32)
FIRST = numpy.random.default_rng(2).standard_normal((8, 6)).astype(numpy.float32)
SECOND = numpy.random.default_rng(3).standard_normal((6, 3)).astype(numpy.float32)


def compare(*words, status):
    return json.loads(lathe("compare", *words, "--json", status=status)[0])


def by_name(report):
    return {tensor["name"]: tensor for tensor in report["tensors"]}


class Networks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def save(self, name, nodes, outputs, inputs, weights=()):
        graph = helper.make_graph(nodes, "network", inputs, outputs,
                                  [numpy_helper.from_array(array, key) for key, array in dict(weights).items()])
        path = self.folder / name
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)
        return path

    def network(self, name="network.onnx", second=SECOND, rows="N"):
        """x, first, hidden, y in this order."""
        nodes = [helper.make_node("MatMul", ["x", "w1"], ["first"]), helper.make_node("Tanh", ["first"], ["hidden"]),
                 helper.make_node("MatMul", ["hidden", "w2"], ["y"])]
        return self.save(name, nodes, [helper.make_tensor_value_info("y", FLOAT, [rows, 3])],
                         [helper.make_tensor_value_info("x", FLOAT, [rows, 8])], {"w1": FIRST, "w2": second})

    def chosen(self, name="chosen.onnx", factor=2.0):
        """Rows that are known when it runs alone: kept, scaled, y."""
        nodes = [helper.make_node("Compress", ["x", "keep"], ["kept"], axis=0),
                 helper.make_node("Mul", ["kept", "factor"], ["scaled"]), helper.make_node("Sqrt", ["scaled"], ["y"])]
        return self.save(name, nodes, [helper.make_tensor_value_info("y", FLOAT, None)],
                         [helper.make_tensor_value_info("x", FLOAT, ["N", 8]),
                          helper.make_tensor_value_info("keep", TensorProto.BOOL, ["N"])],
                         {"factor": numpy.array(factor, numpy.float32)})

    def array(self, name, array):
        path = self.folder / f"{name}.npy"
        path.parent.mkdir(exist_ok=True)
        numpy.save(path, array)
        return path

    def test_the_same_network_is_equal_and_its_tensors_stand_in_order(self):
        path = self.network()
        report = compare(path, "--shapes", "N=4", status=0)
        names = [tensor["name"] for tensor in report["tensors"]]
        self.assertEqual(names, [name for name in ("first", "hidden", "y") if name in names])
        self.assertIn("y", names)
        self.assertTrue(all(tensor["equal"] and tensor["shape"][0] == 4 for tensor in report["tensors"]))
        _, errors = lathe("compare", path, "--shapes", "N=4")
        self.assertIn("made up: x", errors)

    def test_another_weight_is_found_where_it_first_tells(self):
        second = SECOND.copy()
        second[2, 1] += 0.5
        a, b = self.network(), self.network("other.onnx", second)
        given = ["--input", f"x={self.array('x', X)}"]
        report = compare(a, b, *given, status=1)
        tensors = by_name(report)
        self.assertEqual(report["first"], "y")
        self.assertTrue(all(tensor["equal"] for name, tensor in tensors.items() if name != "y"))
        hidden = numpy.tanh(X.astype(float) @ FIRST)
        self.assertAlmostEqual(tensors["y"]["max_abs"], numpy.abs(hidden[:, 2] * 0.5).max(), places=5)
        self.assertEqual(tensors["y"]["different"], 4)
        compare(a, b, *given, "--atol", 0.51, status=0)

    def test_settings_of_one_side_and_plans(self):
        path = self.network()
        report = compare(path, "--shapes", "N=4", "--disable-pass-b", "matmul_to_linear", "--atol", 1e-5, status=0)
        self.assertIn("y", by_name(report))
        plan = self.folder / "network.plan"
        out("build", "-m", path, "--shapes", "N=4", "-o", plan)
        report = compare(path, plan, "--shapes", "N=4", status=0)
        self.assertEqual([tensor["name"] for tensor in report["tensors"]], ["y"])
        self.assertTrue(report["tensors"][0]["equal"])

    def test_seeds_make_up_other_inputs(self):
        path, x = self.network(), self.folder / "x"
        out("exec", path, "--shapes", "N=4", "--seed", 5, "--warm-up", 0, "--duration", 0, "--iterations", 1,
            "--output", x)
        compare(path, x, "--shapes", "N=4", "--seed", 5, status=0)
        compare(path, x, "--shapes", "N=4", "--seed", 6, status=1)

    def test_sizes_that_a_run_finds(self):
        keep = self.array("keep", numpy.array([True, False, True, True]))
        given = ["--input", f"x={self.array('x', numpy.abs(X))}", "--input", f"keep={keep}"]
        report = compare(self.chosen(), self.chosen("other.onnx", 2.5), *given, status=1)
        tensors = by_name(report)
        self.assertEqual(list(tensors), [name for name in ("kept", "scaled", "y") if name in tensors])
        self.assertTrue(tensors["kept"]["equal"])
        self.assertTrue(all(tensor["shape"] == [3, 8] for tensor in tensors.values()))
        kept = numpy.abs(X)[[0, 2, 3]].astype(float)
        self.assertAlmostEqual(tensors["y"]["max_abs"], (numpy.sqrt(2.5 * kept) - numpy.sqrt(2 * kept)).max(), places=5)
        other = self.array("other", numpy.array([True, False, True, False]))
        shapes = compare(self.chosen(), *given[:2], "--input", f"keep={other}", status=0)
        self.assertEqual(by_name(shapes)["y"]["shape"], [2, 8])

    def test_expected_tensors(self):
        path = self.network("names.onnx")
        hidden = numpy.tanh(X.astype(float) @ FIRST)
        expected = self.folder / "expected"
        self.array("expected/y", (hidden @ SECOND).astype(numpy.float32))
        given = ["--input", f"x={self.array('x', X)}"]
        report = compare(path, expected, *given, "--atol", 1e-5, status=0)
        self.assertEqual([tensor["name"] for tensor in report["tensors"]], ["y"])
        self.assertEqual((report["only_a"], report["only_b"]), ([], []))
        self.array("expected/nothing", X)
        self.assertEqual(compare(path, expected, *given, "--atol", 1e-5, status=0)["only_b"], ["nothing"])
        self.array("expected/y", numpy.zeros((4, 3), numpy.float32))
        self.assertEqual(compare(path, expected, *given, "--atol", 1e-5, status=1)["first"], "y")

    def test_names_that_no_file_has(self):
        nodes = [helper.make_node("Neg", ["x"], ["/layer/y:0"])]
        path = self.save("slash.onnx", nodes, [helper.make_tensor_value_info("/layer/y:0", FLOAT, [4, 8])],
                         [helper.make_tensor_value_info("x", FLOAT, [4, 8])])
        self.array("expected/_layer_y_0", -X)
        report = compare(path, self.folder / "expected", "--input", f"x={self.array('x', X)}", status=0)
        self.assertEqual([tensor["name"] for tensor in report["tensors"]], ["/layer/y:0"])

    def test_whole_numbers_and_booleans_are_compared(self):
        big = numpy.array([2 ** 53, 2 ** 53 + 1, -5], numpy.int64)
        nodes = [helper.make_node("Add", ["n", "one"], ["sum"]), helper.make_node("Less", ["n", "one"], ["less"])]
        outputs = [helper.make_tensor_value_info("sum", TensorProto.INT64, [3]),
                   helper.make_tensor_value_info("less", TensorProto.BOOL, [3])]
        paths = [self.save(f"whole{one}.onnx", nodes, outputs, [helper.make_tensor_value_info("n", TensorProto.INT64, [3])],
                           {"one": numpy.array(one, numpy.int64)}) for one in (0, 1)]
        tensors = by_name(compare(*paths, "--input", f"n={self.array('n', big)}", status=1))
        self.assertEqual((tensors["sum"]["different"], tensors["sum"]["max_abs"]), (3, 1))
        self.assertTrue(tensors["less"]["equal"])
        self.assertEqual(tensors["less"]["dtype_a"], "bool")

    def test_wrong_words(self):
        path = self.network()
        for words, status, part in (([path, "smollm2"], 2, "a network is compared with a network"),
                                    ([path, "--chunk", 2], 2, "--chunk is for models"),
                                    (["smollm2", "--shapes", "T=4"], 2, "for networks"),
                                    ([path, "--input", "z=z.npy"], 1, "z.npy"),
                                    ([path, "--shapes", "M=4"], 2, "M"),
                                    ([path, self.folder / "none.onnx"], 1, "none.onnx")):
            with self.subTest(part):
                self.assertIn(part, lathe("compare", *words, status=status)[1])


if __name__ == "__main__":
    unittest.main()
