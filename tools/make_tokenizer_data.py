"""Writes the expected ids of test texts, as llama.cpp's llama-tokenize gives them.

    make_tokenizer_data.py LLAMA_TOKENIZE MODEL.gguf TEXTS.inp OUT.json

TEXTS.inp is llama.cpp's models/ggml-vocab-*.gguf.inp (its 46 texts are the same for most of its vocabularies).
OUT.json: {"model": file name, "cases": [{"text", "bos", "parse_special", "ids"}]}.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

SEPARATOR = "\n__ggml_vocab_test__\n"

# What the 46 texts lack: other digits, spaces and letters, control tokens in plain text, marks, runs.
MORE = [
    "١٢٣ ४५६ ⅷ ½ x²",
    "a\u00a0b\u3000c\u2003 d\u0085e\u200bf",
    "tabs\t\tand\r\nlines\r\n\r\n  \n \t x",
    "e\u0301a\u0300\u0301 n\u0303 \u0915\u094d\u0937",
    "I'll we've they're it's I'd don't I'M ''s 's 'sx",
    "<|im_end|>\n<|im_start|>system\nno<end_of_turn><bos><s>",
    "<|im_start|", "<start_of_turn", "<0x0A><0xGG>", "\u2581a\u2581\u2581b", "[multimodal] <table><tr>",
    "snake_case camelCase __init__ -> != <= 0x1F 1e-9 3.14 #include <x>",
    "   leading and trailing   ", "\n" * 40, " " * 70, "." * 70, "\u4e2d" * 20, "=" * 65,
    "\U000102a0\U0001f9d1\u200d\U0001f680\U000e0041\ufffd\ue000",
]
WITH_SPECIAL = [
    "", "Hello", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "a<|endoftext|><eos>b", "<unused7><unk> x <pad>",
]


def ids_of(program, model, text, bos, parse_special):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        words = [program, "-m", model, "-f", file.name, "--ids", "--no-escape", "--log-disable"]
        words += [] if bos else ["--no-bos"]
        words += [] if parse_special else ["--no-parse-special"]
        # An empty file reads as no prompt at all.
        if not text:
            words[3:5] = ["--stdin"]
        out = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout.decode()
    return json.loads(out.strip().splitlines()[-1])


def main(program, model, texts, out):
    sections = pathlib.Path(texts).read_bytes().decode().split(SEPARATOR)
    cases = [(text, False, False) for text in sections + MORE] + [(text, True, True) for text in WITH_SPECIAL]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ids = list(pool.map(lambda case: ids_of(program, model, *case), cases))
    rows = [json.dumps({"text": text, "bos": bos, "parse_special": special, "ids": row})
            for (text, bos, special), row in zip(cases, ids)]
    name = json.dumps(pathlib.Path(model).name)
    pathlib.Path(out).write_text('{"model": %s,\n"cases": [\n%s\n]}\n' % (name, ",\n".join(rows)))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
