#!/usr/bin/env python3
"""Tokens per second of lathe and llama.cpp on this machine, in one sitting.

    compare_llama_cpp.py [MODEL...] [--llama-bench PATH] [--floor 1.0] [--rounds 2] [-r 3]

MODEL is a known name or a .gguf file, smollm2 where none is given. The two take turns (llama.cpp without and with flash
attention, lathe; again, --rounds times), since absolute figures on a shared machine mean little. What counts is the
ratio of the medians over all runs, against the better of llama.cpp's two. Exit status 1 where a ratio is below --floor.
Without --llama-bench, LATHE_PEER_DIR names llama.cpp's sources with build/bin in them; without that, llama.cpp is built
once into build/peers from the sources in the llama-cpp-python package, for this processor (about ten minutes on two
cores).
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / "build" / "peers"
OPTIONS = ["-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF",
           "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_UI=OFF"]
LLAMA, LLAMA_FLASH, LATHE = "llama.cpp", "llama.cpp, flash attention", "lathe"


def log(words):
    print(words, file=sys.stderr, flush=True)


def call(command, **options):
    """The command's output; ends the program with its messages where it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{result.stdout[-2000:]}{result.stderr[-4000:]}\n{command[0]} failed with status {result.returncode}")
    return result.stdout


def llama_cpp():
    """llama.cpp's sources, and its build with bin/llama-bench and libllama: LATHE_PEER_DIR and its build/, or fetched and
    built once."""
    if os.environ.get("LATHE_PEER_DIR"):
        sources = pathlib.Path(os.environ["LATHE_PEER_DIR"])
        return sources, sources / "build"
    build = PEERS / "llama.cpp"
    log("looking for the sources of llama.cpp")
    sources = pathlib.Path(call([sys.executable, ROOT / "tools" / "fetch_test_data.py", "--sources"]).strip())
    if not (build / "bin" / "llama-bench").exists():
        log("building llama.cpp")
        shutil.rmtree(build, ignore_errors=True)  # of sources elsewhere, or half of it
        call(["cmake", "-S", sources, "-B", build, "-G", "Ninja", *OPTIONS])
        call(["cmake", "--build", build, "--target", "llama-bench"])
    return sources, build


def build_driver(name, llama=None):
    """A program of bench/peers that uses libllama; `llama`: as llama_cpp() gives it."""
    sources, build = llama or llama_cpp()
    PEERS.mkdir(parents=True, exist_ok=True)
    call(["c++", "-std=c++20", "-O2", f"-I{sources / 'include'}", f"-I{sources / 'ggml' / 'include'}",
          ROOT / "bench" / "peers" / f"{name}.cc", f"-L{build / 'bin'}", "-lllama", "-lggml", "-lggml-base",
          f"-Wl,-rpath,{build / 'bin'}", "-o", PEERS / name])
    return PEERS / name


def find_model(name):
    if os.path.exists(name):
        return name
    return call([sys.executable, ROOT / "tools" / "fetch_model.py", name]).strip()


def run_llama_bench(program, model, options, flash):
    words = [program, "-m", model, "-p", options.prompt, "-n", options.generate, "-d", options.depth,
             "-t", options.threads, "-r", options.repeat, "-fa", int(flash), "-o", "json"]
    runs = {}
    for row in json.loads(call(words)):
        name = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
        runs[name] = row["samples_ts"]
    return runs


def run_lathe(program, model, options):
    words = [program, "bench", "-m", model, "-p", options.prompt, "-n", options.generate, "-d", options.depth,
             "-t", options.threads, "-r", options.repeat, "--json"]
    return {row["test"].split()[0]: row["runs"] for row in json.loads(call(words))}


def measure(model, llama_bench, options):
    """Tokens per second of every run: {test: {program: [...]}}."""
    sides = {LLAMA: lambda: run_llama_bench(llama_bench, model, options, False),
             LLAMA_FLASH: lambda: run_llama_bench(llama_bench, model, options, True),
             LATHE: lambda: run_lathe(options.lathe, model, options)}
    samples = {}
    for number in range(options.rounds):
        for side, run in sides.items():
            log(f"round {number + 1} of {options.rounds}: {side}")
            for test, runs in run().items():
                samples.setdefault(test, {}).setdefault(side, []).extend(runs)
    return samples


def judge(test, sides):
    missing = {LLAMA, LLAMA_FLASH, LATHE} - set(sides)
    if missing:
        sys.exit(f"{test} was not run by {', '.join(sorted(missing))}")
    medians = {side: statistics.median(runs) for side, runs in sides.items()}
    best = max(medians[LLAMA], medians[LLAMA_FLASH])
    return {"test": test, **medians, "ratio": medians[LATHE] / best}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="*", default=["smollm2"])
    parser.add_argument("--llama-bench", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--lathe", default=ROOT / "build" / "lathe", type=pathlib.Path, metavar="PATH")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--generate", type=int, default=128)
    parser.add_argument("-d", "--depth", type=int, default=0)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-r", "--repeat", type=int, default=3, help="runs of each test in a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--floor", type=float, default=1.0, help="the least ratio lathe / llama.cpp that passes")
    parser.add_argument("--json", metavar="F")
    options = parser.parse_args()
    llama_bench = options.llama_bench or llama_cpp()[1] / "bin" / "llama-bench"
    rows = []
    print(f"{'model':<34} {'test':>8} {'llama.cpp':>10} {'flash':>8} {'lathe':>8} {'ratio':>6}   (medians, tokens/s)")
    for name in options.models:
        model = find_model(name)
        for test, sides in measure(model, llama_bench, options).items():
            row = {"model": os.path.basename(model), **judge(test, sides), "runs": sides}
            rows.append(row)
            verdict = "" if row["ratio"] >= options.floor else f"  below {options.floor}"
            print(f"{row['model']:<34} {test:>8} {row[LLAMA]:>10.1f} {row[LLAMA_FLASH]:>8.1f} {row[LATHE]:>8.1f} "
                  f"{row['ratio']:>6.2f}{verdict}", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if rows and all(row["ratio"] >= options.floor for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
