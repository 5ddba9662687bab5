// What of a folder is read:
//   config.json                     what the model is
//   generation_config.json          its end tokens
//   model.safetensors               the tensors; or
//   model.safetensors.index.json    {"weight_map": {"tensor": "model-00001-of-00002.safetensors", ...}}
#include "formats/model_folder.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::uint64_t kMaxJsonBytes = 64u << 20;
const std::string kWhole = "model.safetensors";
const std::string kIndex = "model.safetensors.index.json";

/// Files that hold weights in a form whose reading runs code, or that is not offered.
constexpr std::string_view kOtherWeights[] = {".bin", ".pt", ".pth",     ".ckpt",
                                              ".pkl", ".h5", ".msgpack", ".onnx"};

[[noreturn]] void refuse_missing_weights(const Folder& folder) {
  for (const auto& name : folder.names())
    for (const auto ending : kOtherWeights)
      if (name.ends_with(ending))
        throw Error(ErrorCode::unsupported,
                    "the weights in " + printable(name) + " are not in a supported format; safetensors is (" +
                        kWhole + ")",
                    {folder.path(), {}, {}});
  throw Error(ErrorCode::not_found, "the folder has neither " + kWhole + " nor " + kIndex,
              {folder.path(), {}, {}});
}

using WeightMap = std::map<std::string, std::vector<std::string>>;  // names of tensors by file

WeightMap read_index(const Folder& folder) {
  const Json index = read_folder_json(folder, kIndex);
  const std::string file = folder.path() + "/" + kIndex;
  const auto entries = index.find("weight_map");
  if (entries == index.end() || !entries->is_object())
    throw Error(ErrorCode::invalid_file, "weight_map is missing or no object", {file, {}, "weight_map"});
  WeightMap map;
  for (const auto& [tensor, shard] : entries->items()) {
    const auto* name = shard.get_ptr<const Json::string_t*>();
    if (name == nullptr || !name->ends_with(".safetensors"))
      throw Error(ErrorCode::invalid_file,
                  "'" + printable(name == nullptr ? dump_json(shard) : *name) +
                      "' is not the name of a safetensors file",
                  {file, {}, printable(tensor)});
    map[*name].push_back(tensor);
  }
  return map;
}

/// Tensors of the shards, which must hold what the index says.
void read_shards(ModelFolder& model) {
  const Folder& folder = *model.files;
  std::size_t unlisted = 0;
  for (const auto& [name, listed] : read_index(folder)) {
    auto tensors = read_safetensors(folder.map(name));
    std::unordered_map<std::string_view, bool> found;
    for (const StoredTensor& tensor : tensors) found.emplace(tensor.name, false);
    for (const auto& tensor : listed)
      if (found.find(tensor) == found.end())
        throw Error(ErrorCode::invalid_file, "the index says that the tensor is here, and it is not",
                    {folder.path() + "/" + name, {}, printable(tensor)});
    unlisted += found.size() - listed.size();
    std::move(tensors.begin(), tensors.end(), std::back_inserter(model.tensors));
  }
  if (unlisted > 0)
    model.warnings.push_back(std::to_string(unlisted) + " tensors of the shards are not in " + kIndex);
}

bool by_name(const StoredTensor& a, const StoredTensor& b) { return a.name < b.name; }

}  // namespace

Json read_folder_json(const Folder& folder, const std::string& name) {
  if (!folder.has(name)) return nullptr;
  const auto file = folder.map(name);
  if (file->bytes().size() > kMaxJsonBytes)
    throw Error(ErrorCode::invalid_file, "the file is too long", {file->path(), {}, {}});
  try {
    Json json =
        parse_large_json({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, name);
    if (!json.is_object()) throw Error(ErrorCode::invalid_argument, name + " is no JSON object");
    return json;
  } catch (const Error& error) {
    throw json_file_error(error, file->path());
  }
}

std::shared_ptr<const ModelFolder> read_model_folder(const std::string& path) {
  auto model = std::make_shared<ModelFolder>();
  model->files = Folder::open(path);
  model->path = model->files->path();
  model->config = read_folder_json(*model->files, "config.json");
  if (model->config.is_null())
    throw Error(ErrorCode::not_found, "the folder has no config.json", {model->path, {}, {}});
  model->generation_config = read_folder_json(*model->files, "generation_config.json");
  if (model->files->has(kWhole))
    model->tensors = read_safetensors(model->files->map(kWhole));
  else if (model->files->has(kIndex))
    read_shards(*model);
  else
    refuse_missing_weights(*model->files);

  std::sort(model->tensors.begin(), model->tensors.end(), by_name);
  const auto twice =
      std::adjacent_find(model->tensors.begin(), model->tensors.end(),
                         [](const StoredTensor& a, const StoredTensor& b) { return a.name == b.name; });
  if (twice != model->tensors.end())
    throw Error(ErrorCode::invalid_file, "the tensor is in two shards",
                {model->path, {}, printable(twice->name)});
  return model;
}

const StoredTensor* ModelFolder::find_tensor(std::string_view name) const {
  const auto entry = std::lower_bound(
      tensors.begin(), tensors.end(), name,
      [](const StoredTensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return entry != tensors.end() && entry->name == name ? &*entry : nullptr;
}

}  // namespace lathe
