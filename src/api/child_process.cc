#include "api/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"

extern char** environ;

namespace lathe {
namespace {

constexpr std::size_t kKeptBytes = 4096;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  void set(int number) { number_ = number; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

/// The child gets every signal, also those that this thread blocks.
struct SpawnActions {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnActions() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
};

[[noreturn]] void fail(const std::string& what, int number) {
  throw Error(ErrorCode::io, what + ": " + std::strerror(number));
}

std::string read_to_end(int descriptor) {
  std::string kept;
  std::array<char, 1024> part{};
  for (;;) {
    const ssize_t bytes = ::read(descriptor, part.data(), part.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    kept.append(part.data(), static_cast<std::size_t>(bytes));
    if (kept.size() > kKeptBytes) kept.erase(0, kept.size() - kKeptBytes);
  }
  while (!kept.empty() && kept.back() == '\n') kept.pop_back();
  std::replace(kept.begin(), kept.end(), '\n', ' ');
  return kept;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& words, bool show_errors) {
  Descriptor errors_in;
  Descriptor errors_out;
  SpawnActions spawn;
  posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&spawn.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!show_errors) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe", errno);
    errors_in.set(ends[0]);
    errors_out.set(ends[1]);
    posix_spawn_file_actions_adddup2(&spawn.actions, errors_out.get(), STDERR_FILENO);
  }
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (auto& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error =
      posix_spawnp(&child, arguments[0], &spawn.actions, &spawn.attributes, arguments.data(), environ);
  if (error != 0) fail("could not start " + printable(words[0]), error);

  ProcessResult result;
  errors_out.close();
  if (!show_errors) result.output = read_to_end(errors_in.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("could not wait for " + printable(words[0]), errno);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace lathe
