"""Networks with shape arithmetic as PyTorch exports it, over a batch N and a length T that have names: the plan has all
of its memory planned, and gives what the onnx package's reference evaluator gives at every size."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")
WIDTH, HEADS, VOCABULARY, POSITIONS = 16, 4, 30, 48
SIZES = [(1, 1), (1, 7), (3, 5), (2, 32), (4, 32)]


def lathe(*words, status=0):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{words} ended with {done.returncode} instead of {status}\n{done.stderr[-2000:]}")
    return done.stdout, done.stderr


class Network:
    """Nodes as an exporter writes them down, one after another."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [f"/{op}_{self.count}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"/{op}_{self.count}", **attributes))
        self.count += 1
        return names[0] if outputs == 1 else names

    def constant(self, values, dtype=np.int64):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, *shape):
        return self.constant(self.generator.normal(0, shape[0] ** -0.5, shape), np.float32)

    def size(self, x, axis):
        """x.size(axis), a number without dimensions."""
        return self.add("Gather", self.add("Shape", x), self.constant(axis), axis=0)

    def shape(self, *parts):
        """What is handed to view and expand: whole numbers and sizes."""
        made = [self.add("Unsqueeze", part, self.constant([0])) if isinstance(part, str) else self.constant([part])
                for part in parts]
        return self.add("Concat", *made, axis=0)

    def expanded(self, x, shape, rank):
        """x.expand(shape), in which -1 is a dimension that stays."""
        ones = self.add("ConstantOfShape", self.constant([rank]), value=numpy_helper.from_array(np.array([1])))
        is_rest = self.add("Equal", shape, self.add("Mul", ones, self.constant(-1)))
        return self.add("Expand", x, self.add("Where", is_rest, ones, shape))

    def write(self, path, inputs, outputs):
        infos = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
        results = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
        graph = helper.make_graph(self.nodes, "exported", infos, results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, path)
        return path


