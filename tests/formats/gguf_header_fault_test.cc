// Hostile headers, counts and paths.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "refusal.h"
#include "support/gguf_builder.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

using test::expect_refused;
using test::GgufBuilder;
using test::number_bytes;

constexpr ErrorCode kInvalid = ErrorCode::invalid_file;

TEST(GgufHeaderFault, FileOfAFewBytes) {
  const std::string bytes = GgufBuilder().bytes();
  for (const std::size_t size : {0u, 1u, 3u})
    expect_refused(bytes.substr(0, size), {kInvalid, "the magic number", ""});
  expect_refused(bytes.substr(0, 4), {kInvalid, "the version", ""});
  expect_refused(bytes.substr(0, 8), {kInvalid, "the number of tensors", ""});
  expect_refused(bytes.substr(0, 23), {kInvalid, "the number of keys", ""});
}

TEST(GgufHeaderFault, BadMagicIsPrintedEscaped) {
  GgufBuilder builder;
  builder.magic = "FUGG";
  expect_refused(builder.bytes(), {kInvalid, "not a GGUF file: it starts with 'FUGG'", ""});
  builder.magic = std::string("\x1b[\0\xff", 4);
  expect_refused(builder.bytes(), {kInvalid, "'\\x1b[\\x00\\xff'", ""});
}

TEST(GgufHeaderFault, VersionsThatAreNotSupported) {
  GgufBuilder builder;
  for (const std::uint32_t version : {0u, 1u, 4u, 0xffffffffu}) {
    builder.version = version;
    expect_refused(builder.bytes(), {kInvalid, "versions 2 and 3 are", ""});
  }
}

TEST(GgufHeaderFault, BigEndian) {
  GgufBuilder builder;
  for (const std::uint32_t version : {0x02000000u, 0x03000000u}) {
    builder.version = version;
    expect_refused(builder.bytes(), {kInvalid, "byte order", ""});
  }
}

TEST(GgufHeaderFault, CountsOfMoreThanTheFileHolds) {
  const std::string padding(330, '\0');
  for (const std::uint64_t count : {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63,
                                    std::uint64_t{1} << 32, std::uint64_t{330 / 33 + 1 + 1}}) {
    GgufBuilder tensors;
    tensors.tensor_count = count;
    expect_refused(tensors.bytes() + padding, {kInvalid, "tensors cannot fit", ""});
    GgufBuilder keys;
    keys.key_count = count * 3;
    expect_refused(keys.bytes() + padding, {kInvalid, "metadata keys cannot fit", ""});
  }
}

TEST(GgufHeaderFault, CountsOverTheLimits) {
  const std::string padding(10u << 20, '\0');
  GgufBuilder tensors;
  tensors.tensor_count = 262'145;
  expect_refused(tensors.bytes() + padding, {kInvalid, "too many", ""});
  GgufBuilder keys;
  keys.key_count = 65'537;
  expect_refused(keys.bytes() + padding, {kInvalid, "too many", ""});
}

TEST(GgufHeaderFault, CutAnywhere) {
  const std::string whole = test::tiny_model().bytes();
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size < 4096; ++size) sizes.push_back(size);
  std::mt19937 random(5);
  for (int i = 0; i < 64; ++i) sizes.push_back(4096 + random() % (whole.size() - 4096 - 32));
  sizes.push_back(whole.size() - 1);  // the last tensor, 256 bytes, has no padding behind it
  const test::TemporaryFile file(whole);
  std::sort(sizes.begin(), sizes.end());
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
    std::filesystem::resize_file(file.path(), *size);
    try {
      read_gguf(file.path());
      ADD_FAILURE() << "a file cut to " << *size << " of " << whole.size() << " bytes was read";
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), kInvalid) << error.what();
      ASSERT_EQ(error.place().file, file.path());
      ASSERT_TRUE(error.place().offset.has_value()) << error.what();
    }
  }
}

// Paths that are no model: an error of the system, never a hang.
TEST(GgufHeaderFault, PathsThatAreNoRegularFile) {
  const test::TemporaryFile place;
  const std::string base = place.path() + ".d";
  std::filesystem::create_directory(base);
  ASSERT_EQ(::mkfifo((base + "/fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("loop", base + "/loop");
  std::filesystem::create_symlink("nowhere", base + "/dangling");
  const auto code_of = [](const std::string& path) {
    try {
      read_gguf(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.place().file, path);
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code_of(base), ErrorCode::io);
  EXPECT_EQ(code_of(base + "/fifo"), ErrorCode::io);
  EXPECT_EQ(code_of(base + "/loop"), ErrorCode::io);
  EXPECT_EQ(code_of(base + "/dangling"), ErrorCode::not_found);
  EXPECT_EQ(code_of(base + "/missing"), ErrorCode::not_found);
  EXPECT_EQ(code_of("/dev/zero"), ErrorCode::io);
  EXPECT_EQ(code_of("/proc/self/maps"), kInvalid);  // a regular file that says it is empty
  EXPECT_EQ(code_of(std::string(5000, 'a')), ErrorCode::io);

  // Holes read as zeros: over 4 GiB of them cost neither time nor memory.
  std::ofstream(base + "/sparse").close();
  std::filesystem::resize_file(base + "/sparse", (std::uint64_t{4} << 30) + 1);
  EXPECT_EQ(code_of(base + "/sparse"), kInvalid);
  std::filesystem::remove_all(base);
}

TEST(GgufHeaderFault, PartsOfAModel) {
  expect_refused(GgufBuilder().raw("split.count", 2, number_bytes(std::uint16_t{65535})).bytes(),
                 {ErrorCode::unsupported, "several parts", "split.count"});
  expect_refused(GgufBuilder().raw("split.count", 2, number_bytes(std::uint16_t{0})).bytes(),
                 {ErrorCode::invalid_model, "is not from 1", "split.count"});
  expect_refused(GgufBuilder().text("split.count", "../other").bytes(),
                 {ErrorCode::invalid_model, "must be an integer", "split.count"});
}

}  // namespace
}  // namespace lathe
