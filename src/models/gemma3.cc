// Gemma 3: norms on the heads of Q and K; five layers with a window and a RoPE base of their own, then one
// that sees everything.
#include "models/decoder_tensors.h"
#include "models/gemma.h"
#include "models/registry.h"

namespace lathe {
namespace {

constexpr std::int64_t kGlobalEvery = 6;
constexpr std::int64_t kWindow = 4096;
constexpr double kLocalRopeBase = 10000, kRopeBase = 1000000;

DecoderConfig config_of(const Checkpoint& checkpoint) {
  DecoderConfig config =
      read_decoder_config(checkpoint, {.window_every = kGlobalEvery, .local_rope_base = kLocalRopeBase});
  set_gemma_attention_scale(checkpoint, 62, config);
  return config;
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  return build_gemma(checkpoint, config_of(*checkpoint), options, true);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_gemma_folder(config, metadata);
  read_rope_by_layer_type(config, metadata, kRopeBase, kLocalRopeBase);
  const auto every = config.integer_or("sliding_window_pattern", kGlobalEvery, 1, 4096);
  read_window(config, metadata, kWindow, [every](std::int64_t layer) { return (layer + 1) % every != 0; });
  read_real(config, metadata, "attn_logit_softcapping", "attn_logit_softcapping");
  read_real(config, metadata, "final_logit_softcapping", "final_logit_softcapping");
  config.ignore({"_sliding_window_pattern"});  // what layer_types were made from
}

constexpr auto kTensors = decoder_tensors({.norm = TensorEdit::plus_one}, kGemmaNorms);

}  // namespace

const Architecture kGemma3{
    "gemma3", &shape, &build, {"gemma3_text", "gemma3", "model.", kTensors, &read_folder}};

}  // namespace lathe
