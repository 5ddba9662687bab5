#!/usr/bin/env python3
"""Writes docs/performance.md, its plots and the READMEs' tables from what compare_peers.py has measured.

    compare_peers.py --json docs/performance.json; performance_page.py

Needs matplotlib 3.11 (python3 -m pip install matplotlib).
"""
import argparse
import json
import pathlib
import statistics
import sys

import matplotlib
import matplotlib.pyplot as plots

from compare_peers import ALIKE, BANDWIDTH, COSINE, FASTEST, LATHE, LLAMA, ONE_THREAD, OPENVINO, number

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- written by bench/performance_page.py -->", "<!-- to here -->"
SHORT = ["smollm2-pp512", "smollm2-tg128", "gemma3-pp512", "gemma3-tg128", "1.2b-Q4_0-pp512", "1.2b-Q4_0-tg64",
         "1.2b-Q4_K_M-pp512", "1.2b-Q8_0-pp512", "long-pp4096", "long-tg64", "sequences-8", "sequences-32", "minilm-64",
         "minilm-1"]
CHINESE = {"prompt of": "提示", "generating behind": "生成，之前有", "generating": "生成", "sentences of 20 tokens": "个 20 词元的句子",
           "one sentence of 20 tokens": "一个 20 词元的句子", "sequences": "个序列", "tokens/s": "词元/秒", "sentences/s": "句/秒"}
INK, PEER_INK, FLOOR_INK = "#1f6f8b", "#b8b8b8", "#c0392b"


def peer_rate(row, side):
    rates = [row["medians"][each] for each in ALIKE.get(side, (side,)) if each in row["medians"]]
    return max(rates) if rates else None


def cell(value):
    return "" if value is None else number(value)


def percent(value):
    return "" if value is None else f"{value:.0%}".replace("%", " %")


def table(head, lines):
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(line)} |" for line in lines)])


def ratios(row, bold=True):
    """`7.6 (7.5)`: a ratio and its floor, of each that has one."""
    found = []
    for name in (LLAMA, OPENVINO, ONE_THREAD, FASTEST):
        if name in row["measured"]:
            floor = f" ({row['floors'][name]})" if name in row["floors"] else ""
            mark = "**" if bold and name in row["below"] else ""
            found.append(f"{mark}{row['measured'][name]:.2f}{floor}{mark}")
        elif name in (LLAMA, OPENVINO):
            found.append("")
    return found


def row_table(rows):
    lines = []
    for row in rows:
        bandwidth = percent(row["shares"].get(BANDWIDTH))
        if BANDWIDTH in row["floors"]:
            mark = "**" if BANDWIDTH in row["below"] else ""
            bandwidth = f"{mark}{bandwidth} ({percent(row['floors'][BANDWIDTH])}){mark}"
        lines.append([row["title"], cell(row["medians"][LATHE]), cell(peer_rate(row, LLAMA)), cell(peer_rate(row, OPENVINO)),
                      *ratios(row)[:2], bandwidth, percent(row["shares"].get("int8 peak"))])
    return table(["work", "Lathe", "llama.cpp", "OpenVINO", "x llama.cpp", "x OpenVINO", "of bandwidth", "of int8 peak"], lines)


def type_table(rows):
    by_name = {row["name"]: row for row in rows}
    lines = []
    for kind in dict.fromkeys(row["name"].split("-")[1] for row in rows):
        prompt, generating = by_name[f"types-{kind}-pp512"], by_name[f"types-{kind}-tg64"]
        marks = ["**" if row["below"] else "" for row in (prompt, generating)]
        lines.append([kind, cell(prompt["medians"][LATHE]), f"{marks[0]}{prompt['measured'][FASTEST]:.2f}{marks[0]}",
                      percent(prompt["shares"]["int8 peak"]), cell(generating["medians"][LATHE]),
                      f"{marks[1]}{percent(generating['shares'][BANDWIDTH])}{marks[1]}"])
    return table(["type", "pp512", "of the fastest", "of int8 peak", "tg64", "of bandwidth"], lines)


def other_table(rows):
    lines = []
    for row in rows:
        name = COSINE if COSINE in row["floors"] else ONE_THREAD
        mark = "**" if row["below"] else ""
        rates = "" if name == COSINE else f"{cell(row['medians'][ONE_THREAD])} and {cell(row['medians'][LATHE])} tokens/s"
        lines.append([row["title"], rates, f"{mark}{row['measured'][name]:.4g}{mark}", str(row["floors"][name])])
    return table(["what", "with 1 and 2 threads", "measured", "floor"], lines)


def limits(report):
    """Every figure that was measured of the machine, of all sittings."""
    found = {"gb_per_s": [], "int8_gop_per_s": []}
    for name, sitting in report["sittings"].items():
        if name == "avx2":
            continue
        for test in sitting.get("limits", {}).values():
            for key, values in test.items():
                found[key] += values
    return found


