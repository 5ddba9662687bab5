// Every allocation of the reader fails once: a typed error each time, and nothing is left behind.
#include <gtest/gtest.h>

#include "allocation_probe.h"
#include "formats/gguf.h"
#include "lathe/error.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

struct Outcome {
  bool refused = false;
  std::int64_t left_behind = 0;  // blocks still allocated when the error is gone too
};

Outcome read_failing_at(const std::string& path, std::int64_t index) {
  Outcome outcome;
  const test::AllocationProbe probe;
  probe.fail_at(index);
  try {
    read_gguf(path);
  } catch (const Error& error) {
    outcome.refused = error.code() == ErrorCode::resource_limit;
  }
  outcome.left_behind = probe.live();
  return outcome;
}

TEST(GgufMemory, EveryAllocationMayFail) {
  test::GgufBuilder builder;
  builder.text("general.architecture", std::string(40, 'a'))
      .texts("texts", {std::string(40, 'b'), std::string(40, 'c')})
      .i32s("integers", {1, 2, 3})
      .tensor(std::string(40, 'w'), {1}, 0, test::number_bytes(1.0f))
      .tensor(std::string(40, 'v'), {1}, 0, test::number_bytes(1.0f));
  const test::TemporaryFile file(builder.bytes() + "trailing");
  std::int64_t needed = 0;
  {
    const test::AllocationProbe probe;
    read_gguf(file.path());
    needed = probe.allocations();
    EXPECT_EQ(probe.live(), 0);
  }
  ASSERT_GT(needed, 20);
  for (std::int64_t index = 0; index < needed; ++index) {
    const Outcome outcome = read_failing_at(file.path(), index);
    EXPECT_TRUE(outcome.refused) << index;
    EXPECT_EQ(outcome.left_behind, 0) << index;
  }
  EXPECT_FALSE(read_failing_at(file.path(), needed + 100).refused);
}

}  // namespace
}  // namespace lathe
