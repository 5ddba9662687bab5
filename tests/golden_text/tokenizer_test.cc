// The two models' own vocabularies against ids that another implementation gave
// (tools/make_tokenizer_data.py), and the time that hostile texts take.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>

#include "base/json.h"
#include "formats/gguf.h"

namespace lathe {
namespace {

std::string model_directory() {
  if (const char* directory = std::getenv("LATHE_MODEL_DIR")) return directory;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/lathe/models";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.cache/lathe/models";
}

Json cases_of(const std::string& name) {
  const std::string path = std::string(LATHE_SOURCE_DIR "/tests/text/data/tokenizer_") + name + ".json";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return parse_json(text.str(), path).at("cases");
}

double seconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct Model {
  const char* name;
  const char* file;
};

class GoldenTokenizer : public testing::TestWithParam<Model> {
 protected:
  static const Tokenizer& tokenizer() {
    static std::map<std::string, std::unique_ptr<Tokenizer>> loaded;
    auto& slot = loaded[GetParam().name];
    if (!slot) slot = make_tokenizer(gguf_tokenizer(*read_gguf(model_directory() + "/" + GetParam().file)));
    return *slot;
  }
};

TEST_P(GoldenTokenizer, IdsAreExact) {
  int count = 0;
  for (const Json& test : cases_of(GetParam().name)) {
    const auto text = test.at("text").get<std::string>();
    const EncodeOptions options = {test.at("bos").get<bool>(), test.at("parse_special").get<bool>()};
    EXPECT_EQ(tokenizer().encode(text, options), test.at("ids").get<std::vector<TokenId>>()) << text;
    ++count;
  }
  EXPECT_GE(count, 46);
}

TEST_P(GoldenTokenizer, TextComesBack) {
  for (const Json& test : cases_of(GetParam().name)) {
    auto text = test.at("text").get<std::string>();
    const auto ids = tokenizer().encode(text, {false, test.at("parse_special").get<bool>()});
    // SentencePiece cannot tell U+2581 from a space.
    if (tokenizer().data().model == TokenizerModel::spm_bpe) {
      for (std::size_t at = text.find("\u2581"); at != std::string::npos; at = text.find("\u2581"))
        text.replace(at, 3, " ");
    }
    EXPECT_EQ(tokenizer().decode(ids, true), text);
  }
}

TEST_P(GoldenTokenizer, ConstructsFast) {
  TokenizerData data = tokenizer().data();
  const std::clock_t start = std::clock();
  make_tokenizer(std::move(data));
  EXPECT_LT(seconds_since(start), 0.1);
}

TEST_P(GoldenTokenizer, AMebibyteOfAnythingTakesUnderASecond) {
  for (const std::string unit : {"A", "Z", " ", "\n", ".", "<", "7", "\u4e2d", "\u0301", "e\u0301", "\xFF",
                                 "\xF0\x9F", "The quick brown fox jumps over 13 lazy dogs.\n"}) {
    std::string text;
    while (text.size() < (1u << 20)) text += unit;
    const std::clock_t start = std::clock();
    const auto ids = tokenizer().encode(text, {false, true});
    EXPECT_LT(seconds_since(start), 1.0) << unit;
    if (static_cast<unsigned char>(unit[0]) < 0xF0) {
      EXPECT_EQ(tokenizer().decode(ids), text) << unit;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTokenizer,
                         testing::Values(Model{"smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"},
                                         Model{"gemma3", "gemma-3-270m-q4_k_m.gguf"}),
                         [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace lathe
