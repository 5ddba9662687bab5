// The driver of ConvCodes, over an instruction set's products of codes P. Plain data and functions of
// internal linkage, so that ISA files may include it.
//
// A group of an image is a product: weights [rows, depth] times windows [depth, pixels], where depth runs
// over channels and then the kernel. Windows of up to 16 vectors of pixels are gathered into scratch,
//
//   [vector of 16 pixels][depth / P::kStep][16 pixels][P::kStep codes]      64 bytes for each step
//
// and all rows are multiplied with them there. The sums are exact, so that how pixels and rows are cut
// changes nothing.
#pragma once

#include "cpu/code_epilogue.h"
#include "graph/window.h"

namespace lathe::conv_codes {
namespace {

constexpr int kLeast = 6;  // the attribute
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kStepBytes = 64;
constexpr std::int64_t kChunkVectors = 16;         // pixels that are gathered at once, at most
constexpr std::int64_t kWindowBytes = 288 * 1024;  // of scratch, where the depth lets them be more than one
constexpr std::int64_t kSlack = 64;                // what gathering a line may write behind it
constexpr std::int64_t kRowBytes = kChunkVectors * kLanes + kSlack;
constexpr std::int64_t kBatch = 16;  // rows of the depth that are gathered before they are interleaved

struct Problem {
  int axes;
  WindowAxis axis[kMaxWindowAxes];
  std::int64_t items;     // groups of all images
  std::int64_t groups;    // of an image
  std::int64_t rows;      // of a group, as all below
  std::int64_t channels;  // of the input
  std::int64_t depth;
  std::int64_t pixels;
  std::int64_t input_pixels;
  const std::uint8_t* x;
  const std::int8_t* weights;
  bool is_signed;     // x
  std::uint8_t zero;  // a code of x
  std::int32_t unsigned_zero;
  bool is_pointwise;  // pixels lie one behind the other in input and output alike
  bool is_shifted;    // lines do, of one length: an element of the kernel sees the channel moved
};

[[maybe_unused]] Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[code_product::kX];
  const TensorArg& weights = call.inputs[code_product::kWeight];
  Problem problem{};
  problem.axes = x.rank - 2;
  resolve_windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text},
      problem.axes, x.dims + 2, weights.dims + 2, false, problem.axis);
  problem.groups = call.attributes[2].integer;
  problem.items = x.dims[0] * problem.groups;
  problem.rows = weights.dims[0] / problem.groups;
  problem.channels = weights.dims[1];
  problem.depth = problem.channels;
  problem.pixels = problem.input_pixels = 1;
  problem.is_pointwise = true;
  for (int i = 0; i < problem.axes; ++i) {
    const WindowAxis& axis = problem.axis[i];
    problem.depth *= axis.kernel;
    problem.pixels *= axis.output;
    problem.input_pixels *= axis.input;
    problem.is_pointwise = problem.is_pointwise && axis.kernel == 1 && axis.stride == 1 &&
                           axis.pad_begin == 0 && axis.pad_end == 0;
  }
  const WindowAxis& last = problem.axis[problem.axes - 1];
  problem.is_shifted =
      problem.axes <= 2 && problem.axis[0].stride == 1 && last.stride == 1 && last.output == last.input;
  problem.x = static_cast<const std::uint8_t*>(x.data);
  problem.weights = static_cast<const std::int8_t*>(weights.data);
  problem.is_signed = x.dtype == codes::kI8;
  return problem;
}

/// Where parts of a thread's scratch begin, and its size.
struct Scratch {
  std::int64_t vectors;       // of a chunk
  std::int64_t vector_bytes;  // of windows
  std::int64_t rows;          // of codes that are gathered before they are interleaved
  std::int64_t starts;        // i32[rows]: what a row's sums begin with
  std::int64_t bytes;
};

