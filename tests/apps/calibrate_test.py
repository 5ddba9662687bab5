"""lathe build --calibrate: float networks in 8 bits by samples, held against numpy and against what they were."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from program import PROGRAM, lathe, out

QUICK = ("--warm-up", 0, "--duration", 0, "--iterations", 1)


def network(path, nodes, inputs, outputs, constants):
    real = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "g", [real(*i) for i in inputs], [real(*o) for o in outputs],
                              [numpy_helper.from_array(a.astype(np.float32), n) for n, a in constants.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


class Calibrated(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.random = np.random.default_rng(11)

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def samples(self, name, arrays):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, array in enumerate(arrays):
            np.save(folder / f"{i:03}.npy", array)
        return folder

    def build(self, *words, status=0):
        return lathe("build", "-m", self.model, "-o", self.folder / "net.plan", "--opt-level", 0, *words, status=status)[1]

    def refused(self, message, *words):
        done = subprocess.run([PROGRAM, "build", "-m", self.model, "-o", self.folder / "none.plan", *map(str, words)],
                              capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn(message, done.stderr)
        self.assertFalse((self.folder / "none.plan").exists())

    def precision(self):
        return json.loads(out("inspect", "--json", self.folder / "net.plan"))["precision"]

    def types(self):
        return {layer["name"]: layer["precision"] for layer in self.precision()["layers"]}

    def run_on(self, network, **inputs):
        words = []
        for name, array in inputs.items():
            np.save(self.folder / f"in-{name}.npy", array)
            words += ["--input", f"{name}={self.folder / f'in-{name}.npy'}"]
        lathe("exec", network, *QUICK, *words, "--output", self.folder / "out")
        return np.load(self.folder / "out" / "y.npy")


class OneProduct(Calibrated):
    """y = x K + b, where every number can be said beforehand."""

    def setUp(self):
        super().setUp()
        self.k, self.b = self.normal(8, 6), self.normal(6)
        self.model = self.folder / "net.onnx"
        nodes = [helper.make_node("MatMul", ["x", "k"], ["p"], "product"), helper.make_node("Add", ["p", "b"], ["y"], "sum")]
        network(self.model, nodes, [("x", ["N", 8])], [("y", ["N", 6])], {"k": self.k, "b": self.b})
        self.arrays = [self.normal(n, 8) for n in (3, 5, 2)]
        self.set = self.samples("set", self.arrays)

    def expected(self, x, least, greatest):
        """Codes of eight bits on both sides, everything else in double precision."""
        steps = np.abs(self.k).max(axis=0) / 127
        k = np.rint(self.k / steps) * steps
        magnitude = max(-least, greatest)
        if greatest - least <= 1.5 * magnitude:
            step = (greatest - least) / 255
            zero = np.rint(-least / step)
            codes = np.clip(np.rint(x / step) + zero, 0, 255) - zero
        else:
            step = magnitude / 127
            codes = np.clip(np.rint(x / step), -128, 127)
        return codes * step @ k + self.b

    def test_numbers_are_those_of_codes(self):
        self.build("--calibrate", self.set, "--calibrator", "minmax", "--precision", "int8")
        everything = np.concatenate(self.arrays)
        for x in self.arrays:
            expected = self.expected(x, everything.min(), everything.max())
            np.testing.assert_allclose(self.run_on(self.folder / "net.plan", x=x), expected, rtol=0, atol=1e-4)
        self.assertEqual(self.types(), {"product": "int8"})
        precision = self.precision()
        self.assertEqual(precision["samples"], 3)
        found = np.concatenate([self.run_on(self.folder / "net.plan", x=x) for x in self.arrays])
        exact = everything.astype(np.float64) @ self.k + self.b
        error = np.sqrt(((found - exact) ** 2).mean() / (exact ** 2).mean())
        self.assertAlmostEqual(precision["error"], error, delta=1e-5)
        self.assertAlmostEqual(precision["layers"][0]["types"][0]["error"], error, delta=1e-5)

    def test_a_range_set_by_hand_comes_first(self):
        self.build("--calibrate", self.set, "--precision", "int8", "--range", "x=1.5", "--error-limit", 10)
        x = self.arrays[0]
        np.testing.assert_allclose(self.run_on(self.folder / "net.plan", x=x), self.expected(x, -1.5, 1.5), rtol=0, atol=1e-4)
        self.refused("no layer in 8 bits reads a tensor p", "--calibrate", self.set, "--range", "p=1")
        self.refused("no positive number", "--calibrate", self.set, "--range", "x=-1")
        self.refused("--range takes", "--calibrate", self.set, "--range", "x=much")

    def test_sizes_are_the_greatest_of_the_samples(self):
        self.build("--calibrate", self.set, "--precision", "f32")
        self.run_on(self.folder / "net.plan", x=self.normal(5, 8))
        np.save(self.folder / "six.npy", self.normal(6, 8))
        lathe("exec", self.folder / "net.plan", *QUICK, "--input", f"x={self.folder / 'six.npy'}", status=2)

    def test_caches_are_the_same_each_time_and_are_used(self):
        cache = self.folder / "cache.txt"
        words = ["--calibrate", self.set, "--calibration-cache", cache]
        self.build(*words)
        first = cache.read_bytes()
        self.assertTrue(first.startswith(b"lathe calibration 1\nnetwork "), first)
        cache.unlink()
        self.build(*words)
        self.assertEqual(cache.read_bytes(), first)
        self.assertIn("thresholds from the cache", self.build(*words))
        self.refused("by entropy2, and minmax is asked for", *words, "--calibrator", "minmax")
        cache.write_bytes(first[:-3])
        self.refused("line 5: the file ends", *words)
        cache.write_bytes(first)
        other = self.folder / "other.onnx"
        nodes = [helper.make_node("MatMul", ["x", "k"], ["y"], "product")]
        network(other, nodes, [("x", ["N", 8])], [("y", ["N", 6])], {"k": self.k})
        self.model = other
        self.refused("of another network", *words)

    def test_exec_calibrates_without_a_plan(self):
        x = self.folder / "x.npy"
        np.save(x, self.arrays[0])
        words = ["--calibrate", self.set, "--calibrator", "percentile", "--calibration-percentile", 99.9, "--precision", "int8"]
        stderr = lathe("exec", self.model, *QUICK, "--opt-level", 0, *words, "--input", f"x={x}", "--output", self.folder / "exec")[1]
        self.assertIn("layers 1 in int8; percentile on 3 samples", stderr)
        self.build(*words)
        np.testing.assert_array_equal(np.load(self.folder / "exec" / "y.npy"), self.run_on(self.folder / "net.plan", x=self.arrays[0]))
        def refused(message, *words):
            self.assertIn(message, lathe("exec", *words, status=2)[1])
        refused("a plan has the types of its layers", self.folder / "net.plan", "--calibrate", self.set)
        refused("--precision needs --calibrate", self.model, "--precision", "int8")

    def test_profiles_are_of_one_choice(self):
        stderr = self.build("--calibrate", self.set, "--calibrator", "minmax", "--precision", "int8", "--profile", "N=1:1:2",
                            "--profile", "N=3:4:9")
        self.assertIn("layers 1 in int8", stderr)
        everything = np.concatenate(self.arrays)
        for n in (1, 2, 3, 9):  # 9 is more than any sample has
            x = self.normal(n, 8).clip(everything.min(), everything.max())
            expected = self.expected(x, everything.min(), everything.max())
            np.testing.assert_allclose(self.run_on(self.folder / "net.plan", x=x), expected, rtol=0, atol=1e-4)
        np.save(self.folder / "ten.npy", self.normal(10, 8))
        lathe("exec", self.folder / "net.plan", *QUICK, "--input", f"x={self.folder / 'ten.npy'}", status=2)

    def test_samples_that_are_none(self):
        def refused(message, *arrays):
            shutil.rmtree(self.folder / "bad", ignore_errors=True)
            self.refused(message, "--calibrate", self.samples("bad", arrays))
        refused("no samples")
        refused("001.npy", self.arrays[0], np.full((1, 8), np.nan, np.float32))
        refused("element 3 of the sample is infinite", np.array([[0, 0, 0, np.inf, 0, 0, 0, 0]], np.float32))
        refused("000.npy", self.normal(3, 7))
        refused("f64", self.normal(3, 8).astype(np.float64))
        self.refused("missing", "--calibrate", self.folder / "missing")

    def test_words_that_do_not_fit(self):
        self.refused("there is no calibrator \"entropy3\"", "--calibrate", self.set, "--calibrator", "entropy3")
        self.refused("percentile is outside", "--calibrate", self.set, "--calibrator", "percentile", "--percentile", 0)
        self.refused("there is no precision \"int4\"", "--calibrate", self.set, "--precision", "int4")
        self.refused("names no layer", "--calibrate", self.set, "--layer-precision", "conv=int8")
        self.refused("takes REGEX=TYPE", "--calibrate", self.set, "--layer-precision", "product")
        self.refused("there is no precision \"i8\"", "--calibrate", self.set, "--layer-precision", "product=i8")
        self.refused("is the least that the types allowed give", "--calibrate", self.set, "--precision", "int8", "--error-limit", 1e-6)
        self.refused("no positive number", "--calibrate", self.set, "--error-limit", 0)
        self.refused("--calibrator needs --calibrate", "--calibrator", "minmax")
        self.refused("--precision needs --calibrate", "--precision", "int8")


class ProductsBehindEachOther(Calibrated):
    """Rows of three dimensions: a product's output is a view of what is computed, and the next one reads it."""

    def test_tensors_are_found_and_errors_are_those_of_layers_alone(self):
        self.model = self.folder / "net.onnx"
        k, m = self.normal(8, 5), self.normal(5, 6)
        nodes = [helper.make_node("MatMul", ["x", "k"], ["p"], "first"), helper.make_node("MatMul", ["p", "m"], ["y"], "second")]
        network(self.model, nodes, [("x", ["N", 3, 8])], [("y", ["N", 3, 6])], {"k": k, "m": m})
        arrays = [self.normal(n, 3, 8) for n in (2, 4, 1)]
        words = ["--calibrate", self.samples("set", arrays), "--calibrator", "minmax", "--error-limit", 10]
        self.build(*words, "--precision", "f32,int8")
        measured = {layer["name"]: {t["type"]: t["error"] for t in layer["types"]} for layer in self.precision()["layers"]}
        exact = np.concatenate([x.astype(np.float64) @ k @ m for x in arrays])
        for name in ("first", "second"):
            self.build(*words, "--precision", "f32", "--layer-precision", f"{name}=int8")
            found = np.concatenate([self.run_on(self.folder / "net.plan", x=x) for x in arrays])
            error = np.sqrt(((found - exact) ** 2).mean() / (exact ** 2).mean())
            self.assertAlmostEqual(measured[name]["int8"], error, delta=1e-5)


