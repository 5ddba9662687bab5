"""What the searches write, against the gguf package: it reads the same numbers, and its own encoders lose more."""
import os
import subprocess

import gguf
import numpy as np

TOOLS = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests")
TYPES = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4"]
ROWS, COLUMNS = 64, 512


def tool(*words, data):
    return subprocess.run([os.path.join(TOOLS, words[0]), *map(str, words[1:])], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


def quantized(dtype, values, importance=None):
    data = (b"" if importance is None else importance.tobytes()) + values.tobytes()
    words = ["quantize_tool", dtype, "best", ROWS, COLUMNS, "alike" if importance is None else "importance"]
    return np.frombuffer(tool(*words, data=data), np.uint8)


def check(dtype, values, importance=None):
    kind = gguf.GGMLQuantizationType[dtype.upper()]
    raw = quantized(dtype, values, importance)
    theirs = gguf.quants.dequantize(raw.reshape(ROWS, -1), kind).reshape(values.shape)
    ours = np.frombuffer(tool("decode_tool", dtype, values.size, data=raw.tobytes()), np.float32).reshape(values.shape)
    assert (ours.view(np.uint32) == theirs.view(np.uint32)).all(), f"{dtype}: the gguf package reads other numbers"
    weights = 1 if importance is None else importance
    error = float((np.square(theirs.astype(np.float64) - values) * weights).sum())
    try:
        plain = gguf.quants.dequantize(gguf.quants.quantize(values, kind), kind).reshape(values.shape)
    except NotImplementedError:
        print(f"{dtype}: read alike")
        return
    other = float((np.square(plain.astype(np.float64) - values) * weights).sum())
    assert error < 0.95 * other, f"{dtype}: error {error:.4g}, of the gguf package {other:.4g}"
    print(f"{dtype}: read alike, {100 * (1 - error / other):.1f} % less error than of the gguf package")


if __name__ == "__main__":
    random = np.random.default_rng(20261123)
    weights_of = {
        "normal": random.normal(size=(ROWS, COLUMNS)),
        "heavy tails": random.standard_t(4, size=(ROWS, COLUMNS)) * 10.0 ** random.integers(-3, 1, (ROWS, 1)),
    }
    for name, values in weights_of.items():
        print(name)
        for dtype in TYPES:
            check(dtype, values.astype(np.float32))
            check(dtype, values.astype(np.float32), np.exp(random.normal(size=COLUMNS)).astype(np.float32))
