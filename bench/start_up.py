"""Time from the start of a process to the first token of a 5-token prompt, and the peak of its memory: a plan, the
model that it was built of, and llama.cpp where its program is given. The sides alternate; medians are printed.

  python bench/start_up.py --lathe build/lathe --plan F.plan --model F.gguf [--peer llama-completion] [-r 9]
"""
import argparse
import os
import statistics
import subprocess
import time

PROMPT = "What color is the sky"


def run(words):
    """Seconds and peak bytes of one run; it ends with its first token."""
    start = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lathe", default="build/lathe")
    parser.add_argument("--plan", required=True)
    parser.add_argument("--model")
    parser.add_argument("--peer", help="llama.cpp's llama-completion, for the model")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("-r", "--runs", type=int, default=9)
    words = parser.parse_args()
    ours = [words.lathe, "run", "--raw", "-n", "1", "-t", str(words.threads), "-m"]
    sides = {"plan": ours + [words.plan, PROMPT]}
    if words.model:
        sides["model"] = ours + [words.model, PROMPT, "--no-plan-cache"]  # as if it ran for the first time
    if words.peer:
        sides["llama.cpp"] = [words.peer, "--no-warmup", "-n", "1", "-m", words.model, "-t", str(words.threads),
                              "-no-cnv", "-p", PROMPT]
    runs = {name: [] for name in sides}
    for name, command in sides.items():
        run(command)  # the disk is warm from here on
    for _ in range(words.runs):
        for name, command in sides.items():
            runs[name].append(run(command))
    for name, measured in runs.items():
        seconds = statistics.median(seconds for seconds, _ in measured)
        peak = max(peak for _, peak in measured)
        print(f"{name:10} {seconds:8.3f} s  {peak / 1e6:8.1f} MB")


if __name__ == "__main__":
    main()
