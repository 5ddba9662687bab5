// Two ways of writing F8 weights are read:
//   fp8                 "x.weight_scale_inv" [rows / 128, columns / 128] (DeepSeek, Qwen): despite its name a
//                       factor that weights are multiplied with
//   compressed-tensors  "x.weight_scale", one for the tensor, or [rows, 1], or blocks
#include "models/folder_quantization.h"

#include <array>

#include "base/error.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

constexpr std::int64_t kMostBlock = 1 << 20;

void read_block(FolderConfig& config, std::string_view key, FolderQuantization& quantization) {
  const Json* block = config.find(key);
  if (block == nullptr) return;
  const auto is_size = [](const Json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() >= 1 &&
           value.get<std::uint64_t>() <= kMostBlock;
  };
  if (!block->is_array() || block->size() != 2 || !is_size((*block)[0]) || !is_size((*block)[1]))
    config.fail("the value must be two sizes of a block", key);
  quantization.block_rows = (*block)[0].get<std::int64_t>();
  quantization.block_columns = (*block)[1].get<std::int64_t>();
}

void read_fp8(FolderConfig& config, FolderQuantization& quantization) {
  config.expect("fmt", {"e4m3", "e5m2"});
  config.expect("scale_fmt", {"float", "ue8m0"});  // how scales were rounded; they are floats all the same
  config.ignore({"activation_scheme", "modules_to_not_convert", "ignored_layers", "dequantize"});
  read_block(config, "weight_block_size", quantization);
}

/// A group's "weights" object.
void read_compressed_weights(FolderConfig& weights, FolderQuantization& quantization) {
  weights.expect("num_bits", {8});
  weights.expect("type", {"float"});
  weights.expect("strategy", {"tensor", "channel", "block"});
  weights.expect("symmetric", {true});
  weights.expect("dynamic", {false});
  weights.expect("actorder", {});
  weights.ignore({"group_size", "observer", "observer_kwargs", "scale_dtype", "zp_dtype"});
  read_block(weights, "block_structure", quantization);
}

void read_compressed_tensors(FolderConfig& config, FolderQuantization& quantization) {
  config.expect("format", {"float-quantized", "naive-quantized"});
  config.expect("quantization_status", {"compressed", "frozen"});
  config.expect("transform_config", {Json::object()});
  config.ignore({"ignore", "kv_cache_scheme", "global_compression_ratio", "version"});
  if (auto sparsity = config.object("sparsity_config")) {
    sparsity->expect("format", {"dense"});
    sparsity->ignore(
        {"global_sparsity", "ignore", "registry_requires_subclass", "sparsity_structure", "targets"});
    config.finish_object(*sparsity);
  }
  auto groups = config.object("config_groups");
  if (!groups) return;
  for (const auto& name : groups->keys()) {
    auto group = groups->object(name);
    if (!group) continue;
    group->expect("format", {"float-quantized", "naive-quantized"});
    group->ignore({"targets", "input_activations", "output_activations"});
    if (auto weights = group->object("weights")) {
      read_compressed_weights(*weights, quantization);
      group->finish_object(*weights);
    }
    groups->finish_object(*group);
  }
  config.finish_object(*groups);
}

std::vector<float> read_floats(const StoredTensor& tensor) {
  const auto dtype = element_dtype(tensor.type);
  if (!dtype)
    throw Error(ErrorCode::invalid_model,
                "scales are " + std::string(stored_type_name(tensor.type)) + " and not floats",
                {tensor.file->path(), {}, printable(tensor.name)});
  std::vector<float> values(tensor.bytes.size() / info(*dtype).block_bytes);
  decode_rows(*dtype, tensor.bytes.data(), values.data(), 1, static_cast<std::int64_t>(values.size()));
  return values;
}

std::int64_t blocks(std::int64_t size, std::int64_t block) {
  return size / block + (size % block != 0 ? 1 : 0);
}

WeightScales arrange(const StoredTensor& tensor, const StoredTensor& stored,
                     const FolderQuantization& quantization) {
  WeightScales scales;
  scales.values = read_floats(stored);
  const auto count = static_cast<std::int64_t>(scales.values.size());
  const std::int64_t rows = tensor.shape[0];
  const std::int64_t columns = tensor.shape[1];
  const Shape block_shape = {blocks(rows, quantization.block_rows),
                             blocks(columns, quantization.block_columns)};
  if (stored.shape == block_shape && stored.name.ends_with("_inv")) {
    scales.block_rows = quantization.block_rows;
    scales.block_columns = quantization.block_columns;
    scales.blocks_per_row = block_shape[1];
  } else if (count == 1) {
    return scales;
  } else if (count == rows && stored.shape[0] == rows) {
    scales.block_rows = 1;
  } else if (stored.shape == block_shape) {
    scales.block_rows = quantization.block_rows;
    scales.block_columns = quantization.block_columns;
    scales.blocks_per_row = block_shape[1];
  } else {
    throw Error(ErrorCode::invalid_model, "the scales fit neither the tensor nor its rows nor its blocks",
                {stored.file->path(), {}, printable(stored.name)});
  }
  return scales;
}

constexpr std::array<std::string_view, 2> kWeightScales = {"_scale_inv", "_scale"};
constexpr std::array<std::string_view, 5> kActivationScales = {".input_scale", ".output_scale", ".k_scale",
                                                               ".v_scale", ".activation_scale"};

}  // namespace

FolderQuantization read_folder_quantization(FolderConfig& config) {
  FolderQuantization quantization;
  auto object = config.object("quantization_config");
  if (!object) object = config.object("compression_config");  // as older folders call it
  if (!object) return quantization;
  quantization.declared = true;
  object->expect("quant_method", {"fp8", "compressed-tensors"});
  if (object->text("quant_method") == "fp8")
    read_fp8(*object, quantization);
  else
    read_compressed_tensors(*object, quantization);
  config.finish_object(*object);
  return quantization;
}

bool is_activation_scale_name(std::string_view name) {
  for (const auto ending : kActivationScales)
    if (name.ends_with(ending)) return true;
  return false;
}

bool is_weight_scale(const ModelFolder& folder, const StoredTensor& tensor) {
  for (const auto ending : kWeightScales) {
    if (!tensor.name.ends_with(ending)) continue;
    const auto* weight = folder.find_tensor(tensor.name.substr(0, tensor.name.size() - ending.size()));
    if (weight != nullptr && is_f8(weight->type)) return true;
  }
  return false;
}

std::optional<WeightScales> find_scales(const ModelFolder& folder, const FolderQuantization& quantization,
                                        const StoredTensor& tensor) {
  if (!is_f8(tensor.type)) return std::nullopt;
  for (const auto ending : kWeightScales) {
    const StoredTensor* stored = folder.find_tensor(tensor.name + std::string(ending));
    if (stored == nullptr) continue;
    if (tensor.shape.size() != 2)
      throw Error(ErrorCode::unsupported, "scales of a tensor that is no matrix are not supported",
                  {stored->file->path(), {}, printable(stored->name)});
    return arrange(tensor, *stored, quantization);
  }
  if (quantization.declared)
    throw Error(ErrorCode::invalid_model, "the tensor has no scales",
                {tensor.file->path(), {}, printable(tensor.name)});
  return std::nullopt;
}

}  // namespace lathe
