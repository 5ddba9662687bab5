// Random bit flips in the metadata and tensor table of a whole model: an lathe::Error, or a model that loads.
// 500 seeds; 10,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "formats/gguf.h"
#include "lathe/error.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"
#include "text/tokenizer.h"

namespace lathe {
namespace {

int seed_count() {
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? 10'000 : 500;
}

// 1 to 4 flips in the first `header` bytes; a third of the seeds spare texts, so that lengths and numbers are
// met.
std::string flipped(const std::string& whole, std::size_t header, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes = whole;
  for (unsigned flips = 1 + random() % 4; flips > 0;) {
    const std::size_t at = random() % header;
    const bool text = bytes[at] >= 0x20 && bytes[at] < 0x7f;
    if (text && seed % 3 == 0) continue;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    --flips;
  }
  return bytes;
}

// Everything that a program does with the file up to its first token. Empty where the file was refused.
std::optional<std::size_t> load(const std::string& path) {
  try {
    const auto checkpoint = read_gguf(path);
    const auto tokenizer = make_tokenizer(gguf_tokenizer(*checkpoint));
    const auto ids = tokenizer->encode("the <|im_end|> of it");
    for (const auto id : ids) tokenizer->piece(id);
    std::uint64_t sum = 0;  // touches every byte that the table claims
    for (const auto& [name, tensor] : checkpoint->tensors)
      for (std::uint64_t i = 0; i < tensor.bytes(); i += 64)
        sum += std::to_integer<std::uint64_t>(tensor.data[i]);
    return ids.size() + (sum & 0);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return std::nullopt;
  }
}

TEST(GgufBitflip, RefusesOrLoads) {
  const auto builder = test::tiny_model();
  const std::string whole = builder.bytes();
  const test::TemporaryFile file(whole);
  ASSERT_TRUE(load(file.path()).has_value());
  int loaded = 0;
  const int seeds = seed_count();
  for (int seed = 0; seed < seeds; ++seed) {
    file.write(flipped(whole, builder.data_start(), static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    loaded += load(file.path()).has_value() ? 1 : 0;
  }
  // Flips in texts and unused keys are harmless, flips in lengths are not: both must have been met.
  EXPECT_GT(loaded, seeds / 100);
  EXPECT_LT(loaded, seeds * 9 / 10);
  RecordProperty("loaded", loaded);
}

}  // namespace
}  // namespace lathe