[[maybe_unused]] Scratch scratch_of(const Problem& problem, std::int64_t step) {
  Scratch scratch{};
  const std::int64_t steps = (problem.depth + step - 1) / step;
  scratch.vector_bytes = steps * kStepBytes;
  const std::int64_t fit = steps == 0 ? kChunkVectors : kWindowBytes / scratch.vector_bytes;
  scratch.vectors = fit < 1 ? 1 : fit < kChunkVectors ? fit : kChunkVectors;
  scratch.rows = scratch.vectors * scratch.vector_bytes;
  scratch.starts = scratch.rows + kBatch * kRowBytes;
  scratch.bytes = scratch.starts + problem.rows * static_cast<std::int64_t>(sizeof(std::int32_t));
  return scratch;
}

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

/// A place among the output's pixels.
struct Place {
  std::int64_t index[kMaxWindowAxes];
};

[[maybe_unused]] Place place_of(const Problem& problem, std::int64_t pixel) {
  Place place{};
  for (int i = problem.axes - 1; i >= 0; --i) {
    place.index[i] = pixel % problem.axis[i].output;
    pixel /= problem.axis[i].output;
  }
  return place;
}

/// What one element of the kernel sees of a channel in `count` windows from `place` on, zero points where it
/// leaves the input. May write kSlack bytes more.
template <class P>
void gather_row(const Problem& problem, const std::uint8_t* channel, const std::int64_t* kernel_index,
                Place place, std::int64_t count, std::uint8_t* target) {
  const int last = problem.axes - 1;
  const WindowAxis& axis = problem.axis[last];
  const std::int64_t shift = kernel_index[last] * axis.dilation - axis.pad_begin;
  const std::int64_t first_inside = shift >= 0 ? 0 : (-shift + axis.stride - 1) / axis.stride;
  const std::int64_t end_inside = shift >= axis.input ? 0 : (axis.input - 1 - shift) / axis.stride + 1;
  while (count > 0) {
    const std::int64_t begin = place.index[last];
    const std::int64_t length = count < axis.output - begin ? count : axis.output - begin;
    std::int64_t offset = 0;  // of the input's line
    bool inside = true;
    for (int i = 0; i < last; ++i) {
      const WindowAxis& outer = problem.axis[i];
      const std::int64_t at = first_input(outer, place.index[i]) + kernel_index[i] * outer.dilation;
      inside = inside && at >= 0 && at < outer.input;
      offset = offset * outer.input + at;
    }
    const std::int64_t first = inside ? first_inside - begin : length;
    const std::int64_t stop = inside ? end_inside - begin : length;
    P::copy_line(target, channel + offset * axis.input + begin * axis.stride + shift, axis.stride, first,
                 stop, length, problem.zero);
    target += length;
    count -= length;
    place.index[last] = 0;
    for (int i = last - 1; i >= 0 && ++place.index[i] == problem.axis[i].output; --i) place.index[i] = 0;
  }
}

/// The same where is_shifted, for the pixels from `begin` on: all lines at once, and then the columns that
/// leave the input.
template <class P>
void gather_shifted(const Problem& problem, const std::uint8_t* channel, const std::int64_t* kernel_index,
                    std::int64_t begin, std::int64_t column, std::int64_t count, std::uint8_t* target) {
  const auto shift_of = [&](int i) {
    return kernel_index[i] * problem.axis[i].dilation - problem.axis[i].pad_begin;
  };
  const auto held = [](std::int64_t number, std::int64_t most) {
    return number < 0 ? 0 : number < most ? number : most;
  };
  const int last = problem.axes - 1;
  const std::int64_t width = problem.axis[last].input;
  const std::int64_t lines = problem.pixels / width;
  const std::int64_t shift = shift_of(last);
  const std::int64_t line_shift = last == 0 ? 0 : shift_of(0);
  const std::int64_t first_line = held(-line_shift, lines);
  const std::int64_t end_line = held(problem.input_pixels / width - line_shift, lines);
  const std::int64_t first_column = held(-shift, width);
  const std::int64_t end_column = held(width - shift, width);
  const bool none = first_line >= end_line || first_column >= end_column;
  P::copy_line(target, channel + begin + line_shift * width + shift, 1,
               none ? count : first_line * width + first_column - begin,
               none ? count : (end_line - 1) * width + end_column - begin, count, problem.zero);
  const auto clear = [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = held(from, count); i < held(to, count); ++i) target[i] = problem.zero;
  };
  for (std::int64_t line = -column; line < count; line += width) {
    clear(line, line + first_column);
    clear(line + end_column, line + width);
  }
}

