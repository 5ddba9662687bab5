#!/usr/bin/env python3
"""Writes models as ONNX networks of opset 23, with the ops that exports for ONNX Runtime use.

  tools/export_onnx.py decoder model.gguf OUT    OUT/model.onnx, OUT/tokenizer.json, OUT/tokenizer_config.json, OUT/config.json
  tools/export_onnx.py encoder FOLDER OUT        OUT/model.onnx, from a folder with model.safetensors

A decoder (llama in GGUF, with a byte-level BPE vocabulary):
  input_ids i64 [1, T], position_ids i64 [1, T], past_key_values.<i>.{key,value} f32 [1, kv_heads, P, head_dim]
  logits f32 [1, T, vocab], present.<i>.{key,value} f32 [1, kv_heads, P + T, head_dim]
  Matrices in blocks of 32 are com.microsoft.MatMulNBits with scales and zero points in f32, so that nothing is lost but
  a rounding of minimum / scale; norms are RMSNormalization, then RotaryEmbedding and Attention with its past.

An encoder (BERT with mean pooling, as the sentence-transformers have it):
  input_ids i64 [1, T]; embeddings f32 [1, hidden], of length 1
"""
import argparse
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 32
OPSET = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]


class Network:
    """Nodes and initializers as they come; each node has one output, named after it."""

    def __init__(self, name):
        self.name, self.nodes, self.initializers = name, [], {}

    def constant(self, name, array):
        """Once, however often it is asked for."""
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def add(self, op, inputs, name, domain="", outputs=None, **attributes):
        outputs = outputs or [name]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def save(self, path, inputs, outputs):
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, list(self.initializers.values()))
        model = helper.make_model(graph, opset_imports=OPSET, ir_version=11, producer_name="lathe export_onnx")
        onnx.save(model, path)


