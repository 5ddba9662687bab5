// Owned bytes on one device. Whether the host may touch them is the device's word (host_visible).
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

namespace lathe {

class Buffer {
 public:
  using Release = std::function<void(void* data, std::size_t bytes)>;

  Buffer() = default;
  Buffer(void* data, std::size_t bytes, bool host_visible, Release release)
      : data_(data), bytes_(bytes), host_visible_(host_visible), release_(std::move(release)) {}
  ~Buffer() { reset(); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      swap(other);
    }
    return *this;
  }

  void* data() const { return data_; }  // an address on the device; dereference only if host_visible()
  std::size_t bytes() const { return bytes_; }
  bool host_visible() const { return host_visible_; }

 private:
  void reset() {
    if (release_ && data_ != nullptr) release_(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
    release_ = nullptr;
  }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(host_visible_, other.host_visible_);
    std::swap(release_, other.release_);
  }

  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  bool host_visible_ = true;
  Release release_;
};

}  // namespace lathe
