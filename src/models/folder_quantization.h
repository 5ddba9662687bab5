// F8 weights of folders: what config.json's quantization_config says, and the tensors that hold the scales.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/model_folder.h"
#include "models/folder_config.h"
#include "models/stored_weight.h"

namespace lathe {

struct FolderQuantization {
  bool declared = false;  // then every F8 matrix must have scales
  std::int64_t block_rows = 128;
  std::int64_t block_columns = 128;
};

/// Throws Error(unsupported) with key and value for a method that is not offered.
FolderQuantization read_folder_quantization(FolderConfig& config);

/// True for the scales of an F8 weight beside them.
bool is_weight_scale(const ModelFolder& folder, const StoredTensor& tensor);
/// True for the scales of activations, which stay in float here.
bool is_activation_scale_name(std::string_view name);

/// The scales of the F8 matrix `tensor`. Throws Error(invalid_model) for scales of another shape.
std::optional<WeightScales> find_scales(const ModelFolder& folder, const FolderQuantization& quantization,
                                        const StoredTensor& tensor);

}  // namespace lathe
