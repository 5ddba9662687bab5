"""RoPE scaling beyond the original context: logits of tiny models with scaled configs, from folders in both spellings
and from GGUF's keys, against a forward pass in NumPy with the frequencies that transformers' functions give
(rope_numbers.json, made by tools/make_rope_numbers.py).
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

TOKENS = 400  # of 512; the original context is 32
CHECKPOINTS = {"llama": "llama3", "phi3": "phi3"}
BOUND = 1e-4
CASES = json.loads((tiny_folder.HERE / "rope_numbers.json").read_text(encoding="utf-8"))["cases"]


def ids_of(count):
    return np.random.default_rng(3).integers(0, 320, count)


def write_scaling(writer, rope, longest):
    """rope_parameters as llama.cpp's converter writes them."""
    kind = rope["rope_type"]
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    elif kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for key, add in (("beta_fast", writer.add_rope_scaling_yarn_beta_fast),
                         ("beta_slow", writer.add_rope_scaling_yarn_beta_slow),
                         ("attention_factor", writer.add_rope_scaling_yarn_attn_factor)):
            if key in rope:
                add(rope[key])
    elif kind == "longrope":
        original = rope["original_max_position_embeddings"]
        usual = np.sqrt(1 + np.log(longest / original) / np.log(original))
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(rope.get("attention_factor", float(usual)))
        writer.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))
        writer.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))


class Rope(unittest.TestCase):
    def test_scaled_configs(self):
        for case in CASES:
            name = CHECKPOINTS[case["model_type"]]
            weights, context = tiny_folder.tensors(name), case["context"]
            ids = ids_of(min(context, TOKENS))
            config = {**tiny_folder.config(name), "rope_parameters": case["rope_parameters"]}
            if name == "phi3":
                config["original_max_position_embeddings"] = \
                    case["rope_parameters"]["original_max_position_embeddings"]
            wanted = Forward(weights, config, case["frequencies"], case["magnitude"]).logits(ids)
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                tiny_folder.write(folder / "new", name, config)
                tiny_folder.write(folder / "older", name, tiny_folder.older_config(config))
                models = [folder / "new", folder / "older"]
                # GGUF has Llama 3's factors in the main test, and no keys for YaRN's weights.
                if case["name"] not in ("llama3", "yarn, weighted"):
                    models.append(folder / "model.gguf")
                    as_gguf.write(models[-1], config, weights, write_scaling)
                for model in models:
                    with self.subTest(case=case["name"], context=context, model=model.name):
                        found = logits(model, ids, ["--ctx", str(context)])
                        self.assertLessEqual(np.abs(found - wanted).max(), BOUND)

    def test_scalings_that_are_not_computed_are_refused_with_key_and_value(self):
        for rope in ({"rope_type": "dynamic", "factor": 2.0}, {"rope_type": "proportional"},
                     {"rope_type": "yarn", "factor": 2.0, "truncate": False}, {"rope_type": "mrope"},
                     {"rope_type": "default", "mrope_section": [4, 2, 2]}):
            config = {**tiny_folder.config("llama3"), "rope_parameters": {"rope_theta": 10000.0, **rope}}
            key, value = next((key, value) for key, value in reversed(rope.items()) if key != "factor")
            with tempfile.TemporaryDirectory() as folder:
                tiny_folder.write(folder, "llama3", config)
                with self.assertRaises(AssertionError) as refused:
                    logits(folder, [1, 2, 3], [])
                self.assertIn("rope_parameters." + key, str(refused.exception))
                self.assertIn(json.dumps(value).replace(" ", "")[:8], str(refused.exception).replace(" ", ""))


if __name__ == "__main__":
    unittest.main()
