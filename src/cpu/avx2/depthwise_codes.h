// ConvCodes where each group has one channel, on one or two axes: a channel is widened to 16 bits with its
// zero point taken off, between zeros for the padding, and elements of the kernel are multiplied in pairs.
// Columns that the stride leads to lie side by side,
//
//   [line][column % stride][column / stride]
#pragma once

#include "cpu/avx2/code_vector.h"
#include "cpu/code_windows.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kTileOutputs = 16;
constexpr std::int64_t kMostPlaneBytes = 1 << 20;  // of a widened channel
constexpr std::int64_t kMostElements = 256;        // of a kernel

/// Two elements of the kernel: where their columns begin, from those of a line of outputs, and their weights.
struct ElementPair {
  std::int64_t first;
  std::int64_t second;
  std::int32_t weights;
};

class Depthwise {
 public:
  explicit Depthwise(const KernelCall& call)
      : problem_(conv_codes::problem_of(call)),
        plane_(problem_),
        epilogue_(codes::epilogue_of(call, conv_codes::kLeast)),
        zero_(codes::code_of(call.inputs[code_product::kXZero])),
        codes_(static_cast<std::int16_t*>(call.scratch)),
        pairs_(reinterpret_cast<ElementPair*>(static_cast<std::byte*>(call.scratch) + plane_.bytes)) {}

  static bool takes(const conv_codes::Problem& problem) {
    return problem.channels == 1 && problem.axes <= 2 && problem.depth <= kMostElements &&
           Plane(problem).bytes <= kMostPlaneBytes;
  }

  static std::size_t scratch_bytes(const conv_codes::Problem& problem) {
    return static_cast<std::size_t>(Plane(problem).bytes) +
           static_cast<std::size_t>((problem.depth + 1) / 2) * sizeof(ElementPair);
  }

  /// Threads share channels.
  void run(const KernelCall& call) {
    const conv_codes::Range items = conv_codes::share(problem_.items, call.thread, call.threads);
    if (items.begin == items.end) return;
    for (std::int64_t i = 0; i < plane_.bytes / 32; ++i)
      _mm256_store_si256(reinterpret_cast<__m256i*>(codes_) + i, _mm256_setzero_si256());
    for (std::int64_t item = items.begin; item < items.end; ++item) {
      widen(problem_.x + item * problem_.input_pixels);
      for (std::int64_t r = 0; r < problem_.rows; ++r)
        multiply_plane(item * problem_.rows + r, item % problem_.groups * problem_.rows + r);
    }
  }

 private:
  /// The sizes of a widened channel with its padding.
  struct Plane {
    WindowAxis lines;
    WindowAxis columns;
    std::int64_t phase;  // columns of a line that the stride leads to from one of them
    std::int64_t line;   // numbers of a line
    std::int64_t bytes;

    explicit Plane(const conv_codes::Problem& problem)
        : lines(problem.axes == 2 ? problem.axis[0] : WindowAxis{1, 1, 1, 1, 0, 0, 1}),
          columns(problem.axis[problem.axes - 1]) {
      const auto length = [](const WindowAxis& axis) {
        const std::int64_t seen = (axis.output - 1) * axis.stride + window_extent(axis);
        const std::int64_t given = axis.pad_begin + axis.input;
        return seen > given ? seen : given;
      };
      phase = (length(columns) + columns.stride - 1) / columns.stride;
      line = (phase * columns.stride + kTileOutputs) / kTileOutputs * kTileOutputs;
      bytes = (length(lines) * line + 2 * kTileOutputs) * static_cast<std::int64_t>(sizeof(std::int16_t));
    }

    /// Of a column among the padded ones.
    std::int64_t place(std::int64_t column) const {
      return column % columns.stride * phase + column / columns.stride;
    }
  };

