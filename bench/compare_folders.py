#!/usr/bin/env python3
"""Converts folders with `lathe convert` and holds llama.cpp to the result: the logits of the GGUF file against ours.

    compare_folders.py [--program PATH] [--llama-cpp SOURCES BUILD] [--json F] [FOLDER...]

FOLDER is one of tests/tiny where none is given; their files take ids alone, so what is compared is arithmetic and keys,
not text. minilm is converted too, and its ids and embeddings are compared; and a folder for each tokenizer that GGUF has
a name for, whose ids are compared. Without --llama-cpp, llama.cpp is found or
built as peer_programs.py does it.

llama.cpp computes GELU in its tanh form by a table of half floats (GGML_GELU_FP16), and so differs by about 1e-3 where
a model has GELU; all others agree to 1e-4. It knows no sliding window for Mistral, so that this one is compared within
its window. Exit status 1 where a model does not load or differs.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import peer_programs as peer

sys.path.insert(0, str(peer.ROOT / "tests" / "apps"))
import tokenizer_folders  # noqa: E402

TINY = peer.ROOT / "tests" / "tiny"
BOUND, GELU_BOUND, EMBEDDING_BOUND = 1e-4, 5e-3, 1e-3
GELU = ("gelu", "gelu_new", "gelu_pytorch_tanh")
TEXTS = ["A sentence.", "Another, longer sentence: it has UNaffable words, 12 numbers & na\u00efve accents."]


def peer_rows(program, path, ids, *words):
    answer = subprocess.run([program, path, *words], input=" ".join(map(str, ids)).encode(), capture_output=True)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.decode(errors="replace").strip()[-500:])
    return np.frombuffer(answer.stdout, "<f4")


def our_logits(program, path, ids, place):
    out = os.path.join(place, "logits.npy")
    peer.call([program, "logits", "-m", path, "--ids", ",".join(map(str, ids)), "-o", out, "--math", "f32"])
    return np.load(out)


def compare(name, folder, programs, place):
    lathe, llama = programs
    config = json.loads((folder / "config.json").read_text())
    ids = np.random.default_rng(3).integers(3, config["vocab_size"], 61)
    if (folder / "expected.npz").exists():
        ids = np.load(folder / "expected.npz")["ids"]
    if config["model_type"] == "mistral" and config.get("sliding_window"):
        ids = ids[:config["sliding_window"]]
    path = os.path.join(place, f"{name}.gguf")
    peer.call([lathe, "convert", folder, "-o", path])
    ours = our_logits(lathe, path, ids, place)
    theirs = peer_rows(llama, path, ids).reshape(ours.shape)
    activation = config.get("hidden_act") or config.get("hidden_activation") or config.get("activation_function")
    bound = GELU_BOUND if activation in GELU else BOUND
    same_top = float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())
    return {"model": name, "model_type": config["model_type"], "tokens": len(ids), "bound": bound,
            "difference": float(np.abs(ours - theirs).max()), "same_top": same_top}


def compare_minilm(programs, place):
    lathe, llama = programs
    path = os.path.join(place, "minilm.gguf")
    peer.call([lathe, "convert", "minilm", "-o", path])
    most = tokens = 0
    for text in TEXTS:
        ids = json.loads(peer.call([lathe, "tokens", "-m", path, text]))
        ours = np.array(json.loads(peer.call([lathe, "embed", "-m", path, "--math", "f32", text])))
        theirs = peer_rows(llama, path, ids, "--mean", text)
        most = max(most, float(np.abs(ours - theirs / np.linalg.norm(theirs)).max()))
        tokens += len(ids)
    return {"model": "minilm", "model_type": "bert", "tokens": tokens, "bound": EMBEDDING_BOUND, "difference": most,
            "same_top": 1.0}


def compare_ids(name, tokenizer, programs, place):
    """Ids of llama.cpp from a converted folder against those of the tokenizers package, for texts without control tokens."""
    lathe, llama_ids = programs
    folder = tokenizer_folders.folder_with(tokenizer, pathlib.Path(place) / "folder")
    path = os.path.join(place, "ids.gguf")
    peer.call([lathe, "convert", folder, "-o", path])
    texts = [text for text in tokenizer_folders.TEXTS + tokenizer_folders.random_texts(2000) if "<s>" not in text and text]
    answer = peer.call([llama_ids, path], input="".join(text.encode().hex() + "\n" for text in texts))
    rows = [[int(word) for word in line.split()] for line in answer.split("\n")[:-1]]
    expected = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    different = sum(ours != theirs for ours, theirs in zip(expected, rows, strict=True))
    print(f"tokenizer {name}: {len(texts)} texts, {different} differ", flush=True)
    return {"tokenizer": name, "texts": len(texts), "differ": different}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=peer.ROOT / "build" / "lathe")
    parser.add_argument("--llama-cpp", type=pathlib.Path, nargs=2, metavar=("SOURCES", "BUILD"))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    folders = options.folders or sorted(path.parent for path in TINY.glob("*/config.json"))
    programs = (options.program, peer.build_driver("llama_logits", options.llama_cpp))
    results, failed = [], 0
    with tempfile.TemporaryDirectory() as place:
        jobs = [(folder.name, lambda folder=folder: compare(folder.name, folder, programs, place)) for folder in folders]
        if not options.folders:
            jobs.append(("minilm", lambda: compare_minilm(programs, place)))
        for name, job in jobs:
            try:
                row = job()
            except RuntimeError as error:
                print(f"{name}: llama.cpp fails: {error}", flush=True)
                failed += 1
                continue
            results.append(row)
            far = not row["difference"] <= row["bound"]
            failed += far
            print(f"{name} ({row['model_type']}): {row['tokens']} tokens, largest difference {row['difference']:.1e}, "
                  f"same top {row['same_top']:.0%}{' TOO FAR' if far else ''}", flush=True)
        if not options.folders:
            kinds = tokenizer_folders.named_tokenizers() | {"llama": tokenizer_folders.sentence_piece_bpe()}
            ids = (options.program, peer.build_driver("llama_ids", options.llama_cpp))
            results += [compare_ids(name, tokenizer, ids, place) for name, tokenizer in kinds.items()]
            failed += any(row.get("differ", 0) for row in results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