class TensorRtsCache(Calibrated):
    """Scales by the names that tensors have in the network's file."""

    def setUp(self):
        super().setUp()
        self.model = self.folder / "net.onnx"
        self.k, self.m = self.normal(8, 5), self.normal(5, 6)
        nodes = [helper.make_node("MatMul", ["x", "k"], ["between"], "first"),
                 helper.make_node("MatMul", ["between", "m"], ["y"], "second")]
        network(self.model, nodes, [("x", [4, 8])], [("y", [4, 6])], {"k": self.k, "m": self.m})
        self.cache = self.folder / "calibration.cache"
        self.words = ["--calibrate", self.samples("set", [self.normal(4, 8) for _ in range(2)]), "--precision", "int8",
                      "--error-limit", 10, "--calibration-cache", self.cache]

    def write(self, **scales):
        lines = [f"{name}: {np.array(scale, '>f4').tobytes().hex()}\n" for name, scale in scales.items()]
        self.cache.write_text("TRT-8601-EntropyCalibration2\n" + "".join(lines))

    def test_its_scales_are_those_of_the_codes(self):
        self.write(x=0.02, between=0.05, y=0.1)
        stderr = self.build(*self.words)
        self.assertIn("TRT-8601-EntropyCalibration2 on 2 samples, thresholds from the cache", stderr)
        rounded = lambda x, step: np.clip(np.rint(x.astype(np.float64) / step), -128, 127) * step
        def weight(w):
            steps = np.abs(w).max(axis=0) / 127
            return np.rint(w / steps) * steps
        x = self.normal(4, 8)
        expected = rounded(rounded(x, np.float32(0.02)) @ weight(self.k), np.float32(0.05)) @ weight(self.m)
        np.testing.assert_allclose(self.run_on(self.folder / "net.plan", x=x), expected, rtol=0, atol=0.05 * 3)
        self.assertLess(np.sqrt(((self.run_on(self.folder / "net.plan", x=x) - expected) ** 2).mean()), 0.02)

    def test_what_does_not_fit_is_refused(self):
        self.write(x=0.02, y=0.1)
        self.refused("lacks the tensor first", *self.words)
        self.write(x=0.02, between=float("inf"))
        self.refused("line 3: the scale is no number", *self.words)


