"""The float32 oracle: a GGUF language model computed by NumPy, every tensor decoded to float32, nothing approximated.

What the engine's numbers are held against. Architectures: llama and gemma3. Keys and values of earlier tokens are kept,
so that a greedy continuation costs one row per token; the arithmetic of a row does not depend on how the ids were split,
but for the order in which BLAS sums.

    sequence = Sequence(Weights(path))
    logits = sequence.extend(ids)            # [tokens, vocabulary]
    logits = sequence.extend([next_id])      # [1, vocabulary]

Needs numpy and gguf.
"""
import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

GEMMA_LOCAL_ROPE_BASE = 10000.0  # of the sliding-window layers; the file names the base of the global ones only
GEMMA_GLOBAL_EVERY = 6           # five sliding-window layers, then one that sees everything


class Weights:
    """Hyperparameters and decoded tensors of one file."""

    def __init__(self, path):
        reader = GGUFReader(path)
        fields = {key: field for key, field in reader.fields.items() if not key.startswith("tokenizer.")}
        self.architecture = fields["general.architecture"].contents()
        if self.architecture not in ("llama", "gemma3"):
            raise ValueError(f"architecture {self.architecture} is not covered by the oracle")

        def field(key, default=None):
            entry = fields.get(f"{self.architecture}.{key}")
            return default if entry is None else entry.contents()

        self.layers = field("block_count")
        self.width = field("embedding_length")
        self.heads = field("attention.head_count")
        self.kv_heads = field("attention.head_count_kv", self.heads)
        self.head_dim = field("attention.key_length", self.width // self.heads)
        self.epsilon = field("attention.layer_norm_rms_epsilon")
        self.rope_dims = field("rope.dimension_count", self.head_dim)
        self.rope_base = field("rope.freq_base", 10000.0)
        self.window = field("attention.sliding_window", 0)
        self._stored = {tensor.name: tensor for tensor in reader.tensors}
        self._decoded = {}

    def __getitem__(self, name):
        """The tensor as float32 [out, in]."""
        if name not in self._decoded:
            tensor = self._stored[name]
            shape = [int(n) for n in reversed(tensor.shape)]
            self._decoded[name] = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(shape)
        return self._decoded[name]

    def head(self):
        """The output head [vocabulary, width]: the embedding where the file ties them."""
        return self["output.weight" if "output.weight" in self._stored else "token_embd.weight"]


class Sequence:
    """One sequence of tokens with its keys and values."""

    def __init__(self, weights):
        self.weights = weights
        self.length = 0
        self._keys = [None] * weights.layers    # each [length, kv_heads, head_dim]
        self._values = [None] * weights.layers

    def extend(self, ids):
        """Appends ids; returns their logits [tokens, vocabulary]."""
        weights = self.weights
        gemma = weights.architecture == "gemma3"
        x = weights["token_embd.weight"][np.asarray(ids)]  # [tokens, width]
        if gemma:
            x = x * np.float32(np.sqrt(weights.width))
        for layer in range(weights.layers):
            name = f"blk.{layer}."
            attended = self._attend(layer, _rms_norm(x, weights[name + "attn_norm.weight"], weights.epsilon))
            if gemma:
                attended = _rms_norm(attended, weights[name + "post_attention_norm.weight"], weights.epsilon)
            x = x + attended
            normed = _rms_norm(x, weights[name + "ffn_norm.weight"], weights.epsilon)
            gate = (_gelu if gemma else _swish)(normed @ weights[name + "ffn_gate.weight"].T)
            fed = (gate * (normed @ weights[name + "ffn_up.weight"].T)) @ weights[name + "ffn_down.weight"].T
            if gemma:
                fed = _rms_norm(fed, weights[name + "post_ffw_norm.weight"], weights.epsilon)
            x = x + fed
        self.length += len(ids)
        return _rms_norm(x, weights["output_norm.weight"], weights.epsilon) @ weights.head().T

    def greedy(self, logits, count):
        """Continues behind the last row of logits: the next `count` ids, and by how much each led the runner-up."""
        ids, margins = [], []
        row = logits[-1]
        for _ in range(count):
            second, first = np.argpartition(row, -2)[-2:]
            if row[second] > row[first]:
                first, second = second, first
            ids.append(int(first))
            margins.append(float(row[first] - row[second]))
            if len(ids) < count:
                row = self.extend([ids[-1]])[0]
        return ids, margins

    def _attend(self, layer, x):
        weights = self.weights
        gemma = weights.architecture == "gemma3"
        name = f"blk.{layer}."
        local = gemma and (layer + 1) % GEMMA_GLOBAL_EVERY != 0
        tokens = len(x)

        def heads(tensor, count):
            return (x @ weights[name + tensor].T).reshape(tokens, count, weights.head_dim)

        q = heads("attn_q.weight", weights.heads)     # [tokens, heads, head_dim]
        k = heads("attn_k.weight", weights.kv_heads)  # [tokens, kv_heads, head_dim]
        v = heads("attn_v.weight", weights.kv_heads)
        if gemma:
            q = _rms_norm(q, weights[name + "attn_q_norm.weight"], weights.epsilon)
            k = _rms_norm(k, weights[name + "attn_k_norm.weight"], weights.epsilon)
        base = GEMMA_LOCAL_ROPE_BASE if local else weights.rope_base
        positions = np.arange(self.length, self.length + tokens)
        q, k = (_rotate(part, positions, base, weights.rope_dims, halves=gemma) for part in (q, k))
        if self.length:
            k = np.concatenate([self._keys[layer], k])
            v = np.concatenate([self._values[layer], v])
        self._keys[layer], self._values[layer] = k, v
        out = _attention(q, k, v, positions, weights.window if local else 0)
        return out.reshape(tokens, -1) @ weights[name + "attn_output.weight"].T


def log_sum_exp(logits):
    """[tokens, vocabulary] -> [tokens] in double."""
    top = logits.max(axis=-1, keepdims=True)
    return top[:, 0].astype(np.float64) + np.log(np.exp(logits - top).sum(axis=-1, dtype=np.float64))


def _rms_norm(x, weight, epsilon):
    mean = np.mean(np.square(x, dtype=np.float64), axis=-1, keepdims=True)
    return x / np.sqrt(mean + epsilon).astype(np.float32) * weight


def _rotate(x, positions, base, dims, halves):
    """Rotary embedding of x [tokens, heads, head_dim]; pairs (i, i + dims/2), or (2i, 2i + 1) without `halves`."""
    angle = positions[:, None] * base ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)
    cos, sin = np.cos(angle)[:, None].astype(np.float32), np.sin(angle)[:, None].astype(np.float32)
    first, second = (slice(0, dims // 2), slice(dims // 2, dims)) if halves else (slice(0, dims, 2), slice(1, dims, 2))
    out = x.copy()
    out[..., first] = x[..., first] * cos - x[..., second] * sin
    out[..., second] = x[..., first] * sin + x[..., second] * cos
    return out


def _attention(q, k, v, positions, window):
    """Causal; a row at position p sees p-window+1..p where window is not 0. Returns [tokens, heads, head_dim]."""
    heads, head_dim = q.shape[1:]
    group = heads // k.shape[1]
    distance = positions[:, None] - np.arange(len(k))[None]
    visible = (distance >= 0) & (distance < window if window else True)
    out = np.empty_like(q)
    for head in range(heads):
        scores = (q[:, head] @ k[:, head // group].T) * np.float32(1 / np.sqrt(head_dim))
        scores = np.where(visible, scores, np.float32(-np.inf))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        out[:, head] = (weights / weights.sum(axis=-1, keepdims=True)) @ v[:, head // group]
    return out


def _gelu(x):
    return np.float32(0.5) * x * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)))


def _swish(x):
    return x / (1 + np.exp(-x))
