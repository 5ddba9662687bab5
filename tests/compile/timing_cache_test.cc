#include "compile/timing_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace lathe {
namespace {

const TimingEntry kSwish{3, false, {{"avx512.swish", "", 0, "", 1.25e-6}, {"avx2.swish", "", 0, "", 2e-6}}};
const TimingEntry kLinear{4, false, {{"a.linear", "wide", 1, "packed4k+packed6k", 1.0 / 3}}};

std::string temporary_file() {
  return (std::filesystem::path(testing::TempDir()) / "timing_cache_test.json").string();
}

ErrorPlace place_of_refusal(std::string_view text, ErrorCode code) {
  try {
    TimingCache::parse(text, "cache.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.place();
  }
  ADD_FAILURE() << "accepted: " << text;
  return {};
}

TEST(TimingCache, ComesBackFromItsFileAsItWas) {
  TimingCache cache;
  cache.update("Swish(f32[1])", "here", kSwish);
  cache.update("Swish(f32[1])", "there", kLinear);
  cache.save(temporary_file());
  EXPECT_EQ(TimingCache::load(temporary_file()).entries(), cache.entries());
}

TEST(TimingCache, AnEntryBelongsToItsMachine) {
  TimingCache cache;
  cache.update("a", "here", kSwish);
  EXPECT_EQ(*cache.find("a", "here"), kSwish);
  EXPECT_EQ(cache.find("a", "there"), nullptr);
  EXPECT_EQ(cache.find("b", "here"), nullptr);
  EXPECT_FALSE(cache.remove("a", "there"));
  EXPECT_TRUE(cache.remove("a", "here"));
  EXPECT_EQ(cache.find("a", "here"), nullptr);
}

TEST(TimingCache, MergingKeepsTheForcedThenTheMoreThoroughThenTheFaster) {
  TimingEntry forced = kSwish;
  forced.forced = true;
  forced.level = 0;
  TimingEntry thorough = kSwish;
  thorough.level = 5;
  TimingEntry faster = kSwish;
  faster.measured.front().seconds = 1e-7;
  TimingCache a;
  TimingCache b;
  a.update("only a", "m", kSwish);
  b.update("only b", "m", kLinear);
  a.update("forced", "m", thorough), b.update("forced", "m", forced);
  a.update("thorough", "m", thorough), b.update("thorough", "m", faster);
  a.update("faster", "m", kSwish), b.update("faster", "m", faster);
  TimingCache ab = a;
  ab.merge(b);
  TimingCache ba = b;
  ba.merge(a);
  EXPECT_EQ(ab.entries(), ba.entries());
  EXPECT_EQ(ab.entries().size(), 5u);
  EXPECT_EQ(*ab.find("forced", "m"), forced);
  EXPECT_EQ(*ab.find("thorough", "m"), thorough);
  EXPECT_EQ(*ab.find("faster", "m"), faster);
}

TEST(TimingCache, DamageIsRefusedWithItsPlace) {
  TimingCache cache;
  cache.update("a", "m", kSwish);
  const std::string whole = cache.text();
  const auto cut = place_of_refusal(whole.substr(0, whole.size() / 2), ErrorCode::invalid_file);
  EXPECT_EQ(cut.file, "cache.json");
  EXPECT_TRUE(cut.offset.has_value());

  const auto changed = [&whole](const std::string& from, const std::string& to) {
    std::string text = whole;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_EQ(place_of_refusal(changed("\"level\": 3", "\"level\": 9"), ErrorCode::invalid_file).field,
            "entries[0].level");
  EXPECT_EQ(place_of_refusal(changed("\"threads\": 0", "\"threads\": -1"), ErrorCode::invalid_file).field,
            "entries[0].measured[0].threads");
  EXPECT_EQ(place_of_refusal(changed("1.25e-06", "\"fast\""), ErrorCode::invalid_file).field,
            "entries[0].measured[0].seconds");
  EXPECT_EQ(
      place_of_refusal(changed("\"kernel\": \"avx2.swish\"", "\"kernle\": 1"), ErrorCode::invalid_file).field,
      "entries[0].measured[1].kernel");
  EXPECT_EQ(place_of_refusal(changed("\"format\": 1", "\"format\": 2"), ErrorCode::unsupported).field,
            "format");
  EXPECT_EQ(place_of_refusal("[]", ErrorCode::invalid_file).file, "cache.json");
  EXPECT_EQ(place_of_refusal(R"({"format": 1, "entries": [{"key": "", "machine": "", "level": 0,
                                 "forced": true, "measured": []}]})",
                             ErrorCode::invalid_file)
                .field,
            "entries[0].measured");
}

TEST(TimingCache, AMissingFileIsAnEmptyCacheOnlyWhereThatIsAskedFor) {
  std::filesystem::remove(temporary_file());
  EXPECT_TRUE(TimingCache::load_or_empty(temporary_file()).entries().empty());
  EXPECT_THROW(TimingCache::load(temporary_file()), Error);
  std::ofstream(temporary_file()) << "{";
  EXPECT_THROW(TimingCache::load_or_empty(temporary_file()), Error);
}

}  // namespace
}  // namespace lathe
