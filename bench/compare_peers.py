#!/usr/bin/env python3
"""Lathe against llama.cpp and OpenVINO on this machine, on the same files, in one sitting for each row.

    compare_peers.py [--only NAME...] [--json F [--resume]] [--rounds 3] [--lathe PATH]

One command measures every row of peer_rows.py in less than 40 minutes on two cores, once the peers are there
(peer_programs.py says how each is made, and makes it) and the random models (random_llama.py; 10 GB in
build/peers/random_1b). The sides take turns, round by round, since absolute figures on a shared machine mean little: what
counts are ratios of the medians over all runs, against the better of llama.cpp's runs without and with flash attention.

What is counted:
  pp, tg       as llama-bench counts them: a prompt's tokens, or tokens generated one by one, behind an empty cache or @ d
               tokens of it, which are not counted
  x 8, x 32    sequences at once, each 128 tokens of prompt and 64 generated, as `llama-batched-bench -npp 128 -ntg 64`
               has them: tokens generated in all by the time from the first step that generates to the last; prompts are not
               counted, and of neither side is a token sampled by anything but the largest logit
  bandwidth    share of what the machine reads, measured by every lathe call beside its tests (the median of these). A
               token reads the file's tensors once, an embedding alone only where it is the output head too, and its cache
  cosine       least cosine between a sentence's embedding with --weights q8 and with --math f32

Beside the rows, for docs/performance.md: "depths", tokens a second behind more and more tokens, and "profile", where the
time of a step goes. --only takes the beginnings of names. --json keeps every run, every limit and what was made of them, after each
sitting; with --resume, what this program has measured into F before is not measured again. Exit status 1 where a row is
below a floor. Needs numpy and gguf.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

import numpy as np
from gguf import GGUFReader

import peer_programs as peer
import random_llama
from peer_rows import BANDWIDTH, COSINE, FASTEST, LLAMA, ONE_THREAD, OPENVINO, ROWS, TYPES

LATHE = "Lathe"
LLAMA_FLASH = "llama.cpp, flash attention"
ALIKE = {LLAMA: (LLAMA, LLAMA_FLASH)}  # sides of which the better one counts
RANDOM_MODELS = peer.PEERS / "random_1b"
SENTENCE_TOKENS = 20


def weight_bytes(path):
    """Bytes of the tensors that every generated token reads."""
    tensors = {tensor.name: int(tensor.n_bytes) for tensor in GGUFReader(path).tensors}
    if "output.weight" in tensors:
        del tensors["token_embd.weight"]
    return sum(tensors.values())


def random_model(kind):
    path = RANDOM_MODELS / f"{kind}.gguf"
    if not path.exists():
        peer.log(f"writing {path}")
        RANDOM_MODELS.mkdir(parents=True, exist_ok=True)
        random_llama.write(peer.find_model("smollm2"), kind, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return path


class Sitting:
    """What was measured alternately: rates of every side, and beside ours the machine's limits."""

    def __init__(self, options):
        self.options = options
        self.runs, self.limits, self.tokens, self.facts = {}, {}, {}, {}

    def add(self, side, test, rates):
        self.runs.setdefault(test, {}).setdefault(side, []).extend(rates)

    def lathe(self, model, words, side=LATHE, threads=2, label="{}", isa=None):
        peer.log(f"  {side}: {os.path.basename(model)} {' '.join(map(str, words))}")
        environment = {**os.environ, "LATHE_PLAN_CACHE_BYTES": "0", **({"LATHE_ISA": isa} if isa else {})}
        rows = peer.call_json([self.options.lathe, "bench", "-m", model, "-t", threads, "--json", *words], env=environment)
        for row in rows:
            test = label.format(row["test"])
            unit = SENTENCE_TOKENS if "sentences_per_s" in row else 1
            self.add(side, test, [rate / unit for rate in row["runs"]])
            if side == LATHE:
                limits = self.limits.setdefault(test, {"gb_per_s": [], "int8_gop_per_s": []})
                limits["gb_per_s"].append(row["limit_gb_per_s"])
                limits["int8_gop_per_s"].append(row["limit_int8_gop_per_s"])
                self.tokens[test] = {"cache_bytes": row["cache_bytes_of_a_token"],
                                     "gop": row["gop_per_s"] / row["tokens_per_s"]}

    def llama_bench(self, program, model, words):
        for side, flash in ((LLAMA, 0), (LLAMA_FLASH, 1)):
            peer.log(f"  {side}: {os.path.basename(model)} {' '.join(map(str, words))}")
            rows = peer.call_json([program, "-m", model, "-t", 2, "-fa", flash, "-o", "json", *words])
            for row in rows:
                test = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
                self.add(side, test + (f" @ d{row['n_depth']}" if row["n_depth"] else ""), row["samples_ts"])

    def rounds(self, most=1000):
        for number in range(min(most, self.options.rounds)):
            peer.log(f" round {number + 1}")
            yield number

    def record(self):
        return {"runs": self.runs, "limits": self.limits, "tokens": self.tokens, **self.facts}


