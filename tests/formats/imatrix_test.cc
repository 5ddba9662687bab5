// Importance files: what is written comes back, and what is broken is refused with its place.
#include "formats/imatrix.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "lathe/error.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using test::TemporaryFile;
using testing::ElementsAre;
using testing::HasSubstr;

std::string written(const ImportanceMatrix& importance) {
  std::string all;
  write_imatrix(importance, [&](std::span<const std::byte> part) {
    all.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return all;
}

template <class Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// One entry "w" of two values in the older form.
std::string old_file(float second, std::int32_t calls = 4) {
  std::string bytes;
  append<std::int32_t>(bytes, 1);
  append<std::int32_t>(bytes, 1);
  bytes += "w";
  append<std::int32_t>(bytes, calls);
  append<std::int32_t>(bytes, 2);
  append(bytes, 8.0f);
  append(bytes, second);
  return bytes;
}

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& part) {
  const TemporaryFile file(bytes);
  try {
    read_imatrix(file.path());
    ADD_FAILURE() << "accepted: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what() + error.place().field, HasSubstr(part));
    EXPECT_EQ(error.place().file, file.path());
  }
}

TEST(Imatrix, WhatIsWrittenComesBack) {
  ImportanceMatrix importance;
  importance.entries["blk.0.ffn_up.weight"] = {{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  importance.datasets = {"a text"};
  importance.chunks = 7;
  importance.chunk_tokens = 512;
  const TemporaryFile file(written(importance));
  const ImportanceMatrix read = read_imatrix(file.path());
  const ImportanceEntry& entry = read.entries.at("blk.0.ffn_up.weight");
  EXPECT_THAT(entry.sums, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(entry.counts, ElementsAre(2, 0, 1));
  EXPECT_THAT(entry.means(), ElementsAre(0.5f, 1, 1, 1, 5, 6));  // a matrix that was never used counts alike
  EXPECT_EQ(read.datasets, importance.datasets);
  EXPECT_EQ(read.chunks, 7);
  EXPECT_EQ(read.chunk_tokens, 512);
}

TEST(Imatrix, OlderFilesHaveMeansTimesCalls) {
  std::string bytes = old_file(2.0f);
  append<std::int32_t>(bytes, 9);
  append<std::int32_t>(bytes, 3);
  bytes += "abc";
  const TemporaryFile file(bytes);
  const ImportanceMatrix read = read_imatrix(file.path());
  EXPECT_THAT(read.entries.at("w").means(), ElementsAre(2, 0.5f));
  EXPECT_EQ(read.chunks, 9);
  EXPECT_THAT(read.datasets, ElementsAre("abc"));
}

TEST(Imatrix, BrokenOlderFilesAreRefused) {
  const std::string whole = old_file(2.0f);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
    expect_refused(whole.substr(0, bytes), ErrorCode::invalid_file, "");
  expect_refused(old_file(-1.0f), ErrorCode::invalid_file, "importance of w");
  expect_refused(old_file(std::numeric_limits<float>::infinity()), ErrorCode::invalid_file,
                 "importance of w");
  expect_refused(old_file(std::nanf("")), ErrorCode::invalid_file, "importance of w");
  expect_refused(old_file(1.0f, -1), ErrorCode::invalid_file, "calls");
}

TEST(Imatrix, ImportanceThatContradictsItselfIsRefused) {
  ImportanceMatrix importance;
  expect_refused(written({}), ErrorCode::invalid_file, "no importance");
  importance.entries["w"] = {{1, -2}, {1}};
  expect_refused(written(importance), ErrorCode::invalid_model, "w.in_sum2");
  importance.entries["w"] = {{1, 2}, {-1}};
  expect_refused(written(importance), ErrorCode::invalid_model, "w.counts");
  std::string renamed = written({{{"w", {{1, 2}, {1}}}}, {}, 0, 0});
  renamed.replace(renamed.find("w.counts"), 8, "v.counts");
  expect_refused(renamed, ErrorCode::invalid_model, "sums without counts");
}

}  // namespace
}  // namespace lathe
