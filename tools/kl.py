#!/usr/bin/env python3
"""How far a run's distributions are from the float32 oracle's: exact, over the whole vocabulary.

    kl.py MODEL.gguf --golden tests/golden/NAME.golden --lathe "build/lathe"      runs the program for its logits
    kl.py MODEL.gguf --golden ... --logits F.npy                                  takes logits [tokens, vocabulary]
    kl.py MODEL.gguf --golden ... --noise 0.1                                     the oracle's own, with normal noise

The ids are those of the golden file's divergence part. Prints one JSON object: the mean and 99th percentile of
KL(oracle || run), the share of positions with the same likeliest token, both perplexities, and the estimate that the
golden file gives of the same mean (layout and estimator: golden_file.py). Takes a minute, and 1.5 GB for Gemma 3.
Needs numpy and gguf.
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import tempfile

import numpy as np

import golden_file
import oracle


def run_logits(command, model, ids):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "logits.npy"
        words = [*shlex.split(command), "logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", str(file)]
        subprocess.run(words, check=True)
        return np.load(file)


def compare(reference, logits, ids, divergence):
    kl = np.empty(len(ids))
    estimate = np.empty(len(ids))
    same = np.empty(len(ids), bool)
    surprise = np.zeros((2, len(ids) - 1))
    for position in range(len(ids)):
        rows = [row.astype(np.float64) for row in (reference[position], logits[position])]
        logp, logq = (row - oracle.log_sum_exp(row[None])[0] for row in rows)
        kl[position] = (np.exp(logp) * (logp - logq)).sum()
        same[position] = logp.argmax() == logq.argmax()
        if position + 1 < len(ids):
            surprise[:, position] = -logp[ids[position + 1]], -logq[ids[position + 1]]
    sums = oracle.log_sum_exp(logits)
    estimate = divergence.estimate(logits.astype(np.float64), sums)
    return {"positions": len(ids), "kl_mean": kl.mean(), "kl_p99": np.quantile(kl, 0.99), "same_top": same.mean(),
            "perplexity_oracle": np.exp(surprise[0].mean()), "perplexity": np.exp(surprise[1].mean()),
            "kl_mean_estimate": estimate.mean(), "largest_gap_of_logits": np.abs(reference - logits).max()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--golden", required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--lathe", metavar="COMMAND", help="with options, as in \"build/lathe\"")
    source.add_argument("--logits", metavar="F.npy")
    source.add_argument("--noise", type=float, metavar="SIGMA")
    options = parser.parse_args()
    divergence = golden_file.read(options.golden).divergence
    ids = divergence.ids
    reference = oracle.Sequence(oracle.Weights(options.model)).extend(ids)
    if options.lathe:
        logits = run_logits(options.lathe, options.model, ids)
    elif options.logits:
        logits = np.load(options.logits)
    else:
        random = np.random.default_rng(0)
        logits = np.stack([row + random.normal(0, options.noise, len(row)).astype(np.float32) for row in reference])
    if logits.shape != reference.shape:
        raise SystemExit(f"the run's logits are {logits.shape}, the oracle's {reference.shape}")
    print(json.dumps({key: float(value) for key, value in compare(reference, logits, ids, divergence).items()},
                     indent=1))


if __name__ == "__main__":
    main()
