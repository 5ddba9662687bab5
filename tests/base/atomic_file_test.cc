#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace lathe {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void save(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.flush();
  file.finish();
}

std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

/// In a process of its own, which ends with 0 where `work` returns true.
pid_t start(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  return child;
}

bool ended_well(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool fails_with(ErrorCode code, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code() == code && !error.place().file.empty();
  }
  return false;
}

TEST(AtomicFile, HasItsNameOnceItIsWhole) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path_of("file");
  for (const std::string text : {"first", "second"}) {
    const bool existed = std::filesystem::exists(path);
    const std::string before = read(path);
    AtomicFile file(path);
    file.write(text.data(), text.size());
    file.flush();
    EXPECT_EQ(std::filesystem::exists(path), existed);
    EXPECT_EQ(read(path), before);
    file.finish();
    EXPECT_EQ(read(path), text);
    EXPECT_EQ(names(folder.path()), std::vector<std::string>{"file"});
  }
}

TEST(AtomicFile, LeavesNothingWhenDropped) {
  const test::TemporaryFolder folder;
  {
    AtomicFile file(folder.path_of("file"));
    file.write("half", 4);
    file.flush();
  }
  EXPECT_TRUE(names(folder.path()).empty());
}

TEST(AtomicFile, RemovesWhatDeadWritersLeftAndNothingElse) {
  const test::TemporaryFolder folder;
  for (const auto* name : {"file.12.0.partial", "file.99999999.7.partial", "file.partial", "file.1.partial",
                           "file.a.0.partial", "other.12.0.partial", "file.12.0.0.partial", "file.12.0"})
    folder.write(name, "x");
  std::filesystem::create_symlink(folder.path_of("other.12.0.partial"), folder.path_of("file.3.3.partial"));
  save(folder.path_of("file"), "new");
  EXPECT_EQ(names(folder.path()),
            (std::vector<std::string>{"file", "file.1.partial", "file.12.0", "file.12.0.0.partial",
                                      "file.3.3.partial", "file.a.0.partial", "file.partial",
                                      "other.12.0.partial"}));
}

TEST(AtomicFile, LeavesTheOldFileWhenTheDiskIsFull) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path_of("file");
  save(path, "old");
  const std::string large(1u << 20, 'x');
  EXPECT_TRUE(ended_well(start([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1u << 16, 1u << 16};
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && fails_with(ErrorCode::io, [&] { save(path, large); });
  })));
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(names(folder.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFile, SaysThatADeviceIsFull) {
  EXPECT_TRUE(fails_with(ErrorCode::io, [] { save("/dev/full", "text"); }));
}

TEST(AtomicFile, RefusesAFolderThatIsReadOnlyOrMissing) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(fails_with(ErrorCode::io, [&] { save(folder.path_of("none/file"), "text"); }));
  save(folder.path_of("file"), "old");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  EXPECT_TRUE(ended_well(start([&] {
    constexpr uid_t kNobody = 65534;  // root may write anywhere
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return false;
    return fails_with(ErrorCode::io, [&] { save(folder.path_of("file"), "text"); });
  })));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(read(folder.path_of("file")), "old");
}

TEST(AtomicFile, TwoWritersAtOnceLeaveOneWholeFile) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path_of("file");
  std::vector<pid_t> writers;
  for (const char letter : {'a', 'b', 'c'})
    writers.push_back(start([&, letter] {
      for (int i = 0; i < 20; ++i) save(path, std::string(1u << 16, letter));
      return true;
    }));
  for (const auto writer : writers) EXPECT_TRUE(ended_well(writer));
  const std::string left = read(path);
  EXPECT_EQ(left, std::string(1u << 16, left.at(0)));
  EXPECT_EQ(names(folder.path()), std::vector<std::string>{"file"});
}

/// Killed at random moments: the file is one of those that were written, whole.
TEST(AtomicFile, IsOldOrNewWhenItsWriterIsKilled) {
  const int kills = std::getenv("LATHE_LONG_TESTS") != nullptr ? 1000 : 25;
  const test::TemporaryFolder folder;
  const std::string path = folder.path_of("file");
  const auto text_of = [](char letter) { return std::string(3u << 18, letter); };
  save(path, text_of('a'));
  std::minstd_rand random(5);
  for (int kill = 0; kill < kills; ++kill) {
    const pid_t writer = start([&]() -> bool {
      for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1))
        save(path, text_of(letter));
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status));
    const std::string left = read(path);
    ASSERT_EQ(left.size(), 3u << 18);
    ASSERT_EQ(left, text_of(left[0]));
  }
  save(path, "end");
  EXPECT_EQ(names(folder.path()), std::vector<std::string>{"file"});
}

}  // namespace
}  // namespace lathe
