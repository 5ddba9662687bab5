"""One tiny decoder written as ONNX in the two ways that exporters write them: with the standard's ops by head and with
those of com.microsoft on rows. The engine gives the logits of a forward pass in NumPy for both, from one step and from
several, and refuses by name what would be computed differently."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
VOCABULARY, WIDTH, HEADS, KV_HEADS, HEAD_DIM, INNER, LAYERS, CONTEXT, BLOCK = 40, 64, 4, 2, 32, 96, 2, 64, 32
IDS = [3, 17, 39, 0, 21, 8, 8, 30, 11]
EPSILON = 1e-5


def codes(generator, rows, columns):
    """4-bit codes with the default zero, and what they mean: [rows, columns]."""
    values = generator.integers(0, 16, (rows, columns))
    scales = (generator.random((rows, columns // BLOCK)) * 0.02 + 0.005).astype(np.float16).astype(np.float32)
    packed = (values[:, 0::2] | values[:, 1::2] << 4).astype(np.uint8).reshape(rows, columns // BLOCK, BLOCK // 2)
    return packed, scales, ((values - 8) * np.repeat(scales, BLOCK, axis=1)).astype(np.float32)


class Weights:
    def __init__(self):
        generator = np.random.default_rng(5)
        q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
        self.embedding = generator.normal(0, 1, (VOCABULARY, WIDTH)).astype(np.float32)
        self.matrices, self.vectors = {}, {"norm": 1 + generator.normal(0, 0.1, WIDTH).astype(np.float32)}
        sizes = {"q": (q, WIDTH), "k": (kv, WIDTH), "v": (kv, WIDTH), "o": (WIDTH, q), "gate": (INNER, WIDTH),
                 "up": (INNER, WIDTH), "down": (WIDTH, INNER)}
        for layer in range(LAYERS):
            for name, size in sizes.items():
                self.matrices[f"{layer}.{name}"] = codes(generator, *size)
            self.vectors[f"{layer}.q.bias"] = generator.normal(0, 0.5, q).astype(np.float32)
            for name in ("norm1", "norm2"):
                self.vectors[f"{layer}.{name}"] = 1 + generator.normal(0, 0.1, WIDTH).astype(np.float32)
        self.matrices["head"] = codes(generator, VOCABULARY, WIDTH)
        angles = np.outer(np.arange(CONTEXT), 10000.0 ** (-np.arange(HEAD_DIM // 2) / (HEAD_DIM // 2)))
        self.cosines, self.sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def normalized(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * weight


def expected_logits(w, ids):
    def linear(x, name):
        return x @ w.matrices[name][2].T.astype(np.float64)

    def rotated(x):
        half = HEAD_DIM // 2
        cosine, sine = w.cosines[:len(ids), None], w.sines[:len(ids), None]
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], -1)

    x = w.embedding[ids].astype(np.float64)
    mask = np.where(np.tri(len(ids)) == 1, 0, -np.inf)
    for i in range(LAYERS):
        h = normalized(x, w.vectors[f"{i}.norm1"])
        q = rotated((linear(h, f"{i}.q") + w.vectors[f"{i}.q.bias"]).reshape(-1, HEADS, HEAD_DIM))
        k = rotated(linear(h, f"{i}.k").reshape(-1, KV_HEADS, HEAD_DIM)).repeat(HEADS // KV_HEADS, axis=1)
        v = linear(h, f"{i}.v").reshape(-1, KV_HEADS, HEAD_DIM).repeat(HEADS // KV_HEADS, axis=1)
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(HEAD_DIM) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = np.einsum("hqk,khd->qhd", scores / scores.sum(-1, keepdims=True), v)
        x = x + linear(attended.reshape(len(ids), -1), f"{i}.o")
        h = normalized(x, w.vectors[f"{i}.norm2"])
        gate = linear(h, f"{i}.gate")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(h, f"{i}.up"), f"{i}.down")
    return linear(normalized(x, w.vectors["norm"]), "head")


class Form:
    """What both ways share: initializers, nodes, the file."""

    def __init__(self, weights):
        self.w, self.nodes, self.initializers, self.inputs = weights, [], {}, []

    def constant(self, name, array):
        self.initializers.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op, inputs, name, domain="", outputs=None, **attributes):
        self.nodes.append(helper.make_node(op, inputs, outputs or [name], name=name, domain=domain, **attributes))
        return name

    def vector(self, name):
        return self.constant(name, self.w.vectors[name])

    def past(self, i):
        return [f"past_key_values.{i}.key", f"past_key_values.{i}.value"]

    def present(self, i):
        return [f"present.{i}.key", f"present.{i}.value"]

    def save(self, path, extra_inputs, batch):
        sizes = [batch, KV_HEADS, "past", HEAD_DIM]
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [batch, "tokens"])] + extra_inputs
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, "tokens", VOCABULARY])]
        for i in range(LAYERS):
            inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, sizes) for n in self.past(i)]
            outputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, sizes) for n in self.present(i)]
        graph = helper.make_graph(self.nodes, "decoder", inputs, outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=11), path)


class Standard(Form):
    """By head, with shapes computed from input_ids, and matrices of floats."""

    def linear(self, x, name):
        return self.add("MatMul", [x, self.constant(name, self.w.matrices[name][2].T)], name + ".product")

    def by_head(self, x, heads, name, rotate=True):
        if "tokens" not in {node.name for node in self.nodes}:
            self.add("Shape", ["input_ids"], "shape")
            self.add("Gather", ["shape", self.constant("second", np.array([1], np.int64))], "tokens")
        tail = self.constant(f"tail.{heads}", np.array([heads, HEAD_DIM], np.int64))
        shape = self.add("Concat", [self.constant("one", np.array([1], np.int64)), "tokens", tail], name + ".shape", axis=0)
        split = self.add("Reshape", [x, shape], name + ".split")
        turned = self.add("Transpose", [split], name + ".turned", perm=[0, 2, 1, 3])
        if not rotate:
            return turned
        caches = [self.constant("cosines", self.w.cosines), self.constant("sines", self.w.sines)]
        return self.add("RotaryEmbedding", [turned, *caches, "position_ids"], name + ".rotated")

    def write(self, path, causal=1):
        x = self.add("Gather", [self.constant("embedding", self.w.embedding), "input_ids"], "embedded")
        for i in range(LAYERS):
            at = f"{i}."
            h = self.add("RMSNormalization", [x, self.vector(at + "norm1")], at + "h", epsilon=EPSILON)
            q = self.add("Add", [self.vector(at + "q.bias"), self.linear(h, at + "q")], at + "q.sum")
            q = self.by_head(q, HEADS, at + "q")
            k, v = (self.by_head(self.linear(h, at + n), KV_HEADS, at + n, n == "k") for n in "kv")
            a = self.add("Attention", [q, k, v, "", *self.past(i)], at + "attention", is_causal=causal,
                         outputs=[at + "attention", *self.present(i)])
            a = self.add("Transpose", [a], at + "back", perm=[0, 2, 1, 3])
            a = self.add("Reshape", [a, self.constant("rows", np.array([0, 0, -1], np.int64))], at + "merged")
            x = self.add("Add", [x, self.linear(a, at + "o")], at + "x1")
            h = self.add("RMSNormalization", [x, self.vector(at + "norm2")], at + "h2", epsilon=EPSILON)
            gate = self.linear(h, at + "gate")
            act = self.add("Mul", [self.add("Sigmoid", [gate], at + "sigmoid"), gate], at + "swish")
            inner = self.add("Mul", [act, self.linear(h, at + "up")], at + "inner")
            x = self.add("Add", [self.linear(inner, at + "down"), x], at + "x2")
        x = self.add("RMSNormalization", [x, self.vector("norm")], "last", epsilon=EPSILON)
        self.add("MatMul", [x, self.constant("head", self.w.matrices["head"][2].T)], "logits")
        self.save(path, [helper.make_tensor_value_info("position_ids", TensorProto.INT64, [1, "tokens"])], 1)


class Microsoft(Form):
    """On rows, with codes, norms that add, rotation inside attention, and lengths from a mask."""

    def linear(self, x, name, output=None, bias=""):
        packed, scales, _ = self.w.matrices[name]
        inputs = [x, self.constant(name + ".codes", packed), self.constant(name + ".scales", scales), "", "", bias]
        return self.add("MatMulNBits", inputs if bias else inputs[:3], output or name, domain="com.microsoft",
                        K=packed.shape[1] * BLOCK, N=packed.shape[0], bits=4, block_size=BLOCK)

    def write(self, path, window=-1):
        axes = self.constant("axes", np.array([1], np.int64))
        total = self.add("ReduceSum", ["attention_mask", axes], "total")
        less = self.add("Sub", [total, self.constant("one", np.array([1], np.int64))], "less")
        lengths = self.add("Cast", [less], "lengths", to=TensorProto.INT32)
        self.add("Shape", ["attention_mask"], "mask_shape")
        all_tokens = self.add("Gather", ["mask_shape", self.constant("second", np.array(1, np.int64))], "all", axis=0)
        all_tokens = self.add("Cast", [all_tokens], "all32", to=TensorProto.INT32)
        caches = [self.constant("cosines", self.w.cosines), self.constant("sines", self.w.sines)]
        x = self.add("Gather", [self.constant("embedding", self.w.embedding), "input_ids"], "embedded")
        h = self.add("SimplifiedLayerNormalization", [x, self.vector("0.norm1")], "0.h", epsilon=EPSILON, axis=-1)
        for i in range(LAYERS):
            at = f"{i}."
            q = self.linear(h, at + "q", bias=self.vector(at + "q.bias"))
            k, v = self.linear(h, at + "k"), self.linear(h, at + "v")
            a = self.add("GroupQueryAttention", [q, k, v, *self.past(i), lengths, all_tokens, *caches], at + "attention",
                         domain="com.microsoft", outputs=[at + "attention", *self.present(i)], num_heads=HEADS,
                         kv_num_heads=KV_HEADS, do_rotary=1, local_window_size=window)
            h = self.add("SkipSimplifiedLayerNormalization", [x, self.linear(a, at + "o"), self.vector(at + "norm2")], at + "h2",
                         domain="com.microsoft", outputs=[at + "h2", "", "", at + "x1"], epsilon=EPSILON)
            gate = self.linear(h, at + "gate")
            act = self.add("Mul", [gate, self.add("Sigmoid", [gate], at + "sigmoid")], at + "swish")
            inner = self.add("Mul", [act, self.linear(h, at + "up")], at + "inner")
            norm = f"{i + 1}.norm1" if i + 1 < LAYERS else "norm"
            h = self.add("SkipSimplifiedLayerNormalization", [at + "x1", self.linear(inner, at + "down"), self.vector(norm)],
                         at + "next", domain="com.microsoft", outputs=[at + "next", "", "", at + "x2"], epsilon=EPSILON)
            x = at + "x2"
        self.linear(h, "head", "logits")
        mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "all_tokens"])
        self.save(path, [mask], "batch")


class OnnxForms(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.weights = Weights()

    def logits(self, network, *words, check=True):
        out = self.folder / "logits.npy"
        ids = ",".join(map(str, IDS))
        done = subprocess.run([PROGRAM, "logits", "-m", network, "--ids", ids, "-o", out, "--math", "f32", *words],
                              capture_output=True, text=True, check=check, timeout=120)
        return np.load(out) if check else done.stderr

    def test_both_ways_are_the_model(self):
        expected = expected_logits(self.weights, IDS)
        for form in (Standard, Microsoft):
            network = self.folder / f"{form.__name__}.onnx"
            form(self.weights).write(network)
            for words in ((), ("--chunk", "4"), ("--kv", "off")):
                found = self.logits(network, *words)
                self.assertLess(np.abs(found - expected).max(), 1e-4, (form.__name__, words))

    def test_as_they_stand_they_give_the_same(self):
        """In two steps, the keys and values of the first given to the second, as exec is told."""
        expected = expected_logits(self.weights, IDS)
        for form in (Standard, Microsoft):
            network = self.folder / f"{form.__name__}.onnx"
            form(self.weights).write(network)
            past = {name: np.zeros((1, KV_HEADS, 0, HEAD_DIM), np.float32) for i in range(LAYERS)
                    for name in (f"past_key_values.{i}.key", f"past_key_values.{i}.value")}
            done = 0
            for step in (IDS[:4], IDS[4:]):
                inputs = {"input_ids": np.array([step], np.int64)} | past
                if form is Standard:
                    inputs["position_ids"] = np.arange(done, done + len(step), dtype=np.int64)[None]
                else:
                    inputs["attention_mask"] = np.ones((1, done + len(step)), np.int64)
                found = self.executed(network, inputs)
                np.testing.assert_allclose(found["logits"][0], expected[done:done + len(step)], atol=1e-4)
                past = {name.replace("present", "past_key_values"): array for name, array in found.items() if name != "logits"}
                done += len(step)

    def executed(self, network, inputs):
        out, words = self.folder / "out", []
        for name, array in inputs.items():
            np.save(self.folder / f"{name}.npy", array)
            words += ["--input", f"{name}={self.folder / name}.npy"]
        subprocess.run([PROGRAM, "exec", network, *words, "--warm-up", "0", "--duration", "0", "--iterations", "1", "--output", out],
                       capture_output=True, text=True, check=True, timeout=120)
        return {path.stem: np.load(path) for path in out.glob("*.npy")}

    def test_what_is_computed_differently_is_refused(self):
        for form, setting in ((Standard, {"causal": 0}), (Microsoft, {"window": 3})):
            network = self.folder / "other.onnx"
            form(self.weights).write(network, **setting)
            message = self.logits(network, check=False)
            self.assertIn("lathe exec runs it", message)
            self.assertIn("0.attention", message)

    def test_caches_that_do_not_rotate_are_refused(self):
        self.weights.cosines[9, 3] += 0.01
        Standard(self.weights).write(self.folder / "bent.onnx")
        self.assertIn("position times frequency", self.logits(self.folder / "bent.onnx", check=False))


if __name__ == "__main__":
    unittest.main()
