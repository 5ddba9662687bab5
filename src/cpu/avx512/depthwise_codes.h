// ConvCodes where each group has one channel: what a tile of 16 outputs sees through four neighbours of the
// kernel's last axis lies in 64 bytes of the channel's plane, so that one load and one permutation make a
// vector of windows. Which bytes these are is the same for all planes, and is found once for 16 tiles.
#pragma once

#include "cpu/avx512/code_vector.h"
#include "cpu/code_windows.h"

namespace lathe::avx512 {
namespace {

constexpr std::int64_t kTileLanes = 16;
constexpr std::int64_t kTileSteps = 4;  // elements of the kernel's last axis
constexpr std::int64_t kTilesAtOnce = 16;
constexpr std::int64_t kMostSteps = 64;    // of a kernel: 128 KiB of scratch
constexpr std::int64_t kReach = 64;        // bytes of a load
constexpr std::int64_t kLineOutputs = 12;  // from here on a tile stays in a line

/// The windows of a tile for four elements of the kernel.
struct alignas(64) TileStep {
  std::uint8_t index[kReach];  // of the byte, for each lane and element
  std::uint64_t inside;        // what lies inside the input; the others are x's zero point
  std::uint64_t loaded;
  std::int64_t offset;  // of the first byte, from the plane's
};

/// Consecutive outputs.
struct TilePixels {
  std::int64_t first;
  std::int64_t count;
};

/// Elements of the kernel by steps: those of the last axis four at a time.
struct KernelSteps {
  std::int64_t last;   // elements of the last axis
  std::int64_t quads;  // of them
  std::int64_t outer;  // elements of the others
  std::int64_t count;
};

[[maybe_unused]] KernelSteps kernel_steps(const conv_codes::Problem& problem) {
  KernelSteps steps{problem.axis[problem.axes - 1].kernel, 0, 1, 0};
  steps.quads = (steps.last + kTileSteps - 1) / kTileSteps;
  for (int i = 0; i + 1 < problem.axes; ++i) steps.outer *= problem.axis[i].kernel;
  steps.count = steps.quads * steps.outer;
  return steps;
}

/// Whether one load reaches all elements of a step, and the steps are few.
[[maybe_unused]] bool takes_depthwise(const conv_codes::Problem& problem) {
  const WindowAxis& axis = problem.axis[problem.axes - 1];
  const std::int64_t elements = axis.kernel < kTileSteps ? axis.kernel : kTileSteps;
  return problem.channels == 1 && (elements - 1) * axis.dilation < kReach &&
         kernel_steps(problem).count <= kMostSteps;
}

enum class Tiles : std::uint8_t {
  anywhere,
  in_lines,
  in_lines_nearby,  // half a load is enough
};

class Depthwise {
 public:
  using Multiply = void (Depthwise::*)(std::int64_t plane, std::int64_t row);

  explicit Depthwise(const KernelCall& call)
      : problem_(conv_codes::problem_of(call)),
        steps_(kernel_steps(problem_)),
        epilogue_(codes::epilogue_of(call, conv_codes::kLeast)),
        zero_(*static_cast<const std::uint8_t*>(call.inputs[code_product::kXZero].data)),
        unsigned_zero_(codes::unsigned_zero(call)),
        tiles_(static_cast<TileStep*>(call.scratch)),
        weights_(reinterpret_cast<std::int32_t*>(tiles_ + kTilesAtOnce * steps_.count)) {}

  static std::size_t scratch_bytes(const conv_codes::Problem& problem) {
    return static_cast<std::size_t>(kernel_steps(problem).count) *
           (kTilesAtOnce * sizeof(TileStep) + sizeof(std::int32_t));
  }

  /// Threads share planes of the output.
  void run(const KernelCall& call) {
    const std::int64_t rows = problem_.rows * problem_.groups;
    const conv_codes::Range planes =
        conv_codes::share(problem_.items * problem_.rows, call.thread, call.threads);
    const Multiply multiply = problem_.is_signed ? multiply_of<true>() : multiply_of<false>();
    for (std::int64_t pixel = 0; pixel < problem_.pixels && planes.begin < planes.end;) {
      pixel = find_tiles(pixel);
      for (std::int64_t plane = planes.begin; plane < planes.end; ++plane)
        (this->*multiply)(plane, plane % rows);
    }
  }

 private:
  /// Fills the next tiles from a pixel on; gives the first behind them.
  std::int64_t find_tiles(std::int64_t pixel) {
    const bool lines = by_lines();
    for (count_ = 0; count_ < kTilesAtOnce && pixel < problem_.pixels; ++count_) {
      TileStep* steps = tiles_ + count_ * steps_.count;
      const std::int64_t count = lines ? find_in_line(pixel, steps) : find_anywhere(pixel, steps);
      pixels_[count_] = {pixel, count};
      pixel += count;
    }
    return pixel;
  }

