#!/usr/bin/env python3
"""Lathe against ONNX Runtime on the nine networks of the onnx package, in one sitting: batch 1, the same threads.

    compare_onnx.py [--only NAME...] [--rounds 5] [--int8] [--json F] [--lathe PATH]

The package has the networks without weights (light_*.onnx: every weight is a ConstantOfShape). Here each gets random
weights of the scale that a trained one has, from a seed of its name, and is written once into build/networks. The sides
take turns, round by round, each for --seconds; what counts is the ratio of the medians. Outputs are compared: the greatest
difference over the greatest magnitude, at most 1e-3 in float32.

With --int8 Lathe's side is a plan that was calibrated on random images (lathe build --calibrate), still against float32 of
ONNX Runtime; the most probable classes are compared instead. Exit status 1 where a network is below the floor or differs.
Needs numpy, onnx 1.23.2 and onnxruntime 1.31.1.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIGHT = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
         "zfnet512")
FLOORS = {False: 1 / 1.2, True: 1.0}  # of the ratio: in float32, and of 8 bits to float32
MOST_DIFFERENCE = 1e-3
CALIBRATION_IMAGES = 8


def readers_of(graph):
    """Of a value's name: who reads it in the end, behind nodes that only change its shape: (node, which input)."""
    direct = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            direct.setdefault(name, []).append((node, place))

    def ends(name):
        for node, place in direct.get(name, []):
            if node.op_type in ("Unsqueeze", "Reshape") and place == 0:
                yield from ends(node.output[0])
            else:
                yield node, place
    return ends


def random_weight(shape, readers, ends, random):
    """A weight of the scale that keeps numbers behind it as large as before it; a residual is smaller, and so are the
    last products, whose Softmax would be 0 and 1 alone."""
    node, place = readers[0]
    behind = [reader.op_type for reader, _ in ends(node.output[0])]
    if node.op_type == "BatchNormalization":
        mean = (0.0, 0.2 if "Sum" in behind else 1.0, 0.0, 0.0, 1.0)[place]
        return np.abs(random.normal(mean, 0.1, shape)) if place == 4 else random.normal(mean, 0.1 * (mean or 1.0), shape)
    if node.op_type == "Mul":
        return random.normal(1.0, 0.1, shape)
    if node.op_type in ("Conv", "Gemm") and place == 1:
        return random.normal(0.0, np.sqrt((0.1 if "Softmax" in behind else 2.0) / np.prod(shape[1:])), shape)
    return random.normal(0.0, 0.05, shape)


def with_weights(source, name):
    """The network with random initializers where its weights were made up by nodes."""
    model = onnx.load(source)
    graph = model.graph
    random = np.random.default_rng(zlib.crc32(name.encode()))
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    ends = readers_of(graph)
    kept = []
    gone = set()
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape = numpy_helper.to_array(initializers[node.input[0]])
        weight = random_weight(tuple(shape), list(ends(node.output[0])), ends, random).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weight, node.output[0]))
        gone.add(node.input[0])
    used = {name for node in kept for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    names = {tensor.name for tensor in weights}
    inputs = [info for info in graph.input if info.name in used and info.name not in names]
    graph.ClearField("node")
    graph.node.extend(kept)
    graph.ClearField("initializer")
    graph.initializer.extend(weights)
    graph.ClearField("input")
    graph.input.extend(inputs)
    if model.ir_version < 4:
        model.ir_version = 4  # initializers that are no inputs
    return model


def network(folder, name):
    path = folder / f"{name}.onnx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(with_weights(LIGHT / f"light_{name}.onnx", name), path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return path


def image(shape, seed):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape).astype(np.float32)


class Runtime:
    def __init__(self, path, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]

    def run(self, x):
        return self.session.run(None, {self.input.name: x})[0]

    def times(self, x, seconds):
        self.run(x)
        times = []
        end = time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            self.run(x)
            times.append(time.perf_counter() - start)
        return times


class Lathe:
    """`lathe exec` of a plan that was built once."""

    def __init__(self, options, path, name, shape, place):
        self.options, self.place, self.name = options, place, name
        self.plan = place / f"{name}.plan"
        words = ["build", "-m", path, "-o", self.plan, "-t", options.threads, "--opt-level", options.opt_level]
        if options.int8:
            images = place / f"{name}.images"
            images.mkdir()
            for i in range(CALIBRATION_IMAGES):
                np.save(images / f"{i}.npy", image(shape, 100 + i))
            words += ["--calibrate", images]
        self.call(words)

    def call(self, words):
        result = subprocess.run([str(self.options.lathe), *map(str, words)], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{result.stderr[-2000:]}\nlathe {words[0]} failed with status {result.returncode}")

    def times(self, x, input_name, seconds):
        """Times of runs, and the outputs of the last one."""
        np.save(self.place / "x.npy", x)
        report, outputs = self.place / "times.json", self.place / f"{self.name}.outputs"
        self.call(["exec", self.plan, "-t", self.options.threads, "--input", f"{input_name}={self.place / 'x.npy'}",
                   "--no-data-transfers", "--duration", seconds, "--iterations", 3, "--warm-up", 50, "--export-times", report,
                   "--output", outputs])
        output, = outputs.glob("*.npy")
        return [run["computeMs"] / 1e3 for run in json.loads(report.read_text())], np.load(output)


def judge(name, ours, theirs, output, expected, int8):
    """A network's row: medians, their ratio, and whether the outputs agree."""
    row = {"name": name, "lathe_s": statistics.median(ours), "onnxruntime_s": statistics.median(theirs),
           "difference": float(np.abs(output - expected).max() / np.abs(expected).max()),
           "same_class": bool(output.argmax() == expected.argmax())}
    row["ratio"] = row["onnxruntime_s"] / row["lathe_s"]
    row["below"] = row["ratio"] < FLOORS[int8]
    row["differs"] = not (row["same_class"] if int8 else row["difference"] <= MOST_DIFFERENCE)
    return row


def compare(name, options, place):
    path = network(options.folder, name)
    runtime = Runtime(path, options.threads)
    x = image(runtime.input.shape, 1)
    lathe = Lathe(options, path, name, runtime.input.shape, place)
    expected = runtime.run(x)
    ours, theirs = [], []
    for _ in range(options.rounds):
        times, output = lathe.times(x, runtime.input.name, options.seconds)
        ours += times
        theirs += runtime.times(x, options.seconds)
    return judge(name, ours, theirs, output, expected, options.int8)


def print_row(row):
    verdict = "DIFFERS" if row["differs"] else "BELOW" if row["below"] else "ok"
    print(f"{verdict:<8}{row['name']:<14}{row['lathe_s'] * 1e3:9.2f} ms{row['onnxruntime_s'] * 1e3:12.2f} ms"
          f"{row['ratio']:8.2f}{row['difference']:12.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each side's turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--opt-level", type=int, default=3, help="of lathe build")
    parser.add_argument("--int8", action="store_true", help="a calibrated plan")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "networks", help="where the networks lie")
    parser.add_argument("--lathe", type=pathlib.Path, default=ROOT / "build" / "lathe")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    print(f"        {'network':<14}{'Lathe':>12}{'ONNX Runtime':>15}{'ratio':>8}{'difference':>12}   floor {FLOORS[options.int8]:.2f}")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name in options.only:
            rows.append(compare(name, options, pathlib.Path(place)))
            print_row(rows[-1])
    if options.json:
        record = {"threads": options.threads, "int8": options.int8, "rows": rows}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(any(row["below"] or row["differs"] for row in rows))


if __name__ == "__main__":
    main()
