// Mistral: a Llama whose folders may ask for a sliding window.
#include "models/folder_decoder.h"
#include "models/llama_tensors.h"
#include "models/registry.h"

namespace lathe {
namespace {

constexpr std::int64_t kWindow = 4096;

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  read_window(config, metadata, kWindow);
  config.expect("hidden_act", {"silu", "swish"});
}

}  // namespace

const Architecture kMistral{
    "", nullptr, nullptr, {"mistral", "llama", "model.", kLlamaTensors, &read_folder}};

}  // namespace lathe
