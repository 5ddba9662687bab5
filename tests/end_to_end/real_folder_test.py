"""A real model as a Hugging Face folder: SmolLM2's GGUF file is taken apart with the gguf package and written as
transformers writes folders (weights decoded to float32, Q and K rows back in halves, tokenizer.json made by the
tokenizers package). The folder must give what the file gives: ids, text and tokens."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import gguf
import numpy
import tokenizers
from safetensors.numpy import save_file

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")
TENSORS = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
PROMPTS = ["What color is the sky?", "Write one sentence about 12,345 cats. <|im_end|> Über 你好\n\n  ok"]


def lathe(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True, timeout=300).stdout


def models_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or pathlib.Path(cache) / "lathe" / "models")


def halves(rows, heads):
    """GGUF's neighbours (2i, 2i + 1) of each head back to (i, i + d/2)."""
    return rows.reshape(heads, -1, 2, rows.shape[-1]).swapaxes(1, 2).reshape(rows.shape)


def folder_tensor(tensor, heads):
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
    parts = tensor.name.split(".")
    if parts[0] == "token_embd":
        return "model.embed_tokens.weight", values
    if parts[0] == "output_norm":
        return "model.norm.weight", values
    if parts[2] in heads:
        values = halves(values, heads[parts[2]])
    return f"model.layers.{parts[1]}.{TENSORS[parts[2]]}.weight", numpy.ascontiguousarray(values)


def write_tokenizer(value, folder):
    texts = value("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in value("tokenizer.ggml.merges")]
    model = tokenizers.models.BPE(vocab={text: i for i, text in enumerate(texts)}, merges=merges)
    tokenizer = tokenizers.Tokenizer(model)
    digits = tokenizers.pre_tokenizers.Digits(individual_digits=True)
    letters = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([digits, letters])
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    control = [text for text, kind in zip(texts, value("tokenizer.ggml.token_type")) if kind == 3]
    tokenizer.add_special_tokens([tokenizers.AddedToken(text, special=True, normalized=False) for text in control])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>", "pad_token": "<|im_end|>",
        "chat_template": value("tokenizer.chat_template")}))


def write_folder(file, folder):
    reader = gguf.GGUFReader(file)

    def value(key):
        return reader.fields[key].contents()

    heads = {"attn_q": value("llama.attention.head_count"), "attn_k": value("llama.attention.head_count_kv")}
    save_file(dict(folder_tensor(tensor, heads) for tensor in reader.tensors), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "dtype": "float32",
        "hidden_size": value("llama.embedding_length"), "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"), "num_attention_heads": heads["attn_q"],
        "num_key_value_heads": heads["attn_k"], "max_position_embeddings": value("llama.context_length"),
        "rms_norm_eps": value("llama.attention.layer_norm_rms_epsilon"), "vocab_size": value("llama.vocab_size"),
        "rope_theta": value("llama.rope.freq_base"), "rope_scaling": None, "rope_interleaved": False,
        "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2}))
    (folder / "generation_config.json").write_text(json.dumps({"bos_token_id": 1, "eos_token_id": [2, 0]}))
    write_tokenizer(value, folder)


class RealFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        write_folder(models_directory() / "SmolLM2-135M-Instruct.Q4_1.gguf", cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def answer(self, model, prompt, *words):
        answer = json.loads(lathe("run", "--json", "-m", model, prompt, "-n", 32, *words))
        return answer["prompt_ids"], answer["ids"], answer["text"]

    def test_answers_as_the_file_does(self):
        for prompt in PROMPTS:
            self.assertEqual(self.answer(self.folder, prompt, "--math", "f32"),
                             self.answer("smollm2", prompt, "--math", "f32"))

    def test_answers_from_weights_quantized_on_load(self):
        for weights in ("q8", "q4"):
            self.assertIn("blue", self.answer(self.folder, PROMPTS[0], "--weights", weights)[2].lower())

    def test_tokens_are_the_file_s(self):
        for text in PROMPTS:
            for special in ([], ["--special"]):
                ids = lathe("tokens", "-m", self.folder, text, *special)
                self.assertEqual(ids, lathe("tokens", "-m", "smollm2", text, *special))

    def test_every_id_of_generation_config_ends_an_answer(self):
        # The folder's list names token 0 too, which the config's own eos_token_id does not.
        inspected = json.loads(lathe("inspect", "-m", self.folder, "--json"))
        self.assertIn("[2, 0]", json.dumps(inspected))


if __name__ == "__main__":
    unittest.main()
