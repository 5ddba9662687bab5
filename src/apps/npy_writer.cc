#include "apps/npy_writer.h"

#include <bit>
#include <string>

#include "lathe/execute.h"

namespace lathe::apps {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

NpyWriter::NpyWriter(OutputFile& file, const std::vector<std::int64_t>& shape) : file_(file) {
  const std::string header = npy_header("f32", shape);
  file_.write(header.data(), header.size());
}

void NpyWriter::write(std::span<const float> row) { file_.write(row.data(), row.size_bytes()); }

}  // namespace lathe::apps
