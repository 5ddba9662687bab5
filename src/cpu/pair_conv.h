// The driver of Conv and FusedConv with weights in bf16, over the products P of an instruction set (its pairs
// are those of avx2/pairs.h) and the size of its register tile. Plain data and functions of internal linkage,
// so that ISA files may include it. P's static members:
//   sum(a, b)              of vectors
//   run(function, rows)    the function, with denormal numbers as zeros
//
// The product of conv.h, of windows that are rounded to bf16 where they are gathered, in pairs of the depth:
//
//   [pairs of the depth][kChunkStride pixels][2]
//
// Arithmetic "bf16": blocks of 512 of the depth; in each, dot products of pairs (portable/linear.cc) in one
// chain from zero, in ascending order, with a zero beside an odd last number; the sums of the blocks are
// added to the bias (or zero) in ascending order. Denormal numbers are zeros in products and in these sums.
#pragma once

#include "cpu/conv.h"

namespace lathe::pair_conv {
namespace {

using conv::kChunkStride;
using conv::kChunkVectors;
using conv::kLanes;
using conv::Problem;
using conv::Range;
using conv::share;

constexpr std::int64_t kBlock = 512;  // of the depth
constexpr std::int64_t kBatch = 16;   // of the depth, gathered before they are rounded
constexpr std::int64_t kWindowFloats = kBlock / 2 * kChunkStride;
constexpr std::size_t kScratchBytes =
    static_cast<std::size_t>(kWindowFloats + kBatch * kChunkStride) * sizeof(float);

/// A tile of outputs for a block of the depth.
struct Tile {
  const std::uint16_t* weights;  // rows that are depth_stride apart
  std::int64_t depth_stride;
  const std::uint16_t* windows;
  std::int64_t depth;
  const float* start;  // what the block's sums are added to: the bias, or null for zero
  bool adds;           // to the output instead
  float* y;            // rows that are `pixels` apart
  std::int64_t pixels;
  std::int64_t count;  // pixels of the tile, at most its vectors
};

template <class P, int kRows, int kVectors>
void multiply(const Tile& tile) {
  using V = typename P::Vector;
  using Pairs = typename P::Pairs;
  V sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = broadcast(V{}, 0.0f);
  const std::uint16_t* windows = tile.windows;
  const std::uint16_t* weights = tile.weights;
  const auto add = [&](auto weight_of) {
    Pairs window[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) window[v] = load(Pairs{}, windows + v * 2 * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Pairs weight = repeat_word(Pairs{}, weight_of(weights + r * tile.depth_stride));
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = dot(sums[r][v], weight, window[v]);
    }
  };
  for (std::int64_t k = 0; k + 1 < tile.depth; k += 2, weights += 2, windows += 2 * kChunkStride)
    add([](const std::uint16_t* weight) {
      std::uint32_t pair;
      __builtin_memcpy(&pair, weight, sizeof pair);
      return pair;
    });
  if (tile.depth % 2 != 0) add([](const std::uint16_t* weight) { return std::uint32_t{*weight}; });
  alignas(64) float finished[kRows * kVectors * kLanes];  // loops over the sums would keep them in memory
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(finished + (r * kVectors + v) * kLanes, sums[r][v]);
  for (int r = 0; r < kRows; ++r) {
    const V start = broadcast(V{}, tile.start == nullptr ? 0.0f : tile.start[r]);
    for (int v = 0; v < kVectors; ++v) {
      const V sum = load(V{}, finished + (r * kVectors + v) * kLanes);
      float* y = tile.y + r * tile.pixels + v * kLanes;
      const std::int64_t count = tile.count - v * kLanes;
      if (count >= kLanes)
        store(y, P::sum(tile.adds ? load(V{}, y) : start, sum));
      else
        store_first(y, P::sum(tile.adds ? load_first(start, y, count) : start, sum), count);
    }
  }
}

using Multiply = void (*)(const Tile&);

template <class P, int kRows, int kVectors>
struct Tiles {
  static Multiply find(std::int64_t rows, std::int64_t vectors) {
    if (rows < kRows) {
      if constexpr (kRows > 1) return Tiles<P, kRows - 1, kVectors>::find(rows, vectors);
    }
    if (vectors < kVectors) {
      if constexpr (kVectors > 1) return Tiles<P, kRows, kVectors - 1>::find(rows, vectors);
    }
    return multiply<P, kRows, kVectors>;
  }
};

/// A tile's rows of a whole chunk of pixels.
struct Rows {
  Tile tile;
  std::int64_t rows;  // at most a tile's
};

/// Not inlined, so that nothing moves out of P::run.
template <class P, int kRows, int kVectors>
[[gnu::noinline]] void multiply_rows(const Rows& rows) {
  const std::int64_t vectors = (rows.tile.count + kLanes - 1) / kLanes;
  const std::int64_t panels = (vectors + kVectors - 1) / kVectors;
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const Range part = share(vectors, panel, panels);
    Tile tile = rows.tile;
    tile.windows += part.begin * kLanes * 2;
    tile.y += part.begin * kLanes;
    tile.count -= part.begin * kLanes;
    Tiles<P, kRows, kVectors>::find(rows.rows, part.end - part.begin)(tile);
  }
}

/// Windows of `pixels` for a block of the depth, each pair of rows in whole vectors.
template <class P>
void gather_pairs(const Problem& problem, std::int64_t item, Range depth, Range pixels, float* rows,
                  std::uint16_t* target) {
  using V = typename P::Vector;
  using Pairs = typename P::Pairs;
  const float* image = problem.x + item * problem.channels * problem.input_pixels;
  const std::int64_t count = pixels.end - pixels.begin;
  // Pixels of a pointwise convolution are windows already, where whole vectors of them may be read.
  const bool in_place = is_pointwise(problem) && problem.factors == nullptr && count % kLanes == 0;
  const std::int64_t stride = in_place ? problem.input_pixels : kChunkStride;
  for (std::int64_t batch = depth.begin; batch < depth.end; batch += kBatch) {
    const std::int64_t end = batch + kBatch < depth.end ? batch + kBatch : depth.end;
    const float* source = in_place ? image + batch * problem.input_pixels + pixels.begin : rows;
    if (!in_place) conv::gather<V>(problem, image, {batch, end}, pixels, rows);
    if (problem.factors != nullptr)
      conv::scale_channels<V>(problem, item % problem.groups, {batch, end},
                              (count + kLanes - 1) / kLanes * kLanes, rows);
    for (std::int64_t k = batch; k < end; k += 2, source += 2 * stride, target += 2 * kChunkStride) {
      const bool is_pair = k + 1 < end;
      for (std::int64_t i = 0; i < count; i += kLanes) {
        const V odd = is_pair ? load(V{}, source + stride + i) : broadcast(V{}, 0.0f);
        store(target + 2 * i, rounded_pairs(Pairs{}, load(V{}, source + i), odd));
      }
    }
  }
}

/// What a thread computes with.
struct Work {
  Problem problem;
  const std::uint16_t* weights;
  float* scratch;
};

/// Some rows and at most kChunkVectors vectors of pixels of an item.
template <class P, int kRows, int kVectors, class Functions>
void multiply_chunk(const Work& work, std::int64_t item, Range rows, Range pixels) {
  const Problem& problem = work.problem;
  const std::int64_t first_row = item % problem.groups * problem.rows;
  const std::int64_t count = pixels.end - pixels.begin;
  auto* windows = reinterpret_cast<std::uint16_t*>(work.scratch);
  for (std::int64_t k = 0; k == 0 || k < problem.depth; k += kBlock) {
    const std::int64_t end = k + kBlock < problem.depth ? k + kBlock : problem.depth;
    gather_pairs<P>(problem, item, {k, end}, pixels, work.scratch + kWindowFloats, windows);
    for (std::int64_t row = rows.begin; row < rows.end; row += kRows) {
      const std::int64_t row_end = row + kRows < rows.end ? row + kRows : rows.end;
      const std::int64_t output = (item * problem.rows + row) * problem.pixels + pixels.begin;
      const Tile tile{work.weights + (first_row + row) * problem.depth + k,
                      problem.depth,
                      windows,
                      end - k,
                      problem.bias == nullptr ? nullptr : problem.bias + first_row + row,
                      k > 0,
                      problem.y + output,
                      problem.pixels,
                      count};
      P::run(multiply_rows<P, kRows, kVectors>, Rows{tile, row_end - row});
      if (end < problem.depth || problem.epilogue.program.count == 0) continue;
      for (std::int64_t r = 0; r < row_end - row; ++r)
        conv::run_epilogue<Functions>(problem.epilogue, tile.y + r * problem.pixels,
                                      output + r * problem.pixels, count);
    }
  }
}

/// Some rows and vectors of pixels of an item, in chunks of equal size.
template <class P, int kRows, int kVectors, class Functions>
void multiply_part(const Work& work, std::int64_t item, Range rows, Range vectors) {
  const std::int64_t count = vectors.end - vectors.begin;
  const std::int64_t chunks = (count + kChunkVectors - 1) / kChunkVectors;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Range part = share(count, chunk, chunks);
    const std::int64_t begin = (vectors.begin + part.begin) * kLanes;
    const std::int64_t end = (vectors.begin + part.end) * kLanes;
    multiply_chunk<P, kRows, kVectors, Functions>(
        work, item, rows, {begin, end < work.problem.pixels ? end : work.problem.pixels});
  }
}

