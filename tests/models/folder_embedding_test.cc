// Pooling, normalization and the length of texts as sentence-transformers' files say them, and BERT's
// tensors.
#include "models/folder_embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lathe/error.h"
#include "models/architecture.h"
#include "support/tiny_folder.h"

namespace lathe {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;

constexpr std::string_view kTransformer = R"({"idx": 0, "name": "0", "path": "",
  "type": "sentence_transformers.models.Transformer"})";
constexpr std::string_view kPooling = R"({"idx": 1, "name": "1", "path": "1_Pooling",
  "type": "sentence_transformers.models.Pooling"})";
constexpr std::string_view kNormalize = R"({"idx": 2, "name": "2", "path": "2_Normalize",
  "type": "sentence_transformers.models.Normalize"})";
constexpr std::string_view kMean = R"({"word_embedding_dimension": 8, "pooling_mode_cls_token": false,
  "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": false})";

std::string modules(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += (text.empty() ? "[" : ", ") + std::string(part);
  return text + "]";
}

class FolderEmbedding : public testing::Test {
 protected:
  FolderEmbedding() {
    model.config = parse_json(R"({"hidden_size": 8})", "config.json");
    checkpoint.architecture = "bert";
    folder.write("modules.json", modules({kTransformer, kPooling, kNormalize}));
    folder.write("1_Pooling/config.json", kMean);
  }

  std::vector<std::string> read() {
    model.files = Folder::open(folder.path());
    FolderMetadata metadata(checkpoint);
    return read_folder_embedding(model, metadata);
  }
  void expect_read(std::int64_t pooling, bool normalize, std::int64_t text_tokens) {
    read();
    EXPECT_EQ(checkpoint.integer("bert.pooling_type", 0, 9), pooling);
    EXPECT_EQ(checkpoint.boolean_or("bert.embedding.normalize", !normalize), normalize);
    EXPECT_EQ(checkpoint.integer_or("bert.embedding.text_tokens", 0, 0, 1000), text_tokens);
  }
  void expect_refused(ErrorCode code, const std::string& file, const std::string& part) {
    try {
      read();
      ADD_FAILURE() << "accepted, expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.place().file, testing::EndsWith(file));
      EXPECT_THAT(std::string(error.what()) + " " + error.place().field, HasSubstr(part));
    }
  }

  TemporaryFolder folder;
  ModelFolder model;
  Checkpoint checkpoint;
};

TEST_F(FolderEmbedding, ReadsWhatAModelSays) {
  folder.write("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": false})");
  folder.write("config_sentence_transformers.json",
               R"({"__version__": {"pytorch": "1.8.1"}, "prompts": {}, "default_prompt_name": null})");
  expect_read(1, true, 256);
}

TEST_F(FolderEmbedding, TextsInLowerCase) {
  folder.write("sentence_bert_config.json", R"({"max_seq_length": 512, "do_lower_case": false})");
  read();
  EXPECT_FALSE(checkpoint.has("bert.embedding.lower_case"));
  folder.write("sentence_bert_config.json", R"({"max_seq_length": 512, "do_lower_case": true})");
  expect_read(1, true, 512);
  EXPECT_TRUE(checkpoint.boolean_or("bert.embedding.lower_case", false));
}

TEST_F(FolderEmbedding, PoolsByTheFirstTokenAndWithoutNormalization) {
  folder.write("modules.json", modules({kTransformer, kPooling}));
  folder.write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true, "include_prompt": true})");
  expect_read(2, false, 0);
}

TEST_F(FolderEmbedding, PoolingByName) {
  folder.write("1_Pooling/config.json", R"({"embedding_dimension": 8, "pooling_mode": "cls"})");
  expect_read(2, true, 0);
}

TEST_F(FolderEmbedding, AFolderWithoutModulesIsTheMean) {
  std::filesystem::remove(folder.path_of("modules.json"));
  expect_read(1, false, 0);
}

TEST_F(FolderEmbedding, ListsKeysThatNobodyReads) {
  folder.write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true, "made_by": "someone"})");
  EXPECT_THAT(read(), testing::ElementsAre("1_Pooling/config.json: made_by"));
}

