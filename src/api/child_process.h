// Runs another program without a shell, and waits for it.
#pragma once

#include <string>
#include <vector>

namespace lathe {

struct ProcessResult {
  int status = 0;      // its exit status; 128 + the signal that ended it
  std::string output;  // what it wrote to stderr, on one line, unless that was shown
};

/// `words[0]` is looked up in PATH. Its stdin and stdout are /dev/null; stderr is ours where `show_errors`,
/// otherwise its last 4096 bytes are kept. Throws Error(io) where it cannot start.
ProcessResult run_process(const std::vector<std::string>& words, bool show_errors);

}  // namespace lathe
