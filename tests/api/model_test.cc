// The public API on a whole tiny model.
#include "lathe/lathe.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <thread>

#include "base/json.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

class ModelTest : public testing::Test {
 protected:
  ModelTest() { test::write_tiny_model(file_.path()); }

  Model load(ModelOptions options = {}) const {
    if (options.threads == 0) options.threads = 2;
    return Model::load(file_.path(), options);
  }
  /// With heads of as many columns as codes in the cache need.
  Model load_wide(ModelOptions options = {}) const {
    test::write_tiny_model(file_.path(), {.heads = 2, .kv_heads = 1});
    return load(std::move(options));
  }
  static Request completion(const std::string& prompt, int max_tokens = 16) {
    Request request;
    request.prompt = prompt;
    request.max_tokens = max_tokens;
    return request;
  }

  test::TemporaryFile file_;
};

ErrorCode code_of(const std::function<void()>& call, std::string* message = nullptr) {
  try {
    call();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

/// The file with one stored string in place of another.
std::string with_text(std::string bytes, const std::string& text, const std::string& other) {
  const std::string stored = test::string_bytes(text);
  const auto at = bytes.find(stored);
  EXPECT_NE(at, std::string::npos);
  return bytes.replace(at, stored.size(), test::string_bytes(other));
}

std::vector<float> all_logits(Model& model, const std::vector<std::int32_t>& ids, int chunk) {
  std::vector<float> all;
  model.logits(ids, chunk, [&](int position, std::span<const float> row) {
    EXPECT_EQ(static_cast<std::size_t>(position) * row.size(), all.size());
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

TEST_F(ModelTest, DescribesTheFile) {
  const Model model = load();
  EXPECT_EQ(model.info().name, "tiny");
  EXPECT_EQ(model.info().architecture, "llama");
  EXPECT_EQ(model.info().vocabulary, static_cast<int>(test::kTinyVocabulary));
  EXPECT_EQ(model.info().trained_context, 512);
  EXPECT_EQ(model.info().context_tokens, 512);
  EXPECT_TRUE(model.info().has_chat_template);
  EXPECT_EQ(model.options().kv, "bf16");
  EXPECT_EQ(model.options().threads, 2);
}

TEST_F(ModelTest, WarnsOfWhatIsOddInTheFile) {
  EXPECT_THAT(load().info().warnings, testing::IsEmpty());
  const std::string bytes = with_text(test::tiny_model().bytes(), "o m", "oxm") + "PK";
  file_.write(bytes);
  const Model model = load();
  EXPECT_THAT(model.info().warnings,
              testing::ElementsAre(testing::HasSubstr("2 bytes follow the last tensor"),
                                   testing::HasSubstr("1 of 41 merges are ignored")));
  EXPECT_EQ(parse_json(model.inspect_json(), "inspect")["warnings"].size(), 2u);
  ModelOptions strict;
  strict.strict = true;
  std::string message;
  EXPECT_EQ(code_of([&] { load(strict); }, &message), ErrorCode::invalid_file);
  EXPECT_THAT(message, testing::HasSubstr("2 bytes follow the last tensor"));
  file_.write(bytes.substr(0, bytes.size() - 2));
  EXPECT_EQ(load(strict).info().warnings.size(), 1u);
}

TEST_F(ModelTest, WeightsAreCheckedUnlessToldOtherwise) {
  test::GgufBuilder builder = test::tiny_model();
  builder.tensors[0].data.replace(0, 2, test::number_bytes<std::uint16_t>(0x7e00));  // NaN
  file_.write(builder.bytes());
  ModelOptions options;
  EXPECT_EQ(code_of([&] { load(options); }), ErrorCode::invalid_file);
  options.check_weights = false;
  EXPECT_EQ(load(options).info().name, "tiny");
}

TEST_F(ModelTest, KeysThatNothingReadsAreListed) {
  EXPECT_THAT(load().inspect().unused_keys, testing::IsEmpty());
  test::GgufBuilder builder = test::tiny_model();
  builder.u32("llama.colour", 7);
  file_.write(builder.bytes());
  EXPECT_THAT(load().inspect().unused_keys, testing::ElementsAre("llama.colour"));
  ModelOptions without;
  without.weights = false;
  EXPECT_THAT(load(without).inspect().unused_keys, testing::ElementsAre("llama.colour"));
}

TEST_F(ModelTest, TheNameIsSafeToPrint) {
  // 36 bytes for 4 keep the tensors aligned.
  const std::string name = "\x1b[31m\xff" + std::string(30, 'x');
  file_.write(with_text(test::tiny_model().bytes(), "tiny", name));
  const std::string shown = "\\x1b[31m\\xff" + std::string(30, 'x');
  const Model model = load();
  EXPECT_EQ(model.info().name, shown);
  EXPECT_EQ(parse_json(model.inspect_json(), "inspect")["name"], shown);
}

TEST_F(ModelTest, StreamsTheTextOfItsIds) {
  Model model = load();
  Answer answer = model.answer(completion("the cat", 40));
  std::string text;
  std::vector<std::int32_t> ids;
  for (Piece piece; answer.next(piece);) {
    text += piece.text;
    ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  EXPECT_EQ(text, model.detokenize(ids));
  EXPECT_EQ(model.answer(completion("the cat", 40)).text(), text);
  const Trace& trace = answer.trace();
  EXPECT_EQ(trace.prompt_ids, model.tokenize("the cat"));
  EXPECT_GT(trace.weight_bytes_mapped + trace.weight_bytes_copied, 0u);
  EXPECT_GT(trace.prefill_seconds, 0);
  EXPECT_GT(trace.bytes_to_device, 0u);
  EXPECT_GT(trace.bytes_to_host, 0u);
  EXPECT_EQ(trace.first_token, ids.front());
  EXPECT_EQ(trace.end, answer.end());
  Piece piece;
  EXPECT_FALSE(answer.next(piece));
}

TEST_F(ModelTest, StopsAtTheLimit) {
  Model model = load();
  Request request = completion("a", 7);
  request.ignore_end = true;
  Answer answer = model.answer(request);
  int ids = 0;
  for (Piece piece; answer.next(piece);) ids += static_cast<int>(piece.ids.size());
  EXPECT_EQ(ids, 7);
  EXPECT_EQ(answer.end(), EndReason::length);
  EXPECT_EQ(answer.trace().generated_tokens, 7);
}

TEST_F(ModelTest, FillsTheContextAndEnds) {
  ModelOptions options;
  options.context_tokens = 64;
  Model model = load(options);
  Request request = completion("the", 0);
  request.ignore_end = true;
  Answer answer = model.answer(request);
  answer.text();
  EXPECT_EQ(answer.end(), EndReason::context_full);
  EXPECT_LE(answer.trace().prompt_ids.size() + static_cast<std::size_t>(answer.trace().generated_tokens),
            65u);
}

TEST_F(ModelTest, OneSeedGivesOneText) {
  Model model = load();
  Request request = completion("the cat", 24);
  request.sampling.temperature = 1.5;
  request.sampling.seed = 1;
  const std::string first = model.answer(request).text();
  EXPECT_EQ(model.answer(request).text(), first);
  request.sampling.seed = 2;
  EXPECT_NE(model.answer(request).text(), first);
}

TEST_F(ModelTest, StopTextIsNeverSent) {
  Model model = load();
  Request request = completion("the cat", 40);
  request.ignore_end = true;
  const std::string whole = model.answer(request).text();
  ASSERT_GT(whole.size(), 12u);
  std::size_t begin = 5;  // of a whole character
  while ((static_cast<unsigned char>(whole[begin]) & 0xC0) == 0x80) ++begin;
  std::size_t end = begin + 3;
  while (end < whole.size() && (static_cast<unsigned char>(whole[end]) & 0xC0) == 0x80) ++end;
  request.stop = {whole.substr(begin, end - begin)};
  Answer answer = model.answer(request);
  std::string text;
  std::vector<std::int32_t> ids;
  for (Piece piece; answer.next(piece);) {
    text += piece.text;
    ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  EXPECT_EQ(text, whole.substr(0, whole.find(request.stop[0])));
  EXPECT_EQ(answer.end(), EndReason::stop_text);
  // The ids cover the text, and each of them is needed for that.
  EXPECT_THAT(model.detokenize(ids), testing::StartsWith(text));
  EXPECT_LT(static_cast<int>(ids.size()), answer.trace().generated_tokens);
  ids.pop_back();
  EXPECT_LT(model.detokenize(ids).size(), text.size());
}

TEST_F(ModelTest, CancellingFromAnotherThreadEndsTheAnswer) {
  Model model = load();
  Request request = completion("the cat", 0);
  request.ignore_end = true;
  Answer answer = model.answer(request);
  Piece piece;
  ASSERT_TRUE(answer.next(piece));
  std::thread([&] { answer.cancel(); }).join();
  int more = 0;
  while (answer.next(piece)) ++more;
  EXPECT_EQ(answer.end(), EndReason::cancelled);
  EXPECT_LT(more, 500);
}

TEST_F(ModelTest, AnswersAtOnceAreThoseOfOneAfterAnother) {
  for (const char* kv : {"bf16", "f16", "q8", "q4", "off", "off-q4"}) {
    ModelOptions options;
    options.kv = kv;
    options.sequences = 3;
    Model model = load_wide(options);
    std::vector<Request> requests;
    for (const char* prompt : {"the cat", "and the dog was", "a", "in the house of the man", "xyz"})
      requests.push_back(completion(prompt, 40));
    std::vector<std::string> alone;
    for (const auto& request : requests) alone.push_back(model.answer(request).text());
    std::vector<Answer> answers;
    for (const auto& request : requests) answers.push_back(model.answer(request));
    std::vector<std::string> together(answers.size());
    bool more = true;
    for (Piece piece; more;) {
      more = false;
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (answers[i].next(piece)) {
          together[i] += piece.text;
          more = true;
        }
    }
    EXPECT_EQ(together, alone) << kv;
  }
}

TEST_F(ModelTest, AnAnswerOutlivesItsModel) {
  std::string expected;
  const auto answer_of_a_gone_model = [&] {
    Model model = load();
    expected = model.answer(completion("the cat")).text();
    return model.answer(completion("the cat"));
  };
  Answer answer = answer_of_a_gone_model();
  EXPECT_EQ(answer.text(), expected);
}

TEST_F(ModelTest, ASecondTurnReusesTheFirst) {
  Model model = load();
  Request request;
  request.max_tokens = 4;
  request.messages = {{"user", std::string(150, 'x')}};
  Answer first = model.answer(request);
  request.messages.push_back({"assistant", first.text()});
  request.messages.push_back({"user", "more"});
  EXPECT_EQ(first.trace().reused_tokens, 0);
  Answer second = model.answer(request);
  second.text();
  EXPECT_GE(second.trace().reused_tokens, 64);
  EXPECT_LT(second.trace().reused_tokens, static_cast<int>(second.trace().prompt_ids.size()));
}

TEST_F(ModelTest, RefusesBadRequests) {
  Model model = load();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<const char*, std::function<void(Request&)>>> faults = {
      {"nothing to answer", [](Request& r) { r.prompt = ""; }},
      {"prompt and ids", [](Request& r) { r.ids = {1}; }},
      {"prompt and messages",
       [](Request& r) {
         r.messages = {{"user", "hi"}};
       }},
      {"negative id",
       [](Request& r) {
         r = {};
         r.ids = {5, -1};
       }},
      {"id behind the vocabulary",
       [](Request& r) {
         r = {};
         r.ids = {static_cast<int>(test::kTinyVocabulary)};
       }},
      {"negative max_tokens", [](Request& r) { r.max_tokens = -1; }},
      {"temperature -1", [](Request& r) { r.sampling.temperature = -1; }},
      {"temperature NaN", [](Request& r) { r.sampling.temperature = kNan; }},
      {"temperature infinite", [](Request& r) { r.sampling.temperature = kInfinity; }},
      {"top_p NaN", [](Request& r) { r.sampling.top_p = kNan; }},
      {"top_p 2", [](Request& r) { r.sampling.top_p = 2; }},
      {"min_p NaN", [](Request& r) { r.sampling.min_p = kNan; }},
      {"top_k -1", [](Request& r) { r.sampling.top_k = -1; }},
      {"presence_penalty infinite", [](Request& r) { r.sampling.presence_penalty = kInfinity; }},
      {"frequency_penalty infinite", [](Request& r) { r.sampling.frequency_penalty = -kInfinity; }},
      {"repetition_penalty NaN", [](Request& r) { r.sampling.repetition_penalty = kNan; }},
      {"penalty_window -5", [](Request& r) { r.sampling.penalty_window = -5; }},
      {"empty stop", [](Request& r) { r.stop = {""}; }},
      {"17 stops", [](Request& r) { r.stop.assign(17, "x"); }},
      {"stop of 257 bytes", [](Request& r) { r.stop = {std::string(257, 'x')}; }},
      {"message without role",
       [](Request& r) {
         r = {};
         r.messages = {{"", "hi"}};
       }},
  };
  for (const auto& [name, spoil] : faults) {
    SCOPED_TRACE(name);
    Request request = completion("the cat", 2);
    spoil(request);
    EXPECT_EQ(code_of([&] { model.answer(request); }), ErrorCode::invalid_argument);
    EXPECT_NO_THROW(model.answer(completion("the cat", 2)).text());
  }
}

TEST_F(ModelTest, TopPOfZeroIsTheLikeliestToken) {
  Model model = load();
  Request request = completion("the cat", 12);
  const std::string greedy = model.answer(request).text();
  request.sampling.temperature = 1.5;
  request.sampling.top_p = 0;
  EXPECT_EQ(model.answer(request).text(), greedy);
}

TEST_F(ModelTest, ALongPromptIsRefusedWithBothNumbers) {
  ModelOptions options;
  options.context_tokens = 64;
  Model model = load(options);
  Request request;
  request.ids.assign(100, 5);
  std::string message;
  EXPECT_EQ(code_of([&] { model.answer(request); }, &message), ErrorCode::context_length);
  EXPECT_THAT(message, testing::AllOf(testing::HasSubstr("100"), testing::HasSubstr("64")));
}

TEST_F(ModelTest, AStepHasAsMuchAsAllContextsHold) {
  ModelOptions options;
  options.context_tokens = 64;
  options.step_tokens = 128;
  options.sequences = 1;
  EXPECT_EQ(load(options).options().step_tokens, 64);
  options.sequences = 2;
  EXPECT_EQ(load(options).options().step_tokens, 128);
  options.sequences = 8;
  EXPECT_EQ(load(options).options().step_tokens, 128);
}

TEST_F(ModelTest, RefusesBadOptions) {
  const std::vector<std::pair<const char*, std::function<void(ModelOptions&)>>> faults = {
      {"threads", [](ModelOptions& o) { o.threads = -1; }},
      {"threads", [](ModelOptions& o) { o.threads = 100000; }},
      {"kv", [](ModelOptions& o) { o.kv = "q3"; }},
      {"kv", [](ModelOptions& o) { o.kv = "off-q5"; }},
      {"math", [](ModelOptions& o) { o.math = "int4"; }},
      {"device", [](ModelOptions& o) { o.device = "abacus"; }},
      {"context_tokens", [](ModelOptions& o) { o.context_tokens = -1; }},
      {"context_tokens", [](ModelOptions& o) { o.context_tokens = 513; }},
      {"step_tokens", [](ModelOptions& o) { o.step_tokens = 0; }},
      {"sequences", [](ModelOptions& o) { o.sequences = 0; }},
      {"no_such_pass", [](ModelOptions& o) { o.disabled_passes = {"no_such_pass"}; }},
  };
  for (const auto& [field, spoil] : faults) {
    SCOPED_TRACE(field);
    ModelOptions options;
    spoil(options);
    std::string message;
    EXPECT_EQ(code_of([&] { Model::load(file_.path(), options); }, &message), ErrorCode::invalid_argument);
    EXPECT_THAT(message, testing::HasSubstr(field));
  }
}

TEST_F(ModelTest, WithoutWeightsTextStillWorks) {
  ModelOptions options;
  options.weights = false;
  Model model = load(options);
  EXPECT_EQ(model.detokenize(model.tokenize("the cat")), "the cat");
  EXPECT_THAT(model.render({{"user", "hi"}}), testing::HasSubstr("<|im_start|>user\nhi<|im_end|>"));
  EXPECT_EQ(code_of([&] { model.answer(completion("the cat")); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { model.measure(1, 0); }), ErrorCode::invalid_argument);
  EXPECT_THAT(model.graph_text(true), testing::HasSubstr("logits"));
}

TEST_F(ModelTest, LogitsAreTheSameInAnyChunksAndWithoutACache) {
  const auto ids = load_wide().tokenize(std::string(300, 'a') + " the cat and the dog");
  for (const char* math : {"int8", "f32"}) {
    SCOPED_TRACE(math);
    ModelOptions options;
    options.math = math;
    Model model = load(options);
    const auto whole = all_logits(model, ids, 0);
    ASSERT_EQ(whole.size(), ids.size() * test::kTinyVocabulary);
    for (const float logit : whole) ASSERT_TRUE(std::isfinite(logit));
    for (const int chunk : {1, 7, 64})
      EXPECT_TRUE(all_logits(model, ids, chunk) == whole) << "chunk " << chunk;
    options.kv = "off";
    Model without_cache = load(options);
    EXPECT_TRUE(all_logits(without_cache, ids, 0) == whole);
  }
}

TEST_F(ModelTest, CodesInTheCacheAreTheSameInAnyChunksAndWithoutACache) {
  const auto ids = load_wide().tokenize(std::string(300, 'a') + " the cat and the dog");
  for (const std::string kv : {"q8", "q4", "f16"}) {
    SCOPED_TRACE(kv);
    ModelOptions options;
    options.kv = kv;
    Model model = load_wide(options);
    const auto whole = all_logits(model, ids, 0);
    for (const float logit : whole) ASSERT_TRUE(std::isfinite(logit));
    for (const int chunk : {1, 7, 64})
      EXPECT_TRUE(all_logits(model, ids, chunk) == whole) << "chunk " << chunk;
    options.kv = "off-" + kv;
    Model without_cache = load_wide(options);
    EXPECT_TRUE(all_logits(without_cache, ids, 0) == whole);
    EXPECT_EQ(without_cache.cache_use().most_pages_used, 0);
  }
}

TEST_F(ModelTest, CodesTakeFewerBytes) {
  ModelOptions options;
  options.kv = "q8";
  EXPECT_EQ(load_wide(options).cache_use().page_bytes, 64u * 2 * 2 * 32 * 34 / 32);
  options.kv = "q4";
  const Model model = load_wide(options);
  EXPECT_EQ(model.cache_use().page_bytes, 64u * 2 * 2 * 32 * 10 / 16);
  EXPECT_EQ(model.work(1, 100).cache_bytes, 100u * 2 * 2 * 32 * 10 / 16);
}

TEST_F(ModelTest, CodesNeedHeadsOfWholeGroups) {
  ModelOptions options;
  options.kv = "q4";
  std::string message;
  EXPECT_EQ(code_of([&] { load(options); }, &message), ErrorCode::invalid_argument);
  EXPECT_THAT(message, testing::HasSubstr("groups of 32 columns; heads of this model have 16"));
}

TEST_F(ModelTest, CountsTheWorkOfAStep) {
  const Model model = load();
  const Work one = model.work(1);
  const Work behind = model.work(1, 100);
  const Work many = model.work(10);
  // Layers have q, k, v, then o, gate, up, down. Behind the last attention only the wanted row goes on.
  constexpr std::uint64_t kBefore = 64 * 64 + 2 * 32 * 64;
  constexpr std::uint64_t kBehind = 64 * 64 + 3 * 64 * 128;
  constexpr std::uint64_t kHead = 64 * test::kTinyVocabulary;
  EXPECT_EQ(one.matmul_operations, 2 * (2 * kBefore + 2 * kBehind + kHead));
  EXPECT_EQ(many.matmul_operations, 2 * (20 * kBefore + 11 * kBehind + kHead));
  EXPECT_EQ(one.cache_bytes, 0u);
  EXPECT_EQ(behind.cache_bytes, 100u * 2 * 2 * 32 * 2);  // tokens, layers, keys and values, bf16
  EXPECT_EQ(one.attention_operations, 2u * 4 * 64);
  EXPECT_EQ(many.attention_operations, 55 * one.attention_operations);
  EXPECT_EQ(behind.attention_operations, 101 * one.attention_operations);
  EXPECT_EQ(one.weight_bytes, many.weight_bytes);
}

TEST_F(ModelTest, MeasuresWhatWasAskedFor) {
  Model model = load();
  const Measurement prompt = model.measure(100, 0);
  EXPECT_EQ(prompt.tokens, 100);
  EXPECT_GT(prompt.seconds, 0);
  EXPECT_EQ(model.measure(100, 0).tokens, 100);  // nothing was kept
  const Measurement generate = model.measure(0, 20, 64);
  EXPECT_EQ(generate.tokens, 20);
  EXPECT_GT(generate.seconds, 0);
  EXPECT_EQ(model.measure(32, 0, 128).tokens, 32);
  EXPECT_EQ(model.measure(16, 0, 128, 3).tokens, 3 * 16);
  EXPECT_EQ(model.measure(0, 20, 64, 3).tokens, 3 * 20);
  EXPECT_GT(model.measure(0, 20, 64, 3).seconds, 0);
  EXPECT_EQ(code_of([&] { model.measure(1, 0, 0, 0); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { model.measure(1, 0, 0, 9); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { model.measure(0, 0); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { model.measure(1, 1); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { model.measure(513, 0); }), ErrorCode::context_length);
}

TEST_F(ModelTest, ShowsItself) {
  const Model model = load();
  const Json json = parse_json(model.inspect_json(), "inspect");
  EXPECT_EQ(json["architecture"], "llama");
  EXPECT_EQ(json["metadata"]["llama.block_count"], "2");
  EXPECT_EQ(json["tensors"].size(), 2 + 2 * 9u);
  EXPECT_EQ(json["tensors"][0]["name"], "token_embd.weight");
  EXPECT_EQ(json["tensors"][0]["shape"], Json({300, 64}));
  ASSERT_FALSE(json["passes"].empty());
  for (const auto& pass : json["passes"]) EXPECT_TRUE(pass["enabled"].get<bool>());
  ASSERT_FALSE(json["Layers"].empty());
  for (const auto& layer : json["Layers"]) EXPECT_FALSE(layer["TacticName"].get<std::string>().empty());
  EXPECT_GE(json["memory"]["arena_bytes"], json["memory"]["arena_lower_bound"]);
  EXPECT_GT(json["memory"]["cache_bytes"].get<std::uint64_t>(), 0u);
  EXPECT_NE(model.graph_text(true), model.graph_text(false));
}

TEST_F(ModelTest, TimesItsStepsAndCountsTheirWork) {
  Model model = load();
  constexpr int kTokens = 16;
  constexpr int kRepeats = 2;
  const StepProfile profile = model.profile(kTokens, 0, 0, 1, kRepeats);
  EXPECT_EQ(profile.test, "pp16");
  EXPECT_EQ(profile.runs, kRepeats);
  EXPECT_EQ(profile.tokens, kRepeats * kTokens);
  EXPECT_GT(profile.step_seconds(), 0);
  EXPECT_LE(profile.step_seconds(), profile.seconds);
  EXPECT_GT(profile.plain_seconds, 0);
  const auto steps = model.inspect().steps;
  ASSERT_EQ(profile.times.size(), steps.size());
  StepWork sum;
  for (std::size_t i = 0; i < profile.times.size(); ++i) {
    EXPECT_EQ(profile.times[i] > 0, profile.profiles[i] >= 0);
    sum += profile.work[i];
    if (steps[i].op == "Gather")
      sum.weight_bytes -= profile.work[i].weight_bytes;  // rows, and no whole weight
  }
  const Work work = model.work(kTokens);
  EXPECT_EQ(sum.weight_bytes, kRepeats * work.weight_bytes);
  EXPECT_EQ(sum.operations(), kRepeats * (work.matmul_operations + work.attention_operations));
  EXPECT_EQ(model.profile(0, 4).runs, 4) << "the step that gives the first token is not counted";
  EXPECT_EQ(code_of([&] { model.profile(4, 0, 0, 1, 0); }), ErrorCode::invalid_argument);
}

TEST_F(ModelTest, StepsNameTheNodesThatTheyCompute) {
  const Inspection inspection = load().inspect();
  std::size_t sources = 0;
  for (const auto& step : inspection.steps) sources += step.sources.size();
  std::size_t placed = 0;
  for (const auto& node : inspection.before) placed += node.step >= 0 ? 1 : 0;
  EXPECT_EQ(sources, placed);
  EXPECT_GT(placed, inspection.before.size() / 2);
  for (const auto& node : inspection.before) {
    if (node.op == "Linear") {
      EXPECT_GE(node.step, 0) << node.name;
    }
  }
}

TEST_F(ModelTest, MemoryIsReusedUnlessToldNotTo) {
  ModelOptions options;
  options.reuse_memory = false;
  const auto with = load().inspect().memory;
  const auto without = load(options).inspect().memory;
  EXPECT_GT(without.arena_bytes, 2 * with.arena_bytes);
}

TEST_F(ModelTest, APassCanBeLeftOut) {
  const std::string pass = load().inspect().passes.front().name;
  ModelOptions options;
  options.disabled_passes = {pass};
  const Inspection inspection = load(options).inspect();
  EXPECT_EQ(inspection.passes.front().name, pass);
  EXPECT_FALSE(inspection.passes.front().enabled);
}

TEST_F(ModelTest, CountsCachePages) {
  Model model = load();
  EXPECT_EQ(model.cache_use().most_pages_used, 0);
  Request request;
  request.ids.assign(100, 5);
  request.max_tokens = 1;
  model.answer(request).text();
  const CacheUse use = model.cache_use();
  EXPECT_EQ(use.page_tokens, 64);
  EXPECT_EQ(use.most_pages_used, 2);
  EXPECT_GE(use.pages, 512 / 64);
  EXPECT_EQ(use.page_bytes, 64u * 2 * 2 * 32 * 2);
  ModelOptions off;
  off.kv = "off";
  Model without = load(off);
  without.answer(request).text();
  EXPECT_EQ(without.cache_use().most_pages_used, 0);
}

TEST(Machine, HasLimits) {
  const MachineLimits limits = measure_machine_limits(2);
  EXPECT_GT(limits.read_bytes_per_s, 5e8);
  EXPECT_GT(limits.int8_operations_per_s, 1e9);
}

TEST(Text, JsonStringsAreQuoted) {
  EXPECT_EQ(json_string("a\"b\\\n\x01"), "\"a\\\"b\\\\\\n\\u0001\"");
  EXPECT_EQ(json_string("\xff"), "\"\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace lathe