class WhatCannotBeCalibrated(Calibrated):
    def test_a_tensor_that_overflows_is_named_with_its_sample(self):
        self.model = self.folder / "net.onnx"
        nodes = [helper.make_node("MatMul", ["x", "k"], ["p"], "first"), helper.make_node("MatMul", ["p", "m"], ["y"], "second")]
        network(self.model, nodes, [("x", [4, 8])], [("y", [4, 6])], {"k": np.full((8, 5), 10), "m": self.normal(5, 6)})
        folder = self.samples("set", [self.normal(4, 8), np.full((4, 8), 1e38, np.float32)])
        self.refused("the network's tensor first has a NaN or an infinity in sample 1", "--calibrate", folder)

    def test_networks_without_products_and_with_codes_of_their_own(self):
        self.model = self.folder / "net.onnx"
        network(self.model, [helper.make_node("Relu", ["x"], ["y"], "relu")], [("x", [4])], [("y", [4])], {})
        folder = self.samples("set", [self.normal(4)])
        self.refused("no Conv, MatMul or Gemm with constant factors", "--calibrate", folder)
        nodes = [helper.make_node("QuantizeLinear", ["x", "s"], ["q"], "codes"), helper.make_node("DequantizeLinear", ["q", "s"], ["y"], "numbers")]
        network(self.model, nodes, [("x", [4])], [("y", [4])], {"s": np.array(0.1)})
        self.refused("codes is a QuantizeLinear", "--calibrate", folder)


