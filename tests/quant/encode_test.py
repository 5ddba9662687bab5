"""Encoding floats to blocks, byte for byte against the gguf package; what has no blocks must be seen as such."""
import os
import subprocess
import sys

import gguf
import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "encode_tool")
TYPES = ["q4_1", "q8_0"]


def encode(dtype, values):
    kind = gguf.GGMLQuantizationType[dtype.upper()]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = values.size // elements
    result = subprocess.run([TOOL, dtype, str(blocks)], input=values.tobytes(), stdout=subprocess.PIPE, check=True)
    return kind, np.frombuffer(result.stdout, np.uint8).reshape(blocks, size)


def check(dtype, name, values):
    kind, actual = encode(dtype, values)
    expected = gguf.quants.quantize(values, kind).reshape(actual.shape)
    wrong = (actual != expected).any(axis=1)
    if wrong.any():
        i = int(np.argmax(wrong))
        sys.exit(f"{dtype} {name}: {wrong.sum()} of {wrong.size} blocks differ; block {i} is {actual[i]}, expected "
                 f"{expected[i]} for {values.reshape(wrong.size, -1)[i]}")
    print(f"{dtype} {name}: {wrong.size} blocks equal")


def check_marked(dtype, name, value):
    """Every block with such a value among ordinary ones decodes to NaN or infinity."""
    values = np.random.default_rng(1).normal(size=(32, 256)).astype(np.float32)
    values[np.arange(32), np.arange(32)] = value
    kind, actual = encode(dtype, values)
    with np.errstate(all="ignore"):
        decoded = gguf.quants.dequantize(actual, kind).reshape(32, -1)
    blocks = decoded[:, :gguf.GGML_QUANT_SIZES[kind][0]]
    assert not np.isfinite(blocks).all(axis=1).any(), f"{dtype}: a block with {name} looks finite"
    print(f"{dtype}: blocks with {name} are marked")


if __name__ == "__main__":
    random = np.random.default_rng(20240608)
    normal = random.normal(size=(4096, 256)).astype(np.float32)
    grid = random.integers(-15, 16, (4096, 256)).astype(np.float32) / 2  # many ties
    for dtype in TYPES:
        check(dtype, "normal", normal)
        magnitudes = 10.0 ** random.integers(-20, 4, (4096, 1))
        check(dtype, "of many magnitudes", (normal * magnitudes).astype(np.float32))
        check(dtype, "ties", grid)
        check(dtype, "offset", normal * np.float32(0.01) + np.float32(3))
        check(dtype, "constant", np.repeat(normal[:, :1], 256, axis=1).copy())
        check(dtype, "zero", np.zeros((4, 256), np.float32))
        for name, value in {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf, "3e38": 3e38,
                            "-3e38": -3e38}.items():
            check_marked(dtype, name, value)
        tiny = np.full((4, 256), 1e-42, np.float32)  # the inverse of its scale overflows: codes stay in range
        tiny[:, ::3] *= -1
        kind, actual = encode(dtype, tiny)
        assert np.abs(gguf.quants.dequantize(actual, kind)).max() <= 1e-6, dtype
