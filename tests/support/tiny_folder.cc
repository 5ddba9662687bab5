#include "support/tiny_folder.h"

#include "support/safetensors_builder.h"

namespace lathe::test {

FolderTensorBytes float_tensor(const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  return {"F32", shape,
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))};
}

TinyFolder::TinyFolder() {
  config = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
  "hidden_size": 8, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
  "num_key_value_heads": 1, "max_position_embeddings": 128, "vocab_size": 12, "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": false
})";
  std::uint32_t state = 1;
  const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (auto& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24) - 0.5f;
    }
    tensors[name] = float_tensor({rows, columns}, values);
  };
  const auto norm = [&](const std::string& name) {
    tensors[name] = float_tensor({8}, std::vector<float>(8, 1.0f));
  };
  matrix("model.embed_tokens.weight", 12, 8);
  matrix("lm_head.weight", 12, 8);
  norm("model.norm.weight");
  for (int layer = 0; layer < 2; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer) + ".";
    norm(block + "input_layernorm.weight");
    norm(block + "post_attention_layernorm.weight");
    matrix(block + "self_attn.q_proj.weight", 8, 8);
    matrix(block + "self_attn.k_proj.weight", 4, 8);
    matrix(block + "self_attn.v_proj.weight", 4, 8);
    matrix(block + "self_attn.o_proj.weight", 8, 8);
    matrix(block + "mlp.gate_proj.weight", 64, 8);
    matrix(block + "mlp.up_proj.weight", 64, 8);
    matrix(block + "mlp.down_proj.weight", 8, 64);
  }
}

void TinyFolder::write(const TemporaryFolder& folder) const {
  folder.write("config.json", config);
  if (!generation_config.empty()) folder.write("generation_config.json", generation_config);
  SafetensorsBuilder builder;
  for (const auto& [name, tensor] : tensors) builder.tensor(name, tensor.dtype, tensor.shape, tensor.bytes);
  folder.write("model.safetensors", builder.bytes());
}

}  // namespace lathe::test
