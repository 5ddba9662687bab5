#!/usr/bin/env python3
"""Makes tests/tiny/rope_numbers.json: frequencies and magnitudes that transformers' own functions compute.

Needs numpy and transformers 5.23.0. Its functions are written for torch and use a handful of its calls, which NumPy
answers here, so that torch need not be there.
"""
import json
import pathlib

import numpy as np
from transformers import LlamaConfig, Phi3Config, modeling_rope_utils

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Numbers(np.ndarray):
    """An array with the methods of tensors that are used."""

    def to(self, *_, dtype=None, **__):
        return self if dtype is None else self.astype(dtype)

    def float(self):
        return self.astype(np.float32)


class Torch:
    int64, float, float32 = np.int64, np.float32, np.float32
    Tensor = Numbers

    @staticmethod
    def arange(*bounds, dtype=None, device=None):
        return np.arange(*bounds, dtype=dtype).view(Numbers)

    @staticmethod
    def tensor(values, dtype=None, device=None):
        return np.array(values, dtype).view(Numbers)

    clamp = staticmethod(np.clip)
    where = staticmethod(np.where)


BASE = {"hidden_size": 64, "num_attention_heads": 4, "max_position_embeddings": 512}  # heads of 16
LONG = [1.0 + 0.5 * i for i in range(8)]
SHORT = [1.0 + 0.125 * i for i in range(8)]
CASES = {
    "default": (LlamaConfig, {"rope_type": "default", "rope_theta": 10000.0}),
    "linear": (LlamaConfig, {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}),
    "llama3": (LlamaConfig, {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 32, "rope_theta": 500000.0}),
    "yarn": (LlamaConfig, {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 32,
                           "rope_theta": 10000.0}),
    "yarn, all said": (LlamaConfig, {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 32,
                                     "beta_fast": 4.0, "beta_slow": 0.5, "attention_factor": 0.75,
                                     "rope_theta": 1000.0}),
    "yarn, weighted": (LlamaConfig, {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 32,
                                     "mscale": 0.7, "mscale_all_dim": 1.2, "rope_theta": 10000.0}),
    "longrope": (Phi3Config, {"rope_type": "longrope", "long_factor": LONG, "short_factor": SHORT,
                              "original_max_position_embeddings": 32, "rope_theta": 10000.0,
                              "partial_rotary_factor": 1.0}),
    "longrope, all said": (Phi3Config, {"rope_type": "longrope", "long_factor": LONG, "short_factor": SHORT,
                                        "original_max_position_embeddings": 32, "attention_factor": 1.5,
                                        "rope_theta": 10000.0, "partial_rotary_factor": 1.0}),
}


def numbers(kind, parameters, tokens):
    outside = {}
    if kind is Phi3Config:
        outside["original_max_position_embeddings"] = parameters["original_max_position_embeddings"]
    config = kind(**BASE, **outside, rope_parameters=dict(parameters))
    if parameters["rope_type"] == "default":
        inverse = 1.0 / parameters["rope_theta"] ** (np.arange(0, 16, 2, dtype=np.float32) / 16)
        return inverse, 1.0
    return modeling_rope_utils.ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu", seq_len=tokens)


def main():
    modeling_rope_utils.torch = Torch
    found = []
    for name, (kind, parameters) in CASES.items():
        for tokens in (32, 512) if "longrope" in name else (512,):
            inverse, magnitude = numbers(kind, parameters, tokens)
            found.append({"name": name, "model_type": kind.model_type, "rope_parameters": parameters, "context": tokens,
                          "frequencies": [float(value) for value in inverse], "magnitude": float(magnitude)})
    text = json.dumps({"transformers": "5.23.0", **BASE, "cases": found}, indent=1)
    (ROOT / "tests" / "tiny" / "rope_numbers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
