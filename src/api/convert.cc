// A folder to the bytes of a GGUF file: translated as for loading, then written.
#include <filesystem>

#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "base/error.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "lathe/model.h"
#include "models/architecture.h"

namespace lathe {
namespace {

// What readers make of quantized blocks has had this version since they were last changed.
constexpr std::uint64_t kQuantizationVersion = 2;

bool has_blocks(const Checkpoint& checkpoint) {
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (is_block_quantized(tensor.dtype)) return true;
  return false;
}

}  // namespace

Conversion convert(const std::string& name_or_folder, const ModelOptions& options,
                   const std::function<void(std::span<const std::byte>, std::uint64_t)>& write) {
  const std::string path = resolve_model(name_or_folder, options);
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    throw Error(ErrorCode::unsupported, "only Hugging Face folders are converted, and this is no folder",
                {path, {}, {}});
  const auto loaded = load_checkpoint(path, options);
  // Building the graph finds tensors that are missing or have another shape.
  find_architecture(loaded->architecture).build(loaded, {});

  Checkpoint written = *loaded;
  if (written.strings("tokenizer.ggml.tokens") == nullptr)
    written.metadata["tokenizer.ggml.model"] = std::string(kNoVocabulary);
  if (has_blocks(written)) written.metadata["general.quantization_version"] = kQuantizationVersion;
  const GgufWriter writer(written);
  writer.write([&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); });
  return {static_cast<int>(written.tensor_names.size()), writer.file_bytes(), loaded->warnings};
}

}  // namespace lathe
