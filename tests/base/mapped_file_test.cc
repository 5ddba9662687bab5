#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace lathe {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "lathe_mapped_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(std::string_view name) const { return (directory_ / name).string(); }
  std::string written(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  static void expect_refused(const std::string& file, ErrorCode code) {
    try {
      (void)MappedFile::open(file);
      ADD_FAILURE() << "nothing was thrown for " << file;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_EQ(error.place().file, file);
    }
  }

  std::filesystem::path directory_;
};

TEST_F(MappedFileTest, ShowsTheBytesAndOutlivesTheName) {
  const auto file = MappedFile::open(written("a", std::string("\0bytes\xff", 7)));
  std::filesystem::remove(path("a"));
  ASSERT_EQ(file->bytes().size(), 7u);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "\0bytes\xff", 7), 0);
  EXPECT_EQ(file->path(), path("a"));
}

TEST_F(MappedFileTest, OpensEmptyFiles) {
  EXPECT_EQ(MappedFile::open(written("empty", ""))->bytes().size(), 0u);
}

TEST_F(MappedFileTest, FollowsLinks) {
  std::filesystem::create_symlink(written("a", "text"), directory_ / "link");
  EXPECT_EQ(MappedFile::open(path("link"))->bytes().size(), 4u);
}

TEST_F(MappedFileTest, RefusesWhatIsMissing) {
  expect_refused(path("missing"), ErrorCode::not_found);
  expect_refused("", ErrorCode::not_found);
  std::filesystem::create_symlink(path("nowhere"), directory_ / "dangling");
  expect_refused(path("dangling"), ErrorCode::not_found);
}

TEST_F(MappedFileTest, RefusesAPathWithAZeroByte) {
  expect_refused(written("a", "text") + std::string("\0.gguf", 6), ErrorCode::not_found);
}

TEST_F(MappedFileTest, RefusesWhatIsNoRegularFile) {
  expect_refused(directory_.string(), ErrorCode::io);
  expect_refused("/dev/zero", ErrorCode::io);
  expect_refused("/dev/null", ErrorCode::io);
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  expect_refused(path("fifo"), ErrorCode::io);  // and does not wait for a writer
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("socket").c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  expect_refused(path("socket"), ErrorCode::io);
  ::close(socket);
}

TEST_F(MappedFileTest, RefusesLinksInACircle) {
  std::filesystem::create_symlink(path("b"), directory_ / "a");
  std::filesystem::create_symlink(path("a"), directory_ / "b");
  expect_refused(path("a"), ErrorCode::io);
}

TEST_F(MappedFileTest, MapsSparseFilesWithoutReadingThem) {
  const auto file = written("sparse", "");
  constexpr std::uintmax_t kSize = std::uintmax_t{6} << 30;
  std::filesystem::resize_file(file, kSize);
  const auto mapped = MappedFile::open(file);
  ASSERT_EQ(mapped->bytes().size(), kSize);
  EXPECT_EQ(mapped->bytes().back(), std::byte{0});
}

TEST_F(MappedFileTest, LeavesNoDescriptorOpen) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const auto file = written("a", "text");
  const auto before = count();
  for (int i = 0; i < 20; ++i) {
    (void)MappedFile::open(file);
    expect_refused(directory_.string(), ErrorCode::io);
  }
  const auto kept = MappedFile::open(file);
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace lathe
