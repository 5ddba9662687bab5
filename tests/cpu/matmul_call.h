// Calls the matmul kernels as a plan would, one thread after the other (they know no barriers), and makes
// random operands for them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "backend/kernel.h"
#include "base/cpu_features.h"
#include "cpu/kernels.h"
#include "quant/packed.h"
#include "tensor/dtype.h"

namespace lathe::test {

inline const Kernel& kernel_named(const std::string& name) {
  static const std::vector<Kernel> kKernels = cpu_kernels(detected_isa());
  for (const auto& kernel : kKernels)
    if (kernel.name == name) return kernel;
  throw std::runtime_error("no kernel " + name);
}

/// The ISA levels beside portable that this machine runs.
inline std::vector<std::string> fast_levels() {
  std::vector<std::string> names;
  for (const auto level : {IsaLevel::avx2, IsaLevel::avx512})  // those that have matmuls of codes
    if (level <= detected_isa()) names.emplace_back(isa_name(level));
  return names;
}

inline TensorArg tensor(const void* data, Dtype dtype, std::int64_t rows, std::int64_t columns) {
  return {const_cast<void*>(data), {rows, columns}, 2, static_cast<std::int32_t>(dtype)};
}

inline TensorArg row_tensor(const float* data, std::int64_t columns) {
  return {const_cast<float*>(data), {columns}, 1, static_cast<std::int32_t>(Dtype::f32)};
}

/// Runs a kernel with one output on `threads` threads, each with exactly the scratch that it asks for.
inline void call_kernel(const Kernel& kernel, const std::vector<TensorArg>& inputs, const TensorArg& output,
                        int threads) {
  KernelCall call{inputs.data(), &output, nullptr, nullptr, static_cast<std::int32_t>(inputs.size()), 0,
                  threads};
  const std::size_t bytes = kernel.scratch_bytes != nullptr ? kernel.scratch_bytes(call) : 0;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  for (call.thread = 0; call.thread < threads; ++call.thread) {
    std::vector<Line> scratch((bytes + 63) / 64, Line{});
    for (auto& line : scratch)
      for (auto& byte : line.bytes) byte = std::byte{0xff};  // NaN where it is read before it is written
    call.scratch = scratch.data();
    kernel.run(call);
  }
}

inline std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

/// Marks of fine columns: none, one or two of a block, in either half or both.
inline std::vector<float> random_marks(std::int64_t columns, std::mt19937& random) {
  std::vector<float> marks(static_cast<std::size_t>(columns));
  for (std::int64_t block = 0; block < columns / 32; ++block)
    for (auto left = random() % 4; left > 0; --left)  // of three marks the first two count
      marks[static_cast<std::size_t>(block * 32) + random() % 32] = 1.0f;
  return marks;
}

/// Rows of Dtype::a8 for random activations whose blocks have offsets of their own, and fine columns.
inline std::vector<std::byte> random_activations(std::int64_t tokens, std::int64_t columns,
                                                 std::mt19937& random) {
  auto values = random_floats(static_cast<std::size_t>(tokens * columns), random);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<float>(i / 32 % 5) - 2.0f;
  const auto marks = random_marks(columns, random);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (marks[i % static_cast<std::size_t>(columns)] != 0.0f) values[i] *= 50.0f;
  std::vector<std::byte> rows(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns));
  call_kernel(kernel_named("portable.quantize_activation"),
              {tensor(values.data(), Dtype::f32, tokens, columns), row_tensor(marks.data(), columns)},
              tensor(rows.data(), Dtype::a8, tokens, columns), 1);
  return rows;
}

struct PackedLayoutCase {
  Dtype dtype;
  PackedLayoutInfo info;
  int half_offset;  // where the record's f16 factors lie, and how many
  int half_count;
  int exponent_offset = -1;  // where its 16 exponents lie
  int six_bits_offset = -1;  // where its 256 scales of six bits lie

  bool is_half(int offset) const { return offset >= half_offset && offset < half_offset + 2 * half_count; }
  bool is_exponent(int offset) const { return exponent_offset >= 0 && offset >= exponent_offset; }
  /// `byte` as codes and integer scales at `offset` in a record may be.
  std::byte legal(int offset, unsigned byte) const {
    const bool six_bits = six_bits_offset >= 0 && offset >= six_bits_offset && offset < six_bits_offset + 256;
    return static_cast<std::byte>(byte & (six_bits ? 63u : 255u));
  }
};

inline constexpr PackedLayoutCase kPackedLayoutCases[] = {
    {Dtype::packed4, kPacked4, 256, 16},     {Dtype::packed4m, kPacked4m, 256, 32},
    {Dtype::packed5, kPacked5, 320, 16},     {Dtype::packed5m, kPacked5m, 320, 32},
    {Dtype::packed8, kPacked8, 512, 16},     {Dtype::packed4t, kPacked4t, 256, 16},
    {Dtype::packed4x, kPacked4x, 0, 0, 256}, {Dtype::packed4tk, kPacked4tk, 0, 16},
    {Dtype::packed2k, kPacked2k, 0, 32},     {Dtype::packed3k, kPacked3k, 0, 16, -1, 32},
    {Dtype::packed4k, kPacked4k, 0, 32},     {Dtype::packed5k, kPacked5k, 0, 32},
    {Dtype::packed6k, kPacked6k, 0, 16},
};

/// All codes and integer scales random, the padding rows' too; factors between 2^-8 and 2^-4 of either sign.
inline std::vector<std::byte> random_weights(const PackedLayoutCase& layout, std::int64_t rows,
                                             std::int64_t columns, std::mt19937& random) {
  const std::int64_t records =
      (rows + kPackedRows - 1) / kPackedRows * (columns / layout.info.columns_per_record);
  std::vector<std::byte> bytes(static_cast<std::size_t>(records * layout.info.record_bytes));
  for (std::int64_t record = 0; record < records; ++record) {
    std::byte* start = &bytes[static_cast<std::size_t>(record * layout.info.record_bytes)];
    for (int i = 0; i < layout.info.record_bytes; ++i)
      start[i] = layout.legal(i, static_cast<unsigned>(random()) & 255u);
    for (int i = 0; i < layout.half_count; ++i) {
      std::byte* high = start + layout.half_offset + 2 * i + 1;
      const unsigned sign_and_mantissa = static_cast<unsigned>(*high) & 0x83u;
      *high = static_cast<std::byte>(sign_and_mantissa | (7u + random() % 4u) << 2);
    }
    for (int i = 0; layout.exponent_offset >= 0 && i < 16; ++i)
      start[layout.exponent_offset + i] = static_cast<std::byte>(119u + random() % 4u);
  }
  return bytes;
}

}  // namespace lathe::test
