#include "base/memory_available.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

/// A folder with files as proc and sys have them.
class Machine : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) { folder_.write(path, text); }
  std::optional<MemoryAvailable> available() const { return memory_available(folder_.path()); }

  test::TemporaryFolder folder_;
};

TEST_F(Machine, WithoutFilesSaysNothing) { EXPECT_FALSE(available()); }

TEST_F(Machine, HasWhatItSaysIsAvailable) {
  put("proc/meminfo", "MemTotal:  8000 kB\nMemFree:  10 kB\nMemAvailable:    2048 kB\n");
  EXPECT_EQ(available()->bytes, 2048u * 1024);
  EXPECT_EQ(available()->limit, "the machine");
}

TEST_F(Machine, ControlGroupsLeaveLess) {
  put("proc/meminfo", "MemAvailable:    2048 kB\n");
  put("proc/self/cgroup", "0::/outer/inner\n");
  put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  put("sys/fs/cgroup/outer/inner/memory.current", "70000\n");
  EXPECT_EQ(available()->limit, "the machine");
  put("sys/fs/cgroup/outer/memory.max", "100000\n");
  put("sys/fs/cgroup/outer/memory.current", "70000\n");
  EXPECT_EQ(available()->bytes, 30000u);
  EXPECT_EQ(available()->limit, "the control group");
  put("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 5000\nactive_file 2000\n");
  EXPECT_EQ(available()->bytes, 37000u);
  put("sys/fs/cgroup/outer/inner/memory.max", "60000\n");
  EXPECT_EQ(available()->bytes, 0u);  // more is used than allowed
}

TEST_F(Machine, ControlGroupsOfTheFirstVersionToo) {
  put("proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n");
  put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9000\n");
  put("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "4000\n");
  EXPECT_EQ(available()->bytes, 5000u);
}

TEST_F(Machine, FilesThatMakeNoSenseCountAsNone) {
  put("proc/meminfo", "MemAvailable: lots\n");
  put("proc/self/cgroup", "nonsense\n0:\n0::\n");
  EXPECT_FALSE(available());
}

TEST(MemoryAvailable, OfThisMachineIsThere) {
  ASSERT_TRUE(memory_available());
  EXPECT_GT(memory_available()->bytes, 0u);
}

[[noreturn]] void limit_the_address_space() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto used = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const rlimit limit{used + (std::uint64_t{64} << 20), RLIM_INFINITY};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(3);
  const auto available = memory_available();
  const bool right = available && available->bytes <= std::uint64_t{64} << 20;
  ::_exit(right && available->limit == "the address space" ? 0 : 1);
}

TEST(MemoryAvailable, KnowsTheLimitOfTheAddressSpace) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(limit_the_address_space(), testing::ExitedWithCode(0), "");
}

TEST(RequireMemory, SaysWhatIsNeededAndWhatThereIs) {
  const MemoryNeeds needs{1000, 200, 30};
  require_memory(needs, std::nullopt);
  require_memory(needs, MemoryAvailable{1230, "the machine"});
  try {
    require_memory(needs, MemoryAvailable{1229, "the machine"});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    EXPECT_NE(std::string(error.what())
                  .find("needs 1230 bytes of memory (1000 for weights, 200 for the "
                        "cache, 30 for a step's tensors), and the machine has 1229 left"),
              std::string::npos)
        << error.what();
  }
}

TEST(RequireMemory, SumsBeyondSixtyFourBitsAreRefused) {
  EXPECT_THROW(require_memory({~std::uint64_t{0}, 1, 0}, std::nullopt), Error);
}

}  // namespace
}  // namespace lathe
