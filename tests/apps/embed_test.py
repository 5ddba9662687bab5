"""lathe embed: the vectors of sentence-transformers' model, and what encoders and decoders say of each other's words.

data/minilm.json has ids and embeddings that transformers computed in float32 from the same folder.
"""
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import gguf
import numpy as np

from program import lathe, out

CASES = json.loads((pathlib.Path(__file__).parent / "data" / "minilm.json").read_text(encoding="utf-8"))["cases"]
TEXTS = [case["text"] for case in CASES]
SEP = 102


def embed(*texts, model="minilm", words=()):
    vectors = json.loads(out("embed", "-m", model, *words, *texts))
    return np.array(vectors if len(texts) > 1 else [vectors])


class Embed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vectors = embed(*TEXTS)

    def test_ids_are_those_of_transformers(self):
        for case in CASES:
            ids = json.loads(out("tokens", "-m", "minilm", case["text"]))
            if len(ids) > 256:
                ids = ids[:255] + [SEP]
            self.assertEqual(ids, case["ids"], case["text"][:60])

    def test_vectors_are_those_of_transformers(self):
        self.assertEqual(self.vectors.shape, (len(CASES), 384))
        for case, vector in zip(CASES, self.vectors):
            expected = np.array(case["embedding"])
            cosine = vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected)
            self.assertGreaterEqual(cosine, 0.99999, case["text"][:60])
            self.assertAlmostEqual(np.linalg.norm(vector), 1, delta=1e-6)
            np.testing.assert_allclose(vector, expected, atol=2e-5)

    def test_a_text_alone_gets_the_same_bits_as_among_others(self):
        for text, vector in zip(TEXTS, self.vectors):
            self.assertEqual(embed(text)[0].tolist(), vector.tolist(), text[:60])
        backwards = embed(*reversed(TEXTS), words=("-t", 1))
        self.assertEqual(backwards[::-1].tolist(), self.vectors.tolist())

    def test_more_texts_than_a_step_takes(self):
        many = embed(*(TEXTS * 15))
        self.assertEqual(many.tolist(), np.tile(self.vectors, (15, 1)).tolist())

    def test_reads_stdin(self):
        vector = json.loads(out("embed", "-", stdin=TEXTS[0]))
        self.assertEqual(vector, self.vectors[0].tolist())

    def test_long_texts_lose_their_end(self):
        cut = embed("one two three four five six seven eight nine ten eleven twelve", words=("--ctx", 8))
        self.assertEqual(cut.tolist(), embed("one two three four five six").tolist())
        _, errors = lathe("embed", "--ctx", 2, "one", status=2)
        self.assertIn("no room", errors)
        lathe("embed", "--ctx", 513, "one", status=2)

    def test_weights_of_8_bits_stay_close(self):
        close = embed(*TEXTS, words=("--weights", "q8"))
        cosines = np.sum(close * self.vectors, axis=1) / np.linalg.norm(close, axis=1)
        self.assertGreater(cosines.min(), 0.99)
        self.assertNotEqual(close.tolist(), self.vectors.tolist())

    def test_each_kind_of_model_refuses_the_other_kinds_words(self):
        for words in (("run", "-m", "minilm", "Hello"), ("run", "-m", "minilm", "--raw", "Hello"),
                      ("logits", "-m", "minilm", "--ids", "1,2", "-o", os.devnull)):
            _, errors = lathe(*words, status=1)
            self.assertIn("is an encoder", errors)
        _, errors = lathe("chat", "-m", "minilm", stdin="Hello\n", status=1)
        self.assertIn("is an encoder", errors)
        _, errors = lathe("embed", "-m", "smollm2", "Hello", status=1)
        self.assertIn("is a decoder", errors)
        _, errors = lathe("embed", "--kv", "f16", "Hello", status=2)
        self.assertIn("kv", errors)

    def test_inspect_shows_it(self):
        self.assertIn("384 numbers, of 256 tokens at most", out("inspect", "minilm"))
        report = json.loads(out("inspect", "minilm", "--json"))
        self.assertEqual((report["architecture"], report["embedding_dimensions"], report["context_tokens"]),
                         ("bert", 384, 256))
        self.assertEqual(report["memory"]["cache_bytes"], 0)
        self.assertEqual(report["Layers"][-1]["LayerType"], "LpNormalization")

    def test_bench(self):
        results = json.loads(out("bench", "-m", "minilm", "-p", "5", "-r", 2, "--json"))
        self.assertEqual([result["test"] for result in results], ["emb5", "emb5 x 64"])
        for result in results:
            self.assertEqual(len(result["runs"]), 2)
            self.assertAlmostEqual(result["sentences_per_s"], result["tokens_per_s"] / 5, delta=0.01)
            self.assertGreater(result["gb_per_s"], 0)
        # Two operations for each of 10.6 million weights outside the embedding, and the attention.
        self.assertAlmostEqual(results[0]["gop_per_s"] / results[0]["tokens_per_s"], 0.0213, delta=0.0005)
        self.assertIn("sentences/s", out("bench", "-m", "minilm", "-r", 1, "--sequences", 2))
        lathe("bench", "-m", "minilm", "-n", 4, status=2)


