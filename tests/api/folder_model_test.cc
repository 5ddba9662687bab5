// Folders as models: what works without a tokenizer, and what says that it does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "lathe/lathe.h"
#include "support/temporary_file.h"
#include "support/tiny_folder.h"

namespace lathe {
namespace {

using test::TemporaryFolder;
using test::TinyFolder;

ModelOptions small(const std::string& weight_type = "") {
  ModelOptions options;
  options.threads = 1;
  options.sequences = 1;
  options.fetch = false;
  options.math = "f32";
  options.weight_type = weight_type;
  return options;
}

std::vector<float> logits(Model& model, int chunk) {
  const std::int32_t ids[] = {1, 3, 5, 7, 2, 0, 11, 4};
  std::vector<float> all;
  model.logits(ids, chunk,
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

void expect_refused(const std::function<void()>& call, ErrorCode code, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(FolderModel, WithoutATokenizerItTakesIds) {
  const TemporaryFolder folder;
  TinyFolder().write(folder);
  Model model = Model::load(folder.path(), small());
  EXPECT_EQ(model.info().vocabulary, 12);
  EXPECT_EQ(model.info().trained_context, 128);
  EXPECT_EQ(model.info().architecture, "llama");
  EXPECT_FALSE(model.info().has_chat_template);
  const auto whole = logits(model, 0);
  EXPECT_EQ(whole.size(), 8u * 12u);
  EXPECT_EQ(logits(model, 1), whole);
  EXPECT_EQ(logits(model, 3), whole);
}

TEST(FolderModel, WhatNeedsTextSaysThatThereIsNone) {
  const TemporaryFolder folder;
  TinyFolder().write(folder);
  Model model = Model::load(folder.path(), small());
  const std::string part = "no tokenizer";
  expect_refused([&] { model.tokenize("x"); }, ErrorCode::unsupported, part);
  expect_refused([&] { model.detokenize(std::vector<std::int32_t>{1}); }, ErrorCode::unsupported, part);
  expect_refused([&] { model.render({{"user", "x"}}); }, ErrorCode::unsupported, part);
  Request request;
  request.prompt = "x";
  expect_refused([&] { model.answer(request); }, ErrorCode::unsupported, part);
}

TEST(FolderModel, WeightsInEveryType) {
  const TemporaryFolder folder;
  TinyFolder().write(folder);
  const auto dtype_of = [](const Model& model, const std::string& name) {
    for (const auto& tensor : model.inspect().tensors)
      if (tensor.name == name) return tensor.dtype;
    return std::string();
  };
  for (const auto& [word, dtype] : {std::pair<std::string, std::string>{"", "f32"},
                                    {"f32", "f32"},
                                    {"bf16", "bf16"},
                                    {"q8", "q8_0"},
                                    {"q4", "q4_1"}}) {
    Model model = Model::load(folder.path(), small(word));
    EXPECT_EQ(dtype_of(model, "blk.0.ffn_down.weight"), dtype);
    for (const float value : logits(model, 0)) ASSERT_TRUE(std::isfinite(value));
  }
  expect_refused([&] { Model::load(folder.path(), small("q5")); }, ErrorCode::invalid_argument,
                 "weight_type is \"q5\", not one of q8, q4, bf16, f32");
}

TEST(FolderModel, UnusedKeysAreListed) {
  const TemporaryFolder folder;
  TinyFolder tiny;
  tiny.config.replace(tiny.config.find("{"), 1, "{\"my\\nnote\": 1, ");
  tiny.write(folder);
  const auto unused = Model::load(folder.path(), small()).inspect().unused_keys;
  EXPECT_NE(std::find(unused.begin(), unused.end(), "my\\x0anote"), unused.end());
}

TEST(FolderModel, FilesThatAreNoModels) {
  const test::TemporaryFile zip("PK\x03\x04 pickled", ".pt");
  expect_refused([&] { Model::load(zip.path(), small()); }, ErrorCode::unsupported,
                 "the format is not supported");
  const test::TemporaryFile pickle("\x80\x02}q\x01", ".bin");
  expect_refused([&] { Model::load(pickle.path(), small()); }, ErrorCode::unsupported,
                 "the format is not supported");
  const TemporaryFolder folder;
  TinyFolder().write(folder);
  expect_refused([&] { Model::load(folder.path_of("model.safetensors"), small()); }, ErrorCode::unsupported,
                 "the model is the folder");
  expect_refused([&] { Model::load(folder.path_of("config.json"), small()); }, ErrorCode::invalid_file,
                 "GGUF");
}

}  // namespace
}  // namespace lathe
