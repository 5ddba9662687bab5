// Frequencies from a file's keys: which key counts, and the numbers that transformers' functions give.
#include "models/rope.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"

namespace lathe {
namespace {

using Keys = std::map<std::string, MetadataValue>;

Checkpoint with_keys(const Keys& keys) {
  Checkpoint checkpoint;
  checkpoint.architecture = "llama";
  for (const auto& [key, value] : keys) checkpoint.metadata["llama.rope." + key] = value;
  return checkpoint;
}

std::vector<double> frequencies(const Keys& keys) {
  return rope_frequencies(read_rope_config(with_keys(keys), 16, 512), {});
}

TEST(Rope, AFactorIsLinearUnderEitherNameUnlessTheTypeSaysNone) {
  const auto plain = frequencies({});
  ASSERT_EQ(plain.size(), 8u);
  EXPECT_DOUBLE_EQ(plain[0], 1.0);
  EXPECT_NEAR(plain[4], 0.01, 1e-15);  // 10000^(-8/16)
  for (const char* key : {"scaling.factor", "scale_linear"})
    EXPECT_NEAR(frequencies({{key, 4.0}})[4], 0.0025, 1e-15) << key;
  EXPECT_EQ(frequencies({{"scaling.factor", 4.0}, {"scaling.type", std::string("none")}}), plain);
  EXPECT_EQ(frequencies({{"scaling.factor", 0.0}}), plain);
}

TEST(Rope, YarnIsThatOfTransformers) {
  std::ifstream file(std::string(LATHE_SOURCE_DIR) + "/tests/tiny/rope_numbers.json");
  const Json numbers =
      parse_json(std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()),
                 "rope_numbers.json");
  int found = 0;
  for (const Json& test : numbers["cases"]) {
    const Json& rope = test["rope_parameters"];
    if (rope["rope_type"] != "yarn" || rope.contains("mscale")) continue;
    ++found;
    Keys keys = {{"scaling.type", std::string("yarn")},
                 {"freq_base", rope["rope_theta"].get<double>()},
                 {"scaling.factor", rope["factor"].get<double>()},
                 {"scaling.original_context_length", std::uint64_t{32}}};
    for (const auto& [key, gguf] :
         {std::pair("beta_fast", "scaling.yarn_beta_fast"), std::pair("beta_slow", "scaling.yarn_beta_slow"),
          std::pair("attention_factor", "scaling.yarn_attn_factor")})
      if (rope.contains(key)) keys[gguf] = rope[key].get<double>();
    EXPECT_NEAR(read_rope_config(with_keys(keys), 16, 512).magnitude, test["magnitude"].get<double>(), 1e-12);
    const auto computed = frequencies(keys);
    for (std::size_t i = 0; i < computed.size(); ++i)
      EXPECT_NEAR(computed[i] / test["frequencies"][i].get<double>(), 1, 1e-6) << test["name"] << " " << i;
  }
  EXPECT_EQ(found, 2);
}

TEST(Rope, TheContextChoosesBetweenLongAndShortFactors) {
  Checkpoint checkpoint = with_keys({{"scaling.original_context_length", std::uint64_t{32}}});
  const auto config = read_rope_config(checkpoint, 16, 512);
  EXPECT_EQ(rope_factors_name(checkpoint, config, 512), "");
  checkpoint.tensors["rope_factors_long.weight"] = {};
  checkpoint.tensors["rope_factors_short.weight"] = {};
  EXPECT_EQ(rope_factors_name(checkpoint, config, 32), "rope_factors_short.weight");
  EXPECT_EQ(rope_factors_name(checkpoint, config, 33), "rope_factors_long.weight");
  checkpoint.tensors["rope_freqs.weight"] = {};
  EXPECT_EQ(rope_factors_name(checkpoint, config, 512), "rope_freqs.weight");
}

}  // namespace
}  // namespace lathe
