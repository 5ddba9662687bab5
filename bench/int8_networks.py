#!/usr/bin/env python3
"""What 8 bits by calibration do to two float networks: how near the outputs stay, and what a run takes beside float32.

    int8_networks.py minilm [--sentences N] [--samples N] [--calibrator C] [--threads N] [--opt-level N] [--tokens N] [BUILD WORDS...]
    int8_networks.py resnet50 [--samples N] [--calibrator C] [BUILD WORDS...]

minilm    the sentence encoder that tools/export_onnx.py writes, calibrated on tests/apps/data/calibration_sentences.txt;
          cosines of the embeddings of sentences.txt to those in float32, and medians of `lathe exec` at --tokens
resnet50  light_resnet50 of the onnx package with the random weights of compare_onnx.py, on
          seeded noise of several scales: 8 samples that it was not calibrated on
BUILD WORDS go to `lathe build`: --precision int8, --error-limit 0.2, ...
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
DATA = ROOT / "tests" / "apps" / "data"
ONCE = ("--duration", "0", "--iterations", "1", "--warm-up", "0")


def lathe(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"lathe {' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout, done.stderr


def given(folder, arrays):
    """The words that give an input each."""
    words = []
    for name, array in arrays.items():
        path = folder / f"in-{name.replace('/', '_')}.npy"
        np.save(path, array)
        words += ["--input", f"{name}={path}"]
    return words


def outputs(program, network, folder, samples):
    found = []
    for sample in samples:
        lathe(program, "exec", network, *ONCE, *given(folder, sample), "--output", folder / "out")
        found.append(np.load(next((folder / "out").glob("*.npy"))).reshape(-1))
    return np.array(found)


def median(program, network, *words):
    text, _ = lathe(program, "exec", network, "--duration", 3, *words)
    return float(re.search(r"GPU Compute Time: .*?median = ([0-9.e+-]+) ms", text)[1])


def write_samples(folder, samples):
    for i, sample in enumerate(samples):
        for name, array in sample.items():
            place = folder / name if len(sample) > 1 else folder
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"{i:04}.npy", array)


def compare(words, network, folder, samples, tests, shapes, timed):
    """Samples are dictionaries of arrays by input."""
    write_samples(folder / "set", samples)
    common = ("-t", words.threads, "--opt-level", words.opt_level)
    plans = {"f32": folder / "f32.plan", "chosen": folder / "chosen.plan"}
    lathe(words.program, "build", "-m", network, "-o", plans["f32"], *shapes, *common)
    _, table = lathe(words.program, "build", "-m", network, "-o", plans["chosen"], *shapes, *common, "--calibrate",
                     folder / "set", "--calibrator", words.calibrator, *words.build)
    print(table)
    exact, found = (outputs(words.program, plans[kind], folder, tests) for kind in ("f32", "chosen"))
    cosines = (exact * found).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(found, axis=1)
    times = {kind: median(words.program, plan, "-t", words.threads, *given(folder, timed)) for kind, plan in plans.items()}
    print(f"cosine of {len(tests)} outputs: mean {cosines.mean():.5f}, least {cosines.min():.5f}")
    print(f"relative error {np.linalg.norm(exact - found) / np.linalg.norm(exact):.4f}")
    print(f"median {times['f32']:.3f} ms in f32, {times['chosen']:.3f} ms as chosen, {times['f32'] / times['chosen']:.2f} times as fast")


def minilm(words, folder):
    import export_onnx
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    model = pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or pathlib.Path(cache) / "lathe" / "models") / "all-MiniLM-L6-v2"
    export_onnx.Encoder(str(model)).export(folder)

    def inputs(ids):
        return {"input_ids": np.array([ids], np.int64)}

    def sentences(file, count):
        lines = (DATA / file).read_text(encoding="utf-8").splitlines()
        lines = lines[::max(1, len(lines) // count)][:count]
        return [inputs(json.loads(lathe(words.program, "tokens", "-m", model, line)[0])) for line in lines]

    samples, tests = sentences("calibration_sentences.txt", words.samples), sentences("sentences.txt", words.sentences)
    whole = np.concatenate([test["input_ids"] for test in tests], axis=1)[0, :words.tokens]
    compare(words, folder / "model.onnx", folder, samples, tests, ["--shapes", f"T={words.tokens}"], inputs(whole))


def resnet50(words, folder):
    import compare_onnx
    network = compare_onnx.network(folder, "resnet50")
    model = onnx.load(network)
    softmax = model.graph.node.pop()  # its input says more than its probabilities
    model.graph.output[0].name = softmax.input[0]
    onnx.save(model, network)
    random = np.random.default_rng(7)

    def image():
        noise = [np.kron(random.standard_normal((3, 224 // s, 224 // s)), np.ones((s, s))) for s in (1, 4, 16, 56)]
        return {"gpu_0/data_0": (sum(noise) / 2).astype(np.float32)[None]}

    samples, tests = [image() for _ in range(words.samples)], [image() for _ in range(8)]
    compare(words, network, folder, samples, tests, [], tests[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network", choices=("minilm", "resnet50"))
    parser.add_argument("--program", default=str(ROOT / "build" / "lathe"))
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--opt-level", type=int, default=1)
    parser.add_argument("--calibrator", default="minmax")
    words, build = parser.parse_known_args()
    words.build = build
    with tempfile.TemporaryDirectory() as folder:
        {"minilm": minilm, "resnet50": resnet50}[words.network](words, pathlib.Path(folder))


if __name__ == "__main__":
    main()
