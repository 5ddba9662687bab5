#!/usr/bin/env python3
"""Lathe against ONNX Runtime on real networks (tools/fetch_networks.py), in one sitting: the same inputs and threads.

    real_networks.py [--only NAME...] [--rounds 5] [--seconds 0.5] [--threads 2] [--lathe PATH] [--write FILE]

The sides take turns, round by round, each for --seconds; what counts is the ratio of the medians. Outputs are compared: the
greatest difference over the greatest magnitude, or 0.01 where that is more. --write: what ONNX Runtime gives, for tests/end_to_end/real_networks_test.py,
and nothing is timed. Needs numpy and onnxruntime 1.31.1. Exit status 1 where an output differs by more than 1e-4.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "end_to_end")]
import fetch_networks  # noqa: E402
import real_network_values  # noqa: E402

MOST_DIFFERENCE = 1e-4


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options)


def milliseconds_of(peer, inputs, seconds):
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        peer.run(None, inputs)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def milliseconds_of_lathe(program, path, words, seconds, threads):
    text = subprocess.run([program, "exec", path, "-t", str(threads), "--duration", str(seconds), *words],
                          capture_output=True, text=True, check=True).stdout
    return float(re.search(r"GPU Compute Time: .*?median = ([0-9.e+-]+) ms", text)[1])


def difference(expected, found):
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return float("inf")
    wide = expected.astype(np.float64)
    return float(np.abs(wide - found).max() / max(np.abs(wide).max(), 1e-2)) if expected.size else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lathe", default=str(ROOT / "build" / "lathe"))
    parser.add_argument("--write", type=pathlib.Path)
    words = parser.parse_args()
    directory = fetch_networks.fetch(fetch_networks.cache_directory("LATHE_MODEL_DIR", "models"))
    expected, worst = {}, 0.0
    if not words.write:
        print(f"{'network':20} {'Lathe':>12} {'ONNX Runtime':>14} {'ratio':>7} {'difference':>11}")
    for network in fetch_networks.NETWORKS:
        if words.only and network.name not in words.only:
            continue
        inputs = fetch_networks.inputs(network)
        peer = session(directory / network.file, words.threads)
        names = [output.name for output in peer.get_outputs()]
        outputs = dict(zip(names, peer.run(None, inputs)))
        if words.write:
            expected[network.name] = {name: real_network_values.described(array) for name, array in outputs.items()}
            continue
        with tempfile.TemporaryDirectory() as folder:
            given = real_network_values.given(pathlib.Path(folder), inputs)
            found = real_network_values.outputs_of(words.lathe, directory / network.file, given, names, words.threads)
            off = max(difference(outputs[name], found[name]) for name in names)
            ours, theirs = [], []
            for _ in range(words.rounds):
                ours.append(milliseconds_of_lathe(words.lathe, directory / network.file, given, words.seconds,
                                                  words.threads))
                theirs.append(milliseconds_of(peer, inputs, words.seconds))
        mine, other = statistics.median(ours), statistics.median(theirs)
        worst = max(worst, off)
        print(f"{network.name:20} {mine:9.3f} ms {other:11.3f} ms {other / mine:7.2f} {off:11.1e}", flush=True)
    if words.write:
        words.write.write_text(json.dumps(expected, indent=1) + "\n")
    return 1 if worst > MOST_DIFFERENCE else 0


if __name__ == "__main__":
    sys.exit(main())
