// Every kernel gives the bits of the portable kernel of its name, on every case of its op, at 1 to 4 threads.
#include <gtest/gtest.h>
#include <algorithm>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

/// Portable kernels by index, each with all kernels of its name.
std::vector<const Kernel*> portable_kernels() {
  std::vector<const Kernel*> portable;
  for (const auto& kernel : kernels())
    if (&portable_of(kernel) == &kernel) portable.push_back(&kernel);
  return portable;
}

/// Portable attention takes seconds on the large shapes.
bool quick(const Case& test) {
  constexpr std::size_t kQuickBytes = 1 << 17;
  return test.op != "PagedAttention" || test.outputs[0].bytes.size() <= kQuickBytes;
}

int variants_of(const Kernel& kernel) { return std::max(1, static_cast<int>(kernel.variants.size())); }

class Parity : public testing::TestWithParam<const Kernel*> {};

TEST_P(Parity, AgreesWithPortable) {
  const Kernel& portable = *GetParam();
  int cases = 0;
  for (const auto& test : cases_of(portable.op)) {
    if (!accepts(portable, test)) continue;
    ++cases;
    const auto expected = run(portable, test, 1);
    for (const int threads : quick(test) ? std::vector{2, 3, 4} : std::vector{3})
      ASSERT_EQ(difference(expected, run(portable, test, threads)), "")
          << portable.name << " with " << threads << " threads: " << test.name;
    for (const auto& kernel : kernels()) {
      if (&kernel == &portable || &portable_of(kernel) != &portable) continue;
      for (int threads = 1; threads <= 4; ++threads)
        for (int variant = 0; variant < variants_of(kernel); ++variant)
          ASSERT_EQ(difference(expected, run(kernel, test, threads, variant)), "")
              << kernel.name << " with " << threads << " threads, variant " << variant << ": " << test.name;
    }
  }
  EXPECT_GT(cases, 0) << "tests/parity has no row that " << portable.name << " accepts";
}

std::string kernel_name(const testing::TestParamInfo<const Kernel*>& instance) {
  std::string name = instance.param->name.substr(instance.param->name.find('.') + 1);
  for (auto& c : name)
    if (c == '.') c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kernels, Parity, testing::ValuesIn(portable_kernels()), kernel_name);

}  // namespace
}  // namespace lathe::parity
