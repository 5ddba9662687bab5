// Random changes of a tokenizer.json with a step of every kind: a lathe::Error, or a tokenizer that encodes
// and decodes. 2,000 seeds; 20,000 with LATHE_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "base/error.h"
#include "formats/tokenizer_json.h"
#include "text/tokenizer.h"

namespace lathe {
namespace {

const std::string kFile = R"json({"version": "1.0", "truncation": null, "padding": null,
"added_tokens": [{"id": 7, "content": "<s>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": false,
  "special": true}, {"id": 8, "content": "Tool", "single_word": false, "normalized": true, "special": false}],
"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "StripAccents"},
  {"type": "Strip", "strip_left": true, "strip_right": false}, {"type": "Nmt"}, {"type": "Prepend", "prepend": " "},
  {"type": "Replace", "pattern": {"Regex": "[^\\p{L}\\s]{2,}|\\d++"}, "content": "b"},
  {"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAABhAA=="},
  {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}]},
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
  {"type": "Split", "pattern": {"Regex": "\\s+(?!\\S)|(?i:'ve)"}, "behavior": "MergedWithNext", "invert": true},
  {"type": "Digits", "individual_digits": false}, {"type": "Punctuation", "behavior": "Contiguous"},
  {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true},
  {"type": "CharDelimiterSplit", "delimiter": "b"}, {"type": "Whitespace"}]},
"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
  {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [7], "tokens": ["<s>"]}}},
"decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "},
  {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
"model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": "", "end_of_word_suffix": "",
  "fuse_unk": true, "byte_fallback": true, "ignore_merges": true,
  "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, "bab": 4, "<0x61>": 5, "_": 6}, "merges": ["a b", ["b", "ab"]]}})json";

int seed_count() {
  const char* long_tests = std::getenv("LATHE_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? 20'000 : 2'000;
}

bool works(const std::string& file) {
  try {
    const auto tokenizer = make_tokenizer(read_tokenizer_json(file, "f"));
    const auto ids = tokenizer->encode("<s>abbab Tool 12 \u4E2D'VE\xFF e\u0301_\n <s> ab", {true, true});
    tokenizer->decode(ids, true);
    return true;
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    return false;
  }
}

TEST(TokenizerJsonBitflip, IsRefusedOrWorks) {
  ASSERT_TRUE(works(kFile));
  int worked = 0;
  for (int seed = 0; seed < seed_count(); ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::string file = kFile;
    // By the seed a bit changes, or a few bytes become others of the file: then it is often still JSON.
    for (auto changes = 1 + random() % 2; changes > 0; --changes) {
      const auto at = random() % file.size();
      file[at] = seed % 2 == 0 ? static_cast<char>(file[at] ^ (1 << (random() % 8)))
                               : kFile[random() % kFile.size()];
    }
    worked += works(file);
  }
  EXPECT_GT(worked, seed_count() / 200);
  EXPECT_LT(worked, seed_count());
}

TEST(TokenizerJsonBitflip, EveryPrefixIsRefused) {
  for (std::size_t length = 0; length < kFile.size(); length += 7)
    EXPECT_FALSE(works(kFile.substr(0, length)));
}

}  // namespace
}  // namespace lathe
