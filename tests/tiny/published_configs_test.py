"""Keys that config.json files of published models have beside those of the tiny checkpoints, in their older spelling:
none of them changes the logits. Where another value would, that value is refused by its key.
"""
import tempfile
import unittest

import numpy as np

import tiny_folder
from tiny_folder import logits, refusal

EVERYWHERE = {"_name_or_path": "someone/something", "auto_map": {"AutoConfig": "code.Config"}, "architectures": ["X"],
              "_attn_implementation": "sdpa", "_flash_attn_2_enabled": True, "use_cache": False, "torchscript": False,
              "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "model_max_length": 131072,
              "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}}
PUBLISHED = {
    "Llama 2": ("llama3", {"pretraining_tp": 1, "max_sequence_length": 2048, "mlp_bias": False,
                          "pad_token_id": -1}),
    "SmolLM 2": ("llama3", {"is_llama_config": True, "rope_interleaved": False, "transformers.js_config": {
        "kv_cache_dtype": {"fp16": "float16"}}}),
    "Mistral 7B": ("mistral", {"head_dim": None, "attention_bias": False}),
    "Qwen 2.5": ("qwen2", {"max_window_layers": 28, "use_sliding_window": False, "sliding_window": 131072,
                           "use_mrope": False}),
    "Qwen 3 Coder": ("qwen3_moe", {"qkv_bias": False, "shared_expert_intermediate_size": 0, "use_qk_norm": True,
                                   "max_window_layers": 28}),
    "Gemma 2": ("gemma2", {"hidden_act": "gelu_pytorch_tanh", "sliding_window_size": 4096,
                           "cache_implementation": "hybrid"}),
    "Gemma 3": ("gemma3", {"rope_scaling": None, "cache_implementation": "hybrid"}),
    "Phi 4 mini": ("phi3", {"embd_pdrop": 0.0, "full_attn_mod": 1, "interpolate_factor": 1, "lm_head_bias": False,
                            "mlp_bias": False, "resid_pdrop": 0.0}),
    "GPT 2": ("gpt2", {"attn_pdrop": 0.1, "n_ctx": 1024, "n_special": 0, "output_past": True,
                       "predict_special_tokens": True, "summary_activation": None, "summary_first_dropout": 0.1,
                       "summary_proj_to_labels": True, "summary_type": "cls_index", "summary_use_proj": True}),
    "GPT-NeoX 20B": ("gpt_neox", {"attention_probs_dropout_prob": 0, "hidden_dropout_prob": 0, "hidden_dropout": 0.0,
                                  "classifier_dropout": 0.1, "rotary_emb_base": 10000, "rope_theta": 10000.0,
                                  "rotary_pct": 0.25, "partial_rotary_factor": 0.25}),
    "OLMo 2": ("olmo2", {"rope_scaling": None}),
    "Granite 3": ("granite", {"rope_scaling": None}),
    "Command R": ("cohere", {"pretraining_tp": 1, "use_qk_norm": False}),
    "Mixtral": ("mixtral", {"router_aux_loss_coef": 0.02, "output_router_logits": True, "sliding_window": None}),
}
REFUSED = {
    "bidirectional": ("qwen2", {"is_causal": False}, "is_causal"),
    "shared experts": ("qwen3_moe", {"shared_expert_intermediate_size": 64}, "shared_expert_intermediate_size"),
    "no norms of heads": ("qwen3_moe", {"use_qk_norm": False}, "use_qk_norm"),
    "full attention in some layers": ("phi3", {"full_attn_mod": 2}, "full_attn_mod"),
    "interpolated positions": ("phi3", {"interpolate_factor": 2}, "interpolate_factor"),
    "two bases": ("gpt_neox", {"rotary_emb_base": 10000, "rope_theta": 5000}, "rope_theta"),
    "a new RoPE setting": ("llama3", {"rope_scaling": {"type": "linear", "factor": 2.0, "twist_factor": 3}},
                           "rope_scaling.twist_factor"),
}


def older(name):
    return tiny_folder.older_config(tiny_folder.config(name))


class PublishedConfigs(unittest.TestCase):
    def test_are_read(self):
        for title, (name, keys) in PUBLISHED.items():
            ids, wanted = tiny_folder.expected(name)
            with self.subTest(title=title), tempfile.TemporaryDirectory() as folder:
                tiny_folder.write(folder, name, {**older(name), **EVERYWHERE, **keys})
                self.assertLessEqual(np.abs(logits(folder, ids, []) - wanted).max(), 1e-4)

    def test_refused_values(self):
        for title, (name, keys, key) in REFUSED.items():
            with self.subTest(title=title), tempfile.TemporaryDirectory() as folder:
                tiny_folder.write(folder, name, {**older(name), **keys})
                self.assertIn(f"({key})", refusal(folder))


if __name__ == "__main__":
    unittest.main()
