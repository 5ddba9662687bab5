// Kernels that may write over an input give the same bits when they do, however many threads share the work
// and whichever of them comes first: each thread has read all that it needs of an element before any other
// writes it.
#include <gtest/gtest.h>

#include <algorithm>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

bool same_type(const Tensor& a, const Tensor& b) { return a.dtype == b.dtype && a.dims == b.dims; }

TEST(InPlace, GivesTheSameBits) {
  int kernels_in_place = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.in_place_input < 0) continue;
    const auto input = static_cast<std::size_t>(kernel.in_place_input);
    Kernel shared = kernel;
    shared.serial = nullptr;  // small cases too are split
    int cases = 0;
    for (const auto& test : cases_of(kernel.op)) {
      if (!accepts(kernel, test) || input >= test.inputs.size()) continue;
      if (!same_type(test.inputs[input], test.outputs[0])) continue;
      ++cases;
      Case in_place = test;
      in_place.alias = kernel.in_place_input;
      const int variants = std::max(1, static_cast<int>(kernel.variants.size()));
      for (int variant = 0; variant < variants; ++variant) {
        const auto expected = run(kernel, test, 1, variant);
        for (const int threads : {2, 5})
          for (const auto order : {ThreadOrder::last_first, ThreadOrder::first_first})
            ASSERT_EQ(difference(expected, run(shared, in_place, threads, variant, order)), "")
                << kernel.name << " with " << threads << " threads: " << test.name;
      }
    }
    EXPECT_GT(cases, 0) << kernel.name << " has no case whose output is like the input it may share";
    ++kernels_in_place;
  }
  EXPECT_GE(kernels_in_place, 10);
}

}  // namespace
}  // namespace lathe::parity