TEST_F(FolderEmbedding, RefusesPoolingsThatAreNotComputed) {
  const auto refuse = [this](const std::string& config, const std::string& part) {
    folder.write("1_Pooling/config.json", config);
    expect_refused(ErrorCode::unsupported, "1_Pooling/config.json", part);
  };
  refuse(R"({"pooling_mode_max_tokens": true})", "pooling_mode_max_tokens");
  refuse(R"({"pooling_mode_mean_sqrt_len_tokens": true})", "true");
  refuse(R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})", "pooling_mode_cls_token");
  refuse(R"({"pooling_mode": "lasttoken"})", "\"lasttoken\"");
  refuse(R"({"pooling_mode": "mean_of_something"})", "mean_of_something");
  refuse(R"({"pooling_mode_mean_tokens": false})", "pooling_mode_mean_tokens");
  refuse(R"({"pooling_mode_mean_tokens": true, "word_embedding_dimension": 9})", "word_embedding_dimension");
  refuse(R"({"pooling_mode_mean_tokens": true, "attention_window": 5})", "attention_window");
}

TEST_F(FolderEmbedding, RefusesModulesThatAreNotComputed) {
  const auto refuse = [this](const std::string& text, ErrorCode code, const std::string& part) {
    folder.write("modules.json", text);
    expect_refused(code, "modules.json", part);
  };
  const std::string dense = R"({"path": "2_Dense", "type": "sentence_transformers.models.Dense"})";
  refuse(modules({kTransformer, kPooling, dense}), ErrorCode::unsupported, "models.Dense");
  refuse(modules({kPooling, kTransformer}), ErrorCode::unsupported, "models.Pooling");
  refuse(modules({kTransformer, kPooling, kNormalize, kNormalize}), ErrorCode::unsupported, "[3].type");
  refuse(modules({kTransformer}), ErrorCode::unsupported, "without pooling");
  refuse(modules({R"({"path": "", "type": "my_code.Transformer"})", kPooling}), ErrorCode::unsupported,
         "my_code.Transformer");
  refuse(modules({R"({"path": "0_T", "type": "sentence_transformers.models.Transformer"})", kPooling}),
         ErrorCode::unsupported, "0_T");
  refuse(modules({R"({"path": ""})", kPooling}), ErrorCode::invalid_model, "type");
  refuse("{}", ErrorCode::invalid_model, "array");
  refuse("[1]", ErrorCode::invalid_model, "object");
  refuse("[", ErrorCode::invalid_file, "modules.json");
}

TEST_F(FolderEmbedding, RefusesSettingsThatWouldChangeTexts) {
  folder.write("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": 1})");
  expect_refused(ErrorCode::invalid_model, "sentence_bert_config.json", "do_lower_case");
  folder.write("sentence_bert_config.json", R"({"max_seq_length": 2})");
  expect_refused(ErrorCode::invalid_model, "sentence_bert_config.json", "max_seq_length");
  folder.write("sentence_bert_config.json", "{}");
  folder.write("config_sentence_transformers.json", R"({"default_prompt_name": "query"})");
  expect_refused(ErrorCode::unsupported, "config_sentence_transformers.json", "query");
}

TEST_F(FolderEmbedding, OpensNothingOutsideTheFolder) {
  for (const std::string path : {"../1_Pooling", "..", "", "/etc", "1_Pooling/."}) {
    folder.write("modules.json",
                 modules({kTransformer,
                          R"({"path": ")" + path + R"(", "type": "sentence_transformers.models.Pooling"})"}));
    EXPECT_THROW(read(), Error) << path;
  }
  folder.write("modules.json", modules({kTransformer, kPooling}));
  read();
  const TemporaryFolder other;
  other.write("config.json", kMean);
  std::filesystem::remove_all(folder.path_of("1_Pooling"));
  std::filesystem::create_symlink(other.path(), folder.path_of("1_Pooling"));
  EXPECT_THROW(read(), Error);
}

// Each file of a snapshot is a link to the contents beside all snapshots.
TEST_F(FolderEmbedding, TheDownloadCacheIsRead) {
  const TemporaryFolder cache;
  const std::string hash(40, 'b');
  cache.write("blobs/" + hash, kMean);
  cache.write("snapshots/main/modules.json", modules({kTransformer, kPooling}));
  cache.write("snapshots/main/1_Pooling/other", "");
  const std::string snapshot = cache.path_of("snapshots/main");
  const auto read_with = [&](const std::string& target) {
    const std::string link = snapshot + "/1_Pooling/config.json";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(target, link);
    model.files = Folder::open(snapshot);
    FolderMetadata metadata(checkpoint);
    read_folder_embedding(model, metadata);
  };
  read_with("../../../blobs/" + hash);
  EXPECT_EQ(checkpoint.integer("bert.pooling_type", 0, 9), 1);
  for (const auto& target :
       {"../../blobs/" + hash, cache.path_of("blobs/" + hash), "../../../../blobs/" + hash})
    EXPECT_THROW(read_with(target), Error) << target;
}

}  // namespace
}  // namespace lathe
