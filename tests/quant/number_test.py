"""Every number format both ways, against numpy and ml_dtypes and against a search in its own table of numbers.

Decoded: every pattern (of fp32 a million). Encoded: every number, every middle between two neighbours and the numbers
just below and above it (in float32 and in float64), what lies beyond the largest, and a million random floats.
"""
import os
import subprocess
import sys

import ml_dtypes
import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "number_tool")
NONE = 0xFFFFFFFF
TYPES = {
    "fp32": np.float32,
    "tf32": None,  # nobody's type: held against the bits of float32
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "e8m0": ml_dtypes.float8_e8m0fnu,
    "int8": np.int8,
    "fp4_e2m1": ml_dtypes.float4_e2m1fn,
    "int4": ml_dtypes.int4,
}


def tool(name, way, data):
    result = subprocess.run([TOOL, name, way], input=data.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, np.float64 if way == "decode" else np.uint32)


def same(a, b):
    """Equal numbers with equal signs; any NaN is as good as another."""
    return ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))


def check(name, what, good, *columns):
    if not good.all():
        wrong = np.flatnonzero(~good)
        sys.exit(f"{name}, {what}: {wrong.size} of {good.size} differ, first " + ", ".join(str(c[wrong[0]]) for c in columns))


def peer_decode(name, bits, patterns):
    if name == "tf32":
        return (patterns << 13).view(np.float32).astype(np.float64)
    if name == "int4":
        return ((patterns.astype(np.int64) + 8) % 16 - 8).astype(np.int8).astype(ml_dtypes.int4).astype(np.float64)
    size = {8: np.uint8, 4: np.uint8, 16: np.uint16, 32: np.uint32}[bits]
    return patterns.astype(size).view(TYPES[name]).astype(np.float64)


def peer_encode(name, bits, values):
    """Patterns of float32 values as the other library has them."""
    if name == "tf32":
        words = values.view(np.uint32).astype(np.uint64)
        rounded = (words + 0xFFF + ((words >> 13) & 1)) >> 13
        return np.where(np.isnan(values), (words >> 31 << 18) | 0x3FE00, rounded).astype(np.uint32)
    if name.startswith("int"):  # numpy wraps what is beyond; codes are held to the range
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        return (np.clip(np.rint(values.astype(np.float64)), low, high).astype(np.int64) & ((1 << bits) - 1)).astype(np.uint32)
    size = {8: np.uint8, 4: np.uint8, 16: np.uint16, 32: np.uint32}[bits]
    patterns = values.astype(TYPES[name]).view(size).astype(np.uint32)
    if name == "e8m0":  # ml_dtypes rounds up all that lies between its two smallest, we to nearest
        between = (values > 2.0**-127) & (values < 2.0**-126)
        patterns[between] = values[between] >= 1.5 * 2.0**-127
    return patterns


def table_encode(numbers, values):
    """Nearest of the finite `numbers`, which ascend from 0 by pattern; ties to the even pattern. Magnitudes."""
    above = np.clip(np.searchsorted(numbers, values), 1, numbers.size - 1)
    low, high = numbers[above - 1], numbers[above]
    to_low, to_high = values - low, high - values  # exact: neighbours are within a factor of two, or 0
    up = (to_high < to_low) | ((to_high == to_low) & (above % 2 == 0))
    return np.where(up, above, above - 1)


def check_encode(name, bits, what, values, signed=True):
    values = np.asarray(values)
    if signed:
        values = np.concatenate([values, -values])
    if name.startswith(("int", "fp4")):
        values = values[~np.isnan(values)]
    ours = tool(name, "encode", values.astype(np.float64))
    narrow = values.astype(np.float32)
    peers = peer_encode(name, bits, narrow)
    exact = (narrow == values) | np.isnan(values)
    nan = np.isnan(values)
    differs = (ours != peers) & exact
    if name in ("fp32", "fp16"):  # numpy keeps a NaN's payload
        differs &= ~nan
    check(name, what, ~differs, values, ours, peers)
    return exact.sum()