def profile_text(profile, name):
    test = next(each for each in profile if each["test"].startswith("tg"))
    runs = test["runs"]
    scale = test["plain_seconds"] / runs * 1e6  # of a token without a clock around each step
    parts = {}
    for step in test["steps"]:
        kind = step["name"].split(".")[-1] if step["op"] != "FusedLinear" else step["name"]
        part = parts.setdefault(kind, {"op": step["op"], "steps": 0, "seconds": 0, "weight_bytes": 0, "cache_bytes": 0})
        for key in ("steps", "seconds", "weight_bytes", "cache_bytes"):
            part[key] += step[key]
    lines = []
    for kind, part in sorted(parts.items(), key=lambda item: -item[1]["seconds"]):
        if part["seconds"] < 0.005 * test["seconds"]:
            continue
        read = (part["weight_bytes"] + part["cache_bytes"]) / runs
        rate = f"{read * runs / part['seconds'] / 1e9:.1f}" if read > 1e5 else ""
        lines.append([f"`{kind}`", part["op"], str(part["steps"]), f"{part['seconds'] / runs * 1e6:,.0f} µs",
                      percent(part["seconds"] / test["seconds"]), f"{read / 1e6:.1f} MB" if read > 1e5 else "", rate])
    between = 1 - test["step_seconds"] / test["seconds"]
    return (f"### {name}\n\nA token takes {scale:,.0f} µs. Below, the steps of the same kind of all layers together, with a clock "
            f"around each: what they take of {test['seconds'] / runs * 1e6:,.0f} µs. Between steps, where threads meet, "
            f"{percent(between)} go.\n\n"
            + table(["step", "op", "steps", "time", "of all", "reads", "GB/s"], lines))


def save(figure, name):
    figure.savefig(ROOT / "docs" / name, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plots.close(figure)


def bars(rows, values, floors, label, name, percent_axis=False):
    figure, axis = plots.subplots(figsize=(9, 0.6 + 0.3 * len(rows)))
    places = range(len(rows))
    axis.barh(places, values, color=INK, height=0.65)
    for place, value, floor in zip(places, values, floors, strict=True):
        if floor:
            axis.plot([floor, floor], [place - 0.42, place + 0.42], color=FLOOR_INK, linewidth=2)
        axis.text(max(value, floor or 0) + 0.012 * max(values), place, percent(value) if percent_axis else f"{value:.2f}",
                  va="center", fontsize=8)
    axis.set_yticks(places, [row["title"] for row in rows], fontsize=9)
    axis.invert_yaxis()
    axis.set_xlabel(label)
    if percent_axis:
        axis.xaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, name)


def draw_depths(sitting):
    figure, axis = plots.subplots(figsize=(8, 4))
    sides = {}
    for test, runs in sitting["runs"].items():
        depth = int(test.split("@ d")[1]) if "@" in test else 0
        for side, rates in runs.items():
            sides.setdefault(side, []).append((depth, statistics.median(rates)))
    for side, points in sides.items():
        depths, rates = zip(*sorted(points), strict=True)
        axis.plot(depths, rates, marker="o", label=side, color=INK if side == LATHE else None)
    axis.set(xlabel="tokens in the cache", ylabel="tokens/s, one sequence", ylim=(0, None))
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, "performance-depth.svg")


def draw(report):
    rows = report["rows"]
    against = [(row, side) for row in rows for side in (LLAMA, OPENVINO) if side in row["floors"]]
    bars([{"title": f"{row['title']} / {side}"} for row, side in against], [row["measured"][side] for row, side in against],
         [row["floors"][side] for row, side in against], "times the peer's rate; red: the floor", "performance-ratios.svg")
    generating = [row for row in rows if BANDWIDTH in row["shares"] and not row["name"].startswith("avx2")]
    bars(generating, [row["shares"][BANDWIDTH] for row in generating], [row["floors"].get(BANDWIDTH) for row in generating],
         "share of the bandwidth measured beside it; red: the floor", "performance-decode.svg", percent_axis=True)
    prompts = [row for row in rows if "pp" in row["name"] and "int8 peak" in row["shares"] and not row["name"].startswith("avx2")]
    bars(prompts, [row["shares"]["int8 peak"] for row in prompts], [None] * len(prompts),
         "share of the int8 peak measured beside it", "performance-prefill.svg", percent_axis=True)
    draw_depths(report["sittings"]["depths"])


