// The driver of LinearCodes, over an instruction set's products of codes P. Plain data and functions of
// internal linkage, so that ISA files may include it.
//
// Rows of x are prepared as P multiplies them, up to 128 at once, zeros behind their end. For few of them
// products are dots along the columns. Many are worth interleaving 16 rows of weights,
//
//   [column / 4][16 rows][4 columns]      64 bytes for each step
//
// so that a vector has the sums of 16 outputs. The sums are exact: all ways give the same bits.
#pragma once

#include "cpu/code_epilogue.h"

namespace lathe::linear_codes {
namespace {

constexpr int kLeast = 0;                    // the attribute
constexpr std::int64_t kLanes = 16;          // rows of weights that are finished together
constexpr std::int64_t kChunkTokens = 128;   // rows of x that are prepared at once
constexpr std::int64_t kManyTokens = 4;      // from here on weights are interleaved
constexpr std::int64_t kPaddedColumns = 64;  // prepared rows are a multiple of it long
constexpr std::int64_t kStepBytes = 64;
constexpr std::int64_t kStepColumns = 4;
constexpr int kTokens = 4;  // of a tile
constexpr int kGroups = 4;  // of 16 rows, of a tile of interleaved weights
constexpr int kDotTokens = 2;
constexpr int kDotRows = 4;

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

struct Problem {
  std::int64_t tokens;  // rows of x
  std::int64_t columns;
  std::int64_t padded;  // columns of prepared rows
  std::int64_t rows;    // of the weights
  const std::uint8_t* x;
  const std::int8_t* weights;
  bool is_signed;  // x
};

[[maybe_unused]] Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[code_product::kX];
  const TensorArg& weights = call.inputs[code_product::kWeight];
  Problem problem{1, weights.dims[1], 0, weights.dims[0], nullptr, nullptr, x.dtype == codes::kI8};
  for (int i = 0; i + 1 < x.rank; ++i) problem.tokens *= x.dims[i];
  problem.padded = (problem.columns + kPaddedColumns - 1) / kPaddedColumns * kPaddedColumns;
  problem.x = static_cast<const std::uint8_t*>(x.data);
  problem.weights = static_cast<const std::int8_t*>(weights.data);
  return problem;
}

/// A thread's scratch: prepared rows, interleaved weights of a tile, what its sums begin with.
template <class P>
struct Scratch {
  std::int64_t group_bytes;  // of interleaved weights
  std::int64_t weights;
  std::int64_t starts;
  std::int64_t bytes;

  explicit Scratch(const Problem& problem) {
    const std::int64_t tokens = problem.tokens < kChunkTokens ? problem.tokens : kChunkTokens;
    group_bytes = (problem.columns + kStepColumns - 1) / kStepColumns * kStepBytes;
    weights = tokens * problem.padded * static_cast<std::int64_t>(sizeof(typename P::Code));
    starts = weights + (P::kInterleaves ? kGroups * group_bytes : 0);
    bytes = starts + kGroups * kLanes * static_cast<std::int64_t>(sizeof(std::int32_t));
  }
};

/// One call of one thread.
template <class P>
class Product {
 public:
  using V = typename P::Vector;
  using Code = typename P::Code;

  explicit Product(const KernelCall& call)
      : problem_(problem_of(call)),
        scratch_(problem_),
        epilogue_(codes::epilogue_of(call, kLeast)),
        zero_(P::kMovesUp ? codes::unsigned_zero(call) : codes::code_of(call.inputs[code_product::kXZero])),
        memory_(static_cast<std::byte*>(call.scratch)) {}

  /// Threads share the rows of the weights where there are enough of them, else those of x.
  void run(const KernelCall& call) {
    const std::int64_t groups = (problem_.rows + kLanes - 1) / kLanes;
    const bool by_groups = groups >= call.threads;
    const Range part = share(by_groups ? groups : problem_.tokens, call.thread, call.threads);
    const Range tokens = by_groups ? Range{0, problem_.tokens} : part;
    if (by_groups && part.begin == part.end) return;
    for (std::int64_t begin = tokens.begin; begin < tokens.end; begin += kChunkTokens) {
      const std::int64_t end = begin + kChunkTokens < tokens.end ? begin + kChunkTokens : tokens.end;
      for (std::int64_t t = begin; t < end; ++t)
        P::prepare(problem_.x + t * problem_.columns, problem_.columns, problem_.padded, problem_.is_signed,
                   zero_, prepared(t - begin));
      multiply_chunk({begin, end}, by_groups ? part : Range{0, groups});
    }
  }

 private:
  void multiply_chunk(Range tokens, Range groups) {
    if constexpr (P::kInterleaves) {
      if (tokens.end - tokens.begin >= kManyTokens) {
        for (std::int64_t group = groups.begin; group < groups.end; group += kGroups)
          multiply_groups(tokens, group, groups.end - group < kGroups ? groups.end - group : kGroups);
        return;
      }
    }
    for (std::int64_t group = groups.begin; group < groups.end; ++group)
      for (std::int64_t t = tokens.begin; t < tokens.end; t += kDotTokens) {
        if (tokens.end - t >= kDotTokens)
          dot_group<kDotTokens>(t, t - tokens.begin, group);
        else
          for (std::int64_t i = t; i < tokens.end; ++i) dot_group<1>(i, i - tokens.begin, group);
      }
  }