def against_llama(sitting, model, words, openvino=False):
    sitting.facts["weight_bytes"] = weight_bytes(model)
    llama_bench = peer.llama_cpp()[1] / "bin" / "llama-bench"
    python = peer.openvino() if openvino else None
    for _ in sitting.rounds():
        sitting.lathe(model, words)
        sitting.llama_bench(llama_bench, model, words)
        if openvino:
            peer.log("  OpenVINO GenAI")
            driver = peer.ROOT / "bench" / "peers" / "openvino_llm.py"
            for test, rates in peer.call_json([python, driver, model, *words]).items():
                sitting.add(OPENVINO, test, rates)


def long_context(sitting):
    model = peer.find_model("smollm2")
    sitting.facts["weight_bytes"] = weight_bytes(model)
    llama_bench = peer.llama_cpp()[1] / "bin" / "llama-bench"
    for _ in sitting.rounds(most=2):
        for words in (["-p", 4096, "-n", 0], ["-p", 0, "-n", 64, "-d", 4096]):
            sitting.lathe(model, [*words, "-r", 2])
            sitting.llama_bench(llama_bench, model, [*words, "-r", 1, "--no-warmup"])


def many_sequences(sitting):
    model = peer.find_model("smollm2")
    sitting.facts["weight_bytes"] = weight_bytes(model)
    program = peer.llama_cpp()[1] / "bin" / "llama-batched-bench"
    for _ in sitting.rounds(most=2):
        sitting.lathe(model, ["-p", 0, "-n", 64, "-d", 128, "--sequences", "8,32", "-r", 2])
        for side, flash in ((LLAMA, "off"), (LLAMA_FLASH, "on")):
            peer.log(f"  {side}: llama-batched-bench")
            text = peer.call([program, "-m", model, "-t", 2, "-c", 32 * 192, "-b", 2048, "-ub", 512, "-npp", 128, "-ntg", 64,
                              "-npl", "8,32", "-fa", flash, "--output-format", "jsonl"])
            for line in re.findall(r"^\{.*\}$", text, re.MULTILINE):
                row = json.loads(line)
                sitting.add(side, f"tg64 @ d128 x {row['pl']}", [row["speed_tg"]])


def all_types(sitting):
    sitting.facts["weight_bytes"] = {}
    for _ in sitting.rounds():
        for kind in TYPES:
            model = random_model(kind)
            label = f"{{}} {kind}"
            sitting.facts["weight_bytes"][kind] = weight_bytes(model)
            sitting.lathe(model, ["-p", 512, "-n", 64, "-r", 2], label=label)


