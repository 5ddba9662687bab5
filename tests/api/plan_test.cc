// Plan files of a whole tiny model: built, loaded, refused, refitted.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <functional>

#include "base/hash.h"
#include "lathe/lathe.h"
#include "support/plan_bytes.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

using test::PlanBytes;
using testing::HasSubstr;

std::string build_plan(const std::string& model, PlanOptions options = {}) {
  options.model.threads = 1;
  std::string bytes;
  build(model, options, [&](std::span<const std::byte> part, std::uint64_t total) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    EXPECT_LE(bytes.size(), total);
  });
  return bytes;
}

std::string refit_plan(const std::string& plan, const std::string& model) {
  std::string bytes;
  ModelOptions options;
  options.threads = 2;
  refit(plan, model, options, [&](std::span<const std::byte> part, std::uint64_t) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

std::vector<float> logits(const std::string& path, ModelOptions options = {}) {
  if (options.threads == 0) options.threads = 2;
  Model model = Model::load(path, options);
  std::vector<float> all;
  model.logits(std::vector<std::int32_t>{1, 5, 9, 40, 17, 3, 120}, 3,
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

struct Refusal {
  ErrorCode code = ErrorCode::internal;
  std::string field, message;
};

Refusal refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.place().field, error.what()};
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

class PlanTest : public testing::Test {
 protected:
  PlanTest() : plan_({}, ".plan") {
    test::write_tiny_model(model_.path());
    bytes_ = build_plan(model_.path());
    plan_.write(bytes_);
  }
  Refusal refused(const std::string& bytes, const ModelOptions& options = {}) const {
    plan_.write(bytes);
    return refusal([&] { Model::load(plan_.path(), options); });
  }

  test::TemporaryFile model_;
  test::TemporaryFile plan_;
  std::string bytes_;
};

TEST_F(PlanTest, GivesTheBitsOfTheModel) {
  for (const std::string math : {"int8", "f32"}) {
    PlanOptions options;
    options.model.math = math;
    plan_.write(build_plan(model_.path(), options));
    ModelOptions model_options;
    model_options.math = math;
    EXPECT_EQ(logits(plan_.path()), logits(model_.path(), model_options));
  }
}

TEST_F(PlanTest, HoldsTokenizerTemplateAndMetadata) {
  const Model plan = Model::load(plan_.path());
  const Model model = Model::load(model_.path());
  const std::string text = "the <|im_start|> of it, 12345 \xC3\xA9";
  EXPECT_EQ(plan.tokenize(text), model.tokenize(text));
  EXPECT_EQ(plan.tokenize(text, true, true), model.tokenize(text, true, true));
  EXPECT_EQ(plan.render({{"user", "hello"}}), model.render({{"user", "hello"}}));
  EXPECT_EQ(plan.info().name, model.info().name);
  EXPECT_EQ(plan.info().parameters, model.info().parameters);
  EXPECT_EQ(plan.info().tensor_bytes, model.info().tensor_bytes);
  EXPECT_EQ(plan.graph_text(true), model.graph_text(true));
  EXPECT_EQ(plan.graph_text(), model.graph_text());
  EXPECT_EQ(plan.inspect().steps.size(), model.inspect().steps.size());
  EXPECT_EQ(plan.inspect().unused_keys, model.inspect().unused_keys);
  EXPECT_EQ(plan.work(4, 2).weight_bytes, model.work(4, 2).weight_bytes);
  EXPECT_EQ(plan.work(4, 2).attention_operations, model.work(4, 2).attention_operations);
  EXPECT_EQ(plan.inspect().memory.weight_bytes_copied, 0u);
}

TEST_F(PlanTest, IsTheSameFileEveryTime) { EXPECT_TRUE(build_plan(model_.path()) == bytes_); }

TEST_F(PlanTest, RefittingGivesWhatBuildingGives) {
  PlanOptions stripped;
  stripped.strip = true;
  plan_.write(build_plan(model_.path(), stripped));
  EXPECT_TRUE(refit_plan(plan_.path(), model_.path()) == bytes_);
  Request request;
  request.ids = {1, 2};
  EXPECT_EQ(refusal([&] { Model::load(plan_.path()).answer(request); }).field, "weights");

  test::TemporaryFile other;
  test::write_tiny_model(other.path(), {.seed = 7});
  const std::string rebuilt = build_plan(other.path());
  EXPECT_FALSE(rebuilt == bytes_);
  EXPECT_TRUE(refit_plan(plan_.path(), other.path()) == rebuilt);
  plan_.write(bytes_);
  EXPECT_TRUE(refit_plan(plan_.path(), other.path()) == rebuilt);

  test::write_tiny_model(other.path(), {.layers = 3});
  EXPECT_EQ(refusal([&] { refit_plan(plan_.path(), other.path()); }).field, "model");
  EXPECT_EQ(refusal([&] { build_plan(plan_.path()); }).code, ErrorCode::invalid_argument);
}

TEST_F(PlanTest, SaysWhatItWasBuiltFor) {
  PlanOptions built;
  built.model.context_tokens = 128;
  built.model.sequences = 2;
  const std::string bytes = build_plan(model_.path(), built);
  const auto refused_with = [&](const std::function<void(ModelOptions&)>& change) {
    ModelOptions options;
    change(options);
    const Refusal found = refused(bytes, options);
    EXPECT_EQ(found.code, ErrorCode::invalid_argument) << found.message;
    EXPECT_THAT(found.message, HasSubstr("built for"));
    return found.field;
  };
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.context_tokens = 129; }), "context_tokens");
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.kv = "f32"; }), "kv");
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.math = "f32"; }), "math");
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.weight_type = "q8"; }), "weight_type");
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.sequences = 3; }), "sequences");
  EXPECT_EQ(refused_with([](ModelOptions& o) { o.cache_tokens = 129; }), "cache_tokens");
  ModelOptions fewer;
  fewer.context_tokens = 64;
  plan_.write(bytes);
  EXPECT_EQ(Model::load(plan_.path(), fewer).info().context_tokens, 64);
  EXPECT_EQ(Model::load(plan_.path()).options().sequences, 2);
}

