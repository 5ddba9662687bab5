// Random changes in the metadata of a whole plan, with its checksums made right again: a lathe::Error, or a
// model that makes a token. 500 seeds; 10,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "lathe/lathe.h"
#include "support/plan_bytes.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

int seed_count() {
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? 10'000 : 500;
}

std::string whole_plan() {
  test::TemporaryFile model;
  test::write_tiny_model(model.path());
  PlanOptions options;
  options.model.threads = 1;
  options.model.sequences = 1;
  std::string bytes;
  build(model.path(), options, [&](std::span<const std::byte> part, std::uint64_t) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

/// 1 to 4 changes behind the header. By the seed: single bits anywhere; bits of what is no text, so of
/// counts, indices, offsets and sizes; or a whole number made huge, small or another one of the file.
std::string changed(const std::string& whole, std::size_t metadata, unsigned seed) {
  constexpr std::size_t kHeader = 120;  // the number of sections, and all behind it
  std::mt19937 random(seed);
  std::string bytes = whole;
  for (unsigned changes = 1 + random() % 4; changes > 0;) {
    const std::size_t at = kHeader + random() % (metadata - kHeader - 8);
    const bool text = bytes[at] >= 0x20 && bytes[at] < 0x7f;
    if (seed % 3 != 0 && text) continue;
    if (seed % 3 == 2) {
      constexpr std::uint64_t kNumbers[] = {0, 1, ~0ull, 1ull << 63, 1ull << 32, 0x7fffffff, 64, 4096};
      const std::uint64_t number = kNumbers[random() % std::size(kNumbers)];
      std::memcpy(bytes.data() + at, &number, 4u << random() % 2);
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    }
    --changes;
  }
  return test::PlanBytes::sealed(std::move(bytes));
}

bool runs(const std::string& path) {
  try {
    ModelOptions options;
    options.threads = 1;
    Model model = Model::load(path, options);
    Request request;
    request.prompt = "the <|im_end|> of it";
    request.parse_special = true;
    request.max_tokens = 2;
    Answer answer = model.answer(request);
    answer.text();
    model.detokenize(model.tokenize("a text of 12 words", true, true), true);
    model.inspect_json();
    return true;
  } catch (const Error& error) {
    // A forged plan may compute nonsense, which the engine notices at its logits.
    const bool nonsense = std::string_view(error.what()).find("all logits are NaN") != std::string_view::npos;
    EXPECT_TRUE(nonsense || error.code() != ErrorCode::internal) << error.what();
    return false;
  }
}

TEST(PlanBitflip, RefusesOrRuns) {
  const std::string whole = whole_plan();
  const std::size_t metadata = test::PlanBytes(whole).data_start();
  const test::TemporaryFile file(whole, ".plan");
  ASSERT_TRUE(runs(file.path()));
  int loaded = 0;
  const int seeds = seed_count();
  for (int seed = 0; seed < seeds; ++seed) {
    file.write(changed(whole, metadata, static_cast<unsigned>(seed)));
    SCOPED_TRACE("seed " + std::to_string(seed));
    loaded += runs(file.path()) ? 1 : 0;
  }
  EXPECT_GT(loaded, seeds / 50);
  EXPECT_LT(loaded, seeds * 19 / 20);
  RecordProperty("loaded", loaded);
}

}  // namespace
}  // namespace lathe