def minilm(sitting):
    folder, python = peer.find_model("minilm"), peer.openvino()
    driver = peer.ROOT / "bench" / "peers" / "openvino_encoder.py"
    tests = {"1x20": "emb20", "64x20": "emb20 x 64"}
    for _ in sitting.rounds():
        sitting.lathe(folder, ["--weights", "q8", "-p", SENTENCE_TOKENS, "--sequences", "1,64", "-r", 9])
        peer.log("  OpenVINO in bf16")
        times = peer.call_json([python, driver, folder, peer.PEERS / "minilm.onnx", *tests, "-r", 9])
        for shape, seconds in times.items():
            sitting.add(OPENVINO, tests[shape], [int(shape.split("x")[0]) / each for each in seconds])
    texts = sentences()
    ours, exact = (np.array(peer.call_json([sitting.options.lathe, "embed", "-m", folder, *words, *texts]))
                   for words in (["--weights", "q8"], ["--math", "f32"]))
    sitting.add(LATHE, "cosine", [float(np.sum(ours * exact, axis=1).min())])
    sitting.facts["sentences"] = len(texts)


def sentences():
    """Prose of this tree, of many lengths."""
    found = []
    for path in sorted((peer.ROOT / "docs").rglob("*.md")):
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            if not paragraph.startswith(("|", "```", "#", "<")):
                found += re.findall(r"(?:^|(?<=[.:] ))[A-Z][^.:|`]{15,300}[.:]", paragraph.replace("\n", " "))
    return found[:300]


def one_thread(sitting, model):
    for _ in sitting.rounds():
        sitting.lathe(model, ["-p", 512, "-n", 0, "-r", 3])
        sitting.lathe(model, ["-p", 512, "-n", 0, "-r", 3], side=ONE_THREAD, threads=1)


def avx2(sitting):
    model, words = peer.find_model("smollm2"), ["-p", 512, "-n", 128, "-r", 2]
    sitting.facts["weight_bytes"] = weight_bytes(model)
    llama_bench = peer.llama_cpp_avx2() / "bin" / "llama-bench"
    for _ in sitting.rounds():
        sitting.lathe(model, words, isa="avx2")
        sitting.llama_bench(llama_bench, model, words)


def depths(sitting):
    model, words = peer.find_model("smollm2"), ["-p", 0, "-n", 32, "-d", "0,512,1024,2048,4096"]
    sitting.facts["weight_bytes"] = weight_bytes(model)
    llama_bench = peer.llama_cpp()[1] / "bin" / "llama-bench"
    sitting.lathe(model, [*words, "-r", 3])
    sitting.llama_bench(llama_bench, model, [*words, "-r", 1, "--no-warmup"])


def profile(sitting):
    for name in ("smollm2", "gemma3-270m"):
        words = ["bench", "-m", peer.find_model(name), "-t", 2, "-p", 512, "-n", 128, "-r", 3, "--profile", "--json"]
        sitting.facts[name] = peer.call_json([sitting.options.lathe, *words])


SITTINGS = {
    "smollm2": lambda s: against_llama(s, peer.find_model("smollm2"), ["-p", 512, "-n", 128, "-r", 3], openvino=True),
    "gemma3-270m": lambda s: against_llama(s, peer.find_model("gemma3-270m"), ["-p", 512, "-n", 128, "-r", 3]),
    **{f"1.2B {kind}": lambda s, kind=kind: against_llama(s, random_model(kind), ["-p", 512, "-n", 64, "-r", 2])
       for kind in ("Q4_0", "Q4_K_M", "Q8_0")},
    "long": long_context,
    "sequences": many_sequences,
    "types": all_types,
    "minilm": minilm,
    "threads smollm2": lambda s: one_thread(s, peer.find_model("smollm2")),
    "threads 1.2B": lambda s: one_thread(s, random_model("Q4_0")),
    "avx2": avx2,
    "depths": depths,
    "profile": profile,
}
BESIDE_ROWS = ("depths", "profile")