  /// A tile of one line; gives how many outputs it has.
  std::int64_t find_in_line(std::int64_t pixel, TileStep* steps) const {
    const WindowAxis& axis = problem_.axis[problem_.axes - 1];
    const conv_codes::Place place = conv_codes::place_of(problem_, pixel);
    const std::int64_t first = place.index[problem_.axes - 1];
    const std::int64_t elements = steps_.last < kTileSteps ? steps_.last : kTileSteps;
    const std::int64_t lanes =
        smaller((kReach - 1 - (elements - 1) * axis.dilation) / axis.stride + 1, kTileLanes);
    const std::int64_t count = smaller(axis.output - first, lanes);
    const std::int64_t bytes = (count - 1) * axis.stride + (elements - 1) * axis.dilation + 1;
    for (std::int64_t s = 0; s < steps_.count; ++s, ++steps) {
      std::int64_t line = 0;
      const bool inside = line_of(place, s / steps_.quads, line);
      const std::int64_t column = first_input(axis, first) + s % steps_.quads * kTileSteps * axis.dilation;
      steps->offset = line * axis.input + column;
      steps->loaded = inside ? bytes_of(-column, smaller(bytes, axis.input - column)) : 0;
      steps->inside = ~std::uint64_t{0};
      for (std::int64_t i = 0; i < kReach; ++i)
        steps->index[i] =
            static_cast<std::uint8_t>(i / kTileSteps * axis.stride + i % kTileSteps * axis.dilation);
    }
    return count;
  }

  /// As many outputs as all steps reach, in any lines.
  std::int64_t find_anywhere(std::int64_t pixel, TileStep* steps) const {
    conv_codes::Place places[kTileLanes];
    std::int64_t count = 0;
    for (std::int64_t s = 0; s < steps_.count; ++s) steps[s] = {};
    for (; count < kTileLanes && pixel + count < problem_.pixels; ++count) {
      places[count] = conv_codes::place_of(problem_, pixel + count);
      bool all_reach = true;
      for (std::int64_t s = 0; s < steps_.count && all_reach; ++s) {
        const conv_codes::Range range = joined(steps[s], range_of(places[count], s));
        all_reach = range.end - range.begin <= kReach;
      }
      if (!all_reach) break;
      for (std::int64_t s = 0; s < steps_.count; ++s) {
        const conv_codes::Range range = joined(steps[s], range_of(places[count], s));
        steps[s].offset = range.begin;
        steps[s].loaded = static_cast<std::uint64_t>(range.end - range.begin);
      }
    }
    for (std::int64_t s = 0; s < steps_.count; ++s) {
      steps[s].loaded = bytes_of(0, static_cast<std::int64_t>(steps[s].loaded));
      for (std::int64_t lane = 0; lane < count; ++lane) place_lane(places[lane], s, lane, steps[s]);
    }
    return count;
  }

  /// What a step sees so far, `loaded` bytes from `offset` on, and what another output sees.
  static conv_codes::Range joined(const TileStep& step, const conv_codes::Range& more) {
    const conv_codes::Range seen{step.offset, step.offset + static_cast<std::int64_t>(step.loaded)};
    if (more.begin == more.end) return seen;
    if (seen.begin == seen.end) return more;
    return {smaller(seen.begin, more.begin), more.end > seen.end ? more.end : seen.end};
  }

  std::int64_t column_of(const conv_codes::Place& place, std::int64_t step, std::int64_t element) const {
    const WindowAxis& axis = problem_.axis[problem_.axes - 1];
    return first_input(axis, place.index[problem_.axes - 1]) +
           (step % steps_.quads * kTileSteps + element) * axis.dilation;
  }

  /// The bytes that an output sees in a step: from the first inside the input to the last.
  conv_codes::Range range_of(const conv_codes::Place& place, std::int64_t step) const {
    const WindowAxis& axis = problem_.axis[problem_.axes - 1];
    std::int64_t line = 0;
    conv_codes::Range range{0, 0};
    if (!line_of(place, step / steps_.quads, line)) return range;
    for (std::int64_t i = 0; i < elements_of(step); ++i) {
      const std::int64_t column = column_of(place, step, i);
      if (column < 0 || column >= axis.input) continue;
      if (range.begin == range.end) range.begin = line * axis.input + column;
      range.end = line * axis.input + column + 1;
    }
    return range;
  }

  void place_lane(const conv_codes::Place& place, std::int64_t step, std::int64_t lane,
                  TileStep& tile) const {
    const WindowAxis& axis = problem_.axis[problem_.axes - 1];
    std::int64_t line = 0;
    if (!line_of(place, step / steps_.quads, line)) return;
    for (std::int64_t i = 0; i < elements_of(step); ++i) {
      const std::int64_t column = column_of(place, step, i);
      if (column < 0 || column >= axis.input) continue;
      const std::int64_t at = lane * kTileSteps + i;
      tile.index[at] = static_cast<std::uint8_t>(line * axis.input + column - tile.offset);
      tile.inside |= std::uint64_t{1} << at;
    }
  }

  /// Elements of the kernel's last axis in a step.
  std::int64_t elements_of(std::int64_t step) const {
    return smaller(steps_.last - step % steps_.quads * kTileSteps, kTileSteps);
  }

