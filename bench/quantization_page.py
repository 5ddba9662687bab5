"""docs/quantization.md and its plot, from what quantization_table.py has measured."""
import pathlib

import matplotlib
import matplotlib.pyplot as plots

from performance_page import percent, table

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "quantization.md"
FIGURES, PLOT = PAGE.with_suffix(".json"), PAGE.with_suffix(".svg")

TYPE_FLOOR, BUDGET_FLOOR = 0.15, 0.25  # how much less must be lost than by a file of llama-quantize of that size
COSINE_FLOORS = {"8 bits, static scales": 0.999, "Q4_1, error feedback": 0.985}
INKS = {"plain": "#a9c7d1", "importance": "#5d9ab0", "gptq": "#1f6f8b", "budget": "#e0a030", "llama.cpp": "#c0392b"}
NAMES = {"plain": "rounded", "importance": "with importance", "gptq": "with error feedback", "budget": "--budget",
         "llama.cpp": "llama-quantize, imatrix"}
ACTIVATIONS = {"": "per 32 and fine columns (default)", "32": "`--activations 32`", "256": "`--activations 256`",
               "row": "`--activations row`", "static": "`--activations static`", "f32": "none (`--math f32`)"}


def kl(row, error=False):
    if "kl_mean" not in row:
        return ""
    digits = 5 if row["kl_mean"] < 0.01 else 4
    return f"{row['kl_mean']:.{digits}f}" + (f" ± {row['kl_mean_error']:.{digits}f}" if error else "")


def share(value):
    return f"{value:.1%}".replace("%", " %")


def speed(row):
    return [f"{row[test]:,.0f}" if test in row else "" for test in ("pp512", "tg128")]


def size(row):
    return [f"{row['bytes'] / 1e6:.1f}", f"{row['bits_per_weight']:.2f}" if "bits_per_weight" in row else ""]


def quality(row):
    return [share(row["same_top"]), f"{row['perplexity']:.2f}"] if "kl_mean" in row else ["", ""]


def of_type(rows, kind):
    return {row["side"]: row for row in rows.values() if row["type"] == kind}


def type_table(rows):
    lines = []
    kinds = {row["type"]: row["bytes"] for row in rows.values() if row["side"] in ("plain", "gptq")}
    for kind in sorted(kinds, key=kinds.get, reverse=True):
        sides = of_type(rows, kind)
        best = sides.get("gptq") or sides.get("importance") or sides["plain"]
        lines.append([kind.upper(), *size(best), kl(sides.get("plain", {})), kl(sides.get("importance", {})), kl(sides.get("gptq", {}), True),
                      *quality(best), *speed(sides.get("plain", {}))])
    return table(["type", "MB", "bits a weight", "KL, rounded", "KL, importance", "KL, error feedback", "same top", "perplexity", "pp512",
                  "tg128"], lines)


def budget_table(rows):
    lines = [[f"`--budget {row['type']}`", *size(row), kl(row, True), share(row["same_top"]), f"{row['perplexity']:.2f}", *speed(row)]
             for row in sorted(rows.values(), key=lambda row: -row["bytes"]) if row["side"] == "budget"]
    return table(["mix", "MB", "bits a weight", "KL", "same top", "perplexity", "pp512", "tg128"], lines)