def judge(row, record):
    """The row's figures: medians, ratios and shares, and which of its floors it is below."""
    runs = record["runs"][row.test]
    medians = {side: statistics.median(rates) for side, rates in runs.items()}
    ours = medians[LATHE]
    measured = {side: ours / max(medians[each] for each in ALIKE.get(side, (side,)) if each in medians)
                for side in (LLAMA, OPENVINO, ONE_THREAD) if side in medians}
    if FASTEST in row.floors:
        kind = row.test.split()[0]
        measured[FASTEST] = ours / max(statistics.median(sides[LATHE]) for test, sides in record["runs"].items()
                                       if test.startswith(kind))
    if COSINE in row.floors:
        measured[COSINE] = ours
    shares = shares_of_limits(row, record, ours)
    if BANDWIDTH in row.floors:
        measured[BANDWIDTH] = shares[BANDWIDTH]
    below = [name for name, floor in row.floors.items() if not measured[name] >= floor]
    return {"name": row.name, "title": row.title, "unit": row.unit, "medians": medians, "measured": measured,
            "floors": row.floors, "reference": row.reference, "shares": shares, "below": below}


def shares_of_limits(row, record, rate):
    """Of the bandwidth while one token after the other is generated, of the int8 peak while many are computed at once."""
    token = record["tokens"].get(row.test)
    if token is None or row.unit != "tokens/s":
        return {}
    limits = {name: statistics.median(values) for name, values in record["limits"][row.test].items()}
    shares = {"int8 peak": rate * token["gop"] / limits["int8_gop_per_s"]}
    if row.test.startswith("tg") and " x " not in row.test:
        weights = record["weight_bytes"]
        weights = weights[row.test.split()[-1]] if isinstance(weights, dict) else weights
        shares[BANDWIDTH] = rate * (weights + token["cache_bytes"]) / 1e9 / limits["gb_per_s"]
    return shares


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.4f}" if value < 1 else f"{value:.1f}"


def print_row(row):
    peers = ", ".join(f"{side} {number(rate)}" for side, rate in row["medians"].items() if side != LATHE)
    floors = ", ".join(f"{row['measured'][name]:.3g} of {name} (at least {floor})" for name, floor in row["floors"].items())
    extra = ", ".join(f"{share:.0%} of {name}" for name, share in row["shares"].items() if name not in row["floors"])
    reference = f" [{number(row['reference'])}]" if row["reference"] else ""
    verdict = "BELOW" if row["below"] else "ok   " if row["floors"] else "     "
    print(f"{verdict} {row['title']:<38} {number(row['medians'][LATHE]):>7}{reference} {row['unit']} | {floors}"
          f"{' | ' + peers if peers else ''}{' | ' + extra if extra else ''}", flush=True)


def describe_machine(options):
    name = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("model name")), platform.processor())
    commit = subprocess.run(["git", "-C", str(peer.ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {"processor": name, "cores": os.cpu_count(), "commit": commit.stdout.strip(),
            "program": hashlib.sha256(options.lathe.read_bytes()).hexdigest()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help=", ".join(row.name for row in ROWS))
    parser.add_argument("--json", type=pathlib.Path, metavar="F")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lathe", default=peer.ROOT / "build" / "lathe", type=pathlib.Path, metavar="PATH")
    options = parser.parse_args()
    rows = [row for row in ROWS if row.name.startswith(tuple(options.only))]
    sittings = list(dict.fromkeys(row.sitting for row in rows))
    sittings += [name for name in BESIDE_ROWS if name.startswith(tuple(options.only))]
    if not sittings:
        parser.error("no row has such a name")
    if not options.lathe.is_file():
        parser.error(f"{options.lathe} is not there: ./lathe builds it, --lathe names another one")
    report = {**describe_machine(options), "rounds": options.rounds, "sittings": {}, "rows": []}
    if options.resume and options.json and options.json.exists():
        before = json.loads(options.json.read_text())
        if before["program"] == report["program"]:
            report["sittings"] = before["sittings"]
    for name in sittings:
        if name not in report["sittings"]:
            peer.log(name)
            sitting = Sitting(options)
            SITTINGS[name](sitting)
            report["sittings"][name] = sitting.record()
        judged = [judge(row, report["sittings"][name]) for row in rows if row.sitting == name]
        report["rows"] += judged
        for row in judged:
            print_row(row)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    below = [row["name"] for row in report["rows"] if row["below"]]
    print(f"{len(rows) - len(below)} of {len(rows)} rows reach their floors{': not ' + ', '.join(below) if below else ''}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
