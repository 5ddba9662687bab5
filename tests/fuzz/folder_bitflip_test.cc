// Random bit flips in config.json, in the header of the tensors and in the index of a whole folder: a
// lathe::Error, or a model that loads and computes a token. 500 seeds; 10,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "lathe/lathe.h"
#include "support/safetensors_builder.h"
#include "support/tiny_folder.h"

namespace lathe {
namespace {

using test::TemporaryFolder;
using test::TinyFolder;

int seed_count() {
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? 10'000 : 500;
}

std::string flipped(std::string bytes, std::size_t end, unsigned seed) {
  std::mt19937 random(seed);
  for (auto flips = 1 + random() % 3; flips > 0; --flips) {
    const std::size_t at = random() % end;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
  }
  return bytes;
}

// Loads and runs one step; false where an Error refused it.
bool runs(const std::string& path) {
  try {
    ModelOptions options;
    options.threads = 1;
    options.sequences = 1;
    options.fetch = false;
    Model model = Model::load(path, options);
    const std::int32_t ids[] = {1, 3};
    int rows = 0;
    model.logits(ids, 0, [&](int, std::span<const float> logits) {
      EXPECT_EQ(logits.size(), static_cast<std::size_t>(model.info().vocabulary));
      ++rows;
    });
    EXPECT_EQ(rows, 2);
    return true;
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return false;
  }
}

struct Tally {
  int loaded = 0;
  int seeds = seed_count();
};

void expect_both(const Tally& tally) {
  EXPECT_GT(tally.loaded, 0);
  EXPECT_LT(tally.loaded, tally.seeds * 9 / 10);
}

TEST(FolderBitflip, ConfigIsRefusedOrRuns) {
  const TemporaryFolder folder;
  const TinyFolder tiny;
  tiny.write(folder);
  ASSERT_TRUE(runs(folder.path()));
  Tally tally;
  for (int seed = 0; seed < tally.seeds; ++seed) {
    folder.write("config.json", flipped(tiny.config, tiny.config.size(), static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    tally.loaded += runs(folder.path()) ? 1 : 0;
  }
  expect_both(tally);
}

TEST(FolderBitflip, TheTensorsHeaderIsRefusedOrRuns) {
  const TemporaryFolder folder;
  const TinyFolder tiny;
  tiny.write(folder);
  test::SafetensorsBuilder builder;
  for (const auto& [name, tensor] : tiny.tensors)
    builder.tensor(name, tensor.dtype, tensor.shape, tensor.bytes);
  const std::string whole = builder.bytes();
  Tally tally;
  for (int seed = 0; seed < tally.seeds; ++seed) {
    const std::size_t header = 8 + builder.header().size();
    // Every other one touches weights too.
    folder.write("model.safetensors",
                 flipped(whole, seed % 2 == 0 ? header : whole.size(), static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    tally.loaded += runs(folder.path()) ? 1 : 0;
  }
  expect_both(tally);
}

TEST(FolderBitflip, TheIndexIsRefusedOrRuns) {
  const TemporaryFolder folder;
  const TinyFolder tiny;
  tiny.write(folder);
  const std::string shard = "model-00001-of-00001.safetensors";
  std::filesystem::rename(folder.path_of("model.safetensors"), folder.path_of(shard));
  std::string index = R"({"metadata": {"total_size": 7}, "weight_map": {)";
  for (const auto& [name, tensor] : tiny.tensors)
    index += (index.back() == '{' ? "\"" : ", \"") + name + "\": \"" + shard + "\"";
  index += "}}";
  folder.write("model.safetensors.index.json", index);
  ASSERT_TRUE(runs(folder.path()));
  Tally tally;
  for (int seed = 0; seed < tally.seeds; ++seed) {
    folder.write("model.safetensors.index.json", flipped(index, index.size(), static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    tally.loaded += runs(folder.path()) ? 1 : 0;
  }
  expect_both(tally);
}

}  // namespace
}  // namespace lathe
