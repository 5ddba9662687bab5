#!/usr/bin/env python3
"""Measures what quantization costs and gains, and writes docs/quantization.md, its plot and docs/quantization.json.

    quantization_table.py [--lathe PATH] [--work FOLDER]     measures what docs/quantization.json lacks
    quantization_table.py --only weights combinations        of these parts alone
    quantization_table.py --speed-only                       tokens per second alone, on a machine with nothing else to do
    quantization_table.py --page                             nothing: draws the page again

weights        Gemma 3 270M as float32 (tools/dithered_model.py) in every type, by rounding, with importance and with error
               feedback, and within budgets: bytes, KL divergence to the float32 model and perplexity, computed in float32, so
               that weights alone count. Beside it files of llama-quantize with llama-imatrix on the same text.
combinations   Weights in 8 and 4 bits with each kind of 8-bit activations, on that model and on SmolLM2 made the same way; also
               with --smooth.
encoder        minilm's embeddings with fewer bits against its float32 ones.
speed          Tokens per second of the files, in the default arithmetic; of llama-quantize's files by llama-bench.

Each figure is written as soon as it is measured, and what is there is not measured again: delete it, or --again. Files that
are made on the way stay in the folder, about 15 GB. Texts are licences that every Debian has; none is both of the calibration
and of the test. Needs llama.cpp (peer_programs.py; not with --no-peer), numpy, gguf and matplotlib.
"""
import argparse
import json
import pathlib
import statistics
import sys

import numpy as np

import peer_programs as peer
import quantization_page

LICENCES = pathlib.Path("/usr/share/common-licenses")
CALIBRATION = ["MPL-1.1", "MPL-2.0", "Apache-2.0", "CC0-1.0"]
TEST = ["LGPL-2.1"]
FLOATS = ["bf16", "f16"]  # to which importance says nothing
TYPES = ["q4_0", "q4_k_m", "q8_0", "q5_k_m", "q6_k", "q5_0", "q5_1", "q4_1", "iq4_nl", "iq4_xs", "mxfp4", "q3_k_m", "q2_k",
         "q5_k_s", "q4_k_s", "q3_k_l", "q3_k_s"]
SENTENCES = peer.ROOT / "tests" / "apps" / "data" / "sentences.txt"  # calibration_sentences.txt has others
BUDGETS = ["4bpw", "4.5bpw", "5bpw", "6bpw"]
PEER_TYPES = ["q4_k_m", "q4_0"]  # budgets of these files' sizes are made, too
TOGETHER = 5
EXACT = ["--math", "f32", "--kv", "f32"]
ACTIVATIONS = {"": [], "32": ["--activations", "32"], "256": ["--activations", "256"], "row": ["--activations", "row"],
               "static": ["--activations", "static"], "f32": EXACT}
FIGURES = ["bits_per_weight", "kl_mean", "kl_mean_error", "kl_p99", "same_top", "same_top_error", "perplexity", "reference_perplexity"]


class Work:
    """The program, and the files that are made with it."""

    def __init__(self, options):
        self.lathe, self.folder, self.peer = options.lathe, options.work, not options.no_peer
        self.folder.mkdir(parents=True, exist_ok=True)
        self.test = self.text("test.txt", TEST)
        self.calibration = ["--calibration", self.text("calibration.txt", CALIBRATION)]

    def text(self, name, parts):
        file = self.folder / name
        file.write_bytes(b"".join((LICENCES / part).read_bytes() for part in parts))
        return file

    def made(self, name, make):
        """A file, made where it is missing. It gets its name when it is whole."""
        file = self.folder / name
        if not file.exists():
            peer.log(f"making {name}")
            unfinished = file.with_name(f"unfinished-{name}")
            make(unfinished)
            unfinished.rename(file)
        return file

    def floats(self, model):
        source = peer.find_model(model)
        return self.made(f"{model.split('-')[0]}-float.gguf",
                         lambda file: peer.call([sys.executable, peer.ROOT / "tools" / "dithered_model.py", source, file]))

    def importance(self, model):
        """Measured once; with --imatrix a quantization does not measure it again."""
        return self.made(f"{model.stem}-importance.gguf",
                         lambda file: peer.call([self.lathe, "imatrix", "-m", model, *self.calibration, "-o", file]))

    def quantized(self, model, name, *words):
        return self.made(f"{name}.gguf", lambda file: peer.call([self.lathe, "quantize", "-m", model, "-o", file, *words]))

    def evaluate(self, models, *words):
        """The figures of each: the reference computes once for as many as memory has room for."""
        named = [word for model in models for word in ("-m", model)]
        found = peer.call_json([self.lathe, "eval", *named, "--text", self.test, "--all", "--json", *words])
        return [{key: row[key] for key in FIGURES} for row in (found if isinstance(found, list) else [found])]


def file_of(work, side, kind):
    """One row's file."""
    model = work.floats("gemma3-270m")
    name = f"{side}-{kind}"
    if side == "llama.cpp":
        matrix = work.made("llama-imatrix.gguf", lambda file: peer.call(
            [peer.llama_program("llama-imatrix"), "-m", model, "-f", work.calibration[1], "-o", file, "-c", 512]))
        return work.made(f"llama-{kind}.gguf", lambda file: peer.call(
            [peer.llama_program("llama-quantize"), "--imatrix", matrix, model, file, kind.upper()]))
    if side == "plain":
        return work.quantized(model, name, "--type", kind)
    words = ["--imatrix", work.importance(model)]
    if side == "budget":
        return work.quantized(model, name, "--budget", kind, *words, *work.calibration, "--gptq")
    if side == "gptq":
        words += [*work.calibration, "--gptq"]
    return work.quantized(model, name, "--type", kind, *words)


