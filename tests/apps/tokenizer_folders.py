"""Tokenizers of every kind that GGUF has a name for, trained here, in folders with the tiny Llama's weights."""
import json
import pathlib
import random
import shutil

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, trainers

TINY = pathlib.Path(__file__).resolve().parents[1] / "tiny" / "llama3"
VOCABULARY = 320
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEXTS = ["the cat sat on the mat, there and then", "1234567 + 89 = ...", "It's THEIR'S; don't  stop\n\n\tnow",
         "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600 na\u00efve", "  leading and trailing  ", ""]


def random_texts(count):
    generator = random.Random(5)
    alphabet = "abcdeght nos'1290 .,!?\n\t\u00e9\u4e2d\U0001f600<>_"
    return ["".join(generator.choice(alphabet) for _ in range(generator.randrange(40))) for _ in range(count)]


def byte_bpe(splits, ignore_merges=False, normalizer=None):
    made = tokenizers.Tokenizer(models.BPE(ignore_merges=ignore_merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(splits)
    if normalizer:
        made.normalizer = normalizer
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(
        vocab_size=VOCABULARY - 3, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    made.add_special_tokens(["<s>", "</s>"])
    made.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    return made


def pattern(text):
    return [pre_tokenizers.Split(tokenizers.Regex(text), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


def sentence_piece_bpe():
    made = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    made.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                      decoders.Strip(" ", 1, 0)])
    letters = ["\u2581", *"acehnorst"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    merges = []
    for joined in ("th", "the", "\u2581the", "at", "\u2581t", "er", "re", "ca", "cat", "\u2581c"):
        merges += [(joined[:cut], joined[cut:]) for cut in range(1, len(joined))
                   if joined[:cut] in tokens and joined[cut:] in tokens]
        tokens.append(joined)
    made.model = models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges, unk_token="<unk>",
                            byte_fallback=True, fuse_unk=True)
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    return made


def named_tokenizers():
    """Byte-level BPE by the name that its patterns have in GGUF."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return {"gpt-2": byte_bpe([byte_level]),
            "smollm": byte_bpe([pre_tokenizers.Digits(individual_digits=True), byte_level]),
            "llama-bpe": byte_bpe(pattern(LLAMA3), ignore_merges=True),
            "smaug-bpe": byte_bpe(pattern(LLAMA3)),
            "qwen2": byte_bpe(pattern(QWEN2), normalizer=normalizers.NFC())}


def folder_with(tokenizer, folder):
    """The tiny Llama with a tokenizer of as many tokens, in place of what `folder` is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(TINY / name, folder)
    raw = json.loads(tokenizer.to_str())
    used = max([*raw["model"]["vocab"].values(), *(token["id"] for token in raw["added_tokens"])]) + 1
    assert used <= VOCABULARY, used
    for i in range(used, VOCABULARY):
        raw["model"]["vocab"][f"[unused{i}]"] = i
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>", "chat_template": "{{ messages[0]['content'] }}"}))
    return folder
