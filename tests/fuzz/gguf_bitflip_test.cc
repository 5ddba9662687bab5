// Random bit flips in the metadata and tensor table of a whole model: a lathe::Error, or a model that loads
// and makes a token. 500 seeds; 10,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "lathe/lathe.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

int seed_count() {
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? 10'000 : 500;
}

// 1 to 4 flips before the data section. By the seed they fall on texts alone, which mostly leaves a file that
// can be read; on what is no text: lengths, counts and types; or on the model's numbers, which stand before
// the tokenizer.
std::string flipped(const std::string& whole, std::size_t header, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes = whole;
  const std::size_t numbers = whole.find("tokenizer.ggml.model");
  for (unsigned flips = 1 + random() % 4; flips > 0;) {
    const std::size_t at = random() % (seed % 3 == 2 ? numbers : header);
    const bool text = bytes[at] >= 0x20 && bytes[at] < 0x7f;
    if (seed % 3 != 2 && text != (seed % 3 == 0)) continue;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    --flips;
  }
  return bytes;
}

// Loads and runs one token; false where an Error refused it.
bool runs(const std::string& path) {
  try {
    ModelOptions options;
    options.threads = 1;
    options.sequences = 1;
    options.fetch = false;
    Model model = Model::load(path, options);
    Request request;
    request.prompt = "the <|im_end|> of it";
    request.parse_special = true;
    request.max_tokens = 1;
    Answer answer = model.answer(request);
    answer.text();
    EXPECT_NE(answer.end(), EndReason::none);
    EXPECT_LE(answer.trace().generated_tokens, 1);
    return true;
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return false;
  }
}

TEST(GgufBitflip, RefusesOrRuns) {
  const auto builder = test::tiny_model();
  const std::string whole = builder.bytes();
  const test::TemporaryFile file(whole);
  ASSERT_TRUE(runs(file.path()));
  int loaded = 0;
  const int seeds = seed_count();
  for (int seed = 0; seed < seeds; ++seed) {
    file.write(flipped(whole, builder.data_start(), static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    loaded += runs(file.path()) ? 1 : 0;
  }
  // Flips in texts and unused keys are harmless, flips in lengths are not: both must have been met.
  EXPECT_GT(loaded, seeds / 20);
  EXPECT_LT(loaded, seeds * 9 / 10);
  RecordProperty("loaded", loaded);
}

}  // namespace
}  // namespace lathe
