#include "support/tiny_model.h"

#include <cmath>
#include <fstream>
#include <random>
#include <stdexcept>
#include <vector>

#include "base/half.h"

namespace lathe::test {
namespace {

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ4_0 = 2;
constexpr std::uint32_t kQ8_0 = 8;

std::string utf8(std::uint32_t rune) {  // below U+0800
  if (rune < 0x80) return {static_cast<char>(rune)};
  return {static_cast<char>(0xc0 | (rune >> 6)), static_cast<char>(0x80 | (rune & 63))};
}

// GPT-2's letters for bytes: printable Latin-1 stands for itself, the others follow from U+0100 on.
std::vector<std::string> byte_letters() {
  std::vector<std::string> letters;
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.push_back(utf8(itself ? byte : next++));
  }
  return letters;
}

// 41 merges; each side is a letter or the result of an earlier merge. U+0120 is the space.
const std::vector<std::string>& merges() {
  static const std::vector<std::string> list = {
      "Ġ t",  "Ġ a",   "i n", "h e",  "r e", "o n",  "Ġt he", "e r", "Ġ s",  "a t",  "Ġ w",
      "Ġ o",  "e n",   "Ġ c", "i t",  "i s", "a n",  "o r",   "e s", "Ġ b",  "e d",  "Ġ f",
      "in g", "Ġ p",   "o u", "Ġa n", "a l", "a r",  "Ġt o",  "Ġ m", "Ġo f", "Ġ in", "Ġ d",
      "Ġ h",  "Ġan d", "i c", "a s",  "l e", "Ġt h", "i on",  "o m"};
  return list;
}

class WeightMaker {
 public:
  explicit WeightMaker(std::uint32_t seed) : random_(seed) {}

  // About uniform with a deviation of 1 / sqrt(columns), so that activations keep their size.
  std::string q8_0(std::uint64_t rows, std::uint64_t columns) {
    const float scale = 1.7f / std::sqrt(static_cast<float>(columns)) / 127.0f;
    return blocks(rows * columns / 32, scale, 32,
                  [this] { return static_cast<char>(random_() % 255 - 127); });
  }

  std::string q4_0(std::uint64_t rows, std::uint64_t columns) {
    const float scale = 1.7f / std::sqrt(static_cast<float>(columns)) / 8.0f;
    return blocks(rows * columns / 32, scale, 16, [this] { return static_cast<char>(random_() & 255u); });
  }

  std::string norm(std::uint64_t size) {
    std::string bytes;
    for (std::uint64_t i = 0; i < size; ++i)
      bytes += number_bytes(0.75f + static_cast<float>(random_() % 512) / 1024);
    return bytes;
  }

 private:
  template <class Code>
  std::string blocks(std::uint64_t count, float scale, int code_bytes, Code code) {
    std::string bytes;
    for (std::uint64_t i = 0; i < count; ++i) {
      bytes += number_bytes(float_to_half(scale * (0.5f + static_cast<float>(random_() % 1024) / 1024)));
      for (int j = 0; j < code_bytes; ++j) bytes += code();
    }
    return bytes;
  }

  std::mt19937 random_;
};

}  // namespace

void add_tiny_tokenizer(GgufBuilder& builder) {
  std::vector<std::string> tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  std::vector<std::int32_t> kinds(kTinyVocabulary, 1);
  for (std::size_t i = 0; i < tokens.size(); ++i) kinds[i] = 3;
  for (const auto& letter : byte_letters()) tokens.push_back(letter);
  for (std::string merge : merges()) {
    merge.erase(merge.find(' '), 1);
    tokens.push_back(merge);
  }
  if (tokens.size() != kTinyVocabulary) throw std::logic_error("the tiny vocabulary has another size");
  builder.text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "smollm")
      .texts("tokenizer.ggml.tokens", tokens)
      .i32s("tokenizer.ggml.token_type", kinds)
      .texts("tokenizer.ggml.merges", merges())
      .u32("tokenizer.ggml.bos_token_id", 1)
      .u32("tokenizer.ggml.eos_token_id", 2)
      .u32("tokenizer.ggml.unknown_token_id", 0)
      .u32("tokenizer.ggml.padding_token_id", 2)
      .boolean("tokenizer.ggml.add_bos_token", false)
      .boolean("tokenizer.ggml.add_space_prefix", false)
      .text(
          "tokenizer.chat_template",
          "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
          "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
          "{% endif %}");
}

GgufBuilder tiny_model(const TinyModelOptions& options) {
  GgufBuilder builder;
  builder.text("general.architecture", "llama")
      .text("general.name", "tiny")
      .u32("llama.block_count", options.layers)
      .u32("llama.context_length", options.context_tokens)
      .u32("llama.embedding_length", options.embedding)
      .u32("llama.feed_forward_length", options.feed_forward)
      .u32("llama.attention.head_count", options.heads)
      .u32("llama.attention.head_count_kv", options.kv_heads)
      .u32("llama.rope.dimension_count", options.embedding / options.heads)
      .f32("llama.rope.freq_base", 10000.0f)
      .f32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
      .u32("llama.vocab_size", kTinyVocabulary);
  add_tiny_tokenizer(builder);

  WeightMaker make(options.seed);
  const std::uint64_t width = options.embedding;
  const std::uint64_t kv_width = width / options.heads * options.kv_heads;
  const std::uint64_t hidden = options.feed_forward;
  const auto q8_0 = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    builder.tensor(name, {columns, rows}, kQ8_0, make.q8_0(rows, columns));
  };
  const auto q4_0 = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    builder.tensor(name, {columns, rows}, kQ4_0, make.q4_0(rows, columns));
  };
  const auto norm = [&](const std::string& name) { builder.tensor(name, {width}, kF32, make.norm(width)); };

  q8_0("token_embd.weight", kTinyVocabulary, width);
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    norm(block + "attn_norm.weight");
    q4_0(block + "attn_q.weight", width, width);
    q8_0(block + "attn_k.weight", kv_width, width);
    q8_0(block + "attn_v.weight", kv_width, width);
    q4_0(block + "attn_output.weight", width, width);
    norm(block + "ffn_norm.weight");
    q4_0(block + "ffn_gate.weight", hidden, width);
    q4_0(block + "ffn_up.weight", hidden, width);
    q8_0(block + "ffn_down.weight", width, hidden);
  }
  norm("output_norm.weight");
  return builder;
}

void write_tiny_model(const std::string& path, const TinyModelOptions& options) {
  const std::string bytes = tiny_model(options).bytes();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace lathe::test
