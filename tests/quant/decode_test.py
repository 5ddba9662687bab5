"""Decoding of every type of model files, bit for bit against the gguf package (blocks) and numpy (elements).

A NaN is any NaN: its payload is the processor's choice. All other values are compared as bits.
"""
import os
import subprocess
import sys

import gguf
import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "decode_tool")
FACTORS = {  # offsets of the f16 factors in a block
    "q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0], "iq4_nl": [0], "mxfp4": [], "iq4_xs": [0],
    "q2_k": [80, 82], "q3_k": [108], "q4_k": [0, 2], "q5_k": [0, 2], "q6_k": [208],
}
HALVES = {
    "subnormal": [0x0001, 0x03FF, 0x8001, 0x83FF],
    "zero": [0x0000, 0x8000],
    "largest": [0x7BFF, 0xFBFF],
    "infinite": [0x7C00, 0xFC00],
    "nan": [0x7E00, 0xFE00, 0x7C01, 0xFFFF],
}


def decode(dtype, raw, elements):
    result = subprocess.run([TOOL, dtype, str(elements)], input=raw.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, np.float32)


def check(name, actual, expected):
    expected = np.ascontiguousarray(expected, np.float32).ravel()
    assert actual.shape == expected.shape, f"{name}: {actual.shape} values, expected {expected.shape}"
    both_nan = np.isnan(actual) & np.isnan(expected)
    wrong = (actual.view(np.uint32) != expected.view(np.uint32)) & ~both_nan
    if wrong.any():
        i = int(np.argmax(wrong))
        sys.exit(f"{name}: {wrong.sum()} of {wrong.size} differ; value {i} is {actual[i]!r}, expected {expected[i]!r}")
    print(f"{name}: {wrong.size} values equal, {both_nan.sum()} NaN")


def blocks(random):
    for dtype, offsets in FACTORS.items():
        kind = gguf.GGMLQuantizationType[dtype.upper()]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        cases = {"random": random.integers(0, 256, (4096, size), np.uint8)}
        for fill in (0x00, 0xFF):
            cases[f"all {fill:02x}"] = np.full((4, size), fill, np.uint8)
        for name, halves in HALVES.items() if offsets else ():
            case = random.integers(0, 256, (256, size), np.uint8)
            for offset in offsets:
                case[:, offset:offset + 2] = random.choice(np.array(halves, np.uint16), 256).reshape(-1, 1).view(np.uint8)
            cases[name] = case
        for name, case in cases.items():
            with np.errstate(all="ignore"):
                expected = gguf.quants.dequantize(case, kind)
            check(f"{dtype} {name}", decode(dtype, case, case.shape[0] * elements), expected)


def exponents(random):
    """Every exponent of MXFP4, the subnormal and the infinite products too."""
    case = random.integers(0, 256, (256, 17), np.uint8)
    case[:, 0] = np.arange(256)
    with np.errstate(all="ignore"):
        check("mxfp4 exponents", decode("mxfp4", case, 256 * 32),
              gguf.quants.dequantize(case, gguf.GGMLQuantizationType.MXFP4))


def elements(random):
    halves = np.arange(65536, dtype=np.uint16)
    check("f16 all", decode("f16", halves, 65536), halves.view(np.float16).astype(np.float32))
    check("bf16 all", decode("bf16", halves, 65536),
          gguf.quants.dequantize(halves.view(np.uint8).reshape(1, -1), gguf.GGMLQuantizationType.BF16))
    for dtype, kind in {"f32": np.float32, "f64": np.float64, "i8": np.int8, "i16": np.int16, "i32": np.int32,
                        "i64": np.int64}.items():
        raw = random.integers(0, 256, 10000 * np.dtype(kind).itemsize, np.uint8)
        with np.errstate(all="ignore"):
            check(f"{dtype} random", decode(dtype, raw, 10000), raw.view(kind).astype(np.float32))
    doubles = random.normal(size=10000) * 10.0 ** random.integers(-45, 39, 10000)
    check("f64 values", decode("f64", doubles, 10000), doubles.astype(np.float32))
    edges = np.array([0, -1, 2**63 - 1, -2**63, 2**24 + 1, 2**53 + 1], np.int64)
    check("i64 edges", decode("i64", edges, 6), edges.astype(np.float32))


if __name__ == "__main__":
    generator = np.random.default_rng(20240607)
    blocks(generator)
    exponents(generator)
    elements(generator)
