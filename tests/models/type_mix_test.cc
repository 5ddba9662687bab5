// Rules of the mixes that depend on the model: experts, shared keys, size; and what a shape has no place for.
#include "models/type_mix.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

Checkpoint model(std::uint64_t layers, std::uint64_t heads, std::uint64_t key_heads,
                 std::uint64_t experts = 0) {
  Checkpoint checkpoint;
  checkpoint.architecture = "llama";
  checkpoint.metadata["llama.block_count"] = layers;
  checkpoint.metadata["llama.attention.head_count"] = heads;
  checkpoint.metadata["llama.attention.head_count_kv"] = key_heads;
  if (experts > 0) checkpoint.metadata["llama.expert_count"] = experts;
  checkpoint.tensors["output.weight"] = {};
  return checkpoint;
}

Dtype type_of(const Checkpoint& checkpoint, std::string_view mix, std::string_view name,
              bool importance = false, const Shape& shape = {256, 256}) {
  return TypeRules(checkpoint, *find_type_mix(mix), importance).type_of(name, shape);
}

TEST(TypeMix, NamesInAnyCaseAndShortOnes) {
  EXPECT_EQ(find_type_mix("Q4_K")->name, "q4_k_m");
  EXPECT_EQ(find_type_mix("q3_k")->name, "q3_k_m");
  EXPECT_EQ(find_type_mix("BF16")->dtype, Dtype::bf16);
  EXPECT_EQ(find_type_mix("q4"), nullptr);
  EXPECT_EQ(find_type_mix(""), nullptr);
}

TEST(TypeMix, MixturesOfEightExpertsKeepKeysAndValues) {
  const Checkpoint eight = model(32, 32, 8, 8);
  EXPECT_EQ(type_of(eight, "q4_k_s", "blk.9.attn_v.weight"), Dtype::q8_0);
  EXPECT_EQ(type_of(eight, "q4_k_s", "blk.9.attn_k.weight"), Dtype::q8_0);
  EXPECT_EQ(type_of(eight, "q4_k_s", "blk.9.attn_output.weight"), Dtype::q5_k);
  EXPECT_EQ(type_of(eight, "q3_k_l", "blk.9.attn_output.weight"), Dtype::q3_k);
  EXPECT_EQ(type_of(eight, "mxfp4_moe", "blk.9.ffn_up_exps.weight", false, {8, 64, 256}), Dtype::mxfp4);
  EXPECT_EQ(type_of(model(32, 32, 8), "q4_k_s", "blk.9.attn_k.weight"), Dtype::q4_k);
}

TEST(TypeMix, ValuesThatManyQueriesShareAreKeptFiner) {
  EXPECT_EQ(type_of(model(32, 32, 8), "q2_k", "blk.9.attn_v.weight"), Dtype::q4_k);
  EXPECT_EQ(type_of(model(32, 32, 32), "q2_k", "blk.9.attn_v.weight"), Dtype::q3_k);
  EXPECT_EQ(type_of(model(32, 32, 8), "iq4_nl", "blk.9.attn_v.weight"), Dtype::q5_k);
  EXPECT_EQ(type_of(model(80, 64, 8), "q4_k_s", "blk.40.attn_v.weight"), Dtype::q5_k);
  EXPECT_EQ(type_of(model(80, 64, 64), "q4_k_s", "blk.40.attn_v.weight"), Dtype::q4_k);
}

TEST(TypeMix, ImportanceDecidesAboutTheFirstLayers) {
  const Checkpoint checkpoint = model(32, 32, 32);
  EXPECT_EQ(type_of(checkpoint, "q4_0", "blk.3.ffn_down.weight", true), Dtype::q4_1);
  EXPECT_EQ(type_of(checkpoint, "q4_0", "blk.4.ffn_down.weight", true), Dtype::q4_0);
  EXPECT_EQ(type_of(checkpoint, "q4_0", "blk.3.ffn_down.weight", false), Dtype::q4_0);
  EXPECT_EQ(type_of(checkpoint, "q5_0", "blk.3.ffn_down.weight", true), Dtype::q5_1);
  EXPECT_EQ(type_of(checkpoint, "iq4_xs", "blk.3.ffn_down.weight", true), Dtype::iq4_xs);
  EXPECT_EQ(type_of(checkpoint, "iq4_xs", "blk.3.ffn_down.weight", false), Dtype::q5_k);
}

TEST(TypeMix, RowsThatDoNotFillBlocks) {
  EXPECT_EQ(fitting_type(Dtype::q4_k, 512), Dtype::q4_k);
  EXPECT_EQ(fitting_type(Dtype::q4_k, 576), Dtype::q5_0);
  EXPECT_EQ(fitting_type(Dtype::q6_k, 576), Dtype::q8_0);
  EXPECT_EQ(fitting_type(Dtype::q4_k, 100), Dtype::f16);
  EXPECT_EQ(fitting_type(Dtype::q8_0, 100), Dtype::f16);
  EXPECT_EQ(fitting_type(Dtype::bf16, 7), Dtype::bf16);
}

TEST(TypeMix, EveryTypeHasTheNumberOfAFile) {
  for (const TypeMix& mix : type_mixes()) EXPECT_EQ(find_type_mix(mix.name), &mix);
  EXPECT_EQ(file_type_of(Dtype::q4_0), 2);
  EXPECT_EQ(file_type_of(Dtype::q8_0), 7);
  EXPECT_EQ(file_type_of(Dtype::q6_k), 18);
}

}  // namespace
}  // namespace lathe
