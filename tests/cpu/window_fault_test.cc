// Indices that come with the data: kernels of windows and regions refuse those that lie outside, and go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cpu/kernels.h"

namespace lathe {
namespace {

template <class T>
TensorArg tensor(std::vector<T>& data, std::vector<std::int64_t> dims, Dtype dtype) {
  TensorArg result{data.data(), {}, static_cast<std::int32_t>(dims.size()), static_cast<std::int32_t>(dtype)};
  std::copy(dims.begin(), dims.end(), result.dims);
  return result;
}

/// Whether the kernel sets the fault.
bool faults(std::string_view name, std::vector<TensorArg> inputs, TensorArg output,
            std::vector<AttributeValue> attributes) {
  for (const auto& kernel : cpu_kernels(IsaLevel::portable)) {
    if (kernel.name != name) continue;
    std::int32_t fault = 0;
    KernelCall call{
        inputs.data(), &output, attributes.data(), nullptr, static_cast<std::int32_t>(inputs.size()), 0, 1};
    call.fault = &fault;
    kernel.run(call);
    return fault != 0;
  }
  ADD_FAILURE() << "no kernel " << name;
  return false;
}

AttributeValue text(const char* value) { return {.text = value}; }
AttributeValue integer(std::int64_t value) { return {.integer = value}; }
AttributeValue real(double value) { return {.real = value}; }

bool unpool_faults(std::int64_t index, std::vector<float>& result) {
  std::vector<float> x = {5};
  std::vector<std::int64_t> indices = {index};
  result.assign(4, -1.0f);
  return faults("portable.max_unpool.f32",
                {tensor(x, {1, 1, 1, 1}, Dtype::f32), tensor(indices, {1, 1, 1, 1}, Dtype::i64)},
                tensor(result, {1, 1, 2, 2}, Dtype::f32), {text("2,2"), text(""), text("2,2")});
}

TEST(WindowFault, UnpoolingPutsElementsInsideTheOutputAlone) {
  std::vector<float> result;
  EXPECT_FALSE(unpool_faults(3, result));
  EXPECT_EQ(result, (std::vector<float>{0, 0, 0, 5}));
  for (const std::int64_t index : {std::int64_t{4}, std::int64_t{-1}, std::int64_t{1} << 62}) {
    EXPECT_TRUE(unpool_faults(index, result)) << index;
    EXPECT_EQ(result, (std::vector<float>{0, 0, 0, 0}));
  }
}

bool roi_faults(std::int64_t image, float corner) {
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<float> rois = {0, 0, corner, 2};
  std::vector<std::int64_t> indices = {image};
  std::vector<float> result(1);
  return faults("portable.roi_align.f32",
                {tensor(x, {1, 1, 2, 2}, Dtype::f32), tensor(rois, {1, 4}, Dtype::f32),
                 tensor(indices, {1}, Dtype::i64)},
                tensor(result, {1, 1, 1, 1}, Dtype::f32),
                {text("half_pixel"), text("avg"), integer(1), integer(1), integer(0), real(1)});
}

TEST(WindowFault, RegionsLieInImagesThatAreThereAndHaveASize) {
  EXPECT_FALSE(roi_faults(0, 2));
  EXPECT_TRUE(roi_faults(1, 2));
  EXPECT_TRUE(roi_faults(-1, 2));
  EXPECT_TRUE(roi_faults(0, 1e30f));
}

TEST(WindowFault, MelTrianglesLieInTheMatrix) {
  std::vector<std::int64_t> bins = {4};
  std::vector<std::int64_t> length = {16};
  std::vector<std::int64_t> rate = {8000};
  std::vector<float> low = {0};
  std::vector<float> result(9 * 4);
  const auto mel_faults = [&](float high) {
    std::vector<float> edge = {high};
    return faults("portable.mel_weight_matrix",
                  {tensor(bins, {}, Dtype::i64), tensor(length, {}, Dtype::i64), tensor(rate, {}, Dtype::i64),
                   tensor(low, {}, Dtype::f32), tensor(edge, {}, Dtype::f32)},
                  tensor(result, {9, 4}, Dtype::f32), {text("f32")});
  };
  EXPECT_FALSE(mel_faults(4000));
  EXPECT_TRUE(mel_faults(-500));
  EXPECT_TRUE(mel_faults(1e9f));
}

}  // namespace
}  // namespace lathe
