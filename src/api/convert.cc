// A folder to the bytes of a GGUF file: translated as for loading, then written.
#include <algorithm>
#include <filesystem>

#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "base/error.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer_writer.h"
#include "formats/gguf_writer.h"
#include "lathe/model.h"
#include "models/architecture.h"

namespace lathe {
namespace {

// What readers make of quantized blocks has had this version since they were last changed.
constexpr std::uint64_t kQuantizationVersion = 2;

bool has_blocks(const Checkpoint& checkpoint) {
  return std::any_of(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                     [](const auto& entry) { return is_block_quantized(entry.second.dtype); });
}

/// Mistral's GGUF files are Llama's, for which others compute no window.
void warn_of_window(const Checkpoint& checkpoint, std::vector<std::string>& warnings) {
  const std::string key = "llama.attention.sliding_window";
  const auto window = checkpoint.integer_or(key, 0, 0, std::numeric_limits<std::int64_t>::max());
  if (window > 0)
    warnings.push_back("the model has a sliding window of " + std::to_string(window) + " tokens (" + key +
                       "); programs that do not know it for this architecture answer otherwise behind it");
}

}  // namespace

Conversion convert(const std::string& name_or_folder, const ModelOptions& options,
                   const std::function<void(std::span<const std::byte>, std::uint64_t)>& write) {
  const std::string path = resolve_model(name_or_folder, options);
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_directory(path, error))
    throw Error(ErrorCode::unsupported, "only Hugging Face folders are converted, and this is no folder",
                {path, {}, {}});
  const auto loaded = load_checkpoint(path, options);
  // Building the graph finds tensors that are missing or have another shape.
  const Architecture& architecture = find_architecture(loaded->architecture);
  architecture.shape(*loaded);
  architecture.build(loaded, {});

  Checkpoint written = *loaded;
  if (const auto tokenizer = load_tokenizer(*loaded)) {
    set_gguf_tokenizer(*tokenizer, written);
  } else {
    written.metadata["tokenizer.ggml.model"] = std::string(kNoVocabulary);
  }
  if (has_blocks(written)) written.metadata["general.quantization_version"] = kQuantizationVersion;
  const GgufWriter writer(written);
  writer.write([&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); });
  Conversion result = {static_cast<int>(written.tensor_names.size()), writer.file_bytes(), loaded->warnings};
  warn_of_window(written, result.warnings);
  return result;
}

}  // namespace lathe
