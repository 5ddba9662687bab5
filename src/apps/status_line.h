// One line on a terminal that says how far long work has come; silent everywhere else.
#pragma once

#include <string>

namespace lathe::apps {

class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& text);
  void clear();

 private:
  bool on_;
  bool shown_ = false;
};

}  // namespace lathe::apps
