// Our ids, for bench/compare_tokenizers.py: ids_tool VOCABULARY.gguf; a text a line in hexadecimal on stdin,
// its ids with spaces between them a line on stdout, no special tokens added and none read from the text.
#include <iostream>
#include <string>

#include "base/error.h"
#include "formats/gguf.h"
#include "text/tokenizer.h"

int main(int count, char** words) try {
  if (count != 2) return 2;
  const auto tokenizer = lathe::make_tokenizer(lathe::gguf_tokenizer(*lathe::read_gguf(words[1])));
  for (std::string line; std::getline(std::cin, line);) {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    const char* separator = "";
    for (const lathe::TokenId id : tokenizer->encode(text, {.add_special = false})) {
      std::cout << separator << id;
      separator = " ";
    }
    std::cout << "\n";
  }
} catch (const lathe::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