  /// The input's line that an outer element of the kernel sees; whether there is one.
  bool line_of(const conv_codes::Place& place, std::int64_t element, std::int64_t& line) const {
    std::int64_t elements[kMaxWindowAxes];
    for (int i = problem_.axes - 2; i >= 0; --i) {
      elements[i] = element % problem_.axis[i].kernel;
      element /= problem_.axis[i].kernel;
    }
    bool inside = true;
    line = 0;
    for (int i = 0; i + 1 < problem_.axes; ++i) {
      const WindowAxis& axis = problem_.axis[i];
      const std::int64_t at = first_input(axis, place.index[i]) + elements[i] * axis.dilation;
      inside = inside && at >= 0 && at < axis.input;
      line = line * axis.input + at;
    }
    return inside;
  }

  template <bool is_signed>
  Multiply multiply_of() const {
    if (!by_lines()) return &Depthwise::multiply_plane<is_signed, Tiles::anywhere>;
    const WindowAxis& axis = problem_.axis[problem_.axes - 1];
    const std::int64_t elements = smaller(steps_.last, kTileSteps);
    const std::int64_t bytes = (kTileLanes - 1) * axis.stride + (elements - 1) * axis.dilation + 1;
    return bytes <= kReach / 2 ? &Depthwise::multiply_plane<is_signed, Tiles::in_lines_nearby>
                               : &Depthwise::multiply_plane<is_signed, Tiles::in_lines>;
  }

  bool by_lines() const { return problem_.axis[problem_.axes - 1].output >= kLineOutputs; }

  /// The windows of a step. In a line all have one index, and what is not loaded is the zero point.
  template <Tiles tiles>
  [[gnu::always_inline]] static __m512i windows_of(const TileStep& step, const std::uint8_t* x, __m512i zeros,
                                                   __m512i line_index) {
    if constexpr (tiles == Tiles::in_lines_nearby) {
      const __m256i bytes = _mm256_mask_loadu_epi8(_mm512_castsi512_si256(zeros),
                                                   static_cast<__mmask32>(step.loaded), x + step.offset);
      return _mm512_permutexvar_epi8(line_index, _mm512_castsi256_si512(bytes));
    }
    const __m512i bytes = _mm512_mask_loadu_epi8(zeros, step.loaded, x + step.offset);
    if constexpr (tiles == Tiles::in_lines) return _mm512_permutexvar_epi8(line_index, bytes);
    return _mm512_mask_permutexvar_epi8(zeros, step.inside, _mm512_load_si512(step.index), bytes);
  }

  template <bool is_signed, Tiles tiles>
  void multiply_plane(std::int64_t plane, std::int64_t row) {
    const std::uint8_t* x = problem_.x + plane / problem_.rows * problem_.input_pixels;
    const __m512i start = _mm512_set1_epi32(gather_weights(problem_.weights + row * problem_.depth));
    const __m512i zeros = _mm512_set1_epi8(static_cast<char>(zero_));
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    const __m512i line_index = _mm512_load_si512(tiles_->index);
    const codes::Epilogue epilogue = epilogue_;
    const auto terms = codes::terms_of_row<Vector>(epilogue, row);
    const std::int64_t steps = steps_.count;
    const std::int32_t* weights = weights_;
    const TileStep* step = tiles_;
    for (std::int64_t tile = 0; tile < count_; ++tile) {
      __m512i sums = start;
      for (std::int64_t s = 0; s < steps; ++s, ++step) {
        __m512i windows = windows_of<tiles>(*step, x, zeros, line_index);
        if (is_signed) windows = _mm512_xor_si512(windows, flip);
        sums = _mm512_dpbusd_epi32(sums, windows, _mm512_set1_epi32(weights[s]));
      }
      codes::finish<Vector>(epilogue, Integers{sums}, terms, plane * problem_.pixels + pixels_[tile].first,
                            pixels_[tile].count);
    }
  }

  /// A row's weights by steps, zeros behind the last axis; gives what its sums begin with.
  std::int32_t gather_weights(const std::int8_t* row) {
    std::int32_t sum = 0;
    for (std::int64_t s = 0; s < steps_.count; ++s) {
      const std::int8_t* from = row + s / steps_.quads * steps_.last + s % steps_.quads * kTileSteps;
      std::uint32_t four = 0;
      for (std::int64_t i = 0; i < elements_of(s); ++i) {
        four |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(from[i])) << (8 * i);
        sum += from[i];
      }
      weights_[s] = static_cast<std::int32_t>(four);
    }
    return -unsigned_zero_ * sum;
  }

  static std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

  static std::uint64_t bytes_of(std::int64_t begin, std::int64_t end) {
    return first_bytes(end) & ~first_bytes(begin);
  }

  conv_codes::Problem problem_;
  KernelSteps steps_;
  codes::Epilogue epilogue_;
  std::uint8_t zero_;
  std::int32_t unsigned_zero_;
  TileStep* tiles_;        // [tile][step]
  std::int32_t* weights_;  // of a row, by steps
  TilePixels pixels_[kTilesAtOnce];
  std::int64_t count_ = 0;  // tiles that were found
};

}  // namespace
}  // namespace lathe::avx512
