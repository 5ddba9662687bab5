"""A forward pass in NumPy, in double, of the folders beside this file: what changed settings are held to.

Written from the descriptions of the architectures; settings_test.py holds it to transformers' logits first.
"""
import math

import numpy as np

erf = np.vectorize(math.erf)
LAYER_NORM = ("gpt2", "gpt_neox", "cohere")
GEMMA = ("gemma2", "gemma3_text")


def activated(x, name):
    if name == "silu":
        return x / (1 + np.exp(-x))
    if name == "gelu":
        return 0.5 * x * (1 + erf(x / np.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


class Forward:
    def __init__(self, weights, config, frequencies=None, magnitude=1.0):
        self.config, self.kind = config, config["model_type"]
        prefix = {"gpt2": "transformer.", "gpt_neox": "gpt_neox."}.get(self.kind, "model.")
        self.weights = {name.removeprefix(prefix): values.astype(np.float64) for name, values in weights.items()}
        gpt2 = self.kind == "gpt2"
        self.heads = config["n_head" if gpt2 else "num_attention_heads"]
        own_keys = self.kind in ("gpt2", "gpt_neox")
        self.kv_heads = self.heads if own_keys else config["num_key_value_heads"]
        self.layers = config["n_layer" if gpt2 else "num_hidden_layers"]
        self.head_dim = config.get("head_dim") or config["n_embd" if gpt2 else "hidden_size"] // self.heads
        self.frequencies, self.magnitude = frequencies, magnitude

    def norm(self, x, name):
        epsilon = next(self.config[key] for key in ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon")
                       if key in self.config)
        weight = self.weights[name + ".weight"] + (self.kind in GEMMA)
        if self.kind in LAYER_NORM:
            x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon) * weight
        return x + self.weights.get(name + ".bias", 0.0)

    def linear(self, x, name):
        weight = self.weights[name + ".weight"]
        return x @ (weight if self.kind == "gpt2" else weight.T) + self.weights.get(name + ".bias", 0.0)

    def rotary(self, layer):
        """Radians a position, of each pair."""
        if self.frequencies is not None:
            return np.asarray(self.frequencies)
        rope = self.config["rope_parameters"]
        if "full_attention" in rope:
            rope = rope["sliding_attention" if self.window(layer) else "full_attention"]
        dims = int(self.head_dim * rope.get("partial_rotary_factor", 1))
        return rope["rope_theta"] ** (-np.arange(0, dims, 2) / dims)

    def rotated(self, x, layer):
        frequencies = self.rotary(layer)
        angle = np.arange(len(x))[:, None, None] * frequencies
        cos, sin = self.magnitude * np.cos(angle), self.magnitude * np.sin(angle)
        pairs = len(frequencies)
        halves = slice(0, pairs), slice(pairs, 2 * pairs)
        first, second = (slice(0, None, 2), slice(1, None, 2)) if self.kind == "cohere" else halves
        out = x.copy()
        out[..., first] = x[..., first] * cos - x[..., second] * sin
        out[..., second] = x[..., first] * sin + x[..., second] * cos
        return out

    def window(self, layer):
        """Tokens that the layer sees; 0: all."""
        types = self.config.get("layer_types")
        if types is not None and types[layer] != "sliding_attention":
            return 0
        return self.config.get("sliding_window") or 0

    def scale(self):
        if self.kind in GEMMA:
            return self.config["query_pre_attn_scalar"] ** -0.5
        if self.kind == "granite":
            return self.config.get("attention_multiplier", 1.0)
        return 1.0 if self.config.get("scale_attn_weights") is False else self.head_dim ** -0.5

    def projected(self, x, name):
        """q, k, v: [tokens, heads, head_dim] each."""
        tokens, heads, kv_heads = len(x), self.heads, self.kv_heads
        if self.kind == "gpt_neox":
            fused = self.linear(x, name + "attention.query_key_value").reshape(tokens, heads, 3, -1)
            return [fused[:, :, part] for part in range(3)]
        if self.kind in ("gpt2", "phi3"):
            fused = self.linear(x, name + ("attn.c_attn" if self.kind == "gpt2" else "self_attn.qkv_proj"))
            return np.split(fused.reshape(tokens, heads + 2 * kv_heads, -1), [heads, heads + kv_heads], axis=1)
        parts = [self.linear(x, name + f"self_attn.{part}_proj") for part in "qkv"]
        whole = self.kind == "olmo2"  # normalizes before it splits
        counts = (heads, kv_heads, kv_heads)
        if not whole:
            parts = [part.reshape(tokens, count, -1) for part, count in zip(parts, counts)]
        if name + "self_attn.q_norm.weight" in self.weights:
            parts[:2] = [self.norm(part, name + f"self_attn.{each}_norm") for part, each in zip(parts, "qk")]
        return [part.reshape(tokens, count, -1) for part, count in zip(parts, counts)]

    def attention(self, x, layer, name):
        q, k, v = self.projected(x, name)
        if self.kind != "gpt2":
            q, k = self.rotated(q, layer), self.rotated(k, layer)
        k, v = (np.repeat(part, self.heads // self.kv_heads, axis=1) for part in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) * self.scale()
        if self.config.get("attn_logit_softcapping"):
            cap = self.config["attn_logit_softcapping"]
            scores = cap * np.tanh(scores / cap)
        distance = np.arange(len(x))[:, None] - np.arange(len(x))
        window = self.window(layer) or len(x)
        scores = np.where((distance >= 0) & (distance < window), scores, -np.inf)
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        out = np.einsum("hij,jhd->ihd", share, v).reshape(len(x), -1)
        return self.linear(out, name + {"gpt2": "attn.c_proj", "gpt_neox": "attention.dense"}.get(
            self.kind, "self_attn.o_proj"))

    def feed_forward(self, x, name):
        act = next(self.config[key] for key in ("hidden_activation", "activation_function", "hidden_act")
                   if key in self.config)
        if self.kind == "gpt2":
            return self.linear(activated(self.linear(x, name + "mlp.c_fc"), act), name + "mlp.c_proj")
        if self.kind == "gpt_neox":
            up = self.linear(x, name + "mlp.dense_h_to_4h")
            return self.linear(activated(up, act), name + "mlp.dense_4h_to_h")
        if self.kind == "phi3":
            gate, up = np.split(self.linear(x, name + "mlp.gate_up_proj"), 2, axis=-1)
        else:
            gate, up = self.linear(x, name + "mlp.gate_proj"), self.linear(x, name + "mlp.up_proj")
        return self.linear(activated(gate, act) * up, name + "mlp.down_proj")

    def layer(self, x, layer):
        if self.kind == "gpt2":
            name = f"h.{layer}."
            x = x + self.attention(self.norm(x, name + "ln_1"), layer, name)
            return x + self.feed_forward(self.norm(x, name + "ln_2"), name)
        name = f"layers.{layer}."
        before, behind = name + "input_layernorm", name + "post_attention_layernorm"
        if self.kind == "cohere":
            h = self.norm(x, before)
            return x + self.attention(h, layer, name) + self.feed_forward(h, name)
        if self.kind == "gpt_neox":
            attended = x + self.attention(self.norm(x, before), layer, name)
            read = x if self.config["use_parallel_residual"] else attended
            return attended + self.feed_forward(self.norm(read, behind), name)
        if self.kind == "olmo2":
            x = x + self.norm(self.attention(x, layer, name), behind)
            return x + self.norm(self.feed_forward(x, name), name + "post_feedforward_layernorm")
        if self.kind in GEMMA:
            x = x + self.norm(self.attention(self.norm(x, before), layer, name), behind)
            h = self.norm(x, name + "pre_feedforward_layernorm")
            return x + self.norm(self.feed_forward(h, name), name + "post_feedforward_layernorm")
        weight = self.config.get("residual_multiplier", 1.0)
        x = x + weight * self.attention(self.norm(x, before), layer, name)
        return x + weight * self.feed_forward(self.norm(x, behind), name)

    def logits(self, ids):
        """[tokens, vocabulary]"""
        names = {"gpt2": ("wte", "ln_f"), "gpt_neox": ("embed_in", "final_layer_norm")}
        embedding, last = names.get(self.kind, ("embed_tokens", "norm"))
        x = self.weights[embedding + ".weight"][ids]
        if self.kind == "gpt2":
            x = x + self.weights["wpe.weight"][:len(ids)]
        if self.kind in GEMMA:
            x = x * np.sqrt(self.config["hidden_size"])
        x = x * self.config.get("embedding_multiplier", 1.0)
        for layer in range(self.layers):
            x = self.layer(x, layer)
        heads = ("embed_out.weight", "lm_head.weight", embedding + ".weight")
        if self.config["tie_word_embeddings"]:
            heads = heads[2:]
        head = next(self.weights[name] for name in heads if name in self.weights)
        logits = self.norm(x, last) @ head.T
        logits = logits * (self.config.get("logit_scale") or 1.0) / self.config.get("logits_scaling", 1.0)
        cap = self.config.get("final_logit_softcapping")
        return cap * np.tanh(logits / cap) if cap else logits