class TwoInputs(Calibrated):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "net.onnx"
        nodes = [helper.make_node("MatMul", ["in:a", "k"], ["p"], "left"), helper.make_node("MatMul", ["b", "m"], ["q"], "right"),
                 helper.make_node("Add", ["p", "q"], ["y"], "sum")]
        network(self.model, nodes, [("in:a", [4, 8]), ("b", [4, 5])], [("y", [4, 6])], {"k": self.normal(8, 6), "m": self.normal(5, 6)})

    def test_each_input_has_a_folder(self):
        self.samples("set/in_a", [self.normal(4, 8) for _ in range(3)])
        self.samples("set/b", [self.normal(4, 5) for _ in range(3)])
        stderr = self.build("--calibrate", self.folder / "set", "--precision", "int8")
        self.assertIn("2 in int8", stderr)
        self.samples("set/b", [self.normal(4, 5) for _ in range(4)])
        self.refused("b has 4 samples, and in:a has 3", "--calibrate", self.folder / "set")


class Convolutions(Calibrated):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "net.onnx"
        names = [f"conv{i}" for i in range(4)]
        nodes, constants, x, channels = [], {}, "x", 3
        for i, name in enumerate(names):
            constants[f"w{i}"] = self.normal(8, channels, 3, 3) / np.sqrt(channels * 9 / 2)
            constants[f"b{i}"] = self.normal(8) / 10
            nodes.append(helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [f"c{i}"], name, pads=[1, 1, 1, 1]))
            nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}"))
            x, channels = f"r{i}", 8
        constants["k"] = self.normal(5, 8)
        nodes += [helper.make_node("GlobalAveragePool", [x], ["pooled"], "pool"), helper.make_node("Flatten", ["pooled"], ["flat"], "flat"),
                  helper.make_node("Gemm", ["flat", "k"], ["y"], "head", transB=1)]
        network(self.model, nodes, [("x", [1, 3, 16, 16])], [("y", [1, 5])], constants)
        self.set = self.samples("set", [self.normal(1, 3, 16, 16) for _ in range(12)])

    def test_int8_stays_near_with_every_calibrator(self):
        x = self.normal(1, 3, 16, 16)
        exact = self.run_on(self.model, x=x)
        for calibrator in ("entropy2", "entropy", "minmax", "percentile", "mse"):
            self.build("--calibrate", self.set, "--calibrator", calibrator, "--precision", "int8", "--error-limit", 0.3)
            found = self.run_on(self.folder / "net.plan", x=x)
            self.assertLess(np.linalg.norm(found - exact), 0.3 * np.linalg.norm(exact), calibrator)
            self.assertGreater(np.abs(found - exact).max(), 0)
            self.assertEqual(set(self.types().values()), {"int8"})

    def test_layers_have_the_types_that_are_asked_for(self):
        stderr = self.build("--calibrate", self.set, "--precision", "int8", "--layer-precision", "conv=f32",
                            "--layer-precision", "conv[12]=int8", "--layer-precision", "head=bf16")
        self.assertEqual(self.types(), {"conv0": "f32", "conv1": "int8", "conv2": "int8", "conv3": "f32", "head": "bf16"})
        self.assertIn("layers 1 in bf16, 2 in f32, 2 in int8", stderr)
        self.assertIn("asked for", stderr)
        shown = out("inspect", self.folder / "net.plan")
        self.assertIn(stderr[stderr.index("layer "):stderr.index("lathe:")], shown)

    def test_bf16_rounds_weights_and_inputs(self):
        self.build("--calibrate", self.set, "--precision", "bf16,f32", "--layer-precision", "conv[12]=bf16", "--layer-precision", "head=f32")
        types = self.types()
        self.assertEqual((types["conv1"], types["conv2"], types["head"]), ("bf16", "bf16", "f32"))
        errors = {layer["name"]: {t["type"]: t["error"] for t in layer["types"]} for layer in self.precision()["layers"]}
        self.assertEqual(set(errors["conv0"]), {"f32", "bf16"})
        self.assertTrue(0 < errors["conv1"]["bf16"] < 0.01, errors)
        self.build("--calibrate", self.set, "--precision", "bf16")
        self.assertEqual(set(self.types().values()), {"bf16"})
        x = self.normal(1, 3, 16, 16)
        exact, found = self.run_on(self.model, x=x), self.run_on(self.folder / "net.plan", x=x)
        self.assertLess(np.linalg.norm(found - exact), 0.01 * np.linalg.norm(exact))
        self.assertGreater(np.abs(found - exact).max(), 0)

    def test_the_whole_stays_within_the_limit(self):
        for limit in (0.02, 1e-7):
            self.build("--calibrate", self.set, "--error-limit", limit)
            self.assertLessEqual(self.precision()["error"], limit)
        self.assertEqual(set(self.types().values()), {"f32"})


