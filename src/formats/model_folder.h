// A Hugging Face folder as it lies on disk: its JSON files, and its tensors mapped and named as it names them
// (model.safetensors, or the shards of model.safetensors.index.json). What the names mean is models/'s word.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// Element types of safetensors that weights have; others are known by name and refused where they are used.
enum class StoredType : std::uint8_t {
  f32,
  f16,
  bf16,
  f64,
  f8_e4m3,
  f8_e5m2,
  i8,
  u8,
  i16,
  i32,
  i64,
  boolean
};

struct FolderTensor {
  std::string name;
  StoredType type = StoredType::f32;
  Shape shape;
  std::span<const std::byte> bytes;  // in the mapped file, maybe unaligned
};

struct ModelFolder {
  std::string path;
  Json config;                        // config.json
  Json generation_config;             // null where the folder has none
  std::vector<FolderTensor> tensors;  // sorted by name, no name twice
  std::shared_ptr<const void> owner;  // keeps the mappings alive
  std::vector<std::string> warnings;  // one line each: what is odd but was accepted

  const FolderTensor* find_tensor(std::string_view name) const;
};

/// Reads nothing outside `path`, and no pickled file. Throws Error(not_found, io, invalid_file, unsupported).
std::shared_ptr<const ModelFolder> read_model_folder(const std::string& path);

}  // namespace lathe
