// Sources of logits in turns: what is seen of them, in which order they work, and how failures end both.
#include "api/paired_logits.h"

#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>

namespace lathe {
namespace {

using testing::HasSubstr;

constexpr std::size_t kVocabulary = 5;

/// A row that says where it is from.
std::vector<float> row_of(std::int32_t position, float offset) {
  std::vector<float> row(kVocabulary);
  for (std::size_t i = 0; i < row.size(); ++i)
    row[i] = offset + static_cast<float>(position) * 10 + static_cast<float>(i);
  return row;
}

LogitsSource source_of(float offset, std::int32_t failing = -1, std::atomic<int>* working = nullptr) {
  return [=](std::span<const TokenId> ids, std::int32_t first, const LogitsRow& row) {
    for (auto at = first; at < static_cast<std::int32_t>(ids.size()); ++at) {
      if (working != nullptr) {
        EXPECT_EQ(working->fetch_add(1), 0);
      }
      if (at == failing) throw std::runtime_error("position " + std::to_string(at));
      const auto values = row_of(at, offset);
      if (working != nullptr) working->fetch_sub(1);
      row(at, values);
    }
  };
}

TEST(Windows, HaveEveryPositionFromTheFirstOn) {
  for (const std::int32_t first : {0, 1, 63, 64, 99}) {
    const std::vector<TokenId> ids(100);
    std::int32_t next = first;
    in_windows(source_of(0), ids, first, [&](const LogitsWindow& window) {
      EXPECT_EQ(window.position, next);
      EXPECT_LE(window.rows, static_cast<std::size_t>(kPairedRows));
      for (std::size_t i = 0; i < window.rows; ++i)
        EXPECT_THAT(window.row(i), testing::ElementsAreArray(row_of(next++, 0)));
    });
    EXPECT_EQ(next, 100);
  }
}

TEST(PairedWindows, HaveTheSamePositionsOfAllWhichNeverWorkAtOnce) {
  for (const std::size_t models : {1U, 2U, 5U})
    for (const std::size_t length : {1U, 64U, 65U, 200U}) {
      const std::vector<TokenId> ids(length);
      std::atomic<int> working = 0;
      std::vector<LogitsSource> sources;
      for (std::size_t i = 0; i < models; ++i)
        sources.push_back(source_of(static_cast<float>(i), -1, &working));
      std::atomic<int> computed = 0;  // rows of the reference
      const auto reference = [&, source = source_of(1000, -1, &working)](auto rows, auto first,
                                                                         const auto& row) {
        source(rows, first, [&](std::int32_t at, std::span<const float> values) {
          ++computed;
          row(at, values);
        });
      };
      std::vector<std::int32_t> next(models);
      in_paired_windows(
          reference, sources, ids, 0,
          [&](std::size_t source, const LogitsWindow& of_reference, const LogitsWindow& window) {
            EXPECT_EQ(of_reference.position, window.position);
            ASSERT_EQ(of_reference.rows, window.rows);
            for (std::size_t i = 0; i < window.rows; ++i) {
              const std::int32_t at = next[source]++;
              EXPECT_THAT(window.row(i), testing::ElementsAreArray(row_of(at, static_cast<float>(source))));
              EXPECT_THAT(of_reference.row(i), testing::ElementsAreArray(row_of(at, 1000)));
            }
          });
      EXPECT_THAT(next, testing::Each(static_cast<std::int32_t>(length)));
      EXPECT_EQ(computed, static_cast<int>(length));
    }
}

std::string failure(const LogitsSource& reference, const std::vector<LogitsSource>& sources,
                    const TakeWindows& take) {
  const std::vector<TokenId> ids(200);
  try {
    in_paired_windows(reference, sources, ids, 0, take);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

TEST(PairedWindows, WhatAnyThrowsEndsAll) {
  const auto nothing = [](std::size_t, const LogitsWindow&, const LogitsWindow&) {};
  for (const std::int32_t failing : {0, 10, 64, 199}) {
    const std::string expected = "position " + std::to_string(failing);
    EXPECT_EQ(failure(source_of(1, failing), {source_of(0)}, nothing), expected);
    EXPECT_EQ(failure(source_of(1), {source_of(0, failing)}, nothing), expected);
    EXPECT_EQ(failure(source_of(1), {source_of(0), source_of(2), source_of(0, failing)}, nothing), expected);
  }
  const auto enough = [](std::size_t, const LogitsWindow&, const LogitsWindow&) {
    throw std::runtime_error("enough");
  };
  EXPECT_EQ(failure(source_of(1), {source_of(0), source_of(0)}, enough), "enough");
}

}  // namespace
}  // namespace lathe
