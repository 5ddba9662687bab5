#include "api/quantized_model.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/gguf_model.h"
#include "base/error.h"
#include "models/type_mix.h"

namespace lathe {

void refuse_own_input(const std::string& path, const std::string& output) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (output.empty() || !fs::exists(output, error)) return;
  const auto refuse = [&] {
    throw Error(ErrorCode::invalid_argument, "the output is the model that is read", {output, {}, "output"});
  };
  if (fs::equivalent(path, output, error)) refuse();
  if (!fs::is_directory(path, error)) return;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::error_code other;
    if (fs::equivalent(entry.path(), output, other)) refuse();
  }
}

bool was_quantized(const Checkpoint& checkpoint, const std::vector<TensorType>& types) {
  std::size_t i = 0;
  return std::ranges::any_of(checkpoint.tensor_names, [&](const std::string& name) {
    const Dtype stored = checkpoint.tensors.at(name).dtype;
    return types[i++].dtype != stored && is_block_quantized(stored);
  });
}

Checkpoint quantized_model(const Checkpoint& loaded, const std::vector<TensorType>& types,
                           std::int64_t file_type) {
  Checkpoint written = gguf_model(loaded);
  for (std::size_t i = 0; i < types.size(); ++i)
    written.tensors.at(written.tensor_names[i]).dtype = types[i].dtype;
  set_quantization_version(written);
  written.metadata["general.file_type"] = static_cast<std::uint64_t>(file_type);
  // What was true of the file that is read alone.
  for (const std::string_view prefix : {"split.", "quantize.imatrix."})
    std::erase_if(written.metadata, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  return written;
}

std::int64_t nearest_file_type(const Checkpoint& loaded, const std::vector<TensorType>& types) {
  std::map<Dtype, std::uint64_t> bytes;
  for (std::size_t i = 0; i < types.size(); ++i)
    bytes[types[i].dtype] += dense_bytes(types[i].dtype, loaded.tensors.at(loaded.tensor_names[i]).shape);
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? 0 : file_type_of(most->first);
}

}  // namespace lathe
