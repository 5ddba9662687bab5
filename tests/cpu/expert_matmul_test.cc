// The experts' matmuls do not touch the weights of experts that nobody chose: those lie in pages that cannot
// be read.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <numeric>

#include "cpu/matmul_call.h"
#include "quant/block_format.h"

namespace lathe::test {
namespace {

constexpr std::int64_t kExperts = 6;

/// Memory of which whole experts can be taken away.
class ExpertPages {
 public:
  explicit ExpertPages(std::size_t expert_bytes) : expert_bytes_(expert_bytes) {
    if (expert_bytes % 4096 != 0) throw std::logic_error("an expert must fill whole pages");
    void* data =
        ::mmap(nullptr, kExperts * expert_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::runtime_error("no memory");
    data_ = static_cast<std::byte*>(data);
  }
  ExpertPages(const ExpertPages&) = delete;
  ExpertPages& operator=(const ExpertPages&) = delete;
  ~ExpertPages() { ::munmap(data_, kExperts * expert_bytes_); }

  std::byte* expert(std::int64_t index) { return data_ + static_cast<std::size_t>(index) * expert_bytes_; }
  void take_away(std::int64_t index) {
    if (::mprotect(expert(index), expert_bytes_, PROT_NONE) != 0) throw std::runtime_error("mprotect");
  }

 private:
  std::size_t expert_bytes_;
  std::byte* data_ = nullptr;
};

TensorArg tensor3(const void* data, Dtype dtype, std::int64_t a, std::int64_t b, std::int64_t c) {
  return {const_cast<void*>(data), {a, b, c}, 3, static_cast<std::int32_t>(dtype)};
}

std::vector<std::string> levels() {
  auto names = fast_levels();
  names.emplace_back("portable");
  return names;
}

/// 9 tokens with two experts each, of experts 1 and 4 alone.
const std::vector<std::int32_t> kChosen = {1, 4, 4, 1, 1, 4, 1, 4, 4, 1, 4, 1, 1, 4, 4, 1, 1, 4};
constexpr std::int64_t kTokens = 9;

TEST(ExpertMatmul, FloatReadsTheChosenExpertsAlone) {
  constexpr std::int64_t kRows = 16;
  constexpr std::int64_t kColumns = 64;
  std::mt19937 random(3);
  ExpertPages weights(packed_bytes(Dtype::packed_f32, kRows, kColumns));
  for (std::int64_t e = 0; e < kExperts; ++e) {
    const auto values = random_floats(kRows * kColumns, random);
    std::memcpy(weights.expert(e), values.data(), values.size() * sizeof(float));
  }
  for (const std::int64_t e : {0, 2, 3, 5}) weights.take_away(e);
  const auto x = random_floats(kTokens * kColumns, random);
  for (const auto& level : levels())
    for (int threads = 1; threads <= 3; ++threads) {
      std::vector<float> output(kChosen.size() * kRows, std::nanf(""));
      call_kernel(kernel_named(level + ".expert_linear.packed_f32"),
                  {tensor(x.data(), Dtype::f32, kTokens, kColumns),
                   tensor3(weights.expert(0), Dtype::packed_f32, kExperts, kRows, kColumns),
                   tensor(kChosen.data(), Dtype::i32, kTokens, 2)},
                  tensor3(output.data(), Dtype::f32, kTokens, 2, kRows), threads);
      for (const float value : output) ASSERT_TRUE(std::isfinite(value)) << level;
    }
}

TEST(ExpertMatmul, CodesAreReadOfTheChosenExpertsAlone) {
  for (const auto& layout : kPackedLayoutCases) {
    // 256 records of any layout fill whole pages.
    const std::int64_t columns = 16 * layout.info.columns_per_record;
    constexpr std::int64_t kRows = 16 * kPackedRows;
    std::mt19937 random(4);
    ExpertPages weights(packed_bytes(layout.dtype, kRows, columns));
    for (std::int64_t e = 0; e < kExperts; ++e) {
      const auto bytes = random_weights(layout, kRows, columns, random);
      std::memcpy(weights.expert(e), bytes.data(), bytes.size());
    }
    for (const std::int64_t e : {0, 2, 3, 5}) weights.take_away(e);
    const auto x = random_activations(kTokens, columns, random);
    for (const auto& level : levels())
      for (const int threads : {1, 3}) {
        std::vector<float> output(kChosen.size() * kRows, std::nanf(""));
        call_kernel(kernel_named(level + ".quantized_expert_linear." + std::string(info(layout.dtype).name)),
                    {tensor(x.data(), Dtype::a8, kTokens, columns),
                     tensor3(weights.expert(0), layout.dtype, kExperts, kRows, columns),
                     tensor(kChosen.data(), Dtype::i32, kTokens, 2)},
                    tensor3(output.data(), Dtype::f32, kTokens, 2, kRows), threads);
        for (const float value : output) ASSERT_TRUE(std::isfinite(value)) << level;
      }
  }
}

}  // namespace
}  // namespace lathe::test
