// The driver of ConvCodes, over an instruction set's products of codes P. Plain data and functions of
// internal linkage, so that ISA files may include it.
//
// A group of an image is a product: weights [rows, depth] times windows [depth, pixels]. Windows of up to 16
// vectors of pixels are gathered into scratch (code_windows.h), and all rows are multiplied with them there.
// The sums are exact, so that how pixels and rows are cut changes nothing.
#pragma once

#include "cpu/code_windows.h"

namespace lathe::conv_codes {
namespace {

/// A tile of outputs.
struct Tile {
  const std::int8_t* weights;  // rows that are `depth` apart
  std::int64_t depth;
  const std::byte* windows;  // vectors that are vector_bytes apart
  std::int64_t vector_bytes;
  const std::int32_t* starts;  // of the rows
  const codes::Epilogue* epilogue;
  std::int64_t row;  // the first
  std::int64_t y;    // the first output; rows are `pixels` apart
  std::int64_t pixels;
  std::int64_t count;  // pixels of the tile, at most its vectors
};

/// Sums [rows][kVectors * 16].
template <class V, int kVectors>
void finish_tile(const Tile& tile, int rows, const std::int32_t* sums) {
  const codes::Epilogue epilogue = *tile.epilogue;
  const std::int64_t pixels = tile.pixels;
  const std::int64_t count = tile.count;
  std::int64_t y = tile.y;
  for (int r = 0; r < rows; ++r, y += pixels) {
    const auto terms = codes::terms_of_row<V>(epilogue, tile.row + r);
    for (int v = 0; v < kVectors; ++v, sums += kLanes) {
      const std::int64_t rest = count - v * kLanes;
      codes::finish<V>(epilogue, load_sums(V{}, sums), terms, y + v * kLanes, rest < kLanes ? rest : kLanes);
    }
  }
}

template <class P, int kRows, int kVectors>
void multiply(const Tile& tile) {
  using V = typename P::Vector;
  typename P::Sums sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = P::start(tile.starts[r]);
  std::int8_t rest[kRows * P::kStep] = {};  // of the depth, with zeros behind
  const std::int64_t whole = tile.depth / P::kStep * P::kStep;
  for (std::int64_t k = whole; k < tile.depth; ++k)
    for (int r = 0; r < kRows; ++r) rest[r * P::kStep + k - whole] = tile.weights[r * tile.depth + k];
  const std::int8_t* weights = whole == 0 ? rest : tile.weights;
  std::int64_t stride = whole == 0 ? P::kStep : tile.depth;
  const std::byte* windows = tile.windows;
  const std::byte* const rest_windows = windows + whole / P::kStep * kStepBytes;
  const std::byte* const end = windows + tile.vector_bytes;
  while (windows != end) {
    typename P::Codes window[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) window[v] = P::load(windows + v * tile.vector_bytes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto weight = P::weights(weights + r * stride);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = P::dot(sums[r][v], window[v], weight);
    }
    windows += kStepBytes;
    weights += P::kStep;
    if (windows == rest_windows) {
      weights = rest;
      stride = P::kStep;
    }
  }
  // the sums leave their registers before they are finished
  alignas(64) std::int32_t stored[kRows * kVectors * kLanes];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) P::store(stored + (r * kVectors + v) * kLanes, sums[r][v]);
  finish_tile<V, kVectors>(tile, kRows, stored);
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

/// One call of one thread.
template <class P, int kRows, int kVectors>
class Convolution {
 public:
  explicit Convolution(const KernelCall& call)
      : problem_(problem_of(call)),
        scratch_(scratch_of(problem_, P::kStep)),
        epilogue_(codes::epilogue_of(call, kLeast)),
        memory_(static_cast<std::byte*>(call.scratch)) {
    problem_.zero = *static_cast<const std::uint8_t*>(call.inputs[code_product::kXZero].data);
    problem_.unsigned_zero = codes::unsigned_zero(call);
  }

