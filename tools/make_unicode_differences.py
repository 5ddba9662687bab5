#!/usr/bin/env python3
"""Writes src/text/unicode_differences.cc: where the `tokenizers` package and the libraries see a character differently.

Parts of the package follow different editions of Unicode. This asks it about every code point and lists only what
utf8proc 2.8 (and for categories PCRE2 10.42, whose patterns are completed from the same table) says otherwise.
Needs the package `tokenizers` and both libraries, as Debian 12 has them.
"""

import ctypes
import pathlib

from tokenizers import Regex, normalizers, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "src/text/unicode_differences.cc"
RUNES = [rune for rune in range(0x110000) if not 0xD800 <= rune < 0xE000]
CATEGORIES = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co").split()
STABLE, COMPAT, DECOMPOSE = 1 << 1, 1 << 2, 1 << 4

UTF8PROC = ctypes.CDLL("libutf8proc.so.2")
PCRE2 = ctypes.CDLL("libpcre2-8.so.0")


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


UTF8PROC.utf8proc_get_property.restype = ctypes.POINTER(Property)
PCRE2.pcre2_compile_8.restype = ctypes.c_void_p
PCRE2.pcre2_match_data_create_8.restype = ctypes.c_void_p
CLASSES = {rune: UTF8PROC.utf8proc_get_property(rune).contents.combining_class for rune in RUNES}
LIBRARY = {rune: CATEGORIES[UTF8PROC.utf8proc_category(rune)] for rune in RUNES}


def matched(pattern):
    """Code points that a pattern of one character matches, in the package."""
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    found = set()
    for i in range(0, len(RUNES), 4096):
        part = RUNES[i:i + 4096]
        kept = {ord(char) for piece, _ in split.pre_tokenize_str("".join(map(chr, part))) for char in piece}
        found.update(rune for rune in part if rune not in kept)
    return found


def matched_by_pcre2(pattern):
    error, offset = ctypes.c_int(), ctypes.c_size_t()
    utf_and_ucp = 0x00080000 | 0x00020000
    code = PCRE2.pcre2_compile_8(pattern.encode(), ctypes.c_size_t(len(pattern)), utf_and_ucp, ctypes.byref(error),
                                 ctypes.byref(offset), None)
    assert code, pattern
    PCRE2.pcre2_jit_compile_8(ctypes.c_void_p(code), 1)
    data = PCRE2.pcre2_match_data_create_8(4, None)
    found = set()
    for rune in RUNES:
        text = chr(rune).encode()
        if PCRE2.pcre2_match_8(ctypes.c_void_p(code), text, ctypes.c_size_t(len(text)), ctypes.c_size_t(0), 0,
                               ctypes.c_void_p(data), None) > 0:
            found.add(rune)
    return found


def split_at(pre_tokenizer):
    return {rune for rune in RUNES if len(pre_tokenizer.pre_tokenize_str(f"a{chr(rune)}a")) > 1}


def normalized(normalizer):
    return {rune: normalizer.normalize_str(f"a{chr(rune)}a")[1:-1] for rune in RUNES}


def decomposed(rune, compatibility):
    buffer = (ctypes.c_int32 * 64)()
    count = UTF8PROC.utf8proc_decompose_char(rune, buffer, 64, STABLE | DECOMPOSE | (COMPAT if compatibility else 0),
                                             None)
    return "".join(chr(buffer[i]) for i in range(count))


def truth(package, library):
    """Code point -> whether it is in `package`, where `library` says otherwise."""
    return {rune: int(rune in package) for rune in package ^ library}


def find_categories():
    differences = {}
    for i, name in enumerate(CATEGORIES):
        if name == "Cs":
            continue
        in_pcre2 = matched_by_pcre2(f"\\p{{{name}}}")
        for rune in matched(f"\\p{{{name}}}"):
            if LIBRARY[rune] != name or rune not in in_pcre2:
                differences[rune] = i
    return differences