def check_format(name, bits, random):
    every = bits < 32
    patterns = np.arange(1 << bits, dtype=np.uint32) if every else random.integers(0, 1 << 32, 1_000_000).astype(np.uint32)
    if not every:  # both ends of every exponent
        patterns = np.concatenate([patterns, [(s << 31) | (e << 23) | m for s in (0, 1) for e in range(256)
                                              for m in (0, 1, 2, 0x3FFFFF, 0x400000, 0x7FFFFE, 0x7FFFFF)]]).astype(np.uint32)
    values = tool(name, "decode", patterns)
    check(name, "decode", same(values, peer_decode(name, bits, patterns)), patterns, values)

    back = tool(name, "encode", values)
    if not name.startswith(("int", "fp4")):
        again = tool(name, "decode", back)
        check(name, "decode and encode a NaN", np.isnan(again[np.isnan(values)]), patterns[np.isnan(values)])
    check(name, "decode and encode", (back == patterns) | np.isnan(values), patterns, values, back)

    # The positive numbers in ascending order, and neighbours
    finite = values[np.isfinite(values) & ~np.signbit(values)]
    finite = np.unique(np.concatenate([finite, [0.0]])) if not every else finite
    middles = finite[:-1] + (finite[1:] - finite[:-1]) / 2
    narrow = middles[middles.astype(np.float32) == middles].astype(np.float32)
    around = [np.nextafter(narrow, np.float32(0)), narrow, np.nextafter(narrow, np.float32(np.inf))]
    compared = check_encode(name, bits, "middles", np.concatenate(around).astype(np.float64))
    if every and bits > 4:
        assert compared > 5 * finite.size - 100, (name, compared)

    # The same middles in float64, one step of a double off them, by search in the table
    if every and not name.startswith("int") and name != "e8m0":
        doubles = np.concatenate([np.nextafter(middles, 0), middles, np.nextafter(middles, np.inf), finite])
        expected = table_encode(finite, doubles)
        ours = tool(name, "encode", doubles)
        check(name, "middles in float64", ours == expected, doubles, ours, expected)
        negative = tool(name, "encode", -doubles)
        check(name, "negative middles", negative == (expected | 1 << (bits - 1)), doubles, negative)
    if name == "fp32":
        doubles = np.concatenate([np.nextafter(middles, 0), middles, np.nextafter(middles, np.inf), [3.4e38, 1e300, 5e-324]])
        expected = doubles.astype(np.float32).view(np.uint32)
        check(name, "middles in float64", tool(name, "encode", doubles) == expected, doubles, expected)

    # Beyond the largest, and what has no size
    largest = finite[-1]
    step = largest - finite[-2]
    beyond = [largest, largest + step / 4, largest + step / 2, largest + 3 * step / 4, largest + step, 2 * largest, 3 * largest]
    ends = np.array([b for b in beyond if b < 3.4e38] + [np.finfo(np.float32).max, np.inf, np.nan, 0.0, 1e-45, 1e-40,
                                                             2.0**-126, 2.0**-127, 2.0**-128, 2.0**-149]).astype(np.float32)
    ends = np.concatenate([ends] + [np.nextafter(ends, np.float32(d)) for d in (0, np.inf)]).astype(np.float64)
    check_encode(name, bits, "ends", ends)

    # A million random floats: bits, and of the format's own range
    words = random.integers(0, 1 << 32, 500_000).astype(np.uint32).view(np.float32)
    usual = (random.normal(size=500_000) * min(float(largest), 1e30) / 3).astype(np.float32)
    check_encode(name, bits, "random bits", words.astype(np.float64), signed=False)
    check_encode(name, bits, "random numbers", usual.astype(np.float64), signed=False)

    # Neighbours: the numbers in order
    if every:
        known = ~np.isnan(values)
        order = np.unique(values[known] + 0.0)
        below, above = tool(name, "neighbours", patterns[known]).reshape(-1, 2).T
        place = np.searchsorted(order, values[known])
        for side, found, exists in (("below", below, place > 0), ("above", above, place < order.size - 1)):
            check(name, f"none {side}", (found == NONE) == ~exists, patterns[known], found)
            neighbour = tool(name, "decode", np.where(exists, found, 0).astype(np.uint32))
            expected = order[np.clip(place + (1 if side == "above" else -1), 0, order.size - 1)]
            check(name, side, (neighbour == expected) | ~exists, patterns[known], neighbour, expected)
    print(f"{name}: {patterns.size} patterns, {finite.size} numbers and their middles, a million random floats: equal")


def main():
    lines = subprocess.run([TOOL, "formats"], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n")
    formats = dict(line.split() for line in lines if line)
    assert set(formats) == set(TYPES), "each format has a type here to be held against"
    random = np.random.default_rng(20261123)
    with np.errstate(all="ignore"):
        for name, bits in formats.items():
            check_format(name, int(bits), random)


if __name__ == "__main__":
    main()
