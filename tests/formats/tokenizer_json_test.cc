// What of tokenizer.json and its companions is read, what is assumed where they say nothing, and what is
// refused, by which name. That ids are right is for tokenizer_json_test.py.
#include "formats/tokenizer_json.h"

#include <gmock/gmock.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json small_bpe() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": null,
    "post_processor": null,
    "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
              "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, "bab": 4}, "merges": ["a b", ["b", "ab"]]}})");
}

void expect_refused(const Json& file, const std::string& part, ErrorCode code = ErrorCode::invalid_file,
                    const std::string& field = {}) {
  try {
    make_tokenizer(read_tokenizer_json(dump_json(file), "tokenizer.json"));
    ADD_FAILURE() << "accepted where " << part << " was to be refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
    if (!field.empty()) {
      EXPECT_EQ(error.place().field, field) << error.what();
    }
  }
}

TEST(TokenizerJson, SmallBpe) {
  const auto tokenizer = make_tokenizer(read_tokenizer_json(dump_json(small_bpe()), "f"));
  EXPECT_THAT(tokenizer->encode("abbab<s>c", {false, true}), ElementsAre(3, 4, 5, 0));
  EXPECT_THAT(tokenizer->encode("<s>", {false, false}), ElementsAre(0, 0, 0));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{3, 5, 4}), "abbab");
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{3, 5, 4}, true), "ab<s>bab");
}

TEST(TokenizerJson, EveryStepThatIsNotKnownIsRefusedByNameAndPlace) {
  const auto refused = [](const char* key, const char* step, const std::string& part,
                          const std::string& field) {
    Json file = small_bpe();
    file[key] = Json::parse(step);
    expect_refused(file, part, ErrorCode::unsupported, field);
  };
  refused("normalizer", R"({"type": "Fancy"})", "'Fancy'", "normalizer");
  refused("normalizer", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Odd"}]})", "'Odd'",
          "normalizer.normalizers[1]");
  refused("normalizer", R"({"type": "Lowercase", "locale": "tr"})", "'locale'", "normalizer.locale");
  refused("pre_tokenizer", R"({"type": "FixedLength", "length": 5})", "'FixedLength'", "pre_tokenizer");
  refused("pre_tokenizer", R"({"type": "Punctuation", "behavior": "Sometimes"})", "'Sometimes'",
          "pre_tokenizer.behavior");
  refused("pre_tokenizer",
          R"({"type": "Split", "pattern": {"Regex": "(a)\\1"}, "behavior": "Removed", "invert": false})",
          "escape", "");
  refused("decoder", R"({"type": "CTC", "pad_token": "<pad>"})", "'CTC'", "decoder");
  refused("decoder", R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteFallback"}]})",
          "ByteFallback", "");
  refused("post_processor", R"({"type": "Other"})", "'Other'", "post_processor");
  refused("model", R"({"type": "WordLevel", "vocab": {"a": 0}})", "'WordLevel'", "model");
  Json file = small_bpe();
  file["model"]["dropout"] = 0.1;
  expect_refused(file, "dropout", ErrorCode::unsupported, "model.dropout");
  file = small_bpe();
  file["extra"] = 1;
  expect_refused(file, "'extra'", ErrorCode::unsupported, "extra");
}

TEST(TokenizerJson, VocabulariesThatContradictThemselvesAreRefused) {
  const auto refused = [](const char* pointer, const char* value, const std::string& part,
                          const std::string& field) {
    Json file = small_bpe();
    file[Json::json_pointer(pointer)] = Json::parse(value);
    expect_refused(file, part, ErrorCode::invalid_file, field);
  };
  refused("/model/vocab", "{}", "is empty", "model.vocab");
  refused("/model/vocab", "[]", "must be an object", "model.vocab");
  refused("/model/vocab/a", "-1", "is -1", "model.vocab.a");
  refused("/model/vocab/a", "\"1\"", "must be an integer", "model.vocab.a");
  refused("/model/vocab/a", "1.0", "must be an integer", "model.vocab.a");
  refused("/model/vocab/a", "2", "has the id of", "model.vocab.b");
  refused("/model/vocab/a", "9999999", "one with id 9999999", "model.vocab");
  refused("/model/vocab/a", "18446744073709551615", "integer", "model.vocab.a");
  refused("/model/merges", R"(["a"])", "two parts", "model.merges[0]");
  refused("/model/merges", R"(["a  b"])", "two parts", "model.merges[0]");
  refused("/model/merges", R"([["a", "b", "c"]])", "two parts", "model.merges[0]");
  refused("/model/merges", R"(["a b", "z a"])", "'z'", "model.merges[1]");
  refused("/model/merges", R"(["b b"])", "'bb'", "model.merges[0]");
  refused("/added_tokens/0/id", "1", "has the id of 'a'", "added_tokens[0]");
  refused("/added_tokens/0/id", "16000000", "far behind", "added_tokens[0]");
  refused("/added_tokens/0/content", "\"a\"", "is token 1", "added_tokens[0]");
  refused("/added_tokens/0/special", "1", "true or false", "added_tokens[0].special");
  refused("/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "!!!!"})", "base64", "");
}

