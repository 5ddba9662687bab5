#!/usr/bin/env python3
"""Makes docs/models.md from the measurements of tests/tiny (tiny.json in the build directory).

    make_models_table.py build/tiny.json
"""
import argparse
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "tiny"))

LIMITS = {  # by model_type; what has no row has none to speak of
    "cohere": "`use_qk_norm` (Command R+) is refused",
    "gemma2": "`use_bidirectional_attention` is refused",
    "gemma3_text": "text alone: folders of type `gemma3` (4B and up, with images) are refused; `use_bidirectional_attention` is refused",
    "gpt2": "`scale_attn_by_inverse_layer_idx` and `add_cross_attention` are refused",
    "gpt_neox": "GELU is the exact one where a GGUF file names none (llama.cpp computes the tanh form)",
    "granite": "dense models; one without RoPE is refused",
    "mistral": "GGUF has no key that llama.cpp reads for the window; here `llama.attention.sliding_window` is one",
    "mixtral": "routers by softmax, experts in every layer, none shared",
    "olmo2": "OLMo 3's layers with a window are computed from GGUF files, its folders are not known",
    "phi3": "a GGUF file's window is used (llama.cpp ignores it); LongRoPE's list is chosen by `--ctx`, once",
    "qwen3_moe": "experts in every layer: `mlp_only_layers` and `decoder_sparse_step` may say nothing else",
}

HEAD = """# Models

Made by `tools/make_models_table.py` from what `tests/tiny/tiny_test.py` measured. Each architecture has a tiny checkpoint in
`tests/tiny` with the logits that transformers 5.23.0 computes in float32. The table shows the largest difference of any
logit at any of 61 positions with `--math f32`: of the folder to transformers, computed at once, token by token, in chunks of
7 and without a cache, with config.json as transformers 5 writes it and as it was before; and of the same weights written as
GGUF with the `gguf` package to the folder. The tests allow 1e-4 and 1e-5; logits are of the size of {size}.

| model_type (folder) | architecture (GGUF) | folder | older config.json | GGUF | limits |
|---|---|---|---|---|---|
"""

TAIL = """
BERT is an encoder. It is held to stored embeddings of real texts by all-MiniLM-L6-v2: the same ids, and a cosine of at least
0.99999 in float32.

## RoPE scaling

`linear`, `llama3`, `yarn` and `longrope` (`su`) are computed for every architecture that rotates, from folders and from
GGUF's keys, and checked at positions up to twelve times the original context against a forward pass in NumPy with the
frequencies that transformers' own functions give (`tests/tiny/rope_test.py`). `dynamic`, `proportional`, `mrope` and YaRN
with `truncate: false` are refused with key and value.

transformers and llama.cpp agree on YaRN's frequencies and on its magnitude `0.1 ln(factor) + 1`. They part where a model
names a magnitude of its own: transformers computes with `attention_factor`, llama.cpp does not read the key
`rope.scaling.yarn_attn_factor` that its converter makes of it. Lathe computes as transformers does, and writes such a
magnitude in `rope.scaling.attn_factor`, which llama.cpp does read. LongRoPE's two lists: transformers changes over when a
sequence grows past the original context; here, as in llama.cpp, the length of the context decides, before anything is
computed.

## What is refused

A key of config.json that changes the arithmetic and is not computed is an error with its name and value: other activations
than the architecture's own, `layer_types` beside full and sliding attention, quantized checkpoints beside FP8 with scales.
Other keys that nobody reads are listed by `lathe inspect`. In GGUF files the same holds: keys that llama.cpp reads and the
architecture here does not compute are refused, others that nobody reads are listed. Values of another width than keys (`attention.value_length`) are refused.
"""


def figure(difference):
    return f"{difference:.1e}" if difference else "equal"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="JSON")
    options = parser.parse_args()
    import as_gguf
    import gguf
    import tiny_folder
    worst = collections.defaultdict(float)
    ways = collections.defaultdict(set)
    for entry in json.loads(pathlib.Path(options.results).read_text(encoding="utf-8")):
        place = entry["model_type"], entry["source"]
        worst[place] = max(worst[place], entry["difference"])
        ways[place].add(entry["way"])
    if any(len(found) != 4 for found in ways.values()):
        raise SystemExit("some ways of computing were not measured: run all of tests/tiny/tiny_test.py")
    sizes = [abs(tiny_folder.expected(name)[1]).max() for name in tiny_folder.NAMES]
    rows = []
    for kind in sorted({kind for kind, _ in worst}):
        figures = " | ".join(figure(worst[kind, source]) for source in ("folder", "older folder", "gguf"))
        name = gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH[as_gguf.ARCHITECTURES[kind]]]
        rows.append(f"| {kind} | {name} | {figures} | {LIMITS.get(kind, '')} |\n")
    rows.append("| bert | bert | see below | | | an encoder: `lathe embed` |\n")
    rows.append("| | onnx | | | | `.onnx` files of decoders, whatever they were exported from: [ONNX networks](onnx.md) |\n")
    text = HEAD.format(size=f"{min(sizes):.1f} to {max(sizes):.1f}") + "".join(rows) + TAIL
    (ROOT / "docs" / "models.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
