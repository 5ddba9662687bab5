"""GroupQueryAttention and MultiHeadAttention of com.microsoft in a network that `lathe exec` runs, against NumPy as ONNX
Runtime's processor kernels compute them."""
import unittest

import numpy as np
from onnx import helper
from onnx_ops import OpTest

HEADS, KV_HEADS, HEAD = 4, 2, 16
CONTEXT = 32


def by_heads(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3).astype(np.float64)


def rotated(x, positions, cosines, sines, interleaved):
    cosine, sine = cosines[positions][:, None], sines[positions][:, None]
    half = cosines.shape[1]
    a, b = (x[..., 0:2 * half:2], x[..., 1:2 * half:2]) if interleaved else (x[..., :half], x[..., half:2 * half])
    turned = np.stack([a * cosine - b * sine, b * cosine + a * sine], -1 if interleaved else -2)
    return np.concatenate([turned.reshape(*x.shape[:3], 2 * half), x[..., 2 * half:]], -1)


def softmax(scores, sink):
    """`sink`: a score that takes its share and gives nothing."""
    greatest = np.maximum(scores.max(-1, keepdims=True), sink)
    e = np.exp(scores - greatest)
    return e / (e.sum(-1, keepdims=True) + np.exp(sink - greatest))


def grouped(q, k, v, past, lengths, total, rotary=None, positions=None, interleaved=0, norms=None, bias=None, sinks=None,
            window=-1, softcap=0, scale=0, causal=1):
    """y, present keys and present values."""
    batch, rows = q.shape[:2]
    q, k, v = by_heads(q, HEADS), by_heads(k, KV_HEADS), by_heads(v, KV_HEADS)
    first = np.zeros(batch, int) if total == rows else lengths + 1 - rows
    if norms:
        q, k = (x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w for x, w in zip((q, k), norms))
    if rotary:
        places = first[:, None] + np.arange(rows)
        if positions is not None:
            places = positions[0, 0] + places if total == rows else positions
        q, k = (rotated(x, places, *rotary, interleaved) for x in (q, k))
    columns = max(total, past[0].shape[2])
    keys, values = np.zeros((2, batch, KV_HEADS, columns, HEAD))
    y = np.zeros((batch, HEADS, rows, HEAD))
    i, j = np.arange(rows)[:, None], np.arange(columns)
    for b in range(batch):
        for present, old, new in ((keys, past[0], k), (values, past[1], v)):
            present[b, :, :first[b]] = old[b, :, :first[b]]
            present[b, :, first[b]:first[b] + rows] = new[b]
        for head in range(HEADS):
            scores = q[b, head] @ keys[b, head // (HEADS // KV_HEADS)].T * (scale or 1 / np.sqrt(HEAD))
            if softcap:
                scores = np.tanh(scores / softcap) * softcap
            if bias is not None:
                scores[:, :bias.shape[3]] += bias[b % bias.shape[0], head % bias.shape[1]]
            seen = j <= first[b] + (i if causal else rows - 1 + 0 * i)
            if window > 0:
                seen &= j > first[b] + i - window
            shares = softmax(np.where(seen, scores, -np.inf), -np.inf if sinks is None else sinks[head])
            y[b, head] = shares @ values[b, head // (HEADS // KV_HEADS)]
    return y.transpose(0, 2, 1, 3).reshape(batch, rows, -1), keys, values


class GroupQueryAttention(OpTest):
    def check(self, batch=1, rows=3, past=5, lengths=(7,), total=8, packed=False, rotary=0, positions=None, norms=False,
              bias=None, sink=False, smooth=False, names=False, **settings):
        q, k, v = self.floats(batch, rows, HEADS * HEAD), *(self.floats(batch, rows, KV_HEADS * HEAD) for _ in "kv")
        old = [self.floats(batch, KV_HEADS, past, HEAD) for _ in "kv"]
        lengths = np.array(lengths, np.int32)
        inputs = {"q": np.concatenate([q, k, v], -1)} if packed else {"q": q, "k": k, "v": v}
        inputs |= {"past_k": old[0], "past_v": old[1], "lengths": lengths, "total": np.array(total, np.int32)}
        words = {"num_heads": HEADS, "kv_num_heads": KV_HEADS}
        reference = dict(settings)
        slots = ["q", "" if packed else "k", "" if packed else "v", "past_k", "past_v", "lengths", "total"] + [""] * 9
        if rotary:
            angles = np.outer(np.arange(CONTEXT), 100.0 ** (-np.arange(rotary) / rotary))
            inputs |= {"cosines": np.cos(angles).astype(np.float32), "sines": np.sin(angles).astype(np.float32)}
            slots[7:9] = ["cosines", "sines"]
            reference["rotary"] = (inputs["cosines"], inputs["sines"])
            words |= {"do_rotary": 1, "rotary_interleaved": settings.get("interleaved", 0)}
        if positions is not None:
            inputs["positions"] = reference["positions"] = np.array(positions, np.int64)
            slots[9] = "positions"
        if bias is not None:
            inputs["bias"] = reference["bias"] = self.floats(*bias)
            slots[10] = "bias"
        if sink:
            inputs["sink"] = reference["sinks"] = self.floats(HEADS)
            slots[11] = "sink"
        if smooth:
            reference["sinks"] = np.zeros(HEADS)
            words["smooth_softmax"] = 1
        if norms:
            inputs |= {"q_norm": self.floats(HEAD), "k_norm": self.floats(HEAD)}
            slots[14:16] = ["q_norm", "k_norm"]
            reference["norms"] = (inputs["q_norm"], inputs["k_norm"])
        words |= {"local_window_size" if key == "window" else key: value for key, value in settings.items()
                  if key != "interleaved"}
        while not slots[-1]:
            slots.pop()
        node = helper.make_node("GroupQueryAttention", slots, ["y", "keys", "values"], domain="com.microsoft", **words)
        y, keys, values = grouped(q, k, v, old, lengths, total, **reference)
        shapes = {"q": [batch, "rows", inputs["q"].shape[2]], "past_k": [batch, KV_HEADS, "past", HEAD],
                  "past_v": [batch, KV_HEADS, "past", HEAD]} if names else None
        if names and not packed:
            shapes |= {"k": [batch, "rows", k.shape[2]], "v": [batch, "rows", v.shape[2]]}
        self.expect([node], {}, inputs, {"y": y.astype(np.float32), "keys": keys.astype(np.float32),
                                         "values": values.astype(np.float32)}, shapes)

    def test_steps(self):
        for settings in ({}, {"packed": True}, {"names": True}, {"past": 9}, {"batch": 2, "rows": 1, "lengths": (5, 3), "total": 6},
                         {"past": 0, "lengths": (2,), "total": 3}, {"past": 5, "lengths": (2,), "total": 3}):
            with self.subTest(settings):
                self.check(**settings)

    def test_rotation(self):
        for settings in ({"names": True}, {"interleaved": 1}, {"positions": [[4, 9, 1]]}, {"packed": True},
                         {"past": 0, "lengths": (2,), "total": 3, "positions": [[4, 9, 1]]},
                         {"batch": 2, "rows": 1, "lengths": (5, 3), "total": 6}):
            with self.subTest(settings):
                self.check(rotary=HEAD // 2, **settings)
        self.check(rotary=HEAD // 4)

    def test_scores(self):
        for settings in ({"window": 1}, {"window": 3}, {"softcap": 2.0}, {"scale": 0.3}, {"bias": (1, 1, 3, 8)},
                         {"bias": (1, HEADS, 3, 8), "softcap": 2.0}, {"sink": True}, {"smooth": True},
                         {"sink": True, "window": 2, "softcap": 1.5}, {"sink": True, "bias": (1, HEADS, 3, 8)},
                         {"sink": True, "causal": 0}, {"causal": 0}, {"norms": True, "rotary": HEAD // 2}):
            with self.subTest(settings):
                self.check(**settings)

    def test_lengths_that_do_not_fit_are_refused(self):
        q, k = self.floats(1, 1, HEADS * HEAD), self.floats(1, 1, KV_HEADS * HEAD)
        past = self.floats(1, KV_HEADS, 4, HEAD)
        node = helper.make_node("GroupQueryAttention", ["q", "k", "v", "past_k", "past_v", "lengths", "total"], ["y"],
                                domain="com.microsoft", num_heads=HEADS, kv_num_heads=KV_HEADS, name="attention")
        for length in (-3, 5, 2 ** 31 - 1):
            inputs = {"q": q, "k": k, "v": k, "past_k": past, "past_v": past, "lengths": np.array([length], np.int32),
                      "total": np.array(5, np.int32)}
            self.expect_refused([node], {}, inputs, "attention")

    def test_what_is_not_computed_is_refused_by_name(self):
        q, k = self.floats(1, 1, HEADS * HEAD), self.floats(1, 1, KV_HEADS * HEAD)
        inputs = {"q": q, "k": k, "v": k, "lengths": np.array([0], np.int32), "total": np.array(1, np.int32)}
        for words, message in (({"k_quant_type": "PER_TENSOR"}, "a cache of codes"), ({"sliding_window_cache": 1}, "sliding_window_cache"),
                               ({"qk_output": 1}, "qk_output"), ({"kv_num_heads": 3}, "a multiple of kv_num_heads")):
            node = helper.make_node("GroupQueryAttention", ["q", "k", "v", "", "", "lengths", "total"], ["y"], domain="com.microsoft",
                                    **({"num_heads": HEADS, "kv_num_heads": KV_HEADS} | words))
            self.expect_refused([node], {}, inputs, message)


class MultiHeadAttention(OpTest):
    def check(self, form="apart", bias=False, padding=None, added=None, past=0, causal=0, scale=0):
        batch, rows, columns = 2, 3, 3 if form == "packed" else 5
        q, k, v = self.floats(batch, rows, HEADS * HEAD), *(self.floats(batch, columns, HEADS * HEAD) for _ in "kv")
        heads = [x.reshape(*x.shape[:2], HEADS, HEAD) for x in (q, k, v)]
        slots, inputs = [""] * 8, {}
        if form == "packed":
            inputs["q"] = np.stack(heads, 3)
        elif form == "pair":
            inputs |= {"q": q, "k": np.stack(heads[1:], 3)}
        elif form == "heads":
            inputs |= {"q": q, "k": heads[1].transpose(0, 2, 1, 3), "v": heads[2].transpose(0, 2, 1, 3)}
        else:
            inputs |= {"q": q, "k": k, "v": v}
        slots[:len(inputs)] = list(inputs)
        if bias:
            inputs["bias"] = self.floats(3 * HEADS * HEAD)
            slots[3] = "bias"
            q, k, v = (x + part for x, part in zip((q, k, v), np.split(inputs["bias"], 3)))
        keys, values = by_heads(k, HEADS), by_heads(v, HEADS)
        if past:
            inputs |= {"past_k": self.floats(batch, HEADS, past, HEAD), "past_v": self.floats(batch, HEADS, past, HEAD)}
            slots[6:8] = ["past_k", "past_v"]
            keys, values = np.concatenate([inputs["past_k"], keys], 2), np.concatenate([inputs["past_v"], values], 2)
        scores = by_heads(q, HEADS) @ keys.transpose(0, 1, 3, 2) * (scale or 1 / np.sqrt(HEAD))
        if padding is not None:
            inputs["padding"] = np.array(padding, np.int32)
            slots[4] = "padding"
            mask = np.where(inputs["padding"] != 0, 0.0, -10000.0)
            scores += mask[:, None, None] if mask.ndim == 2 else mask[:, None]
        if added:
            inputs["added"] = self.floats(*added)
            slots[5] = "added"
            scores += inputs["added"]
        if causal:
            scores = np.where(np.tri(rows, past + columns, past) == 1, scores, -np.inf)
        y = (softmax(scores, -np.inf) @ values).transpose(0, 2, 1, 3).reshape(batch, rows, -1)
        while not slots[-1]:
            slots.pop()
        words = {"num_heads": HEADS} | ({"unidirectional": 1} if causal else {}) | ({"scale": scale} if scale else {})
        expected = {"y": y.astype(np.float32)}
        if past:
            expected |= {"keys": keys.astype(np.float32), "values": values.astype(np.float32)}
        node = helper.make_node("MultiHeadAttention", slots, list(expected), domain="com.microsoft", **words)
        self.expect([node], {}, inputs, expected)

    def test_forms_of_the_inputs(self):
        for form in ("apart", "packed", "pair", "heads"):
            with self.subTest(form):
                self.check(form)
        self.check(bias=True, scale=0.4)

    def test_masks_and_the_past(self):
        self.check(padding=[[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]])
        self.check(padding=[[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], added=(1, HEADS, 3, 5))
        self.check(added=(2, 1, 3, 5))
        self.check(padding=np.tri(3, 5, 1)[None].repeat(2, 0))
        self.check(past=2, bias=True)
        self.check("packed", causal=1)


if __name__ == "__main__":
    unittest.main()
