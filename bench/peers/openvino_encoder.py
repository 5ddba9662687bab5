#!/usr/bin/env python3
"""OpenVINO on a BERT folder: sentences a second, and optionally the hidden states of given ids.

    openvino_encoder.py FOLDER OUT.onnx BATCHxTOKENS... [--precision bf16] [--threads 2] [-r 7] [--check HIDDEN.npz]

The folder becomes ONNX first, written operator by operator as exporters write it (Gelu, LayerNormalization, attention as
matmuls and a softmax behind a mask), in float32; --precision is the hint that OpenVINO computes by. Prints JSON: seconds
of each run, by shape. Needs openvino, onnx and numpy.
"""
import argparse
import json
import pathlib
import struct
import time

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

OPSET = 20  # the first with Gelu


def read_weights(path):
    """{name: array} of a safetensors file with float32 matrices."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    weights = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            values = np.frombuffer(data[8 + size + start:8 + size + end], np.float32)
            weights[name] = values.reshape(entry["shape"])
    return weights


class Writer:
    """Nodes and constants of an ONNX graph; every method returns the name of what it adds."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.known = weights, [], [], {}

    def add(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, values):
        values = np.ascontiguousarray(values)
        key = (values.tobytes(), values.shape, values.dtype.str) if values.size < 16 else len(self.constants)
        if key not in self.known:
            self.known[key] = f"c{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(values, self.known[key]))
        return self.known[key]

    def weight(self, name):
        return self.constant(self.weights[name])

    def linear(self, x, name):
        product = self.add("MatMul", x, self.constant(self.weights[name + ".weight"].T))
        return self.add("Add", product, self.weight(name + ".bias"))

    def norm(self, x, name, epsilon):
        return self.add("LayerNormalization", x, self.weight(name + ".weight"), self.weight(name + ".bias"),
                        axis=-1, epsilon=epsilon)


def attention(graph, x, mask, layer, heads, width):
    def split(name):
        projected = graph.linear(x, f"{layer}.attention.self.{name}")
        parts = graph.add("Reshape", projected, graph.constant(np.array([0, 0, heads, width // heads], np.int64)))
        return graph.add("Transpose", parts, perm=[0, 2, 3, 1] if name == "key" else [0, 2, 1, 3])

    scores = graph.add("MatMul", split("query"), split("key"))
    scores = graph.add("Mul", scores, graph.constant(np.float32((width // heads) ** -0.5)))
    shares = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, split("value")), perm=[0, 2, 1, 3])
    return graph.add("Reshape", mixed, graph.constant(np.array([0, 0, width], np.int64)))


def write_onnx(folder, path):
    config = json.loads((folder / "config.json").read_text())
    graph = Writer(read_weights(folder / "model.safetensors"))
    epsilon, width = config["layer_norm_eps"], config["hidden_size"]
    ids, mask = "input_ids", "attention_mask"
    length = graph.add("Shape", ids, start=1, end=2)
    positions = graph.add("Slice", graph.weight("embeddings.position_embeddings.weight"),
                          graph.constant(np.array([0], np.int64)), length)
    x = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), ids)
    x = graph.add("Add", x, graph.constant(graph.weights["embeddings.token_type_embeddings.weight"][0]))
    x = graph.norm(graph.add("Add", x, positions), "embeddings.LayerNorm", epsilon)
    seen = graph.add("Cast", graph.add("Unsqueeze", mask, graph.constant(np.array([1, 2], np.int64))), to=TensorProto.FLOAT)
    hidden = graph.add("Sub", graph.constant(np.float32(1)), seen)
    mask = graph.add("Mul", hidden, graph.constant(np.float32(np.finfo(np.float32).min)))
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        mixed = graph.linear(attention(graph, x, mask, layer, config["num_attention_heads"], width),
                             f"{layer}.attention.output.dense")
        x = graph.norm(graph.add("Add", mixed, x), f"{layer}.attention.output.LayerNorm", epsilon)
        wide = graph.add("Gelu", graph.linear(x, f"{layer}.intermediate.dense"))
        x = graph.norm(graph.add("Add", graph.linear(wide, f"{layer}.output.dense"), x), f"{layer}.output.LayerNorm", epsilon)
    graph.nodes[-1].output[0] = "hidden"
    shape = ["batch", "length"]
    model = helper.make_model(helper.make_graph(
        graph.nodes, "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in (ids, "attention_mask")],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [*shape, width])], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    part = path.with_suffix(".part")  # so that a file that is there is whole
    part.write_bytes(model.SerializeToString())
    part.rename(path)


def feed(batch, length):
    ids = np.random.default_rng(0).integers(1000, 20000, (batch, length))
    return {"input_ids": ids, "attention_mask": np.ones((batch, length), np.int64)}


def seconds(run, repeat):
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("onnx", metavar="OUT.onnx", type=pathlib.Path)
    parser.add_argument("shapes", metavar="BATCHxTOKENS", nargs="+")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-r", "--repeat", type=int, default=7)
    parser.add_argument("--check", type=pathlib.Path, help="keep ids and hidden states of the last shape here")
    options = parser.parse_args()
    if not options.onnx.exists():
        write_onnx(options.folder, options.onnx)
    compiled = openvino.Core().compile_model(options.onnx, "CPU", {
        "INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": options.precision})
    runs = {}
    for shape in options.shapes:
        data = feed(*map(int, shape.split("x")))
        runs[shape] = seconds(lambda data=data: compiled(data), options.repeat)
        if options.check:
            np.savez(options.check, ids=data["input_ids"], hidden=compiled(data)[0])
    print(json.dumps(runs))


if __name__ == "__main__":
    main()
