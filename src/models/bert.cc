// BERT, an encoder: every token sees the whole text. Learned positions and token types, norms behind each
// block, biases throughout, GELU in its exact form. A text's embedding is the mean of its tokens or its first
// token ([CLS]), to length 1 unless the model says otherwise. The second token type is of pairs of texts and
// not used.
#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/folder_embedding.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  DecoderConfig config = read_decoder_config(
      checkpoint, {.norm = Norm::layer, .rotary = false, .own_keys = {"attention.causal"}});
  config.causal = checkpoint.boolean_or("bert.attention.causal", false);
  if (config.causal) refuse_key(checkpoint, "is not supported", "bert.attention.causal");
  return config;
}

Pooling pooling_of(const Checkpoint& checkpoint) {
  const std::string key = "bert.pooling_type";
  const auto pooling = checkpoint.integer_or(key, static_cast<std::int64_t>(Pooling::mean), 0, 1 << 16);
  if (pooling != static_cast<std::int64_t>(Pooling::mean) &&
      pooling != static_cast<std::int64_t>(Pooling::first))
    refuse_key(checkpoint, "is not supported: 1 is the mean, 2 the first token", key);
  return static_cast<Pooling>(pooling);
}

ModelShape shape(const Checkpoint& checkpoint) {
  const DecoderConfig config = config_of(checkpoint);
  pooling_of(checkpoint);
  ModelShape shape = decoder_shape(config);
  shape.embedding = config.embedding;
  const std::string key = "bert." + std::string(kTextTokensKey);
  shape.text_tokens = checkpoint.integer_or(key, config.context_tokens, 3, kMaxContext);
  if (shape.text_tokens > config.context_tokens)
    checkpoint.fail("the model has " + std::to_string(config.context_tokens) + " positions", key);
  return shape;
}

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const std::int64_t width = config.embedding;
  GraphOptions step_alone = options;
  step_alone.cache_off = true;
  DecoderBuilder b(checkpoint, config, step_alone);
  const TensorView* types = checkpoint->find_tensor("token_types.weight");
  const std::int64_t type_count = types == nullptr || types->shape.empty() ? 2 : types->shape.front();
  ValueId x = b.add("typed", b.embed(), b.row("token_types.weight", type_count, width, 0));  // [T, width]
  x = b.norm("token_embd_norm", b.add("embedded", x, b.position_embedding()), width, Bias::required);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    const ValueId attended = b.attention(layer, b.heads(block, x, Bias::required));
    const ValueId a = b.attention_output(block, attended, Bias::required);
    x = b.norm(block + ".attn_output_norm", b.add(block + ".attn_residual", x, a), width, Bias::required);
    const ValueId f = b.feed_forward(block, x, Activation::gelu, Bias::required);
    x = b.norm(block + ".layer_output_norm", b.add(block + ".ffn_residual", x, f), width, Bias::required);
  }
  ValueId pooled = pooling_of(*checkpoint) == Pooling::mean
                       ? b.graph().add("SequenceMean", "pooled", {x, b.sequences()})
                       : b.wanted(config.layers - 1, "pooled", x);  // [Q, width]
  if (checkpoint->boolean_or("bert." + std::string(kNormalizeKey), true))
    pooled = b.graph().add("LpNormalization", "normalized", {pooled});
  return b.finish_embeddings(pooled);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, true, "layer_norm_eps");
  config.expect("hidden_act", {"gelu"});
  config.expect("position_embedding_type", {"absolute"});
  for (const char* key : {"is_decoder", "add_cross_attention", "is_causal"}) config.expect(key, {false});
  config.ignore({"type_vocab_size"});  // the tensor has it
  // Of a part behind the tokens' states that nobody ever computed.
  config.ignore(
      {"pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head"});
}

constexpr TensorRule kTensors[] = {
    {"embeddings.word_embeddings.weight", "token_embd.weight"},
    {"embeddings.token_type_embeddings.weight", "token_types.weight"},
    {"embeddings.position_embeddings.weight", "position_embd.weight"},
    {"embeddings.LayerNorm.weight", "token_embd_norm.weight"},
    {"embeddings.LayerNorm.bias", "token_embd_norm.bias"},
    {"embeddings.position_ids", ""},
    {"embeddings.token_type_ids", ""},
    {"encoder.layer.{}.attention.self.query.weight", "blk.{}.attn_q.weight"},
    {"encoder.layer.{}.attention.self.query.bias", "blk.{}.attn_q.bias"},
    {"encoder.layer.{}.attention.self.key.weight", "blk.{}.attn_k.weight"},
    {"encoder.layer.{}.attention.self.key.bias", "blk.{}.attn_k.bias"},
    {"encoder.layer.{}.attention.self.value.weight", "blk.{}.attn_v.weight"},
    {"encoder.layer.{}.attention.self.value.bias", "blk.{}.attn_v.bias"},
    {"encoder.layer.{}.attention.output.dense.weight", "blk.{}.attn_output.weight"},
    {"encoder.layer.{}.attention.output.dense.bias", "blk.{}.attn_output.bias"},
    {"encoder.layer.{}.attention.output.LayerNorm.weight", "blk.{}.attn_output_norm.weight"},
    {"encoder.layer.{}.attention.output.LayerNorm.bias", "blk.{}.attn_output_norm.bias"},
    {"encoder.layer.{}.intermediate.dense.weight", "blk.{}.ffn_up.weight"},
    {"encoder.layer.{}.intermediate.dense.bias", "blk.{}.ffn_up.bias"},
    {"encoder.layer.{}.output.dense.weight", "blk.{}.ffn_down.weight"},
    {"encoder.layer.{}.output.dense.bias", "blk.{}.ffn_down.bias"},
    {"encoder.layer.{}.output.LayerNorm.weight", "blk.{}.layer_output_norm.weight"},
    {"encoder.layer.{}.output.LayerNorm.bias", "blk.{}.layer_output_norm.bias"},
    // As TensorFlow called the norms' weights and biases, in the oldest checkpoints.
    {"embeddings.LayerNorm.gamma", "token_embd_norm.weight"},
    {"embeddings.LayerNorm.beta", "token_embd_norm.bias"},
    {"encoder.layer.{}.attention.output.LayerNorm.gamma", "blk.{}.attn_output_norm.weight"},
    {"encoder.layer.{}.attention.output.LayerNorm.beta", "blk.{}.attn_output_norm.bias"},
    {"encoder.layer.{}.output.LayerNorm.gamma", "blk.{}.layer_output_norm.weight"},
    {"encoder.layer.{}.output.LayerNorm.beta", "blk.{}.layer_output_norm.bias"},
    {"cls.predictions.transform.LayerNorm.gamma", ""},
    {"cls.predictions.transform.LayerNorm.beta", ""},
    // What it was trained with, behind the tokens' states.
    {"pooler.dense.weight", ""},
    {"pooler.dense.bias", ""},
    {"cls.predictions.bias", ""},
    {"cls.predictions.decoder.weight", ""},
    {"cls.predictions.decoder.bias", ""},
    {"cls.predictions.transform.dense.weight", ""},
    {"cls.predictions.transform.dense.bias", ""},
    {"cls.predictions.transform.LayerNorm.weight", ""},
    {"cls.predictions.transform.LayerNorm.bias", ""},
    {"cls.seq_relationship.weight", ""},
    {"cls.seq_relationship.bias", ""},
};

}  // namespace

const Architecture kBert{
    "bert", &shape, &build, {"bert", "bert", "bert.", kTensors, &read_folder, &read_folder_embedding}};

}  // namespace lathe
