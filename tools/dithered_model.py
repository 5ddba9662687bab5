#!/usr/bin/env python3
"""A float32 model to judge weight quantization by, where only quantized files are at hand.

    dithered_model.py QUANTIZED.gguf FLOAT.gguf

A quantized file's decoded weights lie on its grid, which a quantizer would find again without any loss. So every weight
of a quantized matrix moves by seeded uniform noise of up to half a step either way, where a block's step is the smallest
gap between two of its values. What comes out is another model, as far from the file as a 4-bit quantization is, but one
with the structure of real weights and on no grid; its float32 logits are the reference. The same file gives the same bytes.
Needs numpy and gguf, and memory for the largest tensor.
"""
import sys

import gguf
import numpy as np

BLOCK_VALUES = {"Q6_K": 16}  # that share a scale; 32 in the other types
SKIPPED_KEYS = {"general.architecture", "general.file_type", "general.quantization_version"}
FLOATS = {gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16}
LEAST_GAP = 1e-12


def moved(values, block, random):
    """values float32 [rows, columns]; blocks do not cross rows."""
    blocks = values.reshape(-1, block)
    gaps = np.diff(np.sort(blocks, axis=1), axis=1)
    step = np.where(gaps > LEAST_GAP, gaps, np.inf).min(axis=1, keepdims=True)
    step[~np.isfinite(step)] = 0  # all values alike
    noise = random.random(blocks.shape, dtype=np.float32) - 0.5
    return (blocks + step * noise).reshape(values.shape).astype(np.float32)


def copy_metadata(source, writer):
    for key, field in source.fields.items():
        if key.startswith("GGUF.") or key in SKIPPED_KEYS:
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), kind, sub_type=inner)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source = gguf.GGUFReader(sys.argv[1])
    writer = gguf.GGUFWriter(sys.argv[2], source.fields["general.architecture"].contents())
    copy_metadata(source, writer)
    random = np.random.default_rng(0)
    for tensor in source.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(shape)
        if tensor.tensor_type not in FLOATS:
            values = moved(values, BLOCK_VALUES.get(tensor.tensor_type.name, 32), random)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
