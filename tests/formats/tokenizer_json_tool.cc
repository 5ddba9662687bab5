// Encodes and decodes for tokenizer_json_test.py: the argument is a tokenizer.json or a folder; one JSON
// object a line on stdin, {"text", "bytes" (hexadecimal, instead of text), "special", "parse", "ids",
// "skip"}; for each a line {"ids"}, {"text", "stream"} or {"error"} on stdout.
#include <filesystem>
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/folder.h"
#include "base/json.h"
#include "formats/tokenizer_json.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace {

using lathe::Json;

lathe::TokenizerData read(const std::string& path) {
  if (std::filesystem::is_directory(path)) return lathe::read_folder_tokenizer(*lathe::Folder::open(path));
  const auto file = lathe::MappedFile::open(path);
  return lathe::read_tokenizer_json(
      {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, path);
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

Json answer(const lathe::Tokenizer& tokenizer, const Json& request) {
  if (request.contains("ids")) {
    const auto ids = request.at("ids").get<std::vector<lathe::TokenId>>();
    const bool special = !request.at("skip").get<bool>();
    lathe::DetokenizerOptions options;
    options.special = special;
    lathe::Detokenizer detokenizer(tokenizer, options);
    std::string stream;
    for (const lathe::TokenId id : ids) stream += detokenizer.push(id);
    return {{"text", tokenizer.decode(ids, special)}, {"stream", stream + detokenizer.finish()}};
  }
  const std::string text = request.contains("bytes") ? from_hex(request.at("bytes").get<std::string>())
                                                     : request.at("text").get<std::string>();
  return {{"ids", tokenizer.encode(text, {request.value("special", false), request.value("parse", true)})}};
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  std::unique_ptr<lathe::Tokenizer> tokenizer;
  try {
    tokenizer = lathe::make_tokenizer(read(words[1]));
  } catch (const lathe::Error& error) {
    std::cout << lathe::dump_json({{"error", error.what()}}) << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    Json out;
    try {
      out = answer(*tokenizer, lathe::parse_json(line, "request"));
    } catch (const lathe::Error& error) {
      out = {{"error", error.what()}};
    }
    std::cout << lathe::dump_json(out) << "\n";
  }
}
