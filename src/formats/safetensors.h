// Reads safetensors files (safetensors.cc draws the bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// Element types of safetensors, in the order of the table in safetensors.cc. Those that no weight may have
/// are refused where they are used.
enum class StoredType : std::uint8_t {
  f32,
  f16,
  bf16,
  f64,
  f8_e4m3,
  f8_e5m2,
  boolean,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f8_e8m0,
  f6_e2m3,
  f6_e3m2,
  f4,
  c64
};

std::string_view stored_type_name(StoredType type);  // "BF16"

struct StoredTensor {
  std::string name;
  StoredType type = StoredType::f32;
  Shape shape;                       // outermost first; empty: a scalar
  std::span<const std::byte> bytes;  // in the mapped file, maybe not aligned to its elements
  std::shared_ptr<const MappedFile> file;
};

/// The file's tensors in its order. Throws Error(invalid_file) with file and offset, or the tensor's name.
std::vector<StoredTensor> read_safetensors(const std::shared_ptr<const MappedFile>& file);

}  // namespace lathe