def peer_table(rows):
    lines = []
    for theirs in [row for row in rows.values() if row["side"] == "llama.cpp" and "kl_mean" in row]:
        sides = of_type(rows, theirs["type"])
        sides["budget"] = rows.get(f"budget {theirs['bytes']}B", {})
        kind = theirs["type"].upper()
        lines.append([f"llama-quantize {kind}", f"{theirs['bytes']:,}", kl(theirs, True), "", "", share(theirs["same_top"]),
                      f"{theirs['perplexity']:.2f}", *speed(theirs)])
        for side, floor in (("importance", TYPE_FLOOR), ("gptq", TYPE_FLOOR), ("budget", BUDGET_FLOOR)):
            ours = sides.get(side, {})
            if "kl_mean" not in ours:
                continue
            less = 1 - ours["kl_mean"] / theirs["kl_mean"]
            reached = less >= floor and abs(ours["bytes"] / theirs["bytes"] - 1) < 1e-4 or ours["bytes"] < theirs["bytes"] and less >= floor
            lines.append([f"{kind} {NAMES[side]}" if side != "budget" else "`--budget` of that size", f"{ours['bytes']:,}", kl(ours, True),
                          percent(less) if reached else f"**{percent(less)}**", percent(floor), share(ours["same_top"]),
                          f"{ours['perplexity']:.2f}", *speed(ours if side == "budget" else sides.get("plain", {}))])
    return table(["file", "bytes", "KL", "less", "floor", "same top", "perplexity", "pp512", "tg128"], lines)


def combination_table(rows):
    lines = []
    columns = [(f"{name} W{bits[1]}{smooth}", f"{model} {bits}", smooth) for model, name in (("smollm2", "SmolLM2"), ("gemma3-270m", "Gemma 3"))
               for bits in ("q8", "q4") for smooth in ("", " smooth")]
    columns = [column for column in columns if any(f"{column[1]} {kind}{column[2]}" in rows for kind in ACTIVATIONS)]
    for kind, words in ACTIVATIONS.items():
        found = [rows.get(f"{key} {kind}{smooth}", {}) for _, key, smooth in columns]
        lines.append([words, *(f"{row['kl_mean']:.4f}" if row else "" for row in found)])
    return table(["activations", *(head for head, _, _ in columns)], lines)


def encoder_table(rows):
    lines = []
    for name, row in rows.items():
        floor = COSINE_FLOORS.get(name)
        mean = f"{row['mean']:.5f}"
        lines.append([name, mean if floor is None or row["mean"] >= floor else f"**{mean}**", f"{row['least']:.5f}", str(floor or "")])
    return table(["minilm", "mean cosine", "least", "floor"], lines)


