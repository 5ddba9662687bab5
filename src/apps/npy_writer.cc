#include "apps/npy_writer.h"

#include <bit>
#include <string>

namespace lathe::apps {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

NpyWriter::NpyWriter(OutputFile& file, const std::vector<std::int64_t>& shape) : file_(file) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const auto dim : shape) header += std::to_string(dim) + ",";
  header += "), }";
  constexpr std::size_t kPrefixBytes = 10;
  while ((kPrefixBytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  file_.write("\x93NUMPY\x01\x00", 8);
  const auto length = static_cast<std::uint16_t>(header.size());
  file_.write(&length, sizeof length);
  file_.write(header.data(), header.size());
}

void NpyWriter::write(std::span<const float> row) { file_.write(row.data(), row.size_bytes()); }

}  // namespace lathe::apps