TEST_F(PlanTest, NamesWhatAForeignPlanIsFor) {
  PlanBytes plan(bytes_);
  EXPECT_EQ(refused(plan.with_number<std::uint32_t>(8, 0x04030201)).field, "byte_order");
  EXPECT_EQ(refused(plan.with_number<std::uint32_t>(12, 1)).field, "format_version");
  EXPECT_EQ(refused(plan.with_number<std::uint32_t>(12, 3)).field, "format_version");
  EXPECT_EQ(refused(plan.with_text(56, "9.9.9", 64)).field, "engine");
  EXPECT_EQ(refused(plan.with_number<std::uint32_t>(32, 77)).field, "isa");
  EXPECT_EQ(refused(plan.with_text(144, "code", 32)).field, "sections");
  EXPECT_EQ(refused("LATHEPLN").code, ErrorCode::invalid_file);
}

TEST_F(PlanTest, NamesTheProcessorItWasBuiltFor) {
  const char* const before = ::getenv("LATHE_ISA");
  const std::string kept = before == nullptr ? "" : before;
  ASSERT_EQ(::setenv("LATHE_ISA", "portable", 1), 0);
  PlanBytes plan(build_plan(model_.path()));
  const Refusal found = refused(plan.with_number<std::uint32_t>(32, 2));
  EXPECT_EQ(found.field, "isa");
  EXPECT_EQ(found.code, ErrorCode::unsupported);
  EXPECT_THAT(found.message, HasSubstr("avx512"));
  if (before == nullptr)
    ::unsetenv("LATHE_ISA");
  else
    ::setenv("LATHE_ISA", kept.c_str(), 1);
}

TEST_F(PlanTest, RefusesEveryFlippedBitOfHeaderAndMetadata) {
  const std::size_t metadata = PlanBytes(bytes_).data_start();
  ASSERT_LT(metadata, bytes_.size());
  const auto is_refused = [&](std::size_t bit) {
    std::string damaged = bytes_;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    plan_.write(damaged);
    ModelOptions options;
    options.weights = false;
    options.threads = 1;
    try {
      Model::load(plan_.path(), options);
    } catch (const Error& error) {
      return error.code() != ErrorCode::internal && !error.place().file.empty();
    }
    return false;
  };
  for (std::size_t bit = 64; bit < 8 * 400; ++bit) ASSERT_TRUE(is_refused(bit)) << "bit " << bit;
  for (std::size_t bit = 8 * 400; bit < 8 * metadata; bit += 997)
    ASSERT_TRUE(is_refused(bit)) << "bit " << bit;
}

TEST_F(PlanTest, FindsEveryDamagedWeight) {
  EXPECT_NO_THROW(verify_plan(plan_.path()));
  for (std::size_t at = PlanBytes(bytes_).data_start(); at < bytes_.size(); at += 4999) {
    std::string damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    plan_.write(damaged);
    EXPECT_EQ(refusal([&] { verify_plan(plan_.path()); }).code, ErrorCode::invalid_file) << at;
  }
}

TEST_F(PlanTest, RefusesAFileThatIsCutOrGoesOn) {
  std::vector<std::size_t> sizes = {bytes_.size() - 1, PlanBytes(bytes_).data_start(), 4096, 143, 144};
  for (std::size_t size = 8; size < 144; ++size) sizes.push_back(size);
  for (std::size_t size = 145; size < bytes_.size(); size += bytes_.size() / 61) sizes.push_back(size);
  for (const auto size : sizes)
    EXPECT_EQ(refused(bytes_.substr(0, size)).code, ErrorCode::invalid_file) << size;
  EXPECT_EQ(refused(bytes_ + '\0').code, ErrorCode::invalid_file);
}

}  // namespace
}  // namespace lathe
