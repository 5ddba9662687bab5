"""Starts the built program for the tests beside this file."""
import json
import os
import pathlib
import re
import subprocess

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
MODEL = "smollm2"
MODEL_WITHOUT_TEMPLATE = "gemma3-270m"


def lathe(*words, stdin="", status=0, text=True):
    """What the program wrote to stdout and stderr; its exit status must be `status`."""
    done = subprocess.run([PROGRAM, *map(str, words)], input=stdin if text else stdin or b"", capture_output=True,
                          text=text, timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{words} ended with {done.returncode} instead of {status}\n"
                             f"stdout: {done.stdout[-2000:]}\nstderr: {done.stderr[-2000:]}")
    return done.stdout, done.stderr


def out(*words, **options):
    return lathe(*words, **options)[0]


def run_json(*words):
    return json.loads(out("run", "--json", *words))


def trace_steps(stderr):
    """The lines of --trace as lists of five; each starts with its number and name."""
    lines = [line for line in stderr.splitlines() if re.match(r"[1-5] \w", line)]
    assert len(lines) % 5 == 0, stderr
    return [lines[i:i + 5] for i in range(0, len(lines), 5)]
