#!/usr/bin/env python3
"""Holds our ids against llama.cpp's: random texts, byte for byte the same on both sides.

    compare_tokenizers.py [NAME...] [--texts 10000] [--seed 1] [--llama-cpp SOURCES BUILD] [--ids-tool PATH]
    compare_tokenizers.py --sample OUT.json [--texts 200]     writes llama.cpp's ids as expected values

NAME is a vocabulary of tools/fetch_test_data.py. Without --llama-cpp, llama.cpp is built as peer_programs.py builds
it. Texts are of all planes of Unicode, of long runs, of every byte and of broken UTF-8, which llama.cpp gets with U+FFFD
where it is broken. Exit status 1 where an id differs.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import unicodedata

import peer_programs as peer

VOCABULARIES = ["llama-bpe", "qwen2", "llama-spm"]
LONGEST_SAMPLE = 64  # bytes: the file is committed
WORDS = ["'s", "'LL", "'Ve", "don't", " ", "  ", "\n", "\r\n", " \n", "\t", "\u3000", "\u00a0", "\u0085", "\u2028", "\u200b",
         "123", "3.14", "2\u00bd", "CamelCase", "snake_case", "_", "...", "?!\n\n", " (", "=>", "</", "/*", "e\u0301", "\u0301",
         "\u01c5", "\u02b0", "\u2160", "\u4e2d\u6587", "\u3002", "\u30ab\u30bf\u30ab\u30ca", "\ud55c\uad6d\uc5b4", "\u0420\u0443\u0441",
         "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e44\u0e17\u0e22", "\u05e2\u05d1\u05e8", "\u0639\u0631\u0628\u064a", "\u1ec7",
         "\U0001f600", "\U0001f468\u200d\U0001f469", "\ufe0f", "\u2581", "<s>", "<|eot_id|>", "<0x0A>", "<unk>", "\x00", "\x7f",
         "\ufffd", "\ue000"]


def characters_by_category():
    groups = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category != "Cs":
            groups.setdefault(category, []).append(chr(code))
    return list(groups.values())


def random_text(generator, groups):
    def part():
        kind = generator.randrange(8)
        if kind == 0:
            return generator.choice(WORDS).encode()
        if kind == 1:
            return generator.choice(generator.choice(groups)).encode()
        if kind == 2:
            code = generator.randrange(0x110000 - 0x800)
            return chr(code if code < 0xD800 else code + 0x800).encode()
        if kind == 3:
            return bytes(generator.randrange(256) for _ in range(generator.randrange(1, 6)))
        if kind == 4:
            return generator.choice(generator.choice(groups)).encode()[:-1] or b"\x80"
        if kind == 5:
            return bytes([generator.randrange(128)])
        if kind == 6:
            return generator.choice(WORDS).encode() * generator.randrange(1, 200 if generator.random() < 0.05 else 5)
        return bytes(generator.choice(b"etaoinshrdlu ETAOIN") for _ in range(generator.randrange(1, 12)))

    text = b"".join(part() for _ in range(generator.randrange(1, 20)))
    # Whole texts of valid UTF-8 are half of all.
    return text if generator.random() < 0.5 else text.decode(errors="ignore").encode()


def random_texts(count, seed):
    generator = random.Random(seed)
    groups = characters_by_category()
    texts = [bytes([byte]) for byte in range(256)] if count > 1000 else []
    return texts + [random_text(generator, groups) for _ in range(count - len(texts))]


def ids_of(program, vocabulary, texts):
    lines = "".join(text.hex() + "\n" for text in texts)
    answer = subprocess.run([program, vocabulary], input=lines, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{program} failed with status {answer.returncode}: {answer.stderr}")
    rows = [[int(word) for word in line.split()] for line in answer.stdout.split("\n")[:-1]]
    if len(rows) != len(texts):
        sys.exit(f"{program} gave {len(rows)} lines for {len(texts)} texts")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", default=VOCABULARIES)
    parser.add_argument("--texts", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--llama-cpp", type=pathlib.Path, nargs=2, metavar=("SOURCES", "BUILD"))
    parser.add_argument("--ids-tool", type=pathlib.Path, default=peer.ROOT / "build" / "dev" / "tests" / "ids_tool")
    parser.add_argument("--sample", type=pathlib.Path, metavar="OUT.json")
    options = parser.parse_args()
    fetch = [sys.executable, peer.ROOT / "tools" / "fetch_test_data.py"]
    folder = pathlib.Path(peer.call(fetch).strip())
    driver = peer.build_driver("llama_ids", options.llama_cpp)
    texts = random_texts(options.texts * (20 if options.sample else 1), options.seed)
    if options.sample:
        texts = [text for text in texts if 1 < len(text) <= LONGEST_SAMPLE][:options.texts]
    repaired = [text.decode(errors="replace").encode() for text in texts]
    failed = 0
    rows = []
    for name in options.names:
        vocabulary = folder / f"ggml-vocab-{name}.gguf"
        expected = ids_of(driver, vocabulary, repaired)
        rows += [json.dumps(name) + ": [\n" + ",\n".join(json.dumps(ids, separators=(",", ":")) for ids in expected) + "]"]
        if options.sample:
            continue
        different = [i for i, ids in enumerate(ids_of(options.ids_tool, vocabulary, texts)) if ids != expected[i]]
        for i in different[:5]:
            print(f"  {texts[i]!r}", file=sys.stderr)
        print(f"{name}: {len(texts)} texts, {sum(map(len, expected))} ids, {len(different)} texts differ", flush=True)
        failed += len(different)
    if options.sample:
        lines = ",\n".join(json.dumps(text.hex()) for text in texts)
        options.sample.write_text('{"texts": [\n' + lines + '],\n"ids": {\n' + ",\n".join(rows) + "}}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
