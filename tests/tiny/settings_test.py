"""Settings that no tiny checkpoint has: the same weights with another config.json, against a forward pass in NumPy that
first reproduces transformers' logits of every checkpoint.
"""
import json
import pathlib
import tempfile
import unittest

import gguf
import numpy as np

import as_gguf
import tiny_folder
from forward import Forward
from tiny_folder import logits

BOUND = 1e-4
WITHOUT_REFERENCE = ("mixtral", "qwen3_moe")  # experts
NUMBERS = json.loads((tiny_folder.HERE / "rope_numbers.json").read_text(encoding="utf-8"))["cases"]
LLAMA3 = next(case["frequencies"] for case in NUMBERS if case["name"] == "llama3")


def biases(name, *places):
    """Random biases for matrices of every layer."""
    random = np.random.default_rng(5)
    weights = tiny_folder.tensors(name)
    return {key.replace(".weight", ".bias"): random.normal(0, 0.5, values.shape[0]).astype(np.float32)
            for key, values in weights.items() if any(place + ".weight" in key for place in places)}


ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
CASES = {
    "biases in attention": ("llama3", {"attention_bias": True}, ATTENTION),
    "biases in feed-forward": ("llama3", {"mlp_bias": True}, ("gate_proj", "up_proj", "down_proj")),
    "biases in Qwen 3": ("qwen3", {"attention_bias": True}, ATTENTION),
    "biases in Gemma 3": ("gemma3", {"attention_bias": True}, ATTENTION),
    "biases in OLMo 2": ("olmo2", {"attention_bias": True}, ATTENTION),
    "biases in Granite": ("granite", {"attention_bias": True, "mlp_bias": True}, (*ATTENTION, "up_proj")),
    "biases in Command R": ("cohere", {"attention_bias": True}, ATTENTION),
    "no window": ("mistral", {"sliding_window": None}, ()),
    "window in the last layer": ("qwen2", {"use_sliding_window": True, "sliding_window": 9,
                                           "layer_types": ["full_attention", "sliding_attention"]}, ()),
    "window in all layers": ("phi3", {"sliding_window": 20}, ()),
    "other layers with a window": ("gemma2", {"layer_types": ["full_attention", "sliding_attention"]}, ()),
    "another pattern": ("gemma3", {"layer_types": ["full_attention", *["sliding_attention"] * 5,
                                                   "full_attention"]}, ()),
    "bases by layer type": ("gemma3", {"rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 5000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 300.0}}}, ()),
    "half of a head": ("phi3", {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                                    "partial_rotary_factor": 0.5}}, ()),
    "another scale": ("gemma2", {"query_pre_attn_scalar": 100}, ()),
    "no caps": ("gemma2", {"attn_logit_softcapping": None, "final_logit_softcapping": None}, ()),
    "tight caps": ("gemma2", {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 2.0}, ()),
    "a cap on Gemma 3": ("gemma3", {"final_logit_softcapping": 3.0}, ()),
    "one behind the other": ("gpt_neox", {"use_parallel_residual": False}, ()),
    "GELU by tanh": ("gpt_neox", {"hidden_act": "gelu_new"}, ()),
    "exact GELU": ("gpt2", {"activation_function": "gelu"}, ()),
    "unscaled scores": ("gpt2", {"scale_attn_weights": False}, ()),
    "other multipliers": ("granite", {"attention_multiplier": 0.5, "embedding_multiplier": 3.0,
                                      "residual_multiplier": 0.7, "logits_scaling": 0.25}, ()),
    "unscaled logits": ("cohere", {"logit_scale": 1.0}, ()),
    "another epsilon": ("qwen3", {"rms_norm_eps": 0.01}, ()),
    "tied": ("llama3", {"tie_word_embeddings": True}, ()),
}


def reference(name, config, extra=None):
    frequencies = LLAMA3 if name == "llama3" else None
    return Forward({**tiny_folder.tensors(name), **(extra or {})}, config, frequencies)


class Settings(unittest.TestCase):
    def test_the_reference_computes_what_transformers_does(self):
        for name in tiny_folder.NAMES:
            if name not in WITHOUT_REFERENCE:
                ids, wanted = tiny_folder.expected(name)
                with self.subTest(name=name):
                    found = reference(name, tiny_folder.config(name)).logits(ids)
                    self.assertLessEqual(np.abs(found - wanted).max(), BOUND / 10)

    def test_changed_settings(self):
        for title, (name, changes, places) in CASES.items():
            ids, before = tiny_folder.expected(name)
            config, extra = {**tiny_folder.config(name), **changes}, biases(name, *places)
            wanted = reference(name, config, extra).logits(ids)
            self.assertGreater(np.abs(wanted - before).max(), 2 * BOUND, f"{title} changes nothing")
            with self.subTest(title=title), tempfile.TemporaryDirectory() as folder:
                tiny_folder.write(folder, name, config, extra)
                self.assertLessEqual(np.abs(logits(folder, ids, []) - wanted).max(), BOUND)

    def test_rounded_weights_stay_near(self):
        """Parts of a matrix (Q of a fused one, an expert) are found in blocks as they are in floats."""
        for name in tiny_folder.NAMES:
            ids, wanted = tiny_folder.expected(name)
            with self.subTest(name=name):
                found = logits(tiny_folder.HERE / name, ids, ["--weights", "q8"])
                # A rounded router may choose another expert.
                bound = 0.05 if name in WITHOUT_REFERENCE else 0.005
                self.assertLessEqual(np.square(found - wanted).mean(), bound * np.square(wanted).mean())

    def test_layers_with_a_window_in_gguf(self):
        """By layer, as OLMo 3's files have it, where such layers rotate unscaled; and by period."""
        def write_windows(writer, rope, longest):
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(factor)
            writer.add_sliding_window(9)
            writer.add_sliding_window_pattern(pattern)

        for name, factor, pattern, types in (
                ("olmo2", 4.0, [False, True], ["full_attention", "sliding_attention"]),
                ("qwen3", 1.0, 2, ["sliding_attention", "full_attention"])):
            ids, _ = tiny_folder.expected(name)
            config = tiny_folder.config(name)
            forward = reference(name, {**config, "sliding_window": 9, "layer_types": types})
            plain = forward.rotary(0)
            forward.rotary = lambda layer: plain if types[layer] == "sliding_attention" else plain / factor
            wanted = forward.logits(ids)
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "model.gguf"
                as_gguf.write(path, config, tiny_folder.tensors(name), write_windows)
                self.assertLessEqual(np.abs(logits(path, ids, []) - wanted).max(), BOUND)

    def test_older_words_for_windows(self):
        """max_window_layers and sliding_window_pattern, where layer_types are missing."""
        for name, changes, types in (
                ("qwen2", {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1},
                 ["full_attention", "sliding_attention"]),
                ("gemma3", {"sliding_window_pattern": 2}, ["sliding_attention", "full_attention"] * 3 +
                 ["sliding_attention"])):
            ids, _ = tiny_folder.expected(name)
            config = {**tiny_folder.config(name), **changes}
            wanted = reference(name, {**config, "layer_types": types}).logits(ids)
            del config["layer_types"]
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                tiny_folder.write(pathlib.Path(folder), name, config)
                self.assertLessEqual(np.abs(logits(folder, ids, []) - wanted).max(), BOUND)


if __name__ == "__main__":
    unittest.main()