class Folder(unittest.TestCase):
    """Other folders of BERT than minilm's, made of it."""

    @classmethod
    def setUpClass(cls):
        cls.source = pathlib.Path(json.loads(out("inspect", "minilm", "--json"))["file"])

    def change(self, folder, name, change):
        value = json.loads((folder / name).read_text(encoding="utf-8"))
        change(value)
        (folder / name).write_text(json.dumps(value), encoding="utf-8")

    def test_texts_in_lower_case(self):
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place) / "model"
            shutil.copytree(self.source, folder)
            self.change(folder, "tokenizer.json", lambda tokenizer: tokenizer["normalizer"].update(lowercase=False))
            upper, lower = embed("The Sky", "the sky", model=folder)
            self.assertLess(upper @ lower, 0.99)
            self.change(folder, "sentence_bert_config.json", lambda config: config.update(do_lower_case=True))
            upper, lower = embed("The Sky", "the sky", model=folder)
            self.assertEqual(upper.tolist(), lower.tolist())

    def test_the_oldest_names(self):
        """Norms as TensorFlow names them, and keys of a pooler that nobody computes."""
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place) / "model"
            shutil.copytree(self.source, folder)
            self.change(folder, "config.json", lambda config: config.update(
                directionality="bidi", pooler_fc_size=384, pooler_num_attention_heads=12, pooler_num_fc_layers=3,
                pooler_size_per_head=128, pooler_type="first_token_transform", classifier_dropout=None))
            blob = (self.source / "model.safetensors").read_bytes()
            size = int.from_bytes(blob[:8], "little")
            header = blob[8:8 + size].replace(b"LayerNorm.weight", b"LayerNorm.gamma")
            header = header.replace(b"LayerNorm.bias", b"LayerNorm.beta").ljust(size)
            self.assertIn(b"output.LayerNorm.beta", header)
            (folder / "model.safetensors").write_bytes(blob[:8] + header + blob[8 + size:])
            self.assertEqual(embed("The sky", model=folder).tolist(), embed("The sky").tolist())


class Gguf(unittest.TestCase):
    """The same weights as llama.cpp's files have them."""

    NAMES = {"embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
             "embeddings.position_embeddings": "position_embd", "embeddings.LayerNorm": "token_embd_norm",
             "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
             "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
             "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}

    def folder(self):
        return pathlib.Path(json.loads(out("inspect", "minilm", "--json"))["file"])

    def write(self, path, pooling=1, causal=False):
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_block_count(6)
        writer.add_context_length(512)
        writer.add_embedding_length(384)
        writer.add_feed_forward_length(1536)
        writer.add_head_count(12)
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(causal)
        writer.add_pooling_type(gguf.PoolingType(pooling))
        words = (self.folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
        writer.add_tokenizer_model("bert")
        writer.add_tokenizer_pre("jina-v2-en")
        writer.add_token_list([word if word.startswith("[") and word.endswith("]") else
                               word[2:] if word.startswith("##") else "\u2581" + word for word in words])
        writer.add_token_types([3 if word in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") else 1 for word in words])
        for key, token in (("bos", "[CLS]"), ("eos", "[SEP]"), ("unk", "[UNK]"), ("sep", "[SEP]"), ("pad", "[PAD]")):
            getattr(writer, f"add_{key}_token_id")(words.index(token))
        for name, tensor in self.tensors():
            writer.add_tensor(name, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def tensors(self):
        blob = (self.folder() / "model.safetensors").read_bytes()
        size = int.from_bytes(blob[:8], "little")
        for name, entry in json.loads(blob[8:8 + size]).items():
            stem, _, kind = name.rpartition(".")
            block, _, part = stem.removeprefix("encoder.layer.").partition(".")
            known = self.NAMES.get(stem) or (block.isdigit() and self.NAMES.get(part))
            if known:
                begin, end = (8 + size + offset for offset in entry["data_offsets"])
                data = np.frombuffer(blob[begin:end], np.float32).reshape(entry["shape"])
                yield f"blk.{block}.{known}.{kind}" if block.isdigit() else f"{known}.{kind}", data

    def test_gives_what_the_folder_gives(self):
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "bert.gguf")
            self.write(path)
            texts = [text for text in TEXTS if len(text) < 1000]  # without sentence_bert_config.json nothing is cut
            np.testing.assert_allclose(embed(*texts, model=path), embed(*texts), atol=1e-5)
            self.write(path, pooling=2)
            first = embed(*texts, model=path)
            self.assertEqual(first.tolist(), embed(*texts, model=path).tolist())
            self.assertLess(np.sum(first * embed(*texts), axis=1).max(), 0.99)
            for wrong in ({"pooling": 3}, {"causal": True}):
                self.write(path, **wrong)
                _, errors = lathe("embed", "-m", path, "Hello", status=1)
                self.assertIn("bert.pooling_type" if "pooling" in wrong else "bert.attention.causal", errors)


if __name__ == "__main__":
    unittest.main()
