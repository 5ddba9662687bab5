#!/usr/bin/env python3
"""Holds the figures of `lathe eval` to llama-perplexity's, on the same files and text.

    compare_evaluations.py [--program PATH] [--text F] [--chunks N] [--json F] [MODEL...]

MODEL is smollm2 and gemma3-270m where none is given. Each is the reference; what is measured against it is what
llama-quantize makes of it in Q4_0. llama-perplexity runs twice, once to write the reference's probabilities (in 16 bits,
which is why a divergence below 2e-4 could not be compared), and `lathe eval` once with both side by side, in its 8-bit
arithmetic as llama.cpp computes in its own. Both read the same tokens, so that figures may differ by their arithmetic
alone: by at most one standard error as llama.cpp prints it, of quantiles two as `lathe eval` gives them. Exit status 1
where one does not.
"""
import argparse
import json
import pathlib
import re
import sys
import tempfile

import peer_programs as peer

# In llama-perplexity's words, and in those of eval --json. Of shares it prints percents.
FIGURES = {"Mean PPL(Q)": "perplexity", "Mean PPL(base)": "reference_perplexity",
           "Mean ln(PPL(Q)/PPL(base))": "perplexity_log_ratio", "Mean PPL(Q)/PPL(base)": "perplexity_ratio",
           "Mean PPL(Q)-PPL(base)": "perplexity_difference", "Mean KLD": "kl_mean", "99.0% KLD": "kl_p99",
           "95.0% KLD": "kl_p95", "90.0% KLD": "kl_p90", "Median KLD": "kl_median", "10.0% KLD": "kl_p10",
           "Mean Δp": "delta_p_mean", "95.0% Δp": "delta_p_p95", "75.0% Δp": "delta_p_p75", "25.0% Δp": "delta_p_p25",
           "5.0% Δp": "delta_p_p5", "RMS Δp": "delta_p_rms", "Same top p": "same_top"}


def their_figures(output):
    """(value, error or None) by name, shares as parts of one."""
    figures = {}
    for line in output.splitlines():
        match = re.match(r"\s*(\S.*?)\s*:\s*(-?[\d.]+)\s*(%?)(?:\s*±\s*([\d.]+)\s*(%?))?\s*$", line)
        if match:
            scale = 100 if "%" in (match[3], match[5]) else 1
            error = float(match[4]) / scale if match[4] else None
            figures[re.sub(r"\s+", " ", match[1])] = (float(match[2]) / scale, error)
    return figures


def compare(options, name, folder):
    model = peer.find_model(name)
    quantized, base = folder / "q4_0.gguf", folder / "base.kld"
    peer.call([peer.llama_program("llama-quantize"), "--allow-requantize", model, quantized, "Q4_0"])
    perplexity = peer.llama_program("llama-perplexity")
    common = ["-f", options.text, "--chunks", options.chunks, "--kl-divergence-base", base]
    peer.call([perplexity, "-m", model, *common])
    theirs = their_figures(peer.call([perplexity, "-m", quantized, *common, "--kl-divergence"]))
    ours = peer.call_json([options.program, "eval", "-m", quantized, "--reference", model, "--reference-math", "int8",
                           "--text", options.text, "--chunks", max(options.chunks, 0), "--json"])
    rows = []
    for figure, key in FIGURES.items():
        value, error = theirs[figure]
        allowed = error if error is not None else 2 * ours[f"{key}_error"]
        rows.append({"model": name, "figure": figure, "llama_cpp": value, "lathe": ours[key], "allowed": allowed,
                     "equal": abs(value - ours[key]) <= allowed})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["smollm2", "gemma3-270m"])
    parser.add_argument("--program", default=peer.ROOT / "build" / "lathe")
    parser.add_argument("--text", default=peer.ROOT / "LICENSE")
    parser.add_argument("--chunks", type=int, default=-1, help="of 512 tokens; -1: all")
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder:
            rows += compare(options, name, pathlib.Path(folder))
        print(f"{name:<28}{'llama.cpp':>12}{'lathe':>12}{'allowed':>12}")
        for row in rows:
            if row["model"] == name:
                print(f"{row['figure']:<28}{row['llama_cpp']:>12.6f}{row['lathe']:>12.6f}{row['allowed']:>12.6f}"
                      f"{'' if row['equal'] else '  DIFFERS'}", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(not all(row["equal"] for row in rows))


if __name__ == "__main__":
    main()
