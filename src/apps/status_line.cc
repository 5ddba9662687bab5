#include "apps/status_line.h"

#include <unistd.h>

#include "apps/output.h"

namespace lathe::apps {

StatusLine::StatusLine() : on_(isatty(STDERR_FILENO) != 0) {}

void StatusLine::show(const std::string& text) {
  if (!on_) return;
  write_error("\r" + text + "\x1b[K");
  shown_ = true;
}

void StatusLine::clear() {
  if (shown_) write_error("\r\x1b[K");
  shown_ = false;
}

}  // namespace lathe::apps
