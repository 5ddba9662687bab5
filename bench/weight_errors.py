"""The weighted error of every block format's search, beside llama.cpp's quantizer on the same values.

    python bench/weight_errors.py MODEL.gguf --tools build/tests --library libggml-base.so --imatrix F.gguf

MODEL.gguf is in float32; a sample of rows of the matrices of its first, middle and last layer is rounded to every type,
once with all columns alike and once with the importance in an imatrix file of llama-imatrix. The error is
sum importance * (value - rounded)^2, relative to the same sum of the values. Prints a table in Markdown.
"""
import argparse
import ctypes
import os
import subprocess

import gguf
import numpy as np

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"]
PARTS = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--tools", required=True, help="folder of quantize_tool")
    parser.add_argument("--library", required=True, help="llama.cpp's libggml-base.so")
    parser.add_argument("--imatrix", required=True)
    parser.add_argument("--rows", type=int, default=64, help="of each matrix")
    return parser.parse_args()


def peer_quantizer(path):
    quantize = ctypes.CDLL(path).ggml_quantize_chunk
    quantize.restype = ctypes.c_size_t
    quantize.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
                         ctypes.c_void_p]

    def run(kind, values, importance):
        out = np.zeros((len(values), row_bytes(kind, values.shape[1])), np.uint8)
        quantize(int(kind), values.ctypes.data, out.ctypes.data, 0, *values.shape,
                 None if importance is None else importance.ctypes.data)
        return out

    return run


def row_bytes(kind, columns):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    return columns // elements * size


def search(tools, kind, values, importance):
    """The rows' bytes, and the seconds of processor time they took."""
    words = [os.path.join(tools, "quantize_tool"), kind.name.lower(), "best", *map(str, values.shape),
             "alike" if importance is None else "importance"]
    result = subprocess.run(words, input=(b"" if importance is None else importance.tobytes()) + values.tobytes(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, np.uint8).reshape(len(values), -1), float(result.stderr)


def error(kind, raw, values, importance):
    weights = 1.0 if importance is None else importance.astype(np.float64)
    off = gguf.quants.dequantize(raw, kind).reshape(values.shape).astype(np.float64) - values
    return (off * off * weights).sum() / (np.square(values.astype(np.float64)) * weights).sum()


def importances(path):
    sums = {tensor.name: np.array(tensor.data, np.float32).ravel() for tensor in gguf.GGUFReader(path).tensors}
    return {name.removesuffix(".in_sum2"): values / values.mean()
            for name, values in sums.items() if name.endswith(".in_sum2")}


def matrices(model, rows):
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(model).tensors}
    layers = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blk."))
    for layer in (0, layers // 2, layers - 1):
        for part in PARTS:
            name = f"blk.{layer}.{part}.weight"
            if name in tensors:
                step = max(1, len(tensors[name].data) // rows)
                yield name, np.ascontiguousarray(tensors[name].data[::step][:rows], np.float32)


def main():
    options = arguments()
    peer = peer_quantizer(options.library)
    importance_of = importances(options.imatrix)
    sample = list(matrices(options.model, options.rows))
    print("| type | bits | error, columns alike | llama.cpp | lower by | error, imatrix | llama.cpp | lower by | ns per value |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        cells = []
        seconds = count = 0
        for weighted in (False, True):
            ours, theirs = [], []
            for matrix, values in sample:
                if values.shape[1] % elements:
                    continue
                importance = importance_of[matrix] if weighted else None
                raw, took = search(options.tools, kind, values, importance)
                seconds, count = seconds + took, count + values.size
                ours.append(error(kind, raw, values, importance))
                theirs.append(error(kind, peer(kind, values, importance), values, importance))
            cells += [f"{np.mean(ours):.3e}", f"{np.mean(theirs):.3e}", f"{100 * (1 - np.mean(ours) / np.mean(theirs)):.1f} %"]
        print(f"| {name} | {8 * size / elements:.4g} | {' | '.join(cells)} | {1e9 * seconds / count:.0f} |", flush=True)


if __name__ == "__main__":
    main()