def draw(rows):
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lathe", "font.size": 10})
    figure, axis = plots.subplots(figsize=(9, 5.5))
    for side, name in NAMES.items():
        points = sorted((row for row in rows.values() if row["side"] == side and row.get("kl_mean", 0) > 1e-6), key=lambda row: row["bytes"])
        places = [[row["bits_per_weight"] for row in points], [row["kl_mean"] for row in points]]
        if side == "budget":
            axis.plot(*places, label=name, marker="*", markersize=10, color=INKS[side], linewidth=1)
        else:
            axis.scatter(*places, label=name, s=60 if side == "llama.cpp" else 26, marker="x" if side == "llama.cpp" else "o", color=INKS[side])
        for row in points if side == "gptq" else []:
            axis.annotate(row["type"].upper(), (row["bits_per_weight"], row["kl_mean"]), fontsize=7, xytext=(5, -3),
                          textcoords="offset points")
    axis.set(xlabel="bits a weight, of all tensors", ylabel="mean KL divergence to float32", yscale="log", xlim=(None, 9.2))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    figure.savefig(PLOT, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plots.close(figure)


def budgets(rows):
    if not any(row["side"] == "budget" for row in rows.values()):
        return ""
    return f"""## A budget

{budget_table(rows)}

"""


def combinations(rows):
    return "" if not rows else f"""
## Weights and activations together

Products in 8 bits need activations in 8 bits (W8A8, W4A8). `--weights q8` or `q4` makes the weights while loading, by plain rounding; with
each goes each kind of activations:

```
lathe eval -m FLOAT.gguf --weights q8 --activations row --reference-math f32 --text TEST
```

KL to the float32 model on 4 x 512 tokens of the same text; SmolLM2 has become float32 in the same way. The last line is
what the weights alone cost; what stands above it is paid for activations. *Smooth*: made with `lathe quantize --smooth 0.5`.

{combination_table(rows)}
"""


def encoder(rows):
    return "" if not rows else f"""
## An encoder

Cosine between {next(iter(rows.values()))['sentences']} sentences' embeddings and the float32 ones. Q4_1 has 5 bits a weight.

{encoder_table(rows)}
"""


def write(found):
    rows = found["weights"]
    draw(rows)
    perplexity = next(row["reference_perplexity"] for row in rows.values() if "kl_mean" in row)
    PAGE.write_text(f"""# What quantization costs

What each type of weights, each kind of activations and each way of rounding loses, in one place. One command measures all of it and
writes this page ([quantization_table.py](../bench/quantization_table.py) says on what):

```
bench/quantization_table.py
```

How it is done: [number formats](number-formats.md), [weights](weight-quantization.md), [activations](activations.md), the
[cache](kv-cache.md). How it is measured: [evaluation](evaluation.md).

## How to read it

A model gives a probability to every possible next token. **KL** is how far these probabilities are from those of the float32 model, in
nats, the mean over all positions: 0 is no difference; near 0.02 another token comes first at one position in thirteen, near 0.2 at
one in four. Rank by it. **Same top** is the share of positions where both models find the same token likeliest, which is what greedy decoding
sees. **Perplexity** says how well the text was foreseen; the float32 model's is {perplexity:.2f}. It can fall by chance, and is here because
others quote it. **Bits a weight** are those of all tensors together; norms are f32, and the mixes keep the output head finer than
their name says. **pp512** and **tg128** are tokens per second of a prompt of 512 tokens and while 128 are generated, with 2
threads, in the default arithmetic. Behind ± stands one standard error; sides are compared on the same tokens, which makes
differences surer than that.

## Which one to take

- **Much memory, or a model that is to be quantized again:** BF16 or Q8_0.
- **A certain size:** `--budget 5bpw` (or `80MB`) with `--calibration TEXT --gptq`. It measures which matrices matter and gives
  these the bits.
- **A file of a known type,** for other programs: Q4_K_M or Q5_K_M with `--calibration TEXT --gptq`, which changes neither size nor speed.
- **No text at hand:** Q8_0 or Q6_K by rounding alone; below that a calibration text is worth its minutes.
- Q3_K and Q2_K are for models that fit in no other way.

## Every type

No float32 language model of this size comes with the project, so the reference is one made of Gemma 3 270M Q4_K_M by noise of half
a step ([dithered_model.py](../tools/dithered_model.py)): real structure, on no grid. Calibration: MPL 1.1 and 2.0, Apache 2.0 and
CC0 1.0 (12,800 tokens). Test: 8 x 512 tokens of the LGPL 2.1, every position. Everything but the weights is float32.

{type_table(rows)}

A blank has not been measured. *Rounded*: no calibration. *Importance*: the error of columns is weighed by their inputs (`--calibration`). *Error feedback*: other
columns make up for what one lost (`--gptq`). Same top, perplexity and speed are those of the best of the three; all three have the same
bytes. Rows of this model have 640 columns: where a type's blocks of 256 do not fit, the mix takes another type, so that Q4_K_M is mostly
Q5_0 here. Two thirds of the weights are the embedding, which is the output head too: llama.cpp's rules, which these types follow, leave it in
Q8_0, so that files differ less than the types' names. A budget has no such rule.

![KL divergence over bits a weight: error feedback lies below importance, importance below rounding, budgets below all](quantization.svg)

{budgets(rows)}## At the size of llama.cpp's files

`llama-quantize` with the importance of `llama-imatrix` on the same calibration text; its files measured by the same program, their
speed by `llama-bench`. *Less*: of the KL divergence, with the floor that is held; bold where it is not reached.

{peer_table(rows)}
{combinations(found.get("combinations"))}{encoder(found.get("encoder"))}""", encoding="utf-8")
