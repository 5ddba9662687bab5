#!/usr/bin/env python3
"""Holds files of `lathe quantize` to llama.cpp: it loads and runs every type, and gives the perplexity that Lathe gives.

    compare_quantized.py [--program PATH] [--model M] [--text F] [--chunks N] [--json F]

The model (smollm2 by default) is written in every type, all mixes among them, and once with importance, error feedback,
scales and a budget. llama-perplexity reads each file, and `lathe eval` the same in its 8-bit arithmetic. Exit status 1 where
a file does not run, or where the perplexities differ by more than 5 %: both round activations, each in its own way. Sizes
are those that llama-quantize gives, where it knows the type; our imatrix file is given to it.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import peer_programs as peer

TYPES = ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0", "q4_k_m", "q4_k_s", "q4_1", "q4_0", "iq4_nl",
         "iq4_xs", "mxfp4", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k"]
NOT_THEIRS = {"mxfp4"}
ALLOWED = 0.05


def their_perplexity(program, file, options):
    done = subprocess.run([program, "-m", file, "-f", options.text, "--chunks", str(options.chunks)], capture_output=True, text=True)
    found = re.search(r"Final estimate: PPL = ([\d.]+)", done.stdout + done.stderr)
    return float(found[1]) if done.returncode == 0 and found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=peer.ROOT / "build" / "lathe")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--text", default=peer.ROOT / "LICENSE")
    parser.add_argument("--calibration", default=peer.ROOT / "docs" / "architecture.md")
    parser.add_argument("--chunks", type=int, default=2, help="of 512 tokens")
    parser.add_argument("--types", nargs="*", default=TYPES)
    parser.add_argument("--json")
    options = parser.parse_args()
    perplexity, quantize = peer.llama_program("llama-perplexity"), peer.llama_program("llama-quantize")
    model = peer.find_model(options.model)
    calibrated = ["--calibration", options.calibration]
    jobs = [(kind, ["--type", kind]) for kind in options.types]
    jobs.append(("q4_k_m, all means", ["--type", "q4_k_m", *calibrated, "--gptq", "--awq"]))
    jobs.append(("5.5bpw", ["--budget", "5.5bpw", *calibrated, "--gptq"]))
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours, theirs, matrix = folder / "ours.gguf", folder / "theirs.gguf", folder / "imatrix.gguf"
        peer.call([options.program, "imatrix", "-m", model, *calibrated, "-o", matrix])
        for name, words in jobs:
            peer.call([options.program, "quantize", "-m", model, "-o", ours, *words])
            known = name in options.types and name not in NOT_THEIRS
            if known:
                peer.call([quantize, "--allow-requantize", model, theirs, name.upper()])
            row = {"type": name, "bytes": ours.stat().st_size, "llama_quantize_bytes": theirs.stat().st_size if known else None,
                   "llama_cpp": their_perplexity(perplexity, ours, options),
                   "lathe": peer.call_json([options.program, "eval", "-m", ours, "--text", options.text, "--chunks", options.chunks,
                                            "--json"])["perplexity"]}
            row["equal"] = row["llama_cpp"] is not None and abs(row["llama_cpp"] / row["lathe"] - 1) <= ALLOWED
            # Metadata that llama.cpp writes in narrower numbers makes a few bytes of difference.
            row["same_size"] = not known or abs(row["bytes"] - row["llama_quantize_bytes"]) < 4096
            failed |= not row["equal"] or not row["same_size"]
            print(f"{name:<18}{row['bytes']:>12}{str(row['llama_quantize_bytes'] or '-'):>12}"
                  f"{row['llama_cpp'] if row['llama_cpp'] is not None else 'FAILED':>12}{row['lathe']:>12.4f}"
                  f"{'' if row['equal'] else '  DIFFERS'}{'' if row['same_size'] else '  SIZE'}", flush=True)
            rows.append(row)
        peer.call([quantize, "--allow-requantize", "--imatrix", matrix, model, theirs, "Q4_K_M"])
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