def weight_batches(work):
    """Lists of (side, type): those of a list are read together."""
    kinds = [*TYPES, *FLOATS]
    theirs = [("llama.cpp", kind) for kind in PEER_TYPES if work.peer]
    batches = [[*theirs, *((side, kind) for kind in PEER_TYPES for side in ("gptq", "importance"))]]
    batches += [[("plain", kind) for kind in kinds[i:i + TOGETHER]] for i in range(0, len(kinds), TOGETHER)]
    batches.append([("budget", f"{file_of(work, *row).stat().st_size}B") for row in theirs])
    batches += [[(side, kind) for kind in TYPES[i:i + 2] for side in ("gptq", "importance")] for i in range(0, len(TYPES), 2)]
    batches.append([("budget", kind) for kind in BUDGETS])
    return batches


def weights(work, rows, save):
    for batch in weight_batches(work):
        missing = [row for row in batch if "kl_mean" not in rows.get(" ".join(row), {})]
        if not missing:
            continue
        files = [file_of(work, *row) for row in missing]
        peer.log(f"reading {', '.join(' '.join(row) for row in missing)}")
        found = work.evaluate(files, "--reference", work.floats("gemma3-270m"), "--chunks", 8, *EXACT)
        for (side, kind), file, figures in zip(missing, files, found, strict=True):
            key = f"{side} {kind}"
            rows[key] = {"side": side, "type": kind, "bytes": file.stat().st_size, **rows.get(key, {}), **figures}
        save()


def combinations(work, rows, save):
    for model in ("smollm2", "gemma3-270m"):
        exact = work.floats(model)
        files = {"": exact, " smooth": work.quantized(exact, f"{exact.stem}-smooth", "--type", "f32", "--smooth", 0.5,
                                                      "--imatrix", work.importance(exact))}
        for bits in ("q8", "q4"):
            for kind, words in ACTIVATIONS.items():
                keys = [f"{model} {bits} {kind}{smooth}" for smooth in files]
                if keys[0] in rows:
                    continue
                peer.log(f"reading {keys[0]}")
                found = work.evaluate(files.values(), "--weights", bits, "--reference", exact, "--chunks", 4, *words)
                rows.update(zip(keys, found, strict=True))
                save()


def encoder(work, rows, save):
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()

    def embed(*words):
        return np.array(peer.call_json([work.lathe, "embed", "--no-plan-cache", *words, *texts]))

    exact = embed("-m", "minilm", "--math", "f32")
    minilm = peer.find_model("minilm")
    jobs = {"8 bits": ["-m", "minilm", "--weights", "q8"],
            "8 bits, static scales": ["-m", "minilm", "--weights", "q8", "--activations", "static"],
            "4 bits while loading": ["-m", "minilm", "--weights", "q4"]}
    calibration = ["--calibration", SENTENCES.with_name("calibration_sentences.txt"), "--ctx", 128]
    for side, words in (("rounded", []), ("importance", calibration), ("error feedback", [*calibration, "--gptq"])):
        file = work.quantized(minilm, f"minilm-{side.replace(' ', '-')}", "--type", "q4_1", *words)
        jobs[f"Q4_1, {side}"] = ["-m", file]
    for name, words in jobs.items():
        if name in rows:
            continue
        cosines = np.sum(embed(*words) * exact, axis=1)
        rows[name] = {"mean": float(cosines.mean()), "least": float(cosines.min()), "sentences": len(texts)}
        save()


def speeds(work, rows, save):
    """Of the rows of `weights`, but of each type once: importance and error feedback change neither bytes nor speed."""
    for side, kind in (row for batch in weight_batches(work) for row in batch):
        row = rows.get(f"{side} {kind}", {"side": side, "type": kind})
        if side in ("importance", "gptq") or "pp512" in row or (side == "budget" and "kl_mean" not in row):
            continue
        file = file_of(work, side, kind)
        row["bytes"] = file.stat().st_size
        peer.log(f"timing {side} {kind}")
        if side == "llama.cpp":
            words = [peer.llama_program("llama-bench"), "-m", file, "-p", 512, "-n", 128, "-r", 5, "-o", "json"]
            found = {"pp512" if test["n_prompt"] else "tg128": test["samples_ts"] for test in peer.call_json(words)}
        else:
            tests = peer.call_json([work.lathe, "bench", "-m", file, "-p", 512, "-n", 128, "-r", 5, "--json"])
            found = {test["test"]: test["runs"] for test in tests}
        rows[f"{side} {kind}"] = {**row, **{test: statistics.median(found[test]) for test in ("pp512", "tg128")}}
        save()


PARTS = {"weights": weights, "combinations": combinations, "encoder": encoder}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lathe", type=pathlib.Path, default=peer.ROOT / "build" / "lathe")
    parser.add_argument("--work", type=pathlib.Path, default=peer.ROOT / "build" / "quantization")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--no-speed", action="store_true", help="without tokens per second: the machine is busy")
    parser.add_argument("--again", action="store_true", help="measure what is there once more")
    parser.add_argument("--no-peer", action="store_true", help="without llama.cpp")
    options = parser.parse_args()
    file = quantization_page.FIGURES
    found = json.loads(file.read_text()) if file.exists() else {}

    def save():
        file.write_text(json.dumps(found, indent=1) + "\n")

    if not options.page:
        work = Work(options)
        for name in [] if options.speed_only else options.only:
            if options.again:
                found[name] = {}
            PARTS[name](work, found.setdefault(name, {}), save)
        if options.speed_only and options.again:
            for row in found.get("weights", {}).values():
                row.pop("pp512", None)
        if options.speed_only or "weights" in options.only and not options.no_speed:
            speeds(work, found.setdefault("weights", {}), save)
    quantization_page.write(found)


if __name__ == "__main__":
    sys.exit(main())