TEST(TokenizerJson, BrokenCharacterMapsAreRefused) {
  const auto refused = [](const char* map, const std::string& part) {
    Json file = small_bpe();
    file["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", map}};
    expect_refused(file, part, ErrorCode::invalid_model);
  };
  refused("", "no size");
  refused("AAE=", "no size");
  refused("BAAAAAAA", "cannot hold");  // 4 bytes of trie, 2 there
  refused("/////wAAAAA=", "cannot hold");
  refused("BAAAAAAAAAD//w==", "UTF-8");
  // A root whose child 'a' has its leaf outside.
  std::string units(4 * 256, '\xFF');
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) units[4 * at + i] = static_cast<char>(value >> (8 * i));
  };
  put(0, 0);
  put('a', std::uint32_t{'a'} | 1u << 8 | 4096u << 10);
  TokenizerData data = read_tokenizer_json(dump_json(small_bpe()), "f");
  data.pipeline.normalizers = {};
  normalize::CharacterMap map;
  map.bytes = std::string("\0\4\0\0", 4) + units + "text";
  data.pipeline.normalizers.emplace_back(map);
  EXPECT_THROW(make_tokenizer(data), Error);
}

TEST(TokenizerJson, OddTokensHaveADefinedMeaning) {
  Json file = small_bpe();
  file["model"]["vocab"][""] = 6;
  file["model"]["vocab"][std::string(1 << 20, 'h')] = 7;
  file["model"]["vocab"]["<0x-1>"] = 8;
  file["model"]["byte_fallback"] = true;
  const auto tokenizer = make_tokenizer(read_tokenizer_json(dump_json(file), "f"));
  EXPECT_THAT(tokenizer->encode("h\xFF", {false, true}), ElementsAre(0, 0));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{6, 8}), "<0x-1>");
  EXPECT_EQ(tokenizer->piece(7).size(), 1u << 20);
}

