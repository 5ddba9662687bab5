// Gemma 2: every second layer has a window; attention scores and logits are capped by tanh.
#include <algorithm>

#include "models/decoder_tensors.h"
#include "models/gemma.h"
#include "models/registry.h"

namespace lathe {
namespace {

constexpr std::int64_t kWindow = 4096;
constexpr double kAttentionCap = 50, kFinalCap = 30;  // where nothing is said

DecoderConfig config_of(const Checkpoint& checkpoint) {
  DecoderConfig config = read_decoder_config(checkpoint, {.window_every = 2, .window = kWindow});
  if (!checkpoint.has("gemma2.attn_logit_softcapping")) config.attention_softcap = kAttentionCap;
  if (!checkpoint.has("gemma2.final_logit_softcapping")) config.final_softcap = kFinalCap;
  set_gemma_attention_scale(checkpoint, 46, config);
  return config;
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  return build_gemma(checkpoint, config_of(*checkpoint), options, false);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_gemma_folder(config, metadata);
  read_rope(config, metadata);
  read_window(config, metadata, kWindow, [](std::int64_t layer) { return layer % 2 == 0; });
  config.ignore({"sliding_window_size"});  // an older name that nobody reads
  read_real(config, metadata, "attn_logit_softcapping", "attn_logit_softcapping");
  read_real(config, metadata, "final_logit_softcapping", "final_logit_softcapping");
}

constexpr auto kTensors = decoder_tensors({.norm = TensorEdit::plus_one}, kGemmaNorms);

}  // namespace

const Architecture kGemma2{"gemma2", &shape, &build, {"gemma2", "gemma2", "model.", kTensors, &read_folder}};

}  // namespace lathe
