#!/usr/bin/env python3
"""A GGUF file of a llama of 1.2 billion weights, all of them random, to measure speed with: it depends on shapes and types
alone, and no model of that size need be fetched.

    random_llama.py TOKENIZER.gguf TYPE OUT.gguf [--layers 16 --dim 2048 --ff 8192 --heads 32 --kv-heads 8]

The tokenizer is copied from TOKENIZER.gguf. TYPE is a block type, of which all matrices are then, the embedding that is
the output head too, or Q4_K_M, llama.cpp's mixture. Blocks are written as they lie in the file, nothing is quantized:
their factors are set so that a row's weights have the spread that keeps activations finite, all other bits are random.
Needs numpy and gguf.
"""
import argparse

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter

# Of a block: byte offset of its factor, what a factor of 1 multiplies (standard deviation of random bits), and of types
# with a minimum its offset and how many factors it must be for a mean of 0.
FACTORS = {"Q4_0": (0, 4.6, None, 0), "Q4_1": (0, 4.6, 2, -7.5), "Q5_0": (0, 9.2, None, 0), "Q5_1": (0, 9.2, 2, -15.5),
           "Q8_0": (0, 74, None, 0), "Q2_K": (80, 12, 82, 1.5), "Q3_K": (108, 43, None, 0), "Q4_K": (0, 230, 2, 7.5),
           "Q5_K": (0, 460, 2, 15.5), "Q6_K": (208, 1370, None, 0), "IQ4_NL": (0, 70, None, 0),
           "IQ4_XS": (0, 1300, None, 0)}
MXFP4_EXPONENT = 120  # E8M0: 2^-8 for a value's half, of a standard deviation of 6
SPREAD = 0.02


def random_blocks(generator, type_name, rows, columns):
    """[rows, bytes of a row]"""
    block_elements, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    count = rows * (columns // block_elements)
    blocks = np.frombuffer(generator.bytes(count * block_bytes), np.uint8).reshape(count, block_bytes).copy()
    if type_name == "MXFP4":
        blocks[:, 0] = MXFP4_EXPONENT
    else:
        offset, deviation, minimum_offset, minimum = FACTORS[type_name]
        factor = SPREAD / deviation
        set_half(blocks, offset, factor)
        if minimum_offset is not None:
            set_half(blocks, minimum_offset, factor * minimum)
    return blocks.reshape(rows, -1)


def set_half(blocks, offset, value):
    blocks[:, offset:offset + 2] = np.frombuffer(np.float16(value).tobytes(), np.uint8)


def matrix_type(type_name, name, layer, layers):
    """llama.cpp gives 6 bits to the head, and to values and the second matrix of a third of the layers and more."""
    if type_name != "Q4_K_M":
        return type_name
    eighth = layers // 8
    important = layer is None or layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2
    return "Q6_K" if important and name in ("token_embd", "attn_v", "ffn_down") else "Q4_K"


def copy_tokenizer(source, writer):
    for key, field in source.fields.items():
        if not key.startswith("tokenizer."):
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_key_value(key, field.contents(), GGUFValueType.ARRAY, sub_type=field.types[-1])
        else:
            writer.add_key_value(key, field.contents(), field.types[0])
    return len(source.fields["tokenizer.ggml.tokens"].data)


def write(tokenizer, type_name, path, layers=16, dim=2048, ff=8192, heads=32, kv_heads=8):
    writer = GGUFWriter(path, "llama")
    vocabulary = copy_tokenizer(GGUFReader(tokenizer), writer)
    writer.add_name(f"random llama {type_name}")
    writer.add_block_count(layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(dim)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_vocab_size(vocabulary)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(dim // heads)
    generator = np.random.default_rng(0)

    def add_matrix(name, layer, rows, columns):
        kind = matrix_type(type_name, name, layer, layers)
        prefix = "" if layer is None else f"blk.{layer}."
        writer.add_tensor(f"{prefix}{name}.weight", random_blocks(generator, kind, rows, columns),
                          raw_dtype=GGMLQuantizationType[kind])

    def add_norm(name):
        writer.add_tensor(f"{name}.weight", np.ones(dim, np.float32))

    kv = dim // heads * kv_heads
    add_matrix("token_embd", None, vocabulary, dim)
    add_norm("output_norm")
    for layer in range(layers):
        add_norm(f"blk.{layer}.attn_norm")
        add_norm(f"blk.{layer}.ffn_norm")
        for name, rows, columns in (("attn_q", dim, dim), ("attn_k", kv, dim), ("attn_v", kv, dim),
                                    ("attn_output", dim, dim), ("ffn_gate", ff, dim), ("ffn_up", ff, dim),
                                    ("ffn_down", dim, ff)):
            add_matrix(name, layer, rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", metavar="TOKENIZER.gguf")
    parser.add_argument("type", metavar="TYPE", choices=["Q4_K_M", "MXFP4", *FACTORS])
    parser.add_argument("out", metavar="OUT.gguf")
    sizes = {"layers": 16, "dim": 2048, "ff": 8192, "heads": 32, "kv_heads": 8}
    for name, value in sizes.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    options = parser.parse_args()
    write(options.tokenizer, options.type, options.out, **{name: getattr(options, name) for name in sizes})


if __name__ == "__main__":
    main()