TEST(TokenizerJson, HugeVocabulariesTakeLittleTime) {
  Json file = small_bpe();
  std::string vocabulary = R"({"?": 0, "a": 1, "b": 2, "ab": 3, "bab": 4)";
  std::string merges = "[[\"a\", \"b\"]";
  for (int i = 10; i < 250'000; ++i) vocabulary += ",\"a" + std::to_string(i) + "\":" + std::to_string(i);
  for (int i = 10; i < 250'000; ++i) merges += ",[\"a\",\"b\"]";
  std::string text = dump_json(file);
  const auto put = [&](const std::string& key, const std::string& value) {
    const std::size_t at = text.find(key) + key.size();
    const char close = text[at] == '{' ? '}' : ']';
    std::size_t end = at, depth = 0;
    do {
      depth += text[end] == text[at];
      depth -= text[end] == close;
    } while (++end, depth > 0);
    text.replace(at, end - at, value);
  };
  put("\"vocab\":", vocabulary + "}");
  put("\"merges\":", merges + "]");
  const std::clock_t start = std::clock();
  const TokenizerData data = read_tokenizer_json(text, "f");
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
  EXPECT_EQ(data.tokens.size(), 250'000u);
}

class TokenizerFolder : public testing::Test {
 protected:
  TokenizerFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lathe-tokenizer-XXXXXX").string();
    path_ = mkdtemp(name.data());
    write("tokenizer.json", dump_json(small_bpe()));
  }
  ~TokenizerFolder() override { std::filesystem::remove_all(path_); }
  TokenizerFolder(const TokenizerFolder&) = delete;
  TokenizerFolder& operator=(const TokenizerFolder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  TokenizerData read() const { return read_folder_tokenizer(*Folder::open(path_.string())); }

  std::filesystem::path path_;
};

TEST_F(TokenizerFolder, NamesSpecialTokens) {
  write("tokenizer_config.json",
        R"({"bos_token": "<s>", "eos_token": {"content": "ab", "lstrip": true, "__type": "AddedToken"},
            "pad_token": "<none>", "unk_token": null, "add_bos_token": true, "model_max_length": 1e30})");
  write("special_tokens_map.json", R"({"eos_token": "b", "unk_token": "?"})");
  const TokenizerData data = read();
  EXPECT_EQ(data.bos, 5);
  EXPECT_EQ(data.eos, 3);
  EXPECT_EQ(data.unknown, 0);
  EXPECT_EQ(data.padding, std::nullopt);
  EXPECT_TRUE(data.add_bos);
  EXPECT_FALSE(data.add_eos);
  EXPECT_THAT(data.warnings, ElementsAre(HasSubstr("'<none>' is not in the vocabulary")));
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("b ab", {true, true}), ElementsAre(5, 2, 3));
  EXPECT_THAT(tokenizer->encode("<s>b", {true, true}), ElementsAre(5, 2));
}

TEST_F(TokenizerFolder, SwitchesReplaceThePostProcessor) {
  Json file = small_bpe();
  file["post_processor"] = Json::parse(
      R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
          {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}})");
  write("tokenizer.json", dump_json(file));
  write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  EXPECT_THAT(read().ids_before(), ElementsAre(5));
  EXPECT_TRUE(read().add_bos);
  write("tokenizer_config.json", R"({"bos_token": "<s>", "add_bos_token": false})");
  EXPECT_TRUE(read().ids_before().empty());
  EXPECT_FALSE(read().add_bos);
  file["post_processor"]["special_tokens"]["<s>"]["ids"] = {4};
  expect_refused(file, "not the id of '<s>'", ErrorCode::invalid_file,
                 "post_processor.special_tokens.<s>.ids[0]");
}

TEST_F(TokenizerFolder, TemplatesComeFromTheConfigOrAFileBeside) {
  EXPECT_EQ(read().chat_template, "");
  write("tokenizer_config.json", R"({"chat_template": "one"})");
  EXPECT_EQ(read().chat_template, "one");
  write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]})");
  EXPECT_EQ(read().chat_template, "d");
  EXPECT_THAT(read().warnings, ElementsAre(HasSubstr("'tool_use'")));
  write("chat_template.jinja", "file");
  EXPECT_EQ(read().chat_template, "file");
}

TEST_F(TokenizerFolder, EndTokensAreAListOrOne) {
  write("config.json", R"({"eos_token_id": 2})");
  EXPECT_THAT(read().end_ids, ElementsAre(2));
  write("generation_config.json", R"({"eos_token_id": [3, 4, 3]})");
  write("tokenizer_config.json", R"({"eos_token": "<s>"})");
  EXPECT_THAT(read().end_ids, ElementsAre(3, 4, 5));
  for (const char* value : {"6", "-1", "\"2\"", "[2, null]", "4294967295"}) {
    write("generation_config.json", std::string(R"({"eos_token_id": )") + value + "}");
    EXPECT_THROW(read(), Error) << value;
  }
}

TEST_F(TokenizerFolder, AddedTokensOfTheConfigAreAdded) {
  write("tokenizer_config.json",
        R"({"added_tokens_decoder": {"5": {"content": "<s>", "special": true},
                                     "6": {"content": "<tool>", "special": false, "normalized": false}}})");
  EXPECT_THAT(make_tokenizer(read())->encode("a<tool>b", {false, false}), ElementsAre(1, 6, 2));
  write("tokenizer_config.json", R"({"added_tokens_decoder": {"5": {"content": "<t>"}}})");
  EXPECT_THROW(read(), Error);
  write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<t>"}}})");
  EXPECT_THROW(read(), Error);
}

TEST_F(TokenizerFolder, MissingOrBrokenFilesAreNamed) {
  write("tokenizer_config.json", "{\"bos_token\": ");
  try {
    read();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.place().file, testing::EndsWith("tokenizer_config.json"));
  }
  std::filesystem::remove(path_ / "tokenizer.json");
  EXPECT_THROW(read(), Error);
}

}  // namespace
}  // namespace lathe
