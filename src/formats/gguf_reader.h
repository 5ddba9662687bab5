// The parts of the GGUF reader; gguf.cc draws the file. All read forward through one CheckedReader.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/checked_reader.h"
#include "formats/checkpoint.h"
#include "formats/gguf_types.h"

namespace lathe {

using Metadata = std::map<std::string, MetadataValue, std::less<>>;

/// A string that may be at most `limit` bytes long, where it lies.
std::string_view read_gguf_string(CheckedReader& reader, std::uint64_t limit, const std::string& what);

/// `count` keys with their values.
Metadata read_gguf_metadata(CheckedReader& reader, std::uint64_t count);

/// One row of the tensor table.
struct GgufTensor {
  std::string name;
  const GgufTensorType* type = nullptr;
  Shape shape;               // outermost first
  std::uint64_t offset = 0;  // from the start of the data section
  std::uint64_t bytes = 0;
  std::uint64_t table_offset = 0;  // of this row in the file, for messages
};

std::vector<GgufTensor> read_gguf_tensors(CheckedReader& reader, std::uint64_t count);

/// The tensors must cover the data section in order, each padded to `alignment` and the last one inside the
/// file. Returns where the section ends in the file.
std::uint64_t check_gguf_layout(const std::vector<GgufTensor>& tensors, std::uint64_t data_start,
                                std::uint64_t alignment, std::uint64_t file_bytes, const std::string& file);

/// Refuses NaN and infinity among float weights and among the f16 factors of blocks.
void scan_gguf_factors(const TensorView& tensor, const std::string& name, std::uint64_t file_offset,
                       const std::string& file);

}  // namespace lathe
