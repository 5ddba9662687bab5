#include "onnx_refusal.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "allocation_probe.h"
#include "support/temporary_file.h"

namespace lathe::test {

void expect_onnx_refused(std::string_view bytes, std::string_view message, std::string_view field,
                         ErrorCode code) {
  const TemporaryFile file(bytes, ".onnx");
  std::optional<Error> error;
  const auto start = std::chrono::steady_clock::now();
  std::size_t allocated = 0;
  {
    const AllocationProbe probe;
    try {
      onnx::read_onnx(file.path());
    } catch (const Error& caught) {
      allocated = probe.allocated_bytes();
      error = caught;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(error.has_value()) << "the file was read";
  const std::string what = error->what();
  EXPECT_EQ(error->code(), code) << what;
  EXPECT_EQ(error->place().file, file.path()) << what;
  EXPECT_NE(what.find(message), std::string::npos) << what;
  EXPECT_TRUE(field.empty() || error->place().field == field) << what << " in " << error->place().field;
  EXPECT_LE(error->place().offset.value_or(bytes.size() + 1), bytes.size()) << what;
  EXPECT_LE(what.size(), 2500u);
  EXPECT_EQ(what.find_first_of('\0'), std::string::npos);
  EXPECT_LE(allocated, (16u << 20) + 2 * bytes.size()) << what;
  // 0.1 s in the release build; more for sanitizers on a busy machine.
  EXPECT_LT(seconds.count(), 10.0) << what;
}

onnx::Model expect_onnx_read(std::string_view bytes) {
  const TemporaryFile file(bytes, ".onnx");
  try {
    return onnx::read_onnx(file.path());
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
    return {};
  }
}

}  // namespace lathe::test
