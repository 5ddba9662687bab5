#!/usr/bin/env python3
"""Prints the golden numbers of calibrator_test.cc: thresholds, in bins, of the entropy calibrators as NVIDIA publishes
the algorithm (pytorch_quantization/calib/histogram.py, _compute_amax_entropy), written down anew with numpy, and of the
least squared error. The histograms are made of whole numbers alone, so that C++ makes the same ones.
"""
import numpy as np

SAMPLES = 200_000


def random_words(seed):
    """SplitMix64 of seed * 2^32 + 1, 2, ..."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, SAMPLES + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def signed_sums(words):
    """Eight bytes each, less their mean: nearly normal, from -1020 to 1020."""
    return words.view(np.uint8).reshape(-1, 8).astype(np.int64).sum(axis=1) - 1020


def runs(words):
    """Ones at the low end: 0 in a half, 1 in a quarter, ..."""
    with np.errstate(over="ignore"):
        lowest_zero = ~words & (words + np.uint64(1))
    return np.log2(lowest_zero.astype(np.float64)).astype(np.int64)


def gaussian():
    return np.abs(signed_sums(random_words(1))) * 2 + (random_words(2) & np.uint64(1)).astype(np.int64), 2048


def decay(seed, step):
    """Half as likely every `step` bins."""
    return runs(random_words(seed)) * step + (random_words(seed + 1) % np.uint64(step)).astype(np.int64)


def laplace():
    return np.minimum(decay(3, 70) + decay(20, 70), 2047), 2048


def rectified():
    sums = signed_sums(random_words(5))
    return np.maximum(sums, 0) * 2, 2048


def spiky():
    words = random_words(6)
    spikes = (words % np.uint64(7)).astype(np.int64) * 290 + 40
    return np.where((words >> np.uint64(40)) % np.uint64(4) == 0, np.abs(signed_sums(random_words(7))), spikes), 2048


def outliers():
    words = random_words(8)
    far = 1400 + (words % np.uint64(648)).astype(np.int64)
    return np.where((words >> np.uint64(32)) % np.uint64(5000) == 0, far, np.abs(signed_sums(random_words(9))) // 4), 2048


def grown():
    return np.minimum(decay(10, 190) + decay(22, 190), 4999), 5000


def sparse():
    """Equal counts in a few bins: every threshold behind them has no divergence at all."""
    return np.arange(SAMPLES) % 25 * 20, 2048


def bimodal():
    """Two hills with nothing between them."""
    hill = (signed_sums(random_words(13)) + 1020) // 8
    return np.where(random_words(12) % np.uint64(3) == 0, hill + 1500, hill), 2048


def gaps():
    """Three of four bins are empty."""
    return np.abs(signed_sums(random_words(14))) // 2 * 4, 2048


def uniform():
    return (random_words(15) % np.uint64(2048)).astype(np.int64), 2048


def narrow():
    """Nothing behind the first threshold."""
    return np.abs(signed_sums(random_words(16))) // 10, 2048


def single():
    """All in one bin. NVIDIA's divergences are NaN as long as nothing lies below the threshold, and its argmin takes a NaN
    for the least: threshold 700, which cuts off every value. Here NaN counts as infinite."""
    return np.full(SAMPLES, 700), 2048


KINDS = (gaussian, laplace, rectified, spiky, outliers, grown, sparse, bimodal, gaps, uniform, narrow, single)


def counts(kind):
    values, bins = kind()
    return np.bincount(values, minlength=bins).astype(np.float64)


def relative_entropy(p, q):
    """scipy.stats.entropy(p, q)."""
    p, q = p / p.sum(), q / q.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where((p > 0) & (q > 0), p * np.log(p / q), np.where((p == 0) & (q >= 0), 0, np.inf))
    return terms.sum()


def divergences(histogram, levels=128):
    bins = histogram.copy()
    bins[0] = bins[1]
    result = []
    for i in range(levels, len(bins) + 1):
        groups = np.digitize(np.arange(i), np.linspace(0, i, num=levels + 1)) - 1
        groups[bins[:i] == 0] = -1
        filled = groups >= 0
        sums = np.bincount(groups[filled], weights=bins[:i][filled], minlength=levels)
        sizes = np.bincount(groups[filled], minlength=levels)
        means = sums / np.maximum(sizes, 1)
        candidate = np.where(filled, means[groups], 0)
        reference = bins[:i].copy()
        reference[-1] += bins[i:].sum()
        result.append(relative_entropy(reference, candidate))
    return np.array(result)


def least_squares(histogram, levels=128):
    centers = np.arange(len(histogram)) + 0.5
    errors = []
    for center in centers[levels:]:
        step = center / (levels - 1)
        codes = np.minimum(np.rint(centers / step), levels - 1) * step
        errors.append((histogram * (codes - centers) ** 2).sum())
    return centers[levels + int(np.argmin(errors))]


def main():
    for kind in KINDS:
        histogram = counts(kind)
        found = divergences(histogram)
        last = 128 + len(found) - 1 - int(np.argmin(found[::-1]))
        first = 128 + int(np.argmin(found))
        print(f'    Golden{{"{kind.__name__}", {last}, {first}, {least_squares(histogram)}}},')


if __name__ == "__main__":
    main()