  template <int kCount>
  void dot_group(std::int64_t token, std::int64_t place, std::int64_t group) {
    alignas(64) std::int32_t sums[kCount][kLanes] = {};
    const std::int64_t first = group * kLanes;
    const std::int64_t count = rows_of(group);
    for (std::int64_t i = 0; i < count; i += kDotRows) {
      const std::int8_t* rows[kDotRows];
      for (std::int64_t r = 0; r < kDotRows; ++r)  // the last one again where there are not as many
        rows[r] = problem_.weights + (first + (i + r < count ? i + r : count - 1)) * problem_.columns;
      P::template dots<kCount>(prepared(place), problem_.padded, rows, problem_.columns, zero_, &sums[0][i],
                               kLanes);
    }
    const auto terms = codes::terms_of_rows<V>(epilogue_, first, count);
    for (int t = 0; t < kCount; ++t)
      codes::finish<V>(epilogue_, load_sums(V{}, sums[t]), terms, (token + t) * problem_.rows + first, count);
  }

  /// At most kGroups of 16 rows of weights, interleaved and multiplied with many rows of x.
  void multiply_groups(Range tokens, std::int64_t group, std::int64_t groups) {
    for (std::int64_t g = 0; g < groups; ++g)
      P::interleave(problem_.weights + (group + g) * kLanes * problem_.columns, rows_of(group + g),
                    problem_.columns, zero_, memory_ + scratch_.weights + g * scratch_.group_bytes,
                    starts() + g * kLanes);
    for (std::int64_t t = tokens.begin; t < tokens.end; t += kTokens) {
      const std::int64_t count = tokens.end - t < kTokens ? tokens.end - t : kTokens;
      Tile<kTokens, kGroups>::find(count, groups)(*this, t, t - tokens.begin, group);
    }
  }

  using Multiply = void (*)(Product& product, std::int64_t token, std::int64_t place, std::int64_t group);

  template <int kCount, int kGroupCount>
  struct Tile {
    static Multiply find(std::int64_t tokens, std::int64_t groups) {
      if (tokens < kCount) {
        if constexpr (kCount > 1) return Tile<kCount - 1, kGroupCount>::find(tokens, groups);
      }
      if (groups < kGroupCount) {
        if constexpr (kGroupCount > 1) return Tile<kCount, kGroupCount - 1>::find(tokens, groups);
      }
      return multiply_tile<kCount, kGroupCount>;
    }
  };

  template <int kCount, int kGroupCount>
  static void multiply_tile(Product& product, std::int64_t token, std::int64_t place, std::int64_t group) {
    alignas(64) std::int32_t sums[kCount * kGroupCount * kLanes];
    product.template sum_tile<kCount, kGroupCount>(product.prepared(place), sums);
    const codes::Epilogue epilogue = product.epilogue_;
    const std::int64_t rows = product.problem_.rows;
    for (int g = 0; g < kGroupCount; ++g) {
      const std::int64_t first = (group + g) * kLanes;
      const std::int64_t count = product.rows_of(group + g);
      const auto terms = codes::terms_of_rows<V>(epilogue, first, count);
      for (int t = 0; t < kCount; ++t)
        codes::finish<V>(epilogue, load_sums(V{}, sums + (t * kGroupCount + g) * kLanes), terms,
                         (token + t) * rows + first, count);
    }
  }

  /// [kCount][kGroupCount][16]
  template <int kCount, int kGroupCount>
  void sum_tile(const Code* x, std::int32_t* result) {
    typename P::Sums sums[kCount][kGroupCount];
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 4
      for (int g = 0; g < kGroupCount; ++g) sums[t][g] = P::load_sums(starts() + g * kLanes);
    const std::byte* weights = memory_ + scratch_.weights;
    const std::byte* const end = weights + scratch_.group_bytes;
    for (; weights != end; weights += kStepBytes, x += kStepColumns) {
      typename P::Codes codes[kGroupCount];
#pragma GCC unroll 4
      for (int g = 0; g < kGroupCount; ++g) codes[g] = P::load(weights + g * scratch_.group_bytes);
#pragma GCC unroll 4
      for (int t = 0; t < kCount; ++t) {
        const auto four = P::four(x + t * problem_.padded);
#pragma GCC unroll 4
        for (int g = 0; g < kGroupCount; ++g) sums[t][g] = P::dot(sums[t][g], four, codes[g]);
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 4
      for (int g = 0; g < kGroupCount; ++g)
        P::store_sums(result + (t * kGroupCount + g) * kLanes, sums[t][g]);
  }

  /// Of a group: 16, or what is left.
  std::int64_t rows_of(std::int64_t group) const {
    const std::int64_t rest = problem_.rows - group * kLanes;
    return rest < kLanes ? rest : kLanes;
  }

  Code* prepared(std::int64_t token) { return reinterpret_cast<Code*>(memory_) + token * problem_.padded; }
  std::int32_t* starts() { return reinterpret_cast<std::int32_t*>(memory_ + scratch_.starts); }

  Problem problem_;
  Scratch<P> scratch_;
  codes::Epilogue epilogue_;
  std::int32_t zero_;
  std::byte* memory_;
};

template <class P>
void run(const KernelCall& call) {
  Product<P>(call).run(call);
}

template <class P>
std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(Scratch<P>(problem_of(call)).bytes);
}

}  // namespace
}  // namespace lathe::linear_codes
