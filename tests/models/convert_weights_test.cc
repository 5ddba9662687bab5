// --weights on GGUF files: which matrices change, to what, and which stay.
#include "models/convert_weights.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/gguf.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

std::shared_ptr<const Checkpoint> tiny() {
  const test::TemporaryFile file(test::tiny_model().bytes());
  return read_gguf(file.path());
}

std::vector<float> floats(const TensorView& view) {
  std::vector<float> values(static_cast<std::size_t>(element_count(view.shape)));
  decode_rows(view.dtype, view.data, values.data(), view.rows(), view.columns());
  return values;
}

const TensorView& tensor(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView* view = checkpoint.find_tensor(name);
  if (view == nullptr) throw std::runtime_error(name + " is missing");
  return *view;
}

TEST(ConvertWeights, AsStoredIsTheSameCheckpoint) {
  const auto stored = tiny();
  EXPECT_EQ(convert_weights(stored, WeightType::as_stored, 1), stored);
}

TEST(ConvertWeights, FloatsAreWhatTheBlocksSay) {
  const auto stored = tiny();
  const auto converted = convert_weights(stored, WeightType::f32, 2);
  for (const auto& name : stored->tensor_names) {
    EXPECT_EQ(tensor(*converted, name).dtype, Dtype::f32) << name;
    EXPECT_EQ(floats(tensor(*converted, name)), floats(tensor(*stored, name))) << name;
  }
  EXPECT_EQ(converted->tensor_names, stored->tensor_names);
  EXPECT_TRUE(converted->warnings.empty());
}

TEST(ConvertWeights, BlocksAreRoundedFromWhatWasStored) {
  const auto stored = tiny();  // q4_0 and q8_0 matrices
  for (const auto& [weights, dtype] :
       {std::pair{WeightType::q8, Dtype::q8_0}, {WeightType::q4, Dtype::q4_1}}) {
    const auto converted = convert_weights(stored, weights, 2);
    EXPECT_EQ(tensor(*converted, "token_embd.weight").dtype, Dtype::q8_0);
    EXPECT_EQ(tensor(*converted, "output_norm.weight").dtype, Dtype::f32);
    const TensorView& down = tensor(*converted, "blk.1.ffn_up.weight");
    EXPECT_EQ(down.dtype, dtype);
    const auto values = floats(tensor(*stored, "blk.1.ffn_up.weight"));
    std::vector<std::byte> expected(down.bytes());
    block_format(dtype)->encode(values.data(), expected.data(),
                                static_cast<std::int64_t>(values.size()) / 32);
    EXPECT_EQ(std::memcmp(down.data, expected.data(), expected.size()), 0);
  }
}

TEST(ConvertWeights, WhatHasTheTypeIsNotCopied) {
  const auto stored = tiny();
  const auto converted = convert_weights(stored, WeightType::q8, 1);
  EXPECT_EQ(tensor(*converted, "blk.0.ffn_down.weight").data, tensor(*stored, "blk.0.ffn_down.weight").data);
  EXPECT_NE(tensor(*converted, "blk.0.attn_q.weight").data, tensor(*stored, "blk.0.attn_q.weight").data);
}

TEST(ConvertWeights, TheThreadsChangeNoByte) {
  test::TinyModelOptions options;
  options.embedding = 1024;
  options.feed_forward = 2048;
  options.layers = 1;
  const test::TemporaryFile file(test::tiny_model(options).bytes());
  const auto stored = read_gguf(file.path());
  const auto one = convert_weights(stored, WeightType::q4, 1);
  const auto many = convert_weights(stored, WeightType::q4, 5);
  for (const auto& name : stored->tensor_names) {
    const TensorView& view = tensor(*one, name);
    EXPECT_EQ(std::memcmp(view.data, tensor(*many, name).data, view.bytes()), 0) << name;
  }
}

TEST(ConvertWeights, WhichTensorsAreMatrices) {
  const Shape matrix = {64, 256};
  const auto q4 = [&](std::string_view name, const Shape& shape) {
    return wanted_type(WeightType::q4, name, shape, Dtype::f16).dtype;
  };
  EXPECT_EQ(q4("blk.0.attn_q.weight", matrix), Dtype::q4_1);
  EXPECT_EQ(q4("blk.0.ffn_up_exps.weight", {8, 64, 256}), Dtype::q4_1);
  EXPECT_EQ(q4("output.weight", matrix), Dtype::q8_0);
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_gate_inp.weight", "position_embd.weight",
                           "token_types.weight", "blk.0.attn_q.bias", "rope_freqs.weight"})
    EXPECT_EQ(q4(name, name == std::string("rope_freqs.weight") ? Shape{32} : matrix), Dtype::f16) << name;
}

TEST(ConvertWeights, RowsThatAreNoWholeBlocksStay) {
  EXPECT_FALSE(wanted_type(WeightType::q8, "blk.0.attn_q.weight", {64, 48}, Dtype::f16).fits);
  EXPECT_EQ(wanted_type(WeightType::q8, "blk.0.attn_q.weight", {64, 48}, Dtype::f16).dtype, Dtype::f16);
  EXPECT_TRUE(wanted_type(WeightType::bf16, "blk.0.attn_q.weight", {64, 48}, Dtype::f16).fits);
  EXPECT_EQ(wanted_type(WeightType::bf16, "blk.0.attn_q.weight", {64, 48}, Dtype::f16).dtype, Dtype::bf16);
}

TEST(ConvertWeights, Words) {
  EXPECT_EQ(weight_type_named(""), WeightType::as_stored);
  EXPECT_EQ(weight_type_named("q8"), WeightType::q8);
  for (const char* word : {"Q8", "q8_0", "int8", " q8", "f16"}) EXPECT_FALSE(weight_type_named(word)) << word;
}

}  // namespace
}  // namespace lathe
