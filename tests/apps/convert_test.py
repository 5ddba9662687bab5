"""lathe convert with tokenizers: minilm, and BPE trained here; GGUF gives the folder's ids, or names what it cannot say."""
import json
import os
import pathlib
import random
import shutil
import tempfile
import unittest

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers

from program import lathe, out

TINY = pathlib.Path(__file__).resolve().parents[1] / "tiny" / "llama3"
VOCABULARY = 320
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
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


class ConvertTokenizers(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def folder(self, tokenizer, **config):
        """The tiny Llama with a tokenizer of as many tokens."""
        folder = self.place / "folder"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(TINY / name, folder)
        raw = json.loads(tokenizer.to_str())
        used = max([*raw["model"]["vocab"].values(), *(token["id"] for token in raw["added_tokens"])]) + 1
        self.assertLessEqual(used, VOCABULARY)
        for i in range(used, VOCABULARY):
            raw["model"]["vocab"][f"[unused{i}]"] = i
        (folder / "tokenizer.json").write_text(json.dumps(raw))
        (folder / "tokenizer_config.json").write_text(json.dumps(
            {"bos_token": "<s>", "eos_token": "</s>", "chat_template": "{{ messages[0]['content'] }}"} | config))
        return folder

    def converted(self, folder):
        path = self.place / "model.gguf"
        lathe("convert", folder, "-o", path)
        return path

    def assert_same_ids(self, folder, tokenizer):
        path = self.converted(folder)
        texts = TEXTS + random_texts(40) + ["<s>x<tool>y</s>"]
        for text in texts:
            expected = json.loads(out("tokens", "-m", folder, "-", stdin=text))
            self.assertEqual(json.loads(out("tokens", "-m", path, "-", stdin=text)), expected, text)
        return path

    def test_byte_level_bpe_by_its_patterns(self):
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
        cases = {"gpt-2": byte_bpe([byte_level]),
                 "smollm": byte_bpe([pre_tokenizers.Digits(individual_digits=True), byte_level]),
                 "llama-bpe": byte_bpe(pattern(LLAMA3), ignore_merges=True),
                 "smaug-bpe": byte_bpe(pattern(LLAMA3)),
                 "qwen2": byte_bpe(pattern(QWEN2), normalizer=normalizers.NFC())}
        for name, tokenizer in cases.items():
            with self.subTest(name):
                path = self.assert_same_ids(self.folder(tokenizer), tokenizer)
                self.assertIn(name.encode(), path.read_bytes()[:2000])

    def test_what_stands_around_texts_and_the_template_come_along(self):
        tokenizer = byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)])
        tokenizer.post_processor = processors.TemplateProcessing("<s> $A", None, [("<s>", tokenizer.token_to_id("<s>"))])
        folder = self.folder(tokenizer)
        path = self.assert_same_ids(folder, tokenizer)
        self.assertEqual(json.loads(out("tokens", "-m", path, "a"))[0], tokenizer.token_to_id("<s>"))
        self.assertIn("messages[0]['content']", out("inspect", path, "--metadata"))

    def test_every_token_that_ends_an_answer_comes_along(self):
        tokenizer = byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)])
        folder = self.folder(tokenizer)
        words = ["run", "--raw", "the cat", "-n", 12, "--json", "--math", "f32", "--temp", 0, "-m"]
        ids = json.loads(out(*words, folder))["ids"]
        end = next(id for id in ids[1:] if id != ids[0])
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [tokenizer.token_to_id("</s>"), end]}))
        ended = json.loads(out(*words, folder))
        self.assertEqual(ended["ids"][:ids.index(end)], ids[:ids.index(end)])
        self.assertLess(len(ended["ids"]), len(ids))
        again = json.loads(out(*words, self.converted(folder)))
        self.assertEqual((again["ids"], again["text"]), (ended["ids"], ended["text"]))

    def test_sentence_piece_by_scores(self):
        tokenizer = sentence_piece_bpe()
        self.assert_same_ids(self.folder(tokenizer), tokenizer)

    def assert_refused(self, part, folder):
        _, errors = lathe("convert", folder, "-o", self.place / "none.gguf", status=1)
        self.assertIn("tokenizer.json", errors)
        self.assertIn(part, errors)
        self.assertEqual([name for name in os.listdir(self.place) if name != "folder"], [])

    def test_what_has_no_name_is_refused_by_name(self):
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
        cases = {
            "Punctuation": byte_bpe([pre_tokenizers.Punctuation(), byte_level]),
            "[a-z]+": byte_bpe(pattern("[a-z]+")),
            "add_prefix_space": byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=True)]),
            "Lowercase": byte_bpe([byte_level], normalizer=normalizers.Lowercase()),
            "Unicode form": byte_bpe([byte_level], normalizer=normalizers.NFKC()),
            "have no name": byte_bpe([byte_level], normalizer=normalizers.NFC()),
            "neither of bytes": tokenizers.Tokenizer(models.BPE(vocab={"<s>": 0, "</s>": 1}, merges=[])),
        }
        for word, tokenizer in cases.items():
            with self.subTest(word):
                self.assert_refused(word, self.folder(tokenizer))

    def test_merges_that_scores_cannot_say_are_refused(self):
        folder = self.folder(sentence_piece_bpe())
        raw = json.loads((folder / "tokenizer.json").read_text())
        raw["model"]["merges"].remove(["\u2581", "the"])
        (folder / "tokenizer.json").write_text(json.dumps(raw))
        self.assert_refused("lacks merges", folder)

    def test_minilm_gives_the_same_ids_and_embeddings(self):
        path = self.converted("minilm")
        for text in [*TEXTS, "UNaffable [MASK] [CLS]", "\u00c5ngstr\u00f6m \u0130stanbul", "a" * 150]:
            self.assertEqual(out("tokens", "-m", path, "-", stdin=text), out("tokens", "-m", "minilm", "-", stdin=text))
        words = ["A sentence.", "Another, longer sentence with more words."]
        self.assertEqual(out("embed", "-m", path, *words), out("embed", "-m", "minilm", *words))


if __name__ == "__main__":
    unittest.main()
