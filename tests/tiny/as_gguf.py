"""A tiny checkpoint as GGUF, written with the gguf package and its names: what the folder's translation is held to.

Written from llama.cpp's description of each architecture's files and from nothing in src/.
"""
import re

import gguf
import numpy as np

ARCHITECTURES = {
    "cohere": "COMMAND_R", "gemma2": "GEMMA2", "gemma3_text": "GEMMA3", "gpt2": "GPT2", "gpt_neox": "GPTNEOX",
    "granite": "GRANITE", "llama": "LLAMA", "mistral": "LLAMA", "mixtral": "LLAMA", "olmo2": "OLMO2", "phi3": "PHI3",
    "qwen2": "QWEN2", "qwen3": "QWEN3", "qwen3_moe": "QWEN3MOE",
}
PERMUTED = ("llama", "mistral", "mixtral", "granite")  # their rotation pairs neighbours in GGUF, halves in the folder


def neighbours(rows, heads):
    """Rows of each head from (all first halves, all second halves) to pairs."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def edited(name, values, config):
    kind = config["model_type"]
    heads = config.get("num_attention_heads", config.get("n_head"))
    if kind in PERMUTED and ".q_proj." in name:
        return neighbours(values, heads)
    if kind in PERMUTED and ".k_proj." in name:
        return neighbours(values, config["num_key_value_heads"])
    if kind in ("gemma2", "gemma3_text") and name.endswith("norm.weight"):
        return values + np.float32(1)
    if kind == "gpt2" and re.search(r"\.(c_attn|c_proj|c_fc)\.weight$", name):
        return values.T
    if kind == "gpt_neox" and ".query_key_value." in name:
        head_dim = config["hidden_size"] // heads
        return values.reshape(heads, 3, head_dim, *values.shape[1:]).swapaxes(0, 1).reshape(values.shape)
    return values


def stacked_experts(tensors):
    """Experts' matrices under one name each, [experts, rows, columns]; and the tensors that are no experts'."""
    others, experts = {}, {}
    for name, values in tensors.items():
        match = re.fullmatch(r"(.*\.experts)\.(\d+)\.(\w+)\.weight", name)
        if match is None:
            others[name] = values
        else:
            experts.setdefault(f"{match[1]}.{match[3]}.weight", {})[int(match[2])] = values
    for name, parts in experts.items():
        others[name] = np.stack([parts[i] for i in range(len(parts))])
    return others


def llama3_factors(rope, head_dim):
    factors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * np.pi * rope["rope_theta"] ** (i / head_dim)
        turns = rope["original_max_position_embeddings"] / wavelength
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        share = np.clip((turns - low) / (high - low), 0, 1)
        factors.append(1 / ((1 - share) / rope["factor"] + share))
    return np.array(factors, np.float32)


def write_rope(writer, config, head_dim, write_scaling):
    rope = config.get("rope_parameters", {})
    rope = rope.get("full_attention", rope)
    if not rope:
        return
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1)))
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, head_dim))
    write_scaling(writer, rope, config["max_position_embeddings"])


def write_keys(writer, config, write_scaling):
    kind = config["model_type"]
    gpt2 = kind == "gpt2"
    heads = config["n_head" if gpt2 else "num_attention_heads"]
    width = config["n_embd" if gpt2 else "hidden_size"]
    head_dim = config.get("head_dim") or width // heads
    writer.add_block_count(config["n_layer" if gpt2 else "num_hidden_layers"])
    writer.add_context_length(config["n_positions" if gpt2 else "max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(4 * width if gpt2 else config["intermediate_size"])
    writer.add_head_count(heads)
    if kind not in ("gpt2", "gpt_neox"):
        writer.add_head_count_kv(config["num_key_value_heads"])
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config["layer_norm_epsilon" if gpt2 else "layer_norm_eps"])
    if config.get("head_dim"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    write_rope(writer, config, head_dim, write_scaling)
    if config.get("sliding_window"):
        writer.add_sliding_window(config["sliding_window"])
    if kind == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if kind == "gpt_neox":
        writer.add_parallel_residual(config["use_parallel_residual"])
    if kind == "granite":
        writer.add_attention_scale(config["attention_multiplier"])
        writer.add_embedding_scale(config["embedding_multiplier"])
        writer.add_residual_scale(config["residual_multiplier"])
        writer.add_logit_scale(config["logits_scaling"])
    if kind == "cohere":
        writer.add_logit_scale(config["logit_scale"])
    if "num_experts_per_tok" in config:
        writer.add_expert_count(config["num_local_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
    if kind == "qwen3_moe":
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])


def write_tokenizer(writer, size):
    """Any tokenizer of the right size: bytes, and tokens of two letters."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in plain] + [chr(256 + i) for i in range(256 - len(plain))]
    tokens = (letters + [a + b for a in letters[:20] for b in letters[:20]])[:size]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * size)
    writer.add_token_merges([f"{token[0]} {token[1]}" for token in tokens if len(token) == 2])


def no_scaling(writer, rope, longest):
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)


def write(path, config, tensors, write_scaling=no_scaling):
    architecture = getattr(gguf.MODEL_ARCH, ARCHITECTURES[config["model_type"]])
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    write_keys(writer, config, write_scaling)
    write_tokenizer(writer, config["vocab_size"])
    names = gguf.get_tensor_name_map(architecture, config.get("num_hidden_layers", config.get("n_layer")))
    for name, values in stacked_experts(tensors).items():
        mapped = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert mapped is not None, name
        writer.add_tensor(mapped, np.ascontiguousarray(edited(name, values, config)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
