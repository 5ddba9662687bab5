#include "apps/npy_writer.h"

#include <sys/stat.h>
#include <unistd.h>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lathe/lathe.h"

namespace lathe::apps {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

NpyWriter::NpyWriter(std::string path, const std::vector<std::int64_t>& shape) : path_(std::move(path)) {
  temporary_ = path_ + ".XXXXXX";
  const int descriptor = mkstemp(temporary_.data());
  if (descriptor < 0) {
    temporary_.clear();
    fail();
  }
  fchmod(descriptor, 0644);
  file_.reset(fdopen(descriptor, "wb"));
  if (!file_) fail();

  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const auto dim : shape) header += std::to_string(dim) + ",";
  header += "), }";
  constexpr std::size_t kPrefixBytes = 10;
  while ((kPrefixBytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  write_bytes("\x93NUMPY\x01\x00", 8);
  const auto length = static_cast<std::uint16_t>(header.size());
  write_bytes(&length, sizeof length);
  write_bytes(header.data(), header.size());
}

NpyWriter::~NpyWriter() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NpyWriter::fail() const { throw Error(ErrorCode::io, std::strerror(errno), {path_, {}, {}}); }

void NpyWriter::write_bytes(const void* data, std::size_t bytes) {
  if (std::fwrite(data, 1, bytes, file_.get()) != bytes) fail();
}

void NpyWriter::write(std::span<const float> row) { write_bytes(row.data(), row.size_bytes()); }

void NpyWriter::finish() {
  if (std::fflush(file_.get()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  temporary_.clear();
}

}  // namespace lathe::apps
