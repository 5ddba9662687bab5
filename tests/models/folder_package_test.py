"""Folders written with the safetensors package, read by us: every type, whole and in shards, stored and quantized."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import gguf
import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "folder_tool")
HEADS, KV_HEADS, HEAD_DIM, WIDTH, HIDDEN, LAYERS, VOCABULARY = 4, 2, 32, 128, 160, 3, 40


def config(**more):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH,
            "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "num_key_value_heads": KV_HEADS, "max_position_embeddings": 256, "vocab_size": VOCABULARY,
            "rms_norm_eps": 1e-6, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": False,
            "transformers_version": "5.23.0"} | more


def weights(seed):
    random = np.random.default_rng(seed)

    def matrix(rows, columns):
        return random.standard_normal((rows, columns), np.float32) / 8

    tensors = {"model.embed_tokens.weight": matrix(VOCABULARY, WIDTH), "lm_head.weight": matrix(VOCABULARY, WIDTH),
               "model.norm.weight": np.ones(WIDTH, np.float32)}
    for layer in range(LAYERS):
        tensors |= {f"model.layers.{layer}.{name}": value for name, value in {
            "input_layernorm.weight": np.linspace(0.5, 1.5, WIDTH, dtype=np.float32),
            "post_attention_layernorm.weight": np.ones(WIDTH, np.float32),
            "self_attn.q_proj.weight": matrix(HEADS * HEAD_DIM, WIDTH),
            "self_attn.k_proj.weight": matrix(KV_HEADS * HEAD_DIM, WIDTH),
            "self_attn.v_proj.weight": matrix(KV_HEADS * HEAD_DIM, WIDTH),
            "self_attn.o_proj.weight": matrix(WIDTH, HEADS * HEAD_DIM),
            "mlp.gate_proj.weight": matrix(HIDDEN, WIDTH), "mlp.up_proj.weight": matrix(HIDDEN, WIDTH),
            "mlp.down_proj.weight": matrix(WIDTH, HIDDEN)}.items()}
    return tensors


NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def paired(matrix, heads):
    """Rows of each head from halves to neighbours, as convert_hf_to_gguf has them."""
    return matrix.reshape(heads, 2, -1, *matrix.shape[1:]).swapaxes(1, 2).reshape(matrix.shape)


def as_gguf(tensors):
    out = {"token_embd.weight": tensors["model.embed_tokens.weight"], "output.weight": tensors["lm_head.weight"],
           "output_norm.weight": tensors["model.norm.weight"]}
    for layer in range(LAYERS):
        for name, theirs in NAMES.items():
            value = tensors[f"model.layers.{layer}.{name}.weight"]
            if theirs in ("attn_q", "attn_k"):
                value = paired(value, HEADS if theirs == "attn_q" else KV_HEADS)
            out[f"blk.{layer}.{theirs}.weight"] = value
    return out


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, tensors, **more):
        (self.folder / "config.json").write_text(json.dumps(config(**more)))
        save_file(tensors, self.folder / "model.safetensors", metadata={"format": "pt"})

    def read(self, weights_as=""):
        result = subprocess.run([TOOL, self.folder, weights_as], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return json.loads(result.stdout)

    def compare(self, seen, expected, dtype):
        self.assertEqual(set(seen["tensors"]), set(expected))
        for name, value in expected.items():
            tensor = seen["tensors"][name]
            self.assertEqual(tensor["shape"], list(value.shape), name)
            self.assertEqual(tensor["dtype"], dtype if value.ndim == 2 else "f32", name)
            values = np.array(tensor["values"], np.float32).reshape(value.shape)
            np.testing.assert_array_equal(values, value.astype(np.float32), name)

    def test_float_types(self):
        for kind, dtype in ((np.float32, "f32"), (np.float16, "f16"), (ml_dtypes.bfloat16, "bf16")):
            with self.subTest(dtype):
                tensors = {name: value.astype(kind) for name, value in weights(1).items()}
                self.write(tensors)
                seen = self.read()
                self.compare(seen, as_gguf(tensors), dtype)
                self.assertEqual(seen["metadata"]["llama.attention.head_count_kv"], KV_HEADS)
                self.assertEqual(seen["warnings"], [])
                self.assertIn("transformers_version", seen["unused_keys"])

    def test_shards(self):
        tensors = weights(2)
        names = sorted(tensors)
        parts = [names[0::3], names[1::3], names[2::3]]
        files = [f"model-{i + 1:05}-of-00003.safetensors" for i in range(3)]
        for part, file in zip(parts, files):
            save_file({name: tensors[name] for name in part}, self.folder / file)
        (self.folder / "config.json").write_text(json.dumps(config()))
        (self.folder / "model.safetensors.index.json").write_text(json.dumps({
            "metadata": {"total_size": sum(value.nbytes for value in tensors.values())},
            "weight_map": {name: file for part, file in zip(parts, files) for name in part}}))
        self.compare(self.read(), as_gguf(tensors), "f32")

    def scaled(self, kind, suffix, scale_shape, expand, quantization):
        """Matrices of the layers in F8 with scales; the rest in bf16, as such folders have it."""
        random = np.random.default_rng(3)
        stored, decoded = {}, {}
        for name, value in weights(3).items():
            if value.ndim == 2 and ".layers." in name:
                scales = random.uniform(0.01, 0.1, scale_shape(value.shape)).astype(np.float32)
                stored[name] = (value * 8).astype(kind)
                stored[name + suffix] = scales
                decoded[name] = stored[name].astype(np.float32) * expand(scales, value.shape)
            else:
                stored[name] = value.astype(ml_dtypes.bfloat16)
                decoded[name] = stored[name].astype(np.float32)
        self.write(stored, quantization_config=quantization)
        seen = self.read()
        for name, value in as_gguf(decoded).items():
            values = np.array(seen["tensors"][name]["values"], np.float32).reshape(value.shape)
            np.testing.assert_array_equal(values, value, name)

    def test_f8_with_blocks(self):
        def expand(scales, shape):
            return np.repeat(np.repeat(scales, 128, 0), 128, 1)[:shape[0], :shape[1]]

        self.scaled(ml_dtypes.float8_e4m3fn, "_scale_inv", lambda shape: (-(-shape[0] // 128), -(-shape[1] // 128)),
                    expand, {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]})

    def test_f8_with_rows_and_whole_tensors(self):
        group = {"weights": {"num_bits": 8, "type": "float", "strategy": "channel", "dynamic": False, "symmetric": True},
                 "targets": ["Linear"]}
        quantization = {"quant_method": "compressed-tensors", "format": "float-quantized",
                        "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
        for kind in (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2):
            self.scaled(kind, "_scale", lambda shape: (shape[0], 1), lambda scales, _: scales, quantization)
            self.scaled(kind, "_scale", lambda _: (1,), lambda scales, _: scales, quantization)

    def test_quantized_on_load_as_the_gguf_package_quantizes(self):
        tensors = {name: value.astype(ml_dtypes.bfloat16) for name, value in weights(4).items()}
        self.write(tensors)
        outer = ("token_embd.weight", "output.weight")
        for word, kind in (("q8", gguf.GGMLQuantizationType.Q8_0), ("q4", gguf.GGMLQuantizationType.Q4_1)):
            seen = self.read(word)
            for name, value in as_gguf(tensors).items():
                tensor = seen["tensors"][name]
                expected = value.astype(np.float32)
                if value.ndim == 2:
                    used = gguf.GGMLQuantizationType.Q8_0 if name in outer else kind
                    self.assertEqual(tensor["dtype"], used.name.lower(), name)
                    expected = gguf.dequantize(gguf.quantize(expected, used), used)
                values = np.array(tensor["values"], np.float32).reshape(value.shape)
                np.testing.assert_array_equal(values, expected, name)
        self.compare(self.read("f32"), as_gguf(tensors), "f32")
        self.compare(self.read("bf16"), as_gguf(tensors), "bf16")


if __name__ == "__main__":
    unittest.main()
