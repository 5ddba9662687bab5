"""The scanners by hand against the regular expressions that they stand for, as the tokenizers package runs them."""

import json
import os
import pathlib
import random
import subprocess
import sys
import unicodedata

import tokenizers

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+{C}|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*{C}|")
PATTERNS = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES,
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + SPACES,
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + SPACES,
    CASED.replace("{C}", CONTRACTIONS + "?") + r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES,
    CASED.replace("{C}", "") + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES,
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    "[一-龥ࠀ-一가-\ud7ff]+",
    "[\r\n]",
    r"\s?\p{L}+",
    r"\s?\p{P}+",
    r"\s+$",
    r"\p{N}",
    r"\p{N}{1,3}",
    r"\p{N}+",
    "[0-9][0-9][0-9]",
    r"[^\n]+|[\n]+",
    " {2,}",
    " ?[^(\\s|.,!?…。，、।۔،)]+",
]
FRAGMENTS = ["'s", "'LL", "'Ve", "'\u017f", "'re", "'d", " ", "  ", "\n", "\r\n", " \n", "\t", "\u3000", "\u00a0", "\u0085",
             "\u2028", "\x0b", "\x1c", "\u180e", "\u200b", "/", "/\n", "123", "1234567", "Ab", "aB", "ABc", "ABC", "\u4e2dAB",
             "AB\u4e2d", "\u3002", "\u30a2", "\ud55c", "e\u0301", "\u0301", "\u01c5", "\u02b0", "\u00aa", "\u2160", "\u00bd",
             "...", "?!\n\n", " (", "$", "_", "\u20ac", "\u00a9", "\x00", "\ue000", "\U0001f999"]


def random_texts(generator, count):
    by_category = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cs", "Cn"):
            by_category.setdefault(category, []).append(chr(code))
    categories = list(by_category.values())

    def part():
        kind = generator.randrange(4)
        if kind == 0:
            return generator.choice(FRAGMENTS)
        if kind == 1:
            return chr(generator.randrange(128))
        if kind == 2:
            return generator.choice("abzABZ 09.'") * generator.randrange(1, 5)
        return generator.choice(generator.choice(categories))

    return ["".join(part() for _ in range(generator.randrange(1, 24))) for _ in range(count)]


def main():
    texts = random_texts(random.Random(7), 3000)
    requests = [json.dumps({"pattern": pattern, "texts": texts}) for pattern in PATTERNS]
    tool = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "tests" / "splitters_tool"
    answers = subprocess.run([tool], input="\n".join(requests) + "\n", capture_output=True, text=True, check=True)
    failed = 0
    for pattern, line in zip(PATTERNS, answers.stdout.split("\n")):
        pieces = json.loads(line)["pieces"]
        if pieces is None:
            print(f"not known: {pattern!r}", file=sys.stderr)
            failed += 1
            continue
        expression = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
        expected = [[piece for piece, _ in expression.pre_tokenize_str(text)] for text in texts]
        different = [i for i in range(len(texts)) if pieces[i] != expected[i]]
        failed += len(different)
        for i in different[:3]:
            print(f"{pattern!r}\n  {texts[i]!r}\n  regex {expected[i]!r}\n  lathe {pieces[i]!r}", file=sys.stderr)
    print(f"{len(PATTERNS)} patterns, {len(texts)} texts, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
