// Mixtral: a Llama whose feed-forward blocks are mixtures of experts. GGUF counts it to Llama.
#include "models/experts.h"
#include "models/folder_decoder.h"
#include "models/llama_tensors.h"
#include "models/registry.h"

namespace lathe {
namespace {

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  read_window(config, metadata);
  read_expert_counts(config, metadata);
  config.expect("hidden_act", {"silu", "swish"});
}

constexpr TensorRule kOwn[] = {
    kPreNorms[0],
    kPreNorms[1],
    {"layers.{}.block_sparse_moe.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {"layers.{}.block_sparse_moe.experts.{}.w1.weight", "blk.{}.ffn_gate_exps.weight"},
    {"layers.{}.block_sparse_moe.experts.{}.w2.weight", "blk.{}.ffn_down_exps.weight"},
    {"layers.{}.block_sparse_moe.experts.{}.w3.weight", "blk.{}.ffn_up_exps.weight"},
};
constexpr auto kTensors = decoder_tensors(kLlamaEdits, kOwn);

}  // namespace

const Architecture kMixtral{"", nullptr, nullptr, {"mixtral", "llama", "model.", kTensors, &read_folder}};

}  // namespace lathe
