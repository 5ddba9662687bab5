"""Tokenizers of all kinds, trained or put together here: name -> tokenizers.Tokenizer."""

import functools
import json
import os
import pathlib
import struct

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from random_texts import random_texts

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
# Nobody's, so that it has no scanner: classes inside classes, intersections, lookbehind, intervals, all kinds of escapes.
UNKNOWN = (r"(?<=\d)\p{L}{2,3}?|[\p{L}&&[^\p{Lu}]]+|[^(\s|[.,!?…。，、।۔،])]{,3}(?=[\s\p{P}])|\p{Han}+|\p{Mn}++|[\w\-]+|\S?\W"
           r"|\x{1F600}|^\s+|\R+$|[^\S\r\n]+|(?:ab|\p{^N})(?!\n)")
DATA = pathlib.Path(os.environ.get("LATHE_SOURCE_DIR", pathlib.Path(__file__).parent.parent.parent))


def corpus():
    texts = [path.read_text() for path in sorted(DATA.glob("docs/**/*.md")) + sorted(DATA.glob("README*.md"))]
    return [line for text in texts for line in text.splitlines(keepends=True)]


CORPUS = corpus()
RANDOM = random_texts(1000, 11)


def train(tokenizer, trainer, texts=CORPUS + RANDOM):
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def byte_level(pre_tokenizer, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, trainers.BpeTrainer(vocab_size=3000, show_progress=False,
                                                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                special_tokens=["<s>", "</s>", "<|end|>"]))


def gpt2():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def roberta():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")),
                                                            ("<s>", tokenizer.token_to_id("<s>")))
    return tokenizer


def llama3():
    tokenizer = byte_level(
        pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
        ignore_merges=True)
    start = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False),
         processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", start)])])
    return tokenizer


def normalized_byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()])
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, trainers.BpeTrainer(vocab_size=1500, show_progress=False, max_token_length=16,
                                                initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_fallback(normalizer, pre_tokenizer, decoder, **model):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True, **model))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    return train(tokenizer, trainers.BpeTrainer(vocab_size=3000, show_progress=False, limit_alphabet=300, max_token_length=16,
                                                special_tokens=["<unk>", "<s>", "</s>"] + BYTES))


def plain_bytes(tokenizer):
    """Bytes are no special tokens in real files."""
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(data))


def llama2():
    return plain_bytes(byte_fallback(
        normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]), None,
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(" ", 1, 0)])))


def llama_metaspace():
    return plain_bytes(byte_fallback(
        None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(" ", 1, 0)])))


def gemma():
    tokenizer = plain_bytes(byte_fallback(
        normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous"),
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])))
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("\u2581\u2581\u2581", normalized=False),
                          AddedToken("Hello", normalized=True, single_word=True)])
    return tokenizer


def old_bpe():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return train(tokenizer, trainers.BpeTrainer(vocab_size=2000, show_progress=False, special_tokens=["<unk>"],
                                                limit_alphabet=200, end_of_word_suffix="</w>"))


def prefixed_bpe():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False, continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False),
         pre_tokenizers.Punctuation("merged_with_next")])
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    return train(tokenizer, trainers.BpeTrainer(vocab_size=2000, show_progress=False, special_tokens=["<unk>"],
                                                limit_alphabet=200, continuing_subword_prefix="##"))


def character_map():
    """A small compiled normalizer: a trie of single-byte steps, written as SentencePiece writes it."""
    entries = {"\u2460": "1", "\ufb01": "fi", "\xa0": " ", "\u3000": " ", "\u00bd": "1/2", "e\u0301": "\u00e9", "\u200b": "",
               "\t": " ", "\uff21": "A", "\u00aa": "a", "\u0130": "i\u0307", "\u33ff": "gal"}
    texts, positions = b"", {}
    for value in entries.values():
        positions[value] = len(texts)
        texts += value.encode() + b"\0"
    trie = {}
    for key, value in entries.items():
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[None] = positions[value]
    units, free = [0] * 256, [256]

    def place(index, node):
        offset = free[0]
        free[0] += 256
        units.extend([0xFF] * 256)  # a label that no child here has
        units[index] |= (offset ^ index) << 10
        for byte, child in node.items():
            if byte is None:
                units[index] |= 1 << 8
                units[offset] = child | 1 << 31
            else:
                units[offset ^ byte] = byte
        for byte, child in node.items():
            if byte is not None:
                place(offset ^ byte, child)

    place(0, trie)
    data = b"".join(struct.pack("<I", unit) for unit in units)
    return struct.pack("<I", len(data)) + data + texts


