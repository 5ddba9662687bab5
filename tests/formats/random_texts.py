"""Texts that tokenizers stumble over, from a seed."""

import random

PLANES = [(0x20, 0x7F), (0, 0x20), (0x80, 0x250), (0x250, 0x800), (0x800, 0x2000), (0x2000, 0x3000), (0x3000, 0xA000),
          (0xA000, 0xD800), (0xE000, 0x10000), (0x10000, 0x11000), (0x11000, 0x20000), (0x20000, 0x32000),
          (0xE0000, 0xE0200), (0xF0000, 0x110000)]
MARKS = "\u0300\u0301\u0323\u0327\u0345\u3099\u093c\u0e31\u20dd\ufe0f\u200d\U0001f3fb\U0001d165\u05b0\u0651"
SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff\u180e"
WORDS = ["the", "Hello", "WORLD", "don't", "I'LL", "we've", "it's", "\u017fs", "'S", "2024", "1234567", "3.14", "x==y", "->",
         "http://a.b/c?d=e", "caf\u00e9", "cafe\u0301", "\u4e2d\u6587", "\u65e5\u672c\u8a9e", "\ud55c\uad6d\uc5b4", "\u0440\u0443\u0441",
         "\u0627\u0644\u0639", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e44\u0e17\u0e22", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
         "\U0001f1e9\U0001f1ea", "\ufb01", "\u2460", "\u00bd", "\u2167", "\u0130", "\u1e9e", "\ufdfa", "\u33ff", "_", "__init__", "#", "##",
         "<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "<|end|>", "\u2581", "\u2581\u2581", "\u0120", "<0x0A>", "...", "!?", "\u3002", "``", "\t", "\n\n"]


def random_rune(random_source):
    low, high = random_source.choice(PLANES)
    return chr(random_source.randrange(low, high))


def random_piece(source):
    kind = source.randrange(9)
    if kind == 0:
        return "".join(random_rune(source) for _ in range(source.randint(1, 12)))
    if kind == 1:
        low, high = source.choice(PLANES)
        return "".join(chr(source.randrange(low, high)) for _ in range(source.randint(1, 12)))
    if kind == 2:
        return source.choice(SPACES) * source.randint(1, 4)
    if kind == 3:
        return source.choice([random_rune(source), " ", "a", "\u4e2d", "\n", "1", "!", "\u0301"]) * source.choice([1, 2, 7, 40, 150])
    if kind == 4:
        return source.choice("aeou\u05d0\u0915") + "".join(source.choice(MARKS) for _ in range(source.randint(1, 6)))
    if kind == 5:  # every byte, mostly not UTF-8
        return bytes(source.randrange(256) for _ in range(source.randint(1, 12))).decode("utf-8", "replace")
    if kind == 6:
        return "".join(source.choice(SPACES) for _ in range(source.randint(1, 5)))
    return source.choice(WORDS) + source.choice(["", " ", " ", "  ", "\n", ",", ". "])


def random_text(source):
    return "".join(random_piece(source) for _ in range(source.choice([1, 2, 3, 5, 8])))


def random_texts(count, seed):
    source = random.Random(seed)
    return [random_text(source) for _ in range(count)]


def every_character(length=64):
    """All planes of Unicode in texts of `length` characters."""
    runes = [chr(rune) for rune in range(0x110000) if not 0xD800 <= rune < 0xE000]
    return ["".join(runes[i:i + length]) for i in range(0, len(runes), length)]
