// The ids that llama.cpp gives, for compare_tokenizers.py: llama_ids VOCABULARY.gguf; a text a line in
// hexadecimal on stdin, its ids with spaces between them a line on stdout, no special tokens added and none
// read from the text.
#include <llama.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char** words) {
  if (count != 2) return 2;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model_params parameters = llama_model_default_params();
  parameters.vocab_only = true;
  llama_model* model = llama_model_load_from_file(words[1], parameters);
  if (!model) {
    std::fprintf(stderr, "llama.cpp cannot load %s\n", words[1]);
    return 1;
  }
  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  std::vector<llama_token> ids;
  for (std::string line; std::getline(std::cin, line);) {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    ids.resize(text.size() + 16);
    const int32_t made = llama_tokenize(vocabulary, text.data(), static_cast<int32_t>(text.size()),
                                        ids.data(), static_cast<int32_t>(ids.size()), false, false);
    if (made < 0) {
      std::fprintf(stderr, "llama.cpp gives more ids than bytes\n");
      return 1;
    }
    for (int32_t i = 0; i < made; ++i) std::cout << (i ? " " : "") << ids[static_cast<std::size_t>(i)];
    std::cout << "\n";
  }
  llama_model_free(model);
}
