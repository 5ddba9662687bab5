"""FAULTS rows 69, 70, 72 and 73, as a network meets them behind its reader: dimensions and attributes that contradict each
other, more memory than there is, and ops that nobody knows. Each ends with status 1 and a message that names the node."""
import os
import pathlib
import re
import struct
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
MOST = 2**40


class Faults(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.holder.name)

    def tearDown(self):
        self.holder.cleanup()

    def write(self, nodes, inputs, constants=(), outputs=("y",), opset=17, domains=()):
        infos = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
        results = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
        weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
        graph = helper.make_graph(nodes, "fault", infos, results, weights)
        opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
        path = self.folder / "fault.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path

    def refusal(self, path, *words, command="exec"):
        done = subprocess.run([PROGRAM, command, *map(str, words), *(ONCE if command == "exec" else ()),
                               *(("-m", path) if command == "build" else (path,))],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def expect(self, path, *parts):
        found = self.refusal(path)
        for part in parts:
            self.assertIn(part, found)

    def test_lists_shorter_than_the_rank(self):
        image = {"x": (FLOAT, [1, 2, 8, 8])}
        weight = {"w": np.ones((2, 2, 3, 3), np.float32)}
        for attributes in ({"dilations": [1]}, {"strides": [1, 1, 1]}, {"pads": [1, 1]}, {"kernel_shape": [3]},
                           {"kernel_shape": [5, 5]}, {"pads": [1, 1, 1, -1]}, {"strides": [0, 1]}):
            for op in ("Conv", "ConvTranspose"):
                node = helper.make_node(op, ["x", "w"], ["y"], name="short", **attributes)
                self.expect(self.write([node], image, weight), "short", op)
        for attributes in ({"strides": [1]}, {"pads": [0, 0, 0]}, {"dilations": [1, 1, 1]}):
            node = helper.make_node("MaxPool", ["x"], ["y"], name="short", kernel_shape=[2, 2], **attributes)
            self.expect(self.write([node], image), "short", "MaxPool")
        self.expect(self.write([helper.make_node("Transpose", ["x"], ["y"], name="short", perm=[0, 1])], image), "short")
        lists = {"two": np.array([1, 2]), "scales": np.ones(2, np.float32), "none": np.zeros(0, np.float32)}
        for node in (helper.make_node("Tile", ["x", "two"], ["y"], name="short"),
                     helper.make_node("Pad", ["x", "two"], ["y"], name="short"),
                     helper.make_node("Resize", ["x", "none", "scales"], ["y"], name="short", mode="nearest"),
                     helper.make_node("Slice", ["x", "two", "two", "two", "none"], ["y"], name="short")):
            self.expect(self.write([node], image, lists), "short")

    def test_types_that_differ(self):
        weight = helper.make_tensor("w", TensorProto.BFLOAT16, [2, 2, 3, 3], np.zeros(36))
        constant = helper.make_node("Constant", [], ["w"], name="rounded", value=weight)
        node = helper.make_node("Conv", ["x", "w"], ["y"], name="odd")
        self.expect(self.write([constant, node], {"x": (FLOAT, [1, 2, 8, 8])}), "odd", "must have one type")

    def test_dimensions_that_no_tensor_can_have(self):
        for value, part in ((-5, "-5"), (2**62, str(2**62))):
            node = helper.make_node("Reshape", ["x", "shape"], ["y"], name="odd")
            self.expect(self.write([node], {"x": (FLOAT, [4, 4])}, {"shape": np.array([value, 4])}), "odd", part)
        node = helper.make_node("Relu", ["x"], ["y"], name="odd")
        self.expect(self.write([node], {"x": (FLOAT, None)}), "has no number of dimensions")
        many = {"axes": np.arange(9)}
        for path in (self.write([helper.make_node("Unsqueeze", ["x", "axes"], ["y"], name="odd")], {"x": (FLOAT, [4])}, many),
                     self.write([helper.make_node("ConstantOfShape", ["axes"], ["y"], name="odd")], {"x": (FLOAT, [4])}, many)):
            self.expect(path, "dimensions, of at most 8", "odd")
        self.expect(self.write([node], {"x": (FLOAT, [1] * 9)}), "x has 9 dimensions, of at most 8")

    def expect_memory(self, found, node):
        """The bytes asked for, and those that there are."""
        self.assertIn(node, found)
        asked, left = map(int, re.search(r"needs (\d+) bytes of memory.*has (\d+) left", found).groups())
        self.assertGreaterEqual(asked, MOST)
        self.assertGreater(left, 0)
        self.assertLess(left, asked)

    def test_sizes_in_the_file_beyond_all_memory(self):
        x = {"x": (FLOAT, [1, 1])}
        sizes = {"shape": np.array([MOST, 1]), "counts": np.array([MOST, 1]), "zero": np.array(0), "one": np.array(1),
                 "most": np.array(MOST)}
        for node in (helper.make_node("ConstantOfShape", ["shape"], ["big"], name="greedy"),
                     helper.make_node("Expand", ["x", "shape"], ["big"], name="greedy"),
                     helper.make_node("Tile", ["x", "counts"], ["big"], name="greedy"),
                     helper.make_node("Range", ["zero", "most", "one"], ["range"], name="greedy")):
            nodes = [node]
            if node.op_type == "Range":
                nodes.append(helper.make_node("Cast", ["range"], ["big"], to=FLOAT, name="cast"))
            nodes.append(helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0))
            nodes.append(helper.make_node("Add", ["sum", "x"], ["y"]))
            path = self.write(nodes, x, sizes)
            self.expect_memory(self.refusal(path), "greedy" if node.op_type != "Range" else "")
            self.expect_memory(self.refusal(path, "-o", self.folder / "no.plan", command="build"), "")

    def test_sizes_in_an_input_beyond_all_memory(self):
        np.save(self.folder / "shape.npy", np.array([MOST, 1]))
        node = helper.make_node("ConstantOfShape", ["shape"], ["big"], name="greedy")
        path = self.write([node, helper.make_node("Relu", ["big"], ["y"])], {"shape": (INT64, [2])})
        found = self.refusal(path, "--input", f"shape={self.folder / 'shape.npy'}")
        self.expect_memory(found, "ConstantOfShape greedy")
        self.assertIn(str(4 * MOST), found)

    def test_inputs_beyond_all_memory(self):
        path = self.write([helper.make_node("Relu", ["x"], ["y"])], {"x": (FLOAT, ["N", 4])})
        self.expect_memory(self.refusal(path, "--shapes", f"N={MOST}"), "the input x")

    def test_images_that_are_none(self):
        uint8 = TensorProto.UINT8
        path = self.write([helper.make_node("ImageDecoder", ["file"], ["pixels"], name="decoder"),
                           helper.make_node("Cast", ["pixels"], ["y"], to=FLOAT)], {"file": (uint8, ["N"])}, opset=20)
        beyond = b"BM" + bytes(8) + struct.pack("<IIiiHHIIiiII", 54, 40, 2**19, 2**20, 1, 24, 0, 0, 0, 0, 0, 0)
        for encoded, message in ((b"P6 2 2 255 abc", "the PNM image is cut off"),
                                 (b"GIF89a", "these 6 bytes are no image of a known format"),
                                 (b"\xff\xd8\xff\xe0", "the JPEG image"), (beyond, f"needs {3 * 2**39} bytes of memory")):
            np.save(self.folder / "file.npy", np.frombuffer(encoded, np.uint8))
            found = self.refusal(path, "--input", f"file={self.folder / 'file.npy'}")
            self.assertIn("ImageDecoder decoder: ", found)
            self.assertIn(message, found)

    def test_ops_that_nobody_knows(self):
        nodes = [helper.make_node("Relu", ["x"], ["a"], name="known"),
                 helper.make_node("Frobnicate", ["a"], ["b"], name="first", domain="com.elsewhere"),
                 helper.make_node("Twist", ["x"], ["y"], name="second", domain="com.elsewhere")]
        self.expect(self.write(nodes, {"x": (FLOAT, [2])}, outputs=("y", "b"), domains=("com.elsewhere",)),
                    "2 nodes cannot be run", "com.elsewhere.Frobnicate", "(first)", "com.elsewhere.Twist", "(second)")
        node = helper.make_node("Relu", ["x"], ["y"])
        self.expect(self.write([node], {"x": (FLOAT, [2])}, opset=99), "1 to 28")


if __name__ == "__main__":
    unittest.main()
