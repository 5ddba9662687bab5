// The logits that llama.cpp gives, for compare_folders.py. A line of ids with spaces between them on stdin;
// float32 on stdout, computed at once, on one thread.
//   llama_logits MODEL.gguf               logits of every position [tokens, vocabulary]
//   llama_logits MODEL.gguf --mean TEXT   an encoder's mean over the tokens [embedding], where TEXT has these
//   ids in
//                                         llama.cpp too
#include <llama.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

int main(int count, char** words) {
  const bool mean = count == 4 && std::string(words[2]) == "--mean";
  if (count != 2 && !mean) return 2;
  const auto only_errors = [](ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
  };
  llama_log_set(only_errors, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(words[1], llama_model_default_params());
  if (!model) {
    std::fprintf(stderr, "llama.cpp cannot load %s\n", words[1]);
    return 1;
  }
  std::string line;
  std::getline(std::cin, line);
  std::istringstream numbers(line);
  std::vector<llama_token> ids;
  for (llama_token id = 0; numbers >> id;) ids.push_back(id);
  const auto tokens = static_cast<int32_t>(ids.size());

  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  if (mean) {
    const std::string text = words[3];
    std::vector<llama_token> own(text.size() + 16);
    const int32_t made = llama_tokenize(vocabulary, text.data(), static_cast<int32_t>(text.size()),
                                        own.data(), static_cast<int32_t>(own.size()), true, false);
    own.resize(static_cast<std::size_t>(made < 0 ? 0 : made));
    if (own != ids) {
      std::fprintf(stderr, "llama.cpp gives other ids for %s:", words[3]);
      for (const llama_token id : own) std::fprintf(stderr, " %d", id);
      std::fputs("\n", stderr);
      return 1;
    }
  }

  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = static_cast<uint32_t>(tokens);
  parameters.n_threads = parameters.n_threads_batch = 1;
  parameters.type_k = parameters.type_v = GGML_TYPE_F32;
  parameters.embeddings = mean;
  if (mean) parameters.pooling_type = LLAMA_POOLING_TYPE_MEAN;
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, parameters);
  if (!context) {
    std::fprintf(stderr, "llama.cpp cannot run %s\n", words[1]);
    return 1;
  }
  llama_batch batch = llama_batch_init(tokens, 0, 1);
  for (int32_t i = 0; i < tokens; ++i) {
    batch.token[i] = ids[static_cast<std::size_t>(i)];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  batch.n_tokens = tokens;
  if (llama_decode(context, batch) != 0) {
    std::fprintf(stderr, "llama.cpp cannot compute\n");
    return 1;
  }
  if (mean) {
    const auto size = static_cast<std::size_t>(llama_model_n_embd(model));
    std::fwrite(llama_get_embeddings_seq(context, 0), sizeof(float), size, stdout);
  } else {
    const auto size = static_cast<std::size_t>(llama_vocab_n_tokens(vocabulary));
    for (int32_t i = 0; i < tokens; ++i)
      std::fwrite(llama_get_logits_ith(context, i), sizeof(float), size, stdout);
  }
  llama_batch_free(batch);
  llama_free(context);
  llama_model_free(model);
}