  void run(const KernelCall& call) {
    const std::int64_t vectors = (problem_.pixels + kLanes - 1) / kLanes;
    // Threads share an image's rows where it has few pixels: each then reads weights of its own alone.
    const std::int64_t tiles = (problem_.rows + kRows - 1) / kRows;
    if (problem_.items == 1 && tiles >= call.threads && problem_.pixels <= problem_.rows) {
      const Range part = share(tiles, call.thread, call.threads);
      const std::int64_t end = part.end * kRows < problem_.rows ? part.end * kRows : problem_.rows;
      return multiply_part(0, {part.begin * kRows, end}, {0, vectors});
    }
    const Range units = share(problem_.items * vectors, call.thread, call.threads);
    for (std::int64_t unit = units.begin; unit < units.end;) {
      const std::int64_t item = unit / vectors;
      const std::int64_t end = units.end < (item + 1) * vectors ? units.end : (item + 1) * vectors;
      multiply_part(item, {0, problem_.rows}, {unit - item * vectors, end - item * vectors});
      unit = end;
    }
  }

 private:
  /// Some rows and vectors of pixels of an item, in chunks of equal size.
  void multiply_part(std::int64_t item, Range rows, Range vectors) {
    const std::int64_t group = item % problem_.groups;
    if (group != started_) {
      for (std::int64_t row = rows.begin; row < rows.end; ++row)
        starts()[row] = P::row_start(problem_.weights + (group * problem_.rows + row) * problem_.depth,
                                     problem_.depth, problem_.unsigned_zero);
      started_ = group;
    }
    const std::int64_t count = vectors.end - vectors.begin;
    const std::int64_t chunks = (count + scratch_.vectors - 1) / scratch_.vectors;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const Range part = share(count, chunk, chunks);
      const std::int64_t begin = (vectors.begin + part.begin) * kLanes;
      const std::int64_t end = (vectors.begin + part.end) * kLanes;
      multiply_chunk(item, rows, {begin, end < problem_.pixels ? end : problem_.pixels});
    }
  }

  void multiply_chunk(std::int64_t item, Range rows, Range pixels) {
    gather<P>(problem_, scratch_, problem_.x + item * problem_.channels * problem_.input_pixels, pixels,
              memory_, reinterpret_cast<std::uint8_t*>(memory_ + scratch_.rows));
    const std::int64_t first_row = item % problem_.groups * problem_.rows;
    const std::int64_t vectors = (pixels.end - pixels.begin + kLanes - 1) / kLanes;
    const std::int64_t panels = (vectors + kVectors - 1) / kVectors;
    for (std::int64_t row = rows.begin; row < rows.end; row += kRows) {
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        const Range part = share(vectors, panel, panels);
        const std::int64_t first = part.begin * kLanes;
        const Tile tile{problem_.weights + (first_row + row) * problem_.depth,
                        problem_.depth,
                        memory_ + part.begin * scratch_.vector_bytes,
                        scratch_.vector_bytes,
                        starts() + row,
                        &epilogue_,
                        first_row + row,
                        (item * problem_.rows + row) * problem_.pixels + pixels.begin + first,
                        problem_.pixels,
                        pixels.end - pixels.begin - first};
        Tiles<P, kRows, kVectors>::find(rows.end - row, part.end - part.begin)(tile);
      }
    }
  }

  std::int32_t* starts() { return reinterpret_cast<std::int32_t*>(memory_ + scratch_.starts); }

  Problem problem_;
  Scratch scratch_;
  codes::Epilogue epilogue_;
  std::byte* memory_;
  std::int64_t started_ = -1;  // the group whose starts are there
};

template <class P, int kRows, int kVectors>
void run(const KernelCall& call) {
  Convolution<P, kRows, kVectors>(call).run(call);
}

template <class P>
std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(scratch_of(problem_of(call), P::kStep).bytes);
}

}  // namespace
}  // namespace lathe::conv_codes
