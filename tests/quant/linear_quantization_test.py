"""Linear quantization of every width and sharing of scales, code for code against its formula in numpy."""
import itertools
import os
import subprocess
import sys

import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "linear_quantization_tool")


def run(values, bits, kind, sharing, scales):
    words = [TOOL, str(bits), kind, sharing, *map(str, values.shape)]
    data = subprocess.run(words, input=values.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    codes = np.frombuffer(data, np.int8, values.size).reshape(values.shape)
    return codes, np.frombuffer(data, np.float32, scales, values.size), np.frombuffer(data, np.int32, scales, values.size + 4 * scales)


def formula(values, bits, kind):
    """Of one scale: the codes, the scale and the zero point."""
    half = 1 << (bits - 1)
    low, high = (1 - half if kind == "symmetric" else -half), half - 1
    smallest, largest = np.float64(min(values.min(), 0)), np.float64(max(values.max(), 0))
    span, steps = (max(-smallest, largest), high) if kind == "symmetric" else (largest - smallest, high - low)
    scale = np.float32(span / steps) if span else np.float32(1)
    zero = 0 if kind == "symmetric" else int(np.clip(low - np.rint(np.float32(smallest) / scale), low, high))
    return np.clip(np.rint(values / scale) + zero, low, high).astype(np.int8), scale, zero


def parts(shape, sharing):
    """The indices of the values that share a scale, in the order of the scales."""
    places = np.arange(np.prod(shape)).reshape(shape)
    if sharing == "tensor":
        return [places.ravel()]
    if sharing[0] == "g":
        group = int(sharing[1:])
        return [row[i:i + group] for row in places.reshape(-1, shape[-1]) for i in range(0, shape[-1], group)]
    return [part.ravel() for part in np.moveaxis(places, int(sharing), 0)]


def main():
    random = np.random.default_rng(7)
    tried = 0
    for shape in ((37,), (8, 96), (3, 5, 33), (2, 3, 4, 16)):
        data = {
            "normal": random.normal(size=shape),
            "positive": random.exponential(size=shape) + 1,
            "one large": np.where(random.random(shape) < 0.02, 100.0, random.normal(size=shape)),
            "ties": random.integers(-127, 128, shape) / 2.0,
            "zeros": np.zeros(shape),
        }
        sharings = ["tensor", "g1", "g32", "g7", "g1000", *map(str, range(len(shape)))]
        for (name, values), sharing, bits, kind in itertools.product(data.items(), sharings, (2, 3, 4, 5, 6, 7, 8), ("symmetric", "asymmetric")):
            if name != "normal" and bits not in (4, 8):
                continue
            values = values.astype(np.float32)
            groups = parts(shape, sharing)
            codes, scales, zeros = run(values, bits, kind, sharing, len(groups))
            for index, places in enumerate(groups):
                expected = formula(values.ravel()[places], bits, kind)
                found = codes.ravel()[places], scales[index], zeros[index]
                if not all(np.array_equal(a, b) for a, b in zip(found, expected)):
                    sys.exit(f"{name} {shape} {sharing} {bits} bits {kind}, scale {index}: {found}, expected {expected}")
            tried += 1
    print(f"{tried} tensors: codes, scales and zero points as the formula gives them")


if __name__ == "__main__":
    main()