/// Windows of `pixels`, a batch of rows at a time: what was stored is only read when it has reached the
/// cache.
template <class P>
void gather(const Problem& problem, const Scratch& scratch, const std::uint8_t* image, Range pixels,
            std::byte* target, std::uint8_t* rows) {
  const std::int64_t count = pixels.end - pixels.begin;
  const Place place = place_of(problem, pixels.begin);
  std::int64_t kernel_index[kMaxWindowAxes] = {};
  const std::uint8_t* channel = image;
  for (std::int64_t batch = 0; batch < problem.depth; batch += kBatch) {
    const std::uint8_t* sources[kBatch];
    const std::int64_t batch_end = problem.depth - batch < kBatch ? problem.depth - batch : kBatch;
    for (std::int64_t k = 0; k < kBatch; ++k) {
      if (k >= batch_end) {
        sources[k] = sources[0];  // their weights are zero
        continue;
      }
      if (problem.is_pointwise) {
        sources[k] = image + (batch + k) * problem.input_pixels + pixels.begin;
        continue;
      }
      std::uint8_t* row = rows + k * kRowBytes;
      if (problem.is_shifted)
        gather_shifted<P>(problem, channel, kernel_index, pixels.begin, place.index[problem.axes - 1], count,
                          row);
      else
        gather_row<P>(problem, channel, kernel_index, place, count, row);
      sources[k] = row;
      int i = problem.axes - 1;
      for (; i >= 0 && ++kernel_index[i] == problem.axis[i].kernel; --i) kernel_index[i] = 0;
      if (i < 0) channel += problem.input_pixels;
    }
    for (std::int64_t k = 0; k < batch_end; k += P::kStep, target += kStepBytes)
      for (std::int64_t pixel = 0; pixel < count; pixel += kLanes)
        P::interleave(target + pixel / kLanes * scratch.vector_bytes, sources + k, pixel,
                      count - pixel < kLanes ? count - pixel : kLanes, problem.is_signed,
                      problem.unsigned_zero);
  }
}

/// A tile of outputs.
struct Tile {
  const std::int8_t* weights;  // rows that are `depth` apart
  std::int64_t depth;
  const std::byte* windows;  // vectors that are vector_bytes apart
  std::int64_t vector_bytes;
  const std::int32_t* starts;  // of the rows
  const float* factors;
  const float* bias;  // or null
  const codes::Epilogue* epilogue;
  std::int64_t y;  // the first output; rows are `pixels` apart
  std::int64_t pixels;
  std::int64_t count;  // pixels of the tile, at most its vectors
};

/// Sums as floats, [rows][kVectors * 16].
template <class V, int kVectors>
void finish_tile(const Tile& tile, int rows, const float* sums) {
  const codes::Epilogue epilogue = *tile.epilogue;
  const std::int64_t pixels = tile.pixels;
  const std::int64_t count = tile.count;
  std::int64_t y = tile.y;
  for (int r = 0; r < rows; ++r, y += pixels) {
    const V factor = broadcast(V{}, tile.factors[r]);
    const V bias = broadcast(V{}, tile.bias == nullptr ? -0.0f : tile.bias[r]);
    for (int v = 0; v < kVectors; ++v, sums += kLanes) {
      const std::int64_t rest = count - v * kLanes;
      codes::finish(epilogue, load(V{}, sums), factor, bias, y + v * kLanes, rest < kLanes ? rest : kLanes);
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
  alignas(
      64) float reals[kRows * kVectors * kLanes];  // the sums leave their registers before they are finished
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(reals + (r * kVectors + v) * kLanes, P::real(sums[r][v]));
  finish_tile<V, kVectors>(tile, kRows, reals);
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
                        epilogue_.factors + first_row + row,
                        epilogue_.bias == nullptr ? nullptr : epilogue_.bias + first_row + row,
                        &epilogue_,
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