def page(report):
    rows = report["rows"]
    named = {prefix: [row for row in rows if row["name"].startswith(prefix)] for prefix in ("types", "threads", "minilm-cosine")}
    rest = [row for row in rows if not row["name"].startswith(tuple(named))]
    found = limits(report)
    read, peak = (statistics.quantiles(found[key], n=20) for key in ("gb_per_s", "int8_gop_per_s"))
    reached = sum(not row["below"] for row in rows)
    verdict = f"{reached} of {len(rows)} rows, those of the tables below included, reach their floors."
    profile = report["sittings"]["profile"]
    return f"""# Performance

Every figure here comes from one run of one command, on a {report['cores']}-core {report['processor']} virtual machine that is shared with
strangers, with 2 threads, in {report['rounds']} round{'s' if report['rounds'] > 1 else ', so that a disturbed minute shows'}, at commit {report['commit']}:

```
bench/compare_peers.py --json docs/performance.json; bench/performance_page.py
```

The first half measures (it makes the peers and the random models first, and then takes less than 40 minutes), the second
writes this page, its plots and the tables of the README. `--only smollm2` measures the rows whose names begin so. Sides take
turns on the same file, round by round, and what counts is the ratio of their medians: absolute figures of a shared machine move
by a third from one hour to the next.

## Against the peers

Tokens (of minilm sentences) a second; llama.cpp is the one in llama-cpp-python 0.3.36, the better of flash attention on and off, and,
for the rows of AVX2 alone, built without AVX-512. OpenVINO is GenAI 2026.4.1 on the same GGUF file, for minilm OpenVINO in bf16 on the
same weights. In brackets the floors that [compare_peers.py](../bench/compare_peers.py) holds a row to; bold: below.

{row_table(rest)}

{verdict}

![ratios](performance-ratios.svg)

`1.2B` is a llama of 1.2 billion random weights ([random_llama.py](../bench/random_llama.py)): speed does not depend on their values. What is
counted by each test stands in the head of [compare_peers.py](../bench/compare_peers.py); with several sequences, tokens generated in
all, by the time that generating takes, on both sides.

## Every block type

The same model, all of its matrices in one type. A prompt should cost the same in each of them, since all multiply as 8-bit
integers; a generated token costs its bytes (from 4 bits up at least 70 % of the bandwidth).

{type_table(named["types"])}

## Threads and exactness

{other_table(named["threads"] + named["minilm-cosine"])}

The cosine is the least one over {report['sittings']['minilm']['sentences']} sentences of this tree's documents between `--weights q8` and `--math f32`.

## The limits

A generated token reads every weight once, so that memory is its limit; a prompt multiplies, so that the 8-bit dot product is. Both
are measured by `lathe bench` itself, in the process that the test runs in, right before it ([limits.h](../src/cpu/limits.h)):

- **Bandwidth**: 256 MiB of random numbers, in parts that threads share, read by eight loops that take turns (loads of 64, 256
  and 512 bits, with and without prefetches, one and four places at once); the best loop's median counts. No page is like another,
  since a host may keep equal ones once, and the median is taken since the memory is shared: in this run it was between
  {read[0]:.0f} and {read[-1]:.0f} GB/s (5 to 95 %), {statistics.median(found['gb_per_s']):.0f} in the middle. A share is of what was measured in the same minutes; with
  the limit that wide, a few percent more or less mean nothing.
- **int8 peak**: dot products on registers alone, {statistics.median(found['int8_gop_per_s']):,.0f} GOP/s in the middle ({peak[0]:,.0f} to {peak[-1]:,.0f}).

Bytes of a token are those of the file's tensors, the embedding only where it is the output head too, and its cache. A share above
100 % would mean weights that stay in the third-level cache (32 MiB, shared as well) from token to token.

![share of the bandwidth while generating](performance-decode.svg)

![share of the int8 peak in prompts](performance-prefill.svg)

![tokens per second over depth](performance-depth.svg)

## Where a token's time goes

{profile_text(profile["smollm2"], "SmolLM2-135M Q4_1, generating")}

{profile_text(profile["gemma3-270m"], "Gemma 3 270M Q4_K_M, generating")}

`lathe bench --profile` prints this for any model, `--profile=layers` layer by layer. Single kernels beside their limits: `build/dev/bench/bench_*`
(Google Benchmark; counters `of bandwidth`, `of int8 peak`).
"""


def short_table(report, chinese=False):
    rows = {row["name"]: row for row in report["rows"]}
    lines = []
    for name in SHORT:
        row = rows[name]
        title, unit = row["title"], row["unit"]
        if chinese:
            for english, word in CHINESE.items():
                title, unit = title.replace(english, word), unit.replace(english, word)
        factor = [f"{row['measured'][side]:.1f}" if side in row["measured"] else "" for side in (LLAMA, OPENVINO)]
        lines.append([title, f"{cell(row['medians'][LATHE])} {unit}", cell(peer_rate(row, LLAMA)), factor[0],
                      cell(peer_rate(row, OPENVINO)), factor[1]])
    head = ["工作", "Lathe", "llama.cpp", "倍数", "OpenVINO", "倍数"] if chinese else [
        "work", "Lathe", "llama.cpp", "times", "OpenVINO", "times"]
    return table(head, lines)


def replace_table(path, text):
    whole = path.read_text(encoding="utf-8")
    before, rest = whole.split(START)
    after = rest.split(END)[1]
    path.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", nargs="?", type=pathlib.Path, default=ROOT / "docs" / "performance.json")
    options = parser.parse_args()
    report = json.loads(options.report.read_text())
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lathe", "font.size": 10})
    draw(report)
    PAGE.write_text(page(report), encoding="utf-8")
    replace_table(ROOT / "README.md", short_table(report))
    replace_table(ROOT / "README.zh-CN.md", short_table(report, chinese=True))


if __name__ == "__main__":
    sys.exit(main())