def find_combining():
    nfd = normalizers.NFD()
    plain = [rune for rune in RUNES if decomposed(rune, False) == chr(rune)]
    # A mark of class 240 goes behind every other, and one of class 0 behind nothing.
    moves = {rune for rune in plain if nfd.normalize_str(f"\u0345{chr(rune)}")[0] != "\u0345"}
    known = {value: [r for r in plain if CLASSES[r] == value and (r in moves or value >= 240)] for value in
             sorted(set(CLASSES.values()) - {0})}
    known = {value: runes[0] for value, runes in known.items() if runes}
    differences = {}
    for rune in plain:
        if not CLASSES[rune] and rune not in moves:
            continue
        # Its class is the largest of a mark that it goes behind of or stays beside.
        goes_before = [v for v, mark in known.items() if nfd.normalize_str(f"a{chr(mark)}{chr(rune)}")[1] == chr(rune)]
        stays = [v for v, mark in known.items() if nfd.normalize_str(f"a{chr(rune)}{chr(mark)}")[1] == chr(rune)]
        value = 0 if not goes_before and len(stays) == len(known) else min(stays)
        if value != CLASSES[rune]:
            differences[rune] = value
    return differences


def find_decompositions(normalizer, compatibility):
    package = normalized(normalizer)
    differences = {}
    for rune in RUNES:
        library = decomposed(rune, compatibility)
        if package[rune] != library:
            assert package[rune] == chr(rune), hex(rune)  # only that it does not decompose can be said
            differences[rune] = 0
    return differences


def find_all():
    def of(names):
        return {rune for rune in RUNES if LIBRARY[rune] in names.split()}

    spaces = split_at(pre_tokenizers.WhitespaceSplit())
    punctuation = "Pc Pd Ps Pe Pi Pf Po"
    ascii_punctuation = {ord(char) for char in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
    split_punctuation = split_at(pre_tokenizers.Punctuation())
    assert split_punctuation == split_at(pre_tokenizers.BertPreTokenizer()) - spaces
    clean = normalized(normalizers.BertNormalizer(True, False, False, False))
    accents = normalized(normalizers.StripAccents())
    bert_accents = normalized(normalizers.BertNormalizer(False, False, True, False))
    lowercase = normalized(normalizers.Lowercase())
    chars = {rune: chr(UTF8PROC.utf8proc_tolower(rune)) for rune in RUNES}
    return {
        "kCategory": find_categories(),
        "kNumeric": truth(split_at(pre_tokenizers.Digits(True)), of("Nd Nl No")),
        "kSplitPunctuation": truth(split_punctuation - ascii_punctuation, of(punctuation) - ascii_punctuation),
        "kAccent": truth({r for r in RUNES if not accents[r]}, of("Mn Mc Me")),
        "kBertAccent": truth({r for r in RUNES if not bert_accents[r]}, of("Mn")),
        "kBertRemoved": truth({r for r in RUNES if not clean[r]} - {0, 0xFFFD}, of("Cc Cf Co") - {0, 9, 10, 13}),
        "kLowercase": {r: ord(lowercase[r]) for r in RUNES if lowercase[r] != chars[r] and r != 0x130},
        "kCombining": find_combining(),
        "kDecomposes": find_decompositions(normalizers.NFD(), False),
        "kDecomposesCompatibly": find_decompositions(normalizers.NFKD(), True),
    }


def ranges(differences):
    rows = []
    for rune, value in sorted(differences.items()):
        if rows and rows[-1][1] == rune - 1 and rows[-1][2] == value:
            rows[-1][1] = rune
        else:
            rows.append([rune, rune, value])
    return rows


def write(tables):
    lines = ["// Made by tools/make_unicode_differences.py; see unicode.h.", '#include "text/unicode.h"', "",
             "namespace lathe::unicode::differences {", "namespace {", "", "// clang-format off"]
    for name, differences in tables.items():
        lines.append(f"constexpr Difference {name}Rows[] = {{")
        row = "   "
        for first, last, value in ranges(differences):
            item = f" {{0x{first:X}, 0x{last:X}, {value if value < 256 else hex(value)}}},"
            if len(row) + len(item) > 108:
                lines.append(row)
                row = "   "
            row += item
        lines += [row, "};"]
    lines += ["// clang-format on", "", "}  // namespace", ""]
    lines += [f"const std::span<const Difference> {name} = {name}Rows;" for name in tables]
    lines += ["", "}  // namespace lathe::unicode::differences", ""]
    OUTPUT.write_text("\n".join(lines))


if __name__ == "__main__":
    write(find_all())
