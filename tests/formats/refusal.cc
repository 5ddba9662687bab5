#include "refusal.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "allocation_probe.h"
#include "support/temporary_file.h"

namespace lathe::test {

void expect_refused(std::string_view bytes, const Refusal& expected, const GgufOptions& options) {
  const TemporaryFile file(bytes);
  std::optional<Error> error;
  const auto start = std::chrono::steady_clock::now();
  std::size_t allocated = 0;
  {
    const AllocationProbe probe;
    try {
      read_gguf(file.path(), options);
    } catch (const Error& caught) {
      allocated = probe.allocated_bytes();
      error = caught;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(error.has_value()) << "the file was read";
  const std::string what = error->what();
  EXPECT_EQ(error->code(), expected.code) << what;
  EXPECT_EQ(error->place().file, file.path()) << what;
  EXPECT_NE(what.find(expected.message), std::string::npos) << what;
  EXPECT_TRUE(expected.field.empty() || error->place().field == expected.field) << what;
  EXPECT_TRUE(expected.code != ErrorCode::invalid_file || error->place().offset) << what;
  EXPECT_LE(error->place().offset.value_or(0), bytes.size()) << what;
  EXPECT_EQ(what.find_first_of('\0'), std::string::npos);
  EXPECT_LE(allocated, (16u << 20) + 2 * bytes.size()) << what;
  // 100 ms in the release build; ten times that for sanitizers on a busy machine.
  EXPECT_TRUE(bytes.size() > 1u << 20 || seconds.count() < 1.0) << what;
}

std::shared_ptr<const Checkpoint> expect_read(std::string_view bytes, const GgufOptions& options) {
  const TemporaryFile file(bytes);
  try {
    return read_gguf(file.path(), options);
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
    return std::make_shared<Checkpoint>();
  }
}

}  // namespace lathe::test