def encoder(path):
    """Token and position embeddings, a mask of padding, attention in heads, a gated block over flattened rows."""
    n = Network(3)
    ids, mask = "input_ids", "attention_mask"
    batch, length = n.size(ids, 0), n.size(ids, 1)
    places = n.add("Slice", n.constant(np.arange(POSITIONS)[None]), n.constant([0]),
                   n.add("Unsqueeze", length, n.constant([0])), n.constant([1]))
    x = n.add("Add", n.add("Gather", n.weight(VOCABULARY, WIDTH), ids),
              n.add("Gather", n.weight(POSITIONS, WIDTH), places))
    wide = n.add("Unsqueeze", n.add("Unsqueeze", mask, n.constant([1])), n.constant([2]))
    wide = n.expanded(wide, n.shape(batch, 1, length, length), 4)
    dark = n.add("Mul", n.add("Sub", n.constant(1, np.float32), n.add("Cast", wide, to=TensorProto.FLOAT)),
                 n.constant(-1e4, np.float32))
    heads = []
    for _ in range(3):
        rows = n.add("Add", n.add("MatMul", x, n.weight(WIDTH, WIDTH)), n.weight(WIDTH))
        rows = n.add("Reshape", rows, n.shape(batch, length, HEADS, WIDTH // HEADS))
        heads.append(n.add("Transpose", rows, perm=[0, 2, 1, 3]))
    q, k, v = heads
    scores = n.add("Div", n.add("MatMul", q, n.add("Transpose", k, perm=[0, 1, 3, 2])),
                   n.constant((WIDTH // HEADS) ** 0.5, np.float32))
    weights = n.add("Softmax", n.add("Add", scores, dark), axis=-1)
    mixed = n.add("Transpose", n.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    x = n.add("Add", x, n.add("Reshape", mixed, n.shape(n.size(mixed, 0), n.size(mixed, 1), WIDTH)))
    # x.view(N * T, width), through a block, and back
    flat = n.add("Reshape", x, n.shape(n.add("Mul", batch, length), WIDTH))
    halves = n.add("Split", n.add("MatMul", flat, n.weight(WIDTH, 2 * WIDTH)), outputs=2, axis=1)
    flat = n.add("Mul", halves[0], n.add("Sigmoid", halves[1]))
    x = n.add("Reshape", flat, n.shape(batch, -1, WIDTH))
    # every other token, the last one, and a mask made of numbers
    half = n.add("Div", n.add("Add", length, n.constant(1)), n.constant(2))
    even = n.add("Slice", x, n.constant([0]), n.constant([2**62]), n.constant([1]), n.constant([2]))
    even = n.add("Reshape", even, n.shape(batch, n.add("Mul", half, n.constant(WIDTH))))
    steps = n.add("Range", n.constant(0), length, n.constant(1))
    falling = n.add("Cast", n.add("Sub", length, steps), to=TensorProto.FLOAT)
    zeros = n.add("ConstantOfShape", n.shape(length, batch),
                  value=numpy_helper.from_array(np.array([0.5], np.float32)))
    n.nodes += [helper.make_node("Identity", [x], ["hidden"]),
                helper.make_node("Concat", [even, n.add("Flatten", x, axis=1)], ["joined"], axis=1),
                helper.make_node("Mul", [n.add("Transpose", zeros, perm=[1, 0]), falling], ["falling"]),
                helper.make_node("Concat", [n.add("Shape", x), n.add("Shape", flat)], ["shapes"], axis=0)]
    return n.write(path, {ids: (TensorProto.INT64, ["N", "T"]), mask: (TensorProto.INT64, ["N", "T"])},
                   {"hidden": TensorProto.FLOAT, "joined": TensorProto.FLOAT, "falling": TensorProto.FLOAT,
                    "shapes": TensorProto.INT64})


def inputs_of(batch, length):
    generator = np.random.default_rng(batch * 100 + length)
    mask = np.ones((batch, length), np.int64)
    mask[batch // 2, length - length // 3:] = 0
    return {"input_ids": generator.integers(0, VOCABULARY, (batch, length)), "attention_mask": mask}


class Sizes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        cls.network = encoder(cls.folder / "encoder.onnx")
        cls.reference = ReferenceEvaluator(str(cls.network))

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def run_file(self, file, batch, length, name="out"):
        words = []
        for key, value in inputs_of(batch, length).items():
            np.save(self.folder / f"{key}.npy", value)
            words += ["--input", f"{key}={self.folder / key}.npy"]
        lathe("exec", file, *ONCE, *words, "--output", self.folder / name)
        return {out: np.load(self.folder / name / f"{out}.npy") for out in ("hidden", "joined", "falling", "shapes")}

    def expect(self, found, batch, length):
        names = ["hidden", "joined", "falling", "shapes"]
        expected = dict(zip(names, self.reference.run(names, inputs_of(batch, length))))
        for name in names:
            self.assertEqual(found[name].shape, expected[name].shape, (name, batch, length))
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=2e-5)

    def build(self, name, *words, level=1):
        plan = self.folder / name
        lathe("build", "-m", self.network, "--opt-level", level, *words, "-o", plan)
        return plan

    def test_every_size_gives_what_the_reference_gives(self):
        plan = self.build("shapes.plan", "--shapes", "N=4,T=32")
        for batch, length in SIZES:
            self.expect(self.run_file(plan, batch, length), batch, length)
        self.expect(self.run_file(self.network, 3, 5), 3, 5)

    def test_memory_is_planned(self):
        text = lathe("inspect", self.build("planned.plan", "--shapes", "N=4,T=32"))[0]
        self.assertNotIn("\"?\"", text)
        for op in ("Shape", "Unsqueeze", "Squeeze", "Where"):
            self.assertNotIn(f" {op} ", text)

    def test_profiles_give_the_same_bits(self):
        two = self.build("two.plan", "--profile", "N=1:4:8,T=1:16:40", "--profile", "N=1:1:2,T=1:4:8")
        one = self.build("one.plan", "--shapes", "N=8,T=40")
        text = lathe("inspect", two)[0]
        self.assertRegex(text, r"profile 1: N 1 to 2 \(chosen for 1\), T 1 to 8 \(chosen for 4\)")
        self.assertRegex(text, r"profile 2: N 1 to 8 \(chosen for 4\), T 1 to 40 \(chosen for 16\)")
        arenas = [int(profile["arena_bytes"]) for profile in json.loads(lathe("inspect", two, "--json")[0])["profiles"]]
        self.assertEqual(len(arenas), 2)
        self.assertLess(arenas[0] * 8, arenas[1])
        generator = np.random.default_rng(1)
        sizes = [(2, 8), (2, 9), (3, 8), (8, 40)] + [tuple(map(int, generator.integers(1, (9, 41)))) for _ in range(4)]
        for batch, length in sizes:
            small, large = self.run_file(two, batch, length), self.run_file(one, batch, length, "other")
            self.expect(small, batch, length)
            for name in small:
                self.assertEqual(small[name].tobytes(), large[name].tobytes(), (name, batch, length))

    def test_runs_outside_of_every_profile_are_refused(self):
        plan = self.build("outside.plan", "--profile", "N=2:4:8,T=8:16:40", "--profile", "N=1,T=1:4:8")
        for sizes in ("N=9,T=8", "N=1,T=9", "N=2,T=7", "N=1,T=41"):
            found = lathe("exec", plan, *ONCE, "--shapes", sizes, status=2)[1]
            self.assertIn(sizes.replace("=", " = ").replace(",", ", ") + " is asked for", found)
            self.assertIn("N 1 to 1, T 1 to 8", found)
            self.assertIn("N 2 to 8, T 8 to 40", found)
        for sizes in ((8, 40), (1, 1), (2, 8)):
            self.expect(self.run_file(plan, *sizes), *sizes)
        self.assertIn("input_ids: i64[N, T]", lathe("inspect", plan)[0])

    def test_exec_knows_the_sizes_of_its_inputs_ahead(self):
        """Behind Resize by 1.3 a size is known once the input's is: then the convolution takes the function behind."""
        n = Network(5)
        scales = n.constant([1, 1, 1.3, 1.3], np.float32)
        larger = n.add("Resize", "x", "", scales, mode="nearest", nearest_mode="floor",
                       coordinate_transformation_mode="asymmetric")
        sums = n.add("Conv", larger, n.weight(4, 3, 3, 3))
        n.nodes.append(helper.make_node("Mul", [sums, n.add("Sigmoid", sums)], ["y"]))
        network = n.write(self.folder / "resized.onnx", {"x": (TensorProto.FLOAT, [1, 3, "H", "W"])},
                          {"y": TensorProto.FLOAT})
        x = np.random.default_rng(6).normal(size=(1, 3, 11, 17)).astype(np.float32)
        np.save(self.folder / "x.npy", x)
        layers = self.folder / "layers.json"
        lathe("exec", network, *ONCE, "--input", f"x={self.folder / 'x.npy'}", "--output", self.folder / "resized",
              "--export-layer-info", layers)
        found = json.loads(layers.read_text())["Layers"]
        self.assertEqual([layer["LayerType"] for layer in found], ["Resize", "FusedConv"])
        self.assertEqual(found[1]["Outputs"][0]["Dimensions"], [1, 4, 12, 20])
        expected = ReferenceEvaluator(str(network)).run(None, {"x": x})[0]
        np.testing.assert_allclose(np.load(self.folder / "resized" / "y.npy"), expected, rtol=1e-4, atol=1e-5)
        refused = lathe("exec", network, *ONCE, "--shapes", "H=4,Q=2", status=2)[1]
        self.assertIn("there is no dimension Q; there are H, W", refused)

    def test_whole_shapes_as_trtexec_has_them(self):
        def shapes(batch, length):
            return f"input_ids:{batch}x{length},attention_mask:{batch}x{length}"
        words = ("--minShapes", shapes(1, 2), "--optShapes", shapes(2, 8), "--maxShapes", shapes(4, 16))
        for level in (1, 4):
            plan = self.build("shapes.plan", *words, level=level)
            self.assertIn("N 1 to 4 (chosen for 2), T 2 to 16 (chosen for 8)", lathe("inspect", plan)[0])
            self.expect(self.run_file(plan, 3, 9), 3, 9)

    def test_profiles_that_cannot_be_are_refused(self):
        for words, part in ((("--profile", "N=4:2:8"), "N = 4:2:8 must be"),
                            (("--profile", "N=0:1:2"), "must be the least"),
                            (("--profile", "N=1:2"), "takes NAME=LEAST:TYPICAL:MOST"),
                            (("--profile", "N=1:x:2"), "is no whole number"),
                            (("--profile", "K=1:2:3"), "there is no dimension K"),
                            (("--profile", "N=1:2:3", "--shapes", "N=3"), "N has a size and a profile"),
                            (("--minShapes", "input_ids:1x1"), "must name the same inputs"),
                            (("--minShapes", "x:1", "--optShapes", "x:1", "--maxShapes", "x:1"), "no input x"),
                            (("--minShapes", "input_ids:1", "--optShapes", "input_ids:1x1", "--maxShapes",
                              "input_ids:1x1"), "must have 2 numbers")):
            plan = self.folder / "refused.plan"
            done = subprocess.run([PROGRAM, "build", "-m", self.network, "-o", plan, *words], capture_output=True,
                                  text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn(part, done.stderr, words)
            self.assertFalse(plan.exists())


if __name__ == "__main__":
    unittest.main()
