#include "test_data.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "formats/gguf.h"

namespace lathe::test {
namespace {

std::string data_directory() {
  if (const char* directory = std::getenv("LATHE_TEST_DATA")) return directory;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/lathe/test-data";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.cache/lathe/test-data";
}

std::string path_of(const std::string& name) {
  return data_directory() + "/llama.cpp/ggml-vocab-" + name + ".gguf";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path + "; tools/fetch_test_data.py brings it");
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

}  // namespace

const std::vector<std::string>& vocabularies_with_texts() {
  static const std::vector<std::string> kNames = {"bert-bge",     "gemma-4", "command-r", "deepseek-coder",
                                                  "deepseek-llm", "falcon",  "gpt-2",     "llama-bpe",
                                                  "llama-spm",    "mpt",     "phi-3",     "qwen2",
                                                  "qwen35",       "refact",  "starcoder"};
  return kNames;
}

const Tokenizer& vocabulary(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Tokenizer>> loaded;
  auto& slot = loaded[name];
  if (!slot) slot = make_tokenizer(gguf_tokenizer(*read_gguf(path_of(name))));
  return *slot;
}

std::vector<Sample> samples_of(const std::string& name) {
  const std::string texts = read_file(path_of(name) + ".inp");
  std::istringstream lines(read_file(path_of(name) + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<Sample> samples;
  for (std::size_t at = 0; at < texts.size();) {
    const std::size_t end = texts.find(separator, at);
    Sample& sample = samples.emplace_back();
    sample.text = texts.substr(at, end - at);
    at = end == std::string::npos ? texts.size() : end + separator.size();
    std::string line;
    if (!std::getline(lines, line)) throw std::runtime_error(name + ": fewer lines of ids than texts");
    std::istringstream ids(line);
    for (TokenId id; ids >> id;) sample.ids.push_back(id);
  }
  std::string rest;
  if (std::getline(lines, rest)) throw std::runtime_error(name + ": more lines of ids than texts");
  return samples;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace lathe::test