template <class P, int kRows, int kVectors, bool kFused, class Functions>
void run(const KernelCall& call) {
  const Work work{conv::problem_of<kFused>(call), static_cast<const std::uint16_t*>(call.inputs[1].data),
                  static_cast<float*>(call.scratch)};
  const Problem& problem = work.problem;
  const std::int64_t vectors = (problem.pixels + kLanes - 1) / kLanes;
  if (conv::shares_rows(problem, kRows, call.threads)) {
    const Range tiles = share((problem.rows + kRows - 1) / kRows, call.thread, call.threads);
    const std::int64_t end = tiles.end * kRows < problem.rows ? tiles.end * kRows : problem.rows;
    return multiply_part<P, kRows, kVectors, Functions>(work, 0, {tiles.begin * kRows, end}, {0, vectors});
  }
  const Range units = share(problem.items * vectors, call.thread, call.threads);
  for (std::int64_t unit = units.begin; unit < units.end;) {
    const std::int64_t item = unit / vectors;
    const std::int64_t end = units.end < (item + 1) * vectors ? units.end : (item + 1) * vectors;
    multiply_part<P, kRows, kVectors, Functions>(work, item, {0, problem.rows},
                                                 {unit - item * vectors, end - item * vectors});
    unit = end;
  }
}

}  // namespace
}  // namespace lathe::pair_conv
