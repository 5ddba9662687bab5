"""Hugging Face's tokenizer.json against the `tokenizers` package: the same ids, and the same text back.

Tokenizers are trained here, one of each kind that models have (trained_tokenizers.py); minilm's is a real one. Besides 10,000
random texts each, every character of Unicode goes through every step.
"""

import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from tokenizers import Tokenizer  # noqa: E402

import trained_tokenizers  # noqa: E402
from random_texts import every_character, random_texts  # noqa: E402

TOOL = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "tests" / "tokenizer_json_tool"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
MODELS = pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or CACHE / "lathe" / "models")
TEXTS = random_texts(10_000, 5)
EVERY = every_character()


def ask(path, requests):
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    out = subprocess.run([TOOL, path], input=lines.encode(), stdout=subprocess.PIPE).stdout.decode()
    answers = [json.loads(line) for line in out.split("\n") if line]
    assert len(answers) == len(requests), answers[:1]
    return answers


def first_difference(inputs, ours, theirs):
    for given, our, their in zip(inputs, ours, theirs):
        if our != their:
            return f"{given!r}:\n  lathe      {our!r}\n  tokenizers {their!r}"[:2000]
    return None


class Package(unittest.TestCase):
    """Compares with the package."""

    def check(self, tokenizer, path, texts, decodes=True):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        ours = [answer.get("ids", answer) for answer in ask(path, [{"text": text} for text in texts])]
        self.assertIsNone(first_difference(texts, ours, encoded))
        if not decodes:
            return
        source = random.Random(3)
        size = tokenizer.get_vocab_size()
        ids = encoded[:2000] + [[source.randrange(size) for _ in range(source.randint(0, 12))] for _ in range(1000)]
        for skip in (True, False):
            theirs = tokenizer.decode_batch(ids, skip_special_tokens=skip)
            answers = ask(path, [{"ids": some, "skip": skip} for some in ids])
            self.assertIsNone(first_difference(ids, [answer.get("text", answer) for answer in answers], theirs))
            self.assertIsNone(first_difference(ids, [answer.get("stream", answer) for answer in answers], theirs))

    def check_all(self, tokenizers, texts, decodes):
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
            def check(item):
                name, tokenizer = item
                path = pathlib.Path(folder) / (name.replace(" ", "_") + ".json")
                tokenizer.save(str(path))
                self.check(tokenizer, path, texts, decodes)
                return name

            names = list(pool.map(check, tokenizers.items()))
        self.assertEqual(names, list(tokenizers))

    def test_minilm(self):
        path = MODELS / "all-MiniLM-L6-v2" / "tokenizer.json"
        tokenizer = Tokenizer.from_file(str(path))
        self.check(tokenizer, path, TEXTS + EVERY[::7])

    def test_trained(self):
        self.check_all(trained_tokenizers.trained(), TEXTS, True)

    def test_what_becomes_of_matches(self):
        self.check_all(trained_tokenizers.behaviors(), TEXTS[:2000], False)

    def test_steps_on_every_character(self):
        self.check_all(trained_tokenizers.steps(), TEXTS[:500] + EVERY, False)


class Affixes(unittest.TestCase):
    """What post-processors put around a text."""

    def test_as_the_package(self):
        texts = ["", "a", "Hello world", "\u4e2d"]
        for name in ("llama3", "roberta", "t5", "word_piece", "gpt2"):
            tokenizer = trained_tokenizers.trained()[name]
            with tempfile.NamedTemporaryFile(suffix=".json") as file:
                tokenizer.save(file.name)
                ours = [answer["ids"] for answer in ask(file.name, [{"text": text, "special": True} for text in texts])]
            self.assertEqual(ours, [tokenizer.encode(text).ids for text in texts], name)


class Bytes(unittest.TestCase):
    def test_broken_utf8_is_replaced(self):
        tokenizer = trained_tokenizers.trained()["gpt2"]
        source = random.Random(9)
        texts = [bytes(source.randrange(256) for _ in range(source.randint(1, 40))) for _ in range(2000)]
        texts += [bytes([first, second]) for first in range(0x80, 0x100) for second in range(0, 256, 5)]
        theirs = [tokenizer.encode(text.decode("utf-8", "replace"), add_special_tokens=False).ids for text in texts]
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            tokenizer.save(file.name)
            ours = [answer["ids"] for answer in ask(file.name, [{"bytes": text.hex()} for text in texts])]
        self.assertIsNone(first_difference(texts, ours, theirs))


class Speed(unittest.TestCase):
    def test_a_megabyte_of_anything(self):
        """About a second each; the limit leaves room for a busy machine."""
        size = 1 << 20
        texts = {"letters": "a" * size, "random": "".join(random.Random(1).choices("abcdefgh", k=size)), "spaces": " " * size,
                 "lines": "\n" * size, "stops": "." * size, "digits": "1" * size, "chinese": "\u4e2d" * (size // 3),
                 "marks": "e" + "\u0301\u0323" * (size // 4), "words": "hello world " * (size // 12)}
        made = {name: trained_tokenizers.trained()[name] for name in ("llama3", "llama2", "t5", "prefixed_bpe", "unigram_bytes")}
        made["unknown"] = trained_tokenizers.steps()["unknown"]
        with tempfile.TemporaryDirectory() as folder:
            for name, tokenizer in made.items():
                path = pathlib.Path(folder) / f"{name}.json"
                tokenizer.save(str(path))
                for kind, text in texts.items():
                    start = time.process_time(), os.times().children_user
                    answer = ask(path, [{"text": text}])[0]
                    seconds = os.times().children_user - start[1]
                    self.assertLess(seconds, 3, (name, kind))
                    self.assertTrue("ids" in answer or "takes too much" in answer["error"], (name, kind, str(answer)[:200]))
                    self.assertTrue(name == "unknown" or "ids" in answer, (name, kind, str(answer)[:200]))


if __name__ == "__main__":
    unittest.main()