class OneConvolution(Calibrated):
    def convolution(self, name, weight, **attributes):
        self.model = self.folder / f"{name}.onnx"
        shape = [1, weight.shape[1] * attributes.get("group", 1), 7, 9]
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name, **attributes)]
        network(self.model, nodes, [("x", shape)], [("y", None)], {"w": weight})
        return self.samples(name, [self.normal(*shape)])

    def test_numbers_are_those_of_rounded_factors(self):
        weight = self.normal(5, 3, 2, 2)
        folder = self.convolution("plain", weight)
        self.build("--calibrate", folder, "--precision", "bf16")

        def rounded(a):
            bits = np.ascontiguousarray(a).view(np.uint32).astype(np.uint64)
            return ((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000).astype(np.uint32).view(np.float32).astype(np.float64)

        x = self.normal(1, 3, 7, 9)
        windows = np.lib.stride_tricks.sliding_window_view(rounded(x)[0], (2, 2), axis=(1, 2))
        expected = np.einsum("cijkl,rckl->rij", windows, rounded(weight))
        np.testing.assert_allclose(self.run_on(self.folder / "net.plan", x=x)[0], expected, rtol=0, atol=1e-5)

    def test_weights_are_half_as_large_in_the_plan(self):
        folder = self.convolution("large", self.normal(256, 256, 1, 1))
        sizes = {}
        for precision in ("f32", "bf16"):
            self.build("--calibrate", folder, "--precision", precision, "--error-limit", 1)
            sizes[precision] = (self.folder / "net.plan").stat().st_size
        self.assertGreater(sizes["f32"] - sizes["bf16"], 256 * 256 * 2 - 8192)

    def test_depthwise_has_no_bf16(self):
        folder = self.convolution("channels", self.normal(6, 1, 3, 3), group=6)
        self.refused("channels is a depthwise Conv, which has no bf16 kernels", "--calibrate", folder, "--layer-precision", "channels=bf16")
        self.build("--calibrate", folder, "--precision", "bf16")
        self.assertEqual(self.types(), {"channels": "f32"})


if __name__ == "__main__":
    unittest.main()