def real(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def whole(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def split_q4_1(data, rows, columns):
    """Blocks of 20 bytes: f16 scale, f16 minimum, 16 bytes with elements j (low) and j + 16 (high)."""
    blocks = data.reshape(rows, columns // BLOCK, 20)
    scale = blocks[:, :, 0:2].copy().view(np.float16)[:, :, 0].astype(np.float32)
    minimum = blocks[:, :, 2:4].copy().view(np.float16)[:, :, 0].astype(np.float32)
    codes = np.concatenate([blocks[:, :, 4:] & 15, blocks[:, :, 4:] >> 4], axis=2)
    return codes, scale, minimum


def pack_nibbles(codes):
    """[rows, blocks, 32] to [rows, blocks, 16], the first element low."""
    return (codes[:, :, 0::2] | codes[:, :, 1::2] << 4).astype(np.uint8)


class Decoder:
    def __init__(self, path):
        import gguf
        self.reader = gguf.GGUFReader(path)
        self.tensors = {t.name: t for t in self.reader.tensors}
        if self.key("general.architecture") != "llama":
            sys.exit("only llama is exported")
        self.layers = self.key("llama.block_count")
        self.width = self.key("llama.embedding_length")
        self.heads = self.key("llama.attention.head_count")
        self.kv_heads = self.key("llama.attention.head_count_kv")
        self.head_dim = self.width // self.heads
        self.epsilon = float(self.key("llama.attention.layer_norm_rms_epsilon"))
        self.context = self.key("llama.context_length")
        self.network = Network("decoder")

    def key(self, name):
        return self.reader.fields[name].contents()

    def floats(self, name):
        import gguf
        tensor = self.tensors[name]
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)

    def linear(self, x, weight, name):
        """x times the transposed matrix."""
        net, tensor = self.network, self.tensors[weight]
        columns, rows = (int(n) for n in tensor.shape)
        kind = tensor.tensor_type.name
        if kind == "Q4_1":
            codes, scale, minimum = split_q4_1(tensor.data.reshape(-1), rows, columns)
            flat = scale == 0  # all elements are the minimum: code 1 at that scale
            codes[flat] = 1
            zero = np.where(flat, 0, -minimum / np.where(flat, 1, scale)).astype(np.float32)
            scale = np.where(flat, minimum, scale)
            packed, bits = pack_nibbles(codes), 4
        elif kind == "Q8_0":
            blocks = tensor.data.reshape(rows, columns // BLOCK, 34)
            scale = blocks[:, :, 0:2].copy().view(np.float16)[:, :, 0].astype(np.float32)
            packed = (blocks[:, :, 2:].view(np.int8).astype(np.int16) + 128).astype(np.uint8)
            zero, bits = None, 8
        else:
            matrix = net.constant(weight + ".transposed", self.floats(weight).T)
            return net.add("MatMul", [x, matrix], name)
        inputs = [x, net.constant(weight + ".codes", packed), net.constant(weight + ".scales", scale.reshape(-1))]
        if zero is not None:
            inputs.append(net.constant(weight + ".zeros", zero.reshape(-1)))
        return net.add("MatMulNBits", inputs, name, domain="com.microsoft", K=columns, N=rows, bits=bits, block_size=BLOCK)

    def norm(self, x, weight, name):
        scale = self.network.constant(weight, self.floats(weight))
        return self.network.add("RMSNormalization", [x, scale], name, axis=-1, epsilon=self.epsilon)

    def rotated(self, x, name, heads):
        net = self.network
        split = net.add("Reshape", [x, f"split.{heads}"], f"{name}.split")
        by_head = net.add("Transpose", [split], f"{name}.by_head", perm=[0, 2, 1, 3])
        return net.add("RotaryEmbedding", [by_head, "rope.cos", "rope.sin", "position_ids"], f"{name}.rotated", interleaved=1)

    def layer(self, i, x):
        net, at = self.network, f"blk.{i}."
        normed = self.norm(x, at + "attn_norm.weight", at + "attn_norm")
        q = self.linear(normed, at + "attn_q.weight", at + "attn_q")
        k = self.linear(normed, at + "attn_k.weight", at + "attn_k")
        v = self.linear(normed, at + "attn_v.weight", at + "attn_v")
        v = net.add("Reshape", [v, f"split.{self.kv_heads}"], at + "v.split")
        v = net.add("Transpose", [v], at + "v.by_head", perm=[0, 2, 1, 3])
        q, k = self.rotated(q, at + "q", self.heads), self.rotated(k, at + "k", self.kv_heads)
        past = [f"past_key_values.{i}.key", f"past_key_values.{i}.value"]
        out = net.add("Attention", [q, k, v, ""] + past, at + "attn",
                      outputs=[at + "attn", f"present.{i}.key", f"present.{i}.value"], is_causal=1)
        out = net.add("Transpose", [out], at + "attn.by_token", perm=[0, 2, 1, 3])
        out = net.add("Reshape", [out, "merge"], at + "attn.merged")
        x = net.add("Add", [x, self.linear(out, at + "attn_output.weight", at + "attn_output")], at + "attn_residual")
        normed = self.norm(x, at + "ffn_norm.weight", at + "ffn_norm")
        gate = self.linear(normed, at + "ffn_gate.weight", at + "ffn_gate")
        up = self.linear(normed, at + "ffn_up.weight", at + "ffn_up")
        act = net.add("Mul", [gate, net.add("Sigmoid", [gate], at + "ffn_sigmoid")], at + "ffn_swish")
        gated = net.add("Mul", [act, up], at + "ffn_gated")
        return net.add("Add", [x, self.linear(gated, at + "ffn_down.weight", at + "ffn_down")], at + "ffn_residual")

    def export(self, folder):
        net = self.network
        half = self.head_dim // 2
        frequency = float(self.key("llama.rope.freq_base")) ** (-np.arange(half) / half)
        angles = np.outer(np.arange(self.context), frequency)
        net.constant("rope.cos", np.cos(angles).astype(np.float32))
        net.constant("rope.sin", np.sin(angles).astype(np.float32))
        for heads in {self.heads, self.kv_heads}:
            net.constant(f"split.{heads}", np.array([1, -1, heads, self.head_dim], np.int64))
        net.constant("merge", np.array([1, -1, self.width], np.int64))
        table = net.constant("token_embd.weight", self.floats("token_embd.weight"))
        x = net.add("Gather", [table, "input_ids"], "token_embd")
        for i in range(self.layers):
            x = self.layer(i, x)
        x = self.norm(x, "output_norm.weight", "output_norm")
        head = "output.weight" if "output.weight" in self.tensors else "token_embd.weight"
        self.linear(x, head, "logits")
        vocabulary = int(self.tensors["token_embd.weight"].shape[1])
        cache = [("key", i) for i in range(self.layers)] + [("value", i) for i in range(self.layers)]
        inputs = [whole("input_ids", [1, "T"]), whole("position_ids", [1, "T"])]
        inputs += [real(f"past_key_values.{i}.{what}", [1, self.kv_heads, "P", self.head_dim]) for what, i in cache]
        outputs = [real("logits", [1, "T", vocabulary])]
        outputs += [real(f"present.{i}.{what}", [1, self.kv_heads, "P + T", self.head_dim]) for what, i in cache]
        net.save(os.path.join(folder, "model.onnx"), inputs, outputs)
        self.write_text_files(folder)

    def write_text_files(self, folder):
        tokens, kinds = self.key("tokenizer.ggml.tokens"), self.key("tokenizer.ggml.token_type")
        control = 3
        added = [{"id": i, "content": t, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
                  "normalized": False} for i, t in enumerate(tokens) if kinds[i] == control]
        steps = [{"type": "Digits", "individual_digits": True},
                 {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]
        tokenizer = {"version": "1.0", "added_tokens": added, "normalizer": None,
                     "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}, "post_processor": None,
                     "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
                     "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                               "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                               "vocab": {t: i for i, t in enumerate(tokens)}, "merges": list(self.key("tokenizer.ggml.merges"))}}
        token = lambda key: tokens[self.key(f"tokenizer.ggml.{key}_token_id")]
        names = {"bos_token": token("bos"), "eos_token": token("eos"), "add_bos_token": False,
                 "chat_template": self.key("tokenizer.chat_template")}
        config = {"max_position_embeddings": self.context, "eos_token_id": self.key("tokenizer.ggml.eos_token_id")}
        for name, value in (("tokenizer.json", tokenizer), ("tokenizer_config.json", names), ("config.json", config)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False)


class Encoder:
    def __init__(self, folder):
        from safetensors.numpy import load_file
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.tensors = load_file(os.path.join(folder, "model.safetensors"))
        self.network = Network("encoder")

    def weight(self, name):
        return self.network.constant(name, self.tensors[name].astype(np.float32))

    def linear(self, x, name):
        matrix = self.network.constant(name + ".weight", self.tensors[name + ".weight"].astype(np.float32).T)
        product = self.network.add("MatMul", [x, matrix], name + ".product")
        return self.network.add("Add", [product, self.weight(name + ".bias")], name)

    def norm(self, x, name):
        inputs = [x, self.weight(name + ".weight"), self.weight(name + ".bias")]
        return self.network.add("LayerNormalization", inputs, name, axis=-1, epsilon=float(self.config["layer_norm_eps"]))

    def by_head(self, x, name):
        split = self.network.add("Reshape", [x, "split"], name + ".split")
        return self.network.add("Transpose", [split], name + ".by_head", perm=[0, 2, 1, 3])

    def layer(self, i, x):
        net, at = self.network, f"encoder.layer.{i}."
        q, k, v = (self.by_head(self.linear(x, at + f"attention.self.{n}"), at + n) for n in ("query", "key", "value"))
        out = net.add("Attention", [q, k, v], at + "attention")
        out = net.add("Transpose", [out], at + "by_token", perm=[0, 2, 1, 3])
        out = self.linear(net.add("Reshape", [out, "merge"], at + "merged"), at + "attention.output.dense")
        x = self.norm(net.add("Add", [out, x], at + "attention.sum"), at + "attention.output.LayerNorm")
        inner = net.add("Gelu", [self.linear(x, at + "intermediate.dense")], at + "gelu")
        out = self.linear(inner, at + "output.dense")
        return self.norm(net.add("Add", [out, x], at + "output.sum"), at + "output.LayerNorm")

    def export(self, folder):
        net, heads, width = self.network, self.config["num_attention_heads"], self.config["hidden_size"]
        net.constant("split", np.array([1, -1, heads, width // heads], np.int64))
        net.constant("merge", np.array([1, -1, width], np.int64))
        for name, value in (("zero", [0]), ("one", [1])):
            net.constant(name, np.array(value, np.int64))
        words = net.add("Gather", [self.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
        length = net.add("Shape", ["input_ids"], "length", start=1, end=2)
        places = net.add("Slice", [self.weight("embeddings.position_embeddings.weight"), "zero", length], "places")
        kinds = net.constant("kind", self.tensors["embeddings.token_type_embeddings.weight"][0].astype(np.float32))
        x = net.add("Add", [net.add("Add", [words, places], "words.placed"), kinds], "embedded")
        x = self.norm(x, "embeddings.LayerNorm")
        for i in range(self.config["num_hidden_layers"]):
            x = self.layer(i, x)
        mean = net.add("ReduceMean", [x, "one"], "mean", keepdims=0)
        length = net.add("ReduceL2", [mean, "one"], "norm", keepdims=1)
        net.add("Div", [mean, length], "embeddings")
        net.save(os.path.join(folder, "model.onnx"), [whole("input_ids", [1, "T"])], [real("embeddings", [1, width])])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=("decoder", "encoder"))
    parser.add_argument("model", help="a .gguf file, or a folder with model.safetensors")
    parser.add_argument("output", help="the folder to write")
    words = parser.parse_args()
    os.makedirs(words.output, exist_ok=True)
    {"decoder": Decoder, "encoder": Encoder}[words.kind](words.model).export(words.output)


if __name__ == "__main__":
    main()