  void widen(const std::uint8_t* x) {
    const WindowAxis& columns = plane_.columns;
    for (std::int64_t y = 0; y < plane_.lines.input; ++y, x += columns.input) {
      std::int16_t* line = codes_ + (plane_.lines.pad_begin + y) * plane_.line;
      if (columns.stride == 1) {
        widen_line(x, line + columns.pad_begin);
        continue;
      }
      std::int64_t phase = columns.pad_begin % columns.stride;
      std::int16_t* target = line + columns.pad_begin / columns.stride;
      for (std::int64_t i = 0; i < columns.input; ++i) {
        const std::int32_t code = problem_.is_signed ? static_cast<std::int8_t>(x[i]) : x[i];
        target[phase * plane_.phase] = static_cast<std::int16_t>(code - zero_);
        if (++phase < columns.stride) continue;
        phase = 0;
        ++target;
      }
    }
  }

  void widen_line(const std::uint8_t* x, std::int16_t* target) const {
    const __m256i zeros = _mm256_set1_epi16(static_cast<short>(zero_));
    std::int64_t i = 0;
    for (; i + 16 <= plane_.columns.input; i += 16) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i));
      const __m256i wide = problem_.is_signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + i), _mm256_sub_epi16(wide, zeros));
    }
    for (; i < plane_.columns.input; ++i) {
      const std::int32_t code = problem_.is_signed ? static_cast<std::int8_t>(x[i]) : x[i];
      target[i] = static_cast<std::int16_t>(code - zero_);
    }
  }

  /// The kernel's elements in pairs; the last one's other weight may be zero.
  std::int64_t find_pairs(const std::int8_t* weights) {
    const auto begin_of = [this](std::int64_t element) {
      const std::int64_t line = element / plane_.columns.kernel * plane_.lines.dilation;
      return line * plane_.line + plane_.place(element % plane_.columns.kernel * plane_.columns.dilation);
    };
    const std::int64_t count = (problem_.depth + 1) / 2;
    for (std::int64_t i = 0; i < count; ++i) {
      const bool both = 2 * i + 1 < problem_.depth;
      const std::int64_t second = both ? 2 * i + 1 : 2 * i;
      const auto high = static_cast<std::uint32_t>(both ? weights[second] : 0) << 16;
      const auto low = static_cast<std::uint32_t>(weights[2 * i]) & 0xffffu;
      pairs_[i] = {begin_of(2 * i), begin_of(second), static_cast<std::int32_t>(high | low)};
    }
    return count;
  }

  void multiply_plane(std::int64_t plane, std::int64_t row) {
    const std::int64_t pairs = find_pairs(problem_.weights + row * problem_.depth);
    const codes::Epilogue epilogue = epilogue_;
    const auto terms = codes::terms_of_row<Vector>(epilogue, row);
    const std::int64_t outputs = plane_.columns.output;
    for (std::int64_t y = 0; y < plane_.lines.output; ++y) {
      const std::int16_t* line = codes_ + y * plane_.lines.stride * plane_.line;
      for (std::int64_t x = 0; x < outputs; x += kTileOutputs) {
        const Integers sums = sums_of(line + x, pairs);
        codes::finish<Vector>(epilogue, sums, terms, plane * problem_.pixels + y * outputs + x,
                              outputs - x < kTileOutputs ? outputs - x : kTileOutputs);
      }
    }
  }

  /// Of 16 outputs in a line.
  [[gnu::always_inline]] Integers sums_of(const std::int16_t* line, std::int64_t pairs) const {
    __m256i low = _mm256_setzero_si256();   // outputs 0 to 3 and 8 to 11
    __m256i high = _mm256_setzero_si256();  // the others
    for (std::int64_t i = 0; i < pairs; ++i) {
      const auto load = [line](std::int64_t begin) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(line + begin));
      };
      const __m256i first = load(pairs_[i].first);
      const __m256i second = load(pairs_[i].second);
      const __m256i weights = _mm256_set1_epi32(pairs_[i].weights);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), weights));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), weights));
    }
    return {_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31)};
  }

  conv_codes::Problem problem_;
  Plane plane_;
  codes::Epilogue epilogue_;
  std::int32_t zero_;
  std::int16_t* codes_;  // the widened channel
  ElementPair* pairs_;
};

}  // namespace
}  // namespace lathe::avx2
