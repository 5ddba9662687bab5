// A folder to the bytes of a GGUF file: translated as for loading, then written.
#include <filesystem>
#include <limits>

#include "api/gguf_model.h"
#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "base/error.h"
#include "formats/gguf_writer.h"
#include "lathe/model.h"
#include "models/architecture.h"

namespace lathe {
namespace {

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

  Checkpoint written = gguf_model(*loaded);
  set_quantization_version(written);
  const GgufWriter writer(written);
  writer.write([&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); });
  Conversion result = {static_cast<int>(written.tensor_names.size()), writer.file_bytes(), loaded->warnings};
  warn_of_window(written, result.warnings);
  return result;
}

}  // namespace lathe
