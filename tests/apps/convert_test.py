"""lathe convert with tokenizers: minilm, and BPE trained here; GGUF gives the folder's ids, or names what it cannot say."""
import json
import os
import pathlib
import tempfile
import unittest

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from program import lathe, out
from tokenizer_folders import TEXTS, byte_bpe, folder_with, named_tokenizers, pattern, random_texts, sentence_piece_bpe


class ConvertTokenizers(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def folder(self, tokenizer):
        return folder_with(tokenizer, self.place / "folder")

    def converted(self, folder):
        path = self.place / "model.gguf"
        lathe("convert", folder, "-o", path)
        return path

    def assert_same_ids(self, folder):
        path = self.converted(folder)
        texts = TEXTS + random_texts(40) + ["<s>x<tool>y</s>"]
        for text in texts:
            expected = json.loads(out("tokens", "-m", folder, "-", stdin=text))
            self.assertEqual(json.loads(out("tokens", "-m", path, "-", stdin=text)), expected, text)
        return path

    def test_byte_level_bpe_by_its_patterns(self):
        for name, tokenizer in named_tokenizers().items():
            with self.subTest(name):
                path = self.assert_same_ids(self.folder(tokenizer))
                self.assertIn(name.encode(), path.read_bytes()[:2000])

    def test_what_stands_around_texts_and_the_template_come_along(self):
        tokenizer = byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)])
        tokenizer.post_processor = processors.TemplateProcessing("<s> $A", None, [("<s>", tokenizer.token_to_id("<s>"))])
        folder = self.folder(tokenizer)
        path = self.assert_same_ids(folder)
        self.assertEqual(json.loads(out("tokens", "-m", path, "a"))[0], tokenizer.token_to_id("<s>"))
        self.assertIn("messages[0]['content']", out("inspect", path, "--metadata"))

    def test_a_broken_template_comes_along_and_is_refused_where_it_is_needed(self):
        folder = self.folder(byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)]))
        for source, message in (("{% if %}", "line 1"), ("\n{{ messages | nosuch }}", "no filter named 'nosuch'"),
                                ("{{ raise_exception('not today') }}", "not today")):
            (folder / "tokenizer_config.json").write_text(json.dumps(
                {"bos_token": "<s>", "eos_token": "</s>", "chat_template": source}))
            for model in (folder, self.converted(folder)):
                out("run", "--raw", "the cat", "-n", 2, "-m", model)
                _, errors = lathe("run", "the cat", "-n", 2, "-m", model, status=1)
                self.assertIn("chat template", errors)
                self.assertIn(message, errors)

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
        self.assert_same_ids(self.folder(tokenizer))

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