def unigram(normalizer, pre_tokenizer, decoder):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    return train(tokenizer, trainers.UnigramTrainer(vocab_size=3000, show_progress=False, unk_token="<unk>",
                                                    special_tokens=["<s>", "<pad>", "</s>", "<unk>"]), CORPUS)


def t5():
    tokenizer = unigram(
        normalizers.Sequence([normalizers.Precompiled(character_map()), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), decoders.Metaspace())
    end = tokenizer.token_to_id("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                             special_tokens=[("</s>", end)])
    return tokenizer


def albert():
    return unigram(normalizers.Sequence([normalizers.Nmt(), normalizers.Replace("``", '"'), normalizers.NFKD(),
                                         normalizers.StripAccents(), normalizers.Lowercase()]),
                   pre_tokenizers.Metaspace(prepend_scheme="first"), decoders.Metaspace(prepend_scheme="first"))


def unigram_bytes():
    vocabulary = [("<unk>", 0.0), ("<s>", 0.0)] + [(text, -20.0) for text in BYTES]
    vocabulary += [(text, -3.0 - 0.01 * i) for i, text in enumerate("\u2581 \u2581the e t a o n i \u2581a he in er \u4e2d".split())]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 0, True))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=None, handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=2000, show_progress=False, limit_alphabet=200,
                                               special_tokens=["[UNK]", "[CLS]", "[SEP]"]))
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.add_tokens([AddedToken("caf\u00e9", rstrip=True, normalized=True), AddedToken("the", single_word=True)])
    return tokenizer


def bytes_of_words(pre_tokenizer=None, normalizer=None):
    """Ids are the bytes of what the steps make, with a space before every word."""
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    if normalizer:
        tokenizer.normalizer = normalizer
    steps = [pre_tokenizer] if pre_tokenizer else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(True, use_regex=False)])
    return tokenizer


def behaviors():
    return {f"split {behavior} {invert}": bytes_of_words(pre_tokenizers.Split(Regex(r"\p{N}+|\n|é"), behavior, invert))
            for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
            for invert in (False, True)}


@functools.cache
def steps():
    made = {form: bytes_of_words(normalizer=getattr(normalizers, form)()) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    made |= {"lowercase": bytes_of_words(normalizer=normalizers.Lowercase()),
             "accents": bytes_of_words(normalizer=normalizers.StripAccents()),
             "nmt": bytes_of_words(normalizer=normalizers.Nmt()),
             "strip left": bytes_of_words(normalizer=normalizers.Strip(True, False)),
             "strip right": bytes_of_words(normalizer=normalizers.Strip(False, True)),
             "bert": bytes_of_words(pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer()),
             "map": bytes_of_words(normalizer=normalizers.Precompiled(character_map())),
             "whitespace": bytes_of_words(pre_tokenizers.Whitespace()),
             "whitespace split": bytes_of_words(pre_tokenizers.WhitespaceSplit()),
             "digits": bytes_of_words(pre_tokenizers.Digits(True)),
             "digit runs": bytes_of_words(pre_tokenizers.Digits(False)),
             "punctuation": bytes_of_words(pre_tokenizers.Punctuation("contiguous")),
             "metaspace": bytes_of_words(pre_tokenizers.Metaspace(".", "always", True)),
             "gpt2": bytes_of_words(pre_tokenizers.ByteLevel(False)),
             "llama3": bytes_of_words(pre_tokenizers.Split(Regex(LLAMA3), "isolated")),
             "unknown": bytes_of_words(pre_tokenizers.Split(Regex(UNKNOWN), "isolated"))}
    return made


@functools.cache
def trained():
    made = {make.__name__: make() for make in (gpt2, roberta, llama3, normalized_byte_level, llama2, llama_metaspace, gemma,
                                               old_bpe, prefixed_bpe, t5, albert, unigram_bytes, word_piece)}
    made["joined"] = byte_level(pre_tokenizers.ByteLevel())
    made["joined"].decoder = None
    return made
