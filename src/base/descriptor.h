// An open file of the system, closed with the object.
#pragma once

#include <unistd.h>

namespace lathe {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(other.value_) { other.value_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return value_; }  // negative: opening failed

 private:
  int value_;
};

}  // namespace lathe
