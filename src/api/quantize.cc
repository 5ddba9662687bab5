// A model to a GGUF file with fewer bits: types are chosen, and then tensors pass by one after another.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "api/gguf_model.h"
#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "api/quantize_tensor.h"
#include "api/tensor_types.h"
#include "base/error.h"
#include "formats/gguf_writer.h"
#include "lathe/quantization.h"
#include "models/weight_type.h"

namespace lathe {
namespace {

/// Replacing a file while it is read would lose what another run could still do with it.
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

int thread_count(int threads) {
  constexpr unsigned kMost = 64;
  return threads > 0 ? threads : static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, kMost));
}

bool was_quantized(const Checkpoint& checkpoint, const std::vector<TensorType>& types) {
  std::size_t i = 0;
  return std::ranges::any_of(checkpoint.tensor_names, [&](const std::string& name) {
    const Dtype stored = checkpoint.tensors.at(name).dtype;
    return types[i++].dtype != stored && is_block_quantized(stored);
  });
}

/// The written model's metadata and tensors, of which only types and shapes count.
Checkpoint written_model(const Checkpoint& loaded, const std::vector<TensorType>& types,
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

QuantizedTensor row_of(const std::string& name, const TensorView& before, const TensorView& after,
                       const TensorType& type) {
  return {name,
          before.shape,
          std::string(info(before.dtype).name),
          std::string(info(type.dtype).name),
          std::string(info(type.wanted).name),
          before.bytes(),
          after.bytes(),
          0};
}

}  // namespace

Quantization quantize(const std::string& name_or_path, const QuantizeOptions& options,
                      const std::function<void(std::span<const std::byte>, std::uint64_t)>& write) {
  const TypeMix& mix = require_type_mix(options.type);
  const ChosenTypes chosen(options.type_for);
  const std::string path = resolve_model(name_or_path, options.model);
  refuse_own_input(path, options.output);
  ModelOptions stored = options.model;
  stored.weight_type.clear();
  const auto loaded = load_checkpoint(path, stored);
  chosen.require_matrices(*loaded);
  const TypeRules rules(*loaded, mix, false);
  std::vector<TensorType> types;
  for (const std::string& name : loaded->tensor_names)
    types.push_back(tensor_type(name, loaded->tensors.at(name), rules, chosen));

  Quantization result;
  result.warnings = loaded->warnings;
  if (was_quantized(*loaded, types))
    result.warnings.emplace_back("the model's weights were in fewer bits before: what that lost stays lost");
  const Checkpoint written = written_model(*loaded, types, mix.file_type);
  const GgufWriter writer(written);
  ThreadPool pool(thread_count(options.model.threads));
  writer.write(
      [&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); },
      [&](const std::string& name, const TensorView& tensor, const WriteBytes& write_piece) {
        const TensorView& source = loaded->tensors.at(name);
        result.tensors.push_back(row_of(name, source, tensor, types[result.tensors.size()]));
        result.tensors.back().sqnr =
            quantize_tensor({loaded->file, name, source, tensor.dtype, {}}, pool, write_piece).sqnr();
      });
  result.file_bytes = writer.file_bytes();
  for (const QuantizedTensor& tensor : result.tensors) {
    result.bytes_before += tensor.bytes_before;
    result.bytes_after += tensor.bytes_after;
    result.weights += element_count(tensor.shape);
  }
  return result;
}

}  // namespace lathe
