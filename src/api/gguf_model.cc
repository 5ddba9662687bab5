#include "api/gguf_model.h"

#include <algorithm>
#include <filesystem>

#include "api/load_checkpoint.h"
#include "base/error.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer_writer.h"

namespace lathe {
namespace {

// What readers make of quantized blocks has had this version since they were last changed.
constexpr std::uint64_t kQuantizationVersion = 2;

}  // namespace

Checkpoint gguf_model(const Checkpoint& loaded) {
  if (loaded.network != nullptr)
    throw Error(ErrorCode::unsupported, "what an ONNX network computes cannot be told in a GGUF file",
                {loaded.file, std::nullopt, {}});
  Checkpoint written = loaded;
  std::error_code ignored;
  if (!std::filesystem::is_directory(loaded.file, ignored)) return written;
  if (const auto tokenizer = load_tokenizer(loaded)) {
    set_gguf_tokenizer(*tokenizer, written);
  } else {
    written.metadata["tokenizer.ggml.model"] = std::string(kNoVocabulary);
  }
  return written;
}

void set_quantization_version(Checkpoint& written) {
  const bool blocks = std::any_of(written.tensors.begin(), written.tensors.end(),
                                  [](const auto& entry) { return is_block_quantized(entry.second.dtype); });
  if (blocks) written.metadata["general.quantization_version"] = kQuantizationVersion;
}

}  // namespace lathe
