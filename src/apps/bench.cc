// lathe bench: tokens per second, with the tests and names of llama-bench, beside what the machine could do.
// Of encoders "emb20 x 64": 64 texts of 20 tokens in one call.
#include <algorithm>
#include <memory>

#include "apps/bench_ablate.h"
#include "apps/bench_kv.h"
#include "apps/bench_profile.h"
#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/statistics.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct BenchWords {
  ModelWords model;
  // Empty where they are not given; see fill_in_defaults().
  std::vector<int> prompts;
  std::vector<int> generates;
  std::vector<int> depths;
  std::vector<int> sequences;
  int repeats = 5;
  bool json = false;
  std::string profile;  // how its steps are put together; empty: no profile
  std::string ablate;   // "all", or "passes": each of them too
};

constexpr int kPageSlack = 64;  // a sequence's last page may be nearly empty

/// One shape: either a prompt or tokens to generate; of encoders a text.
struct Shape {
  int prompt = 0;
  int generate = 0;
  int depth = 0;
  int sequences = 1;
  bool embedding = false;

  std::string name() const {
    std::string test = embedding    ? "emb" + std::to_string(prompt)
                       : prompt > 0 ? "pp" + std::to_string(prompt)
                                    : "tg" + std::to_string(generate);
    if (depth > 0) test += " @ d" + std::to_string(depth);
    if (sequences > 1) test += " x " + std::to_string(sequences);
    return test;
  }

  /// Cache for all sequences, each in pages of its own.
  int cache_tokens() const { return sequences * (depth + prompt + generate + 1 + kPageSlack); }
};

struct Result {
  std::string name;
  std::vector<double> rates;  // tokens per second of each run
  double bytes_per_s = 0;     // at the mean rate
  double cache_bytes = 0;     // of a token
  double operations_per_s = 0;
  double share_of_limit = 0;  // of the rate that memory and multipliers allow; 0: not known
  double texts_per_s = 0;     // of encoders
};

bool is_encoder(const ModelWords& words) {
  ModelOptions options = words.options;
  options.weights = false;
  options.show_fetch = true;
  return Model::load(words.model, options).info().embedding_dimensions > 0;
}

void fill_in_defaults(BenchWords& words, bool encoder) {
  const auto fill = [](std::vector<int>& values, std::vector<int> defaults) {
    if (values.empty()) values = std::move(defaults);
  };
  fill(words.prompts, {encoder ? 20 : 512});
  fill(words.generates, {encoder ? 0 : 128});
  fill(words.depths, {0});
  fill(words.sequences, encoder ? std::vector{1, 64} : std::vector{1});
  const auto zero = [](int value) { return value == 0; };
  if (encoder && !(std::all_of(words.generates.begin(), words.generates.end(), zero) &&
                   std::all_of(words.depths.begin(), words.depths.end(), zero)))
    throw Error(ErrorCode::invalid_argument,
                "an encoder generates nothing and keeps nothing: -n and -d are of decoders");
}

std::vector<Shape> shapes(const BenchWords& words, bool encoder) {
  std::vector<Shape> all;
  for (const int sequences : words.sequences) {
    for (const int depth : words.depths) {
      for (const int prompt : words.prompts)
        if (prompt > 0) all.push_back({prompt, 0, depth, sequences, encoder});
      for (const int generate : words.generates)
        if (generate > 0) all.push_back({0, generate, depth, sequences});
    }
  }
  return all;
}

void require_sensible(const BenchWords& words) {
  const auto negative = [](int value) { return value < 0 || value > (1 << 20); };
  for (const auto* values : {&words.prompts, &words.generates, &words.depths})
    if (std::any_of(values->begin(), values->end(), negative))
      throw Error(ErrorCode::invalid_argument, "a number of tokens is outside 0 to 1048576");
  for (const int sequences : words.sequences)
    if (sequences < 1 || sequences > 64)
      throw Error(ErrorCode::invalid_argument,
                  "--sequences is " + std::to_string(sequences) + ", outside 1 to 64");
  if (words.repeats < 1 || words.repeats > 1000)
    throw Error(ErrorCode::invalid_argument,
                "-r is " + std::to_string(words.repeats) + ", outside 1 to 1000");
  if (shapes(words, false).empty())
    throw Error(ErrorCode::invalid_argument, "there is no test: -p and -n are both 0");
}

/// Bytes and operations for one token of the shape, on average.
struct TokenCost {
  double bytes = 0;
  double cache_bytes = 0;  // of these
  double operations = 0;
};

TokenCost token_cost(const Model& model, const Shape& shape) {
  const auto cost = [](const Work& work, double steps, double tokens) {
    return TokenCost{
        steps * static_cast<double>(work.weight_bytes + work.cache_bytes) / tokens,
        steps * static_cast<double>(work.cache_bytes) / tokens,
        steps * static_cast<double>(work.matmul_operations + work.attention_operations) / tokens};
  };
  if (shape.embedding) {
    // Texts in one step share what is read of the weights.
    Work work = model.work(shape.prompt);
    const int together = std::clamp(model.options().step_tokens / shape.prompt, 1, shape.sequences);
    work.weight_bytes /= static_cast<std::uint64_t>(together);
    return cost(work, 1, shape.prompt);
  }
  if (shape.generate > 0) {
    // Sequences in one step share what is read of the weights.
    Work work = model.work(1, shape.depth + shape.generate / 2);
    work.weight_bytes /= static_cast<std::uint64_t>(shape.sequences);
    return cost(work, 1, 1);
  }
  TokenCost sum;
  for (int done = 0; done < shape.prompt; done += model.options().step_tokens) {
    const int tokens = std::min(model.options().step_tokens, shape.prompt - done);
    const TokenCost step = cost(model.work(tokens, shape.depth + done), 1, shape.prompt);
    sum.bytes += step.bytes;
    sum.cache_bytes += step.cache_bytes;
    sum.operations += step.operations;
  }
  return sum;
}

Measurement run_once(Model& model, const Shape& shape) {
  return shape.embedding ? model.measure_embedding(shape.prompt, shape.sequences)
                         : model.measure(shape.prompt, shape.generate, shape.depth, shape.sequences);
}

Result measure(Model& model, const Shape& shape, int repeats, const MachineLimits& limits,
               StatusLine& status) {
  Result result{shape.name(), {}};
  const auto once = [&] { return run_once(model, shape); };
  status.show(result.name + ": warming up");
  once();  // warms caches and the plan's context
  for (int i = 0; i < repeats; ++i) {
    status.show(result.name + ": run " + std::to_string(i + 1) + " of " + std::to_string(repeats));
    const Measurement run = once();
    result.rates.push_back(run.tokens / run.seconds);
  }
  const TokenCost cost = token_cost(model, shape);
  const double rate = mean(result.rates);
  result.bytes_per_s = cost.bytes * rate;
  result.cache_bytes = cost.cache_bytes;
  result.operations_per_s = cost.operations * rate;
  if (shape.embedding) {
    result.texts_per_s = rate / shape.prompt;
    return result;  // the limit is that of int8, and encoders are float mostly
  }
  if (model.options().math == "int8" && limits.int8_operations_per_s > 0 && limits.read_bytes_per_s > 0)
    result.share_of_limit = std::max(result.bytes_per_s / limits.read_bytes_per_s,
                                     result.operations_per_s / limits.int8_operations_per_s);
  return result;
}

std::string to_json(const std::vector<Result>& results, const MachineLimits& limits) {
  std::string text = "[";
  for (const auto& result : results) {
    text += text.size() > 1 ? ",\n {" : "{";
    text += "\"test\": " + json_string(result.name) +
            ", \"tokens_per_s\": " + json_number(mean(result.rates)) +
            ", \"standard_deviation\": " + json_number(standard_deviation(result.rates)) + ", \"runs\": [";
    for (std::size_t i = 0; i < result.rates.size(); ++i)
      text += (i == 0 ? "" : ", ") + json_number(result.rates[i]);
    text += "], \"gb_per_s\": " + json_number(result.bytes_per_s / 1e9) +
            ", \"gop_per_s\": " + json_number(result.operations_per_s / 1e9) +
            ", \"cache_bytes_of_a_token\": " + json_number(result.cache_bytes) +
            ", \"limit_gb_per_s\": " + json_number(limits.read_bytes_per_s / 1e9) +
            ", \"limit_int8_gop_per_s\": " + json_number(limits.int8_operations_per_s / 1e9) +
            ", \"share_of_limit\": " +
            (result.share_of_limit > 0 ? json_number(result.share_of_limit) : std::string("null")) +
            (result.texts_per_s > 0 ? ", \"sentences_per_s\": " + json_number(result.texts_per_s) : "") + "}";
  }
  return text + "]\n";
}

std::string to_table(const std::vector<Result>& results) {
  const bool encoder = !results.empty() && results.front().texts_per_s > 0;
  std::vector<std::vector<std::string>> rows = {
      {"test", "t/s", "±", "GB/s", "GOP/s", encoder ? "sentences/s" : "of the limit"}};
  for (const auto& result : results) {
    const std::string last = encoder ? format_number(result.texts_per_s, 1)
                             : result.share_of_limit > 0
                                 ? format_number(100 * result.share_of_limit, 0) + " %"
                                 : "-";
    rows.push_back({result.name, format_number(mean(result.rates), 2),
                    format_number(standard_deviation(result.rates), 2),
                    format_number(result.bytes_per_s / 1e9, 1),
                    format_number(result.operations_per_s / 1e9, 1), last});
  }
  return format_table(rows);
}

std::string profile(Model& model, const BenchWords& words, const std::vector<Shape>& all,
                    const MachineLimits& limits, StatusLine& status) {
  const ProfileGrouping grouping = profile_grouping_named(words.profile);
  const Inspection inspection = model.inspect();
  std::vector<StepProfile> profiles;
  for (const auto& shape : all) {
    status.show(shape.name() + ": every step");
    profiles.push_back(shape.embedding ? model.profile_embedding(shape.prompt, shape.sequences, words.repeats)
                                       : model.profile(shape.prompt, shape.generate, shape.depth,
                                                       shape.sequences, words.repeats));
    profiles.back().test = shape.name();
  }
  if (words.json) return profile_json(inspection, profiles, limits, grouping);
  std::string text;
  for (const auto& each : profiles)
    text += (text.empty() ? "" : "\n") + profile_table(inspection, each, limits, grouping);
  return text;
}

std::string ablate(Model& model, const BenchWords& words, const std::vector<Shape>& all, StatusLine& status) {
  std::vector<AblateTest> tests;
  for (const auto& shape : all)
    tests.push_back({shape.name(), [shape](Model& measured) {
                       const Measurement run = run_once(measured, shape);
                       return run.tokens / run.seconds;
                     }});
  auto left_out = ablations(model, words.ablate == "passes");
  measure_ablations(model, words.model.model, tests, words.repeats, status, left_out);
  return words.json ? ablation_json(model, tests, left_out) : ablation_table(model, tests, left_out);
}

int run(BenchWords& words) {
  if (!words.profile.empty()) profile_grouping_named(words.profile);
  const bool encoder = is_encoder(words.model);
  fill_in_defaults(words, encoder);
  require_sensible(words);
  const auto all = shapes(words, encoder);
  ModelOptions& options = words.model.options;
  const bool own_context = options.context_tokens == 0;
  for (const auto& shape : all) {
    if (own_context && !encoder)
      options.context_tokens =
          std::max(options.context_tokens, shape.depth + shape.prompt + shape.generate + 1);
    options.cache_tokens = std::max(options.cache_tokens, shape.cache_tokens());
    options.sequences = std::max(options.sequences, shape.sequences);
  }
  Model model = words.model.load();
  StatusLine status;
  if (!words.ablate.empty()) {
    const std::string text = ablate(model, words, all, status);
    status.clear();
    write_out(text);
    return 0;
  }
  status.show("measuring the machine");
  const MachineLimits limits = measure_machine_limits(model.options().threads);
  if (!words.profile.empty()) {
    const std::string text = profile(model, words, all, limits, status);
    status.clear();
    write_out(text);
    return 0;
  }
  std::vector<Result> results;
  for (const auto& shape : all) results.push_back(measure(model, shape, words.repeats, limits, status));
  status.clear();
  if (words.json) {
    write_out(to_json(results, limits));
    return 0;
  }
  write_out(model.info().name + ", " + format_bytes(model.info().tensor_bytes) + ", " +
            std::to_string(model.options().threads) + " threads, kv " + model.options().kv + ", math " +
            model.options().math + "\n" + to_table(results) +
            "limit measured: " + format_number(limits.read_bytes_per_s / 1e9, 1) + " GB/s from memory, " +
            format_number(limits.int8_operations_per_s / 1e9, 0) + " int8 GOP/s\n");
  return 0;
}

}  // namespace

void add_bench(CLI::App& program, Context& context) {
  auto words = std::make_shared<BenchWords>();
  CLI::App* command = program.add_subcommand("bench", "measure tokens per second");
  words->model.add_computing(*command);
  command
      ->add_option(
          "-p,--prompt", words->prompts,
          "tokens of a prompt, or of a text where the model is an encoder; 0: none; may be a list 128,512 "
          "(default 512; 20)")
      ->delimiter(',')
      ->transform(whole_number<int>())
      ->allow_extra_args(false);
  command
      ->add_option("-n,--generate", words->generates,
                   "tokens to generate one by one; 0: none; may be a list (default 128)")
      ->delimiter(',')
      ->transform(whole_number<int>())
      ->allow_extra_args(false);
  command
      ->add_option(
          "--sequences", words->sequences,
          "sequences at once, tokens of all counted; may be a list (default 1; texts of an encoder 1,64)")
      ->delimiter(',')
      ->transform(whole_number<int>())
      ->allow_extra_args(false);
  command->add_option("-d,--depth", words->depths, "tokens in the cache before; may be a list (default 0)")
      ->delimiter(',')
      ->transform(whole_number<int>())
      ->allow_extra_args(false);
  command->add_option("-r,--repeats", words->repeats, "runs of each test")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_flag("--json", words->json, "print an array of objects");
  CLI::Option* profile = command->add_flag("--profile{kinds}", words->profile,
                                           "time every step inside the tests: kinds puts the same step of "
                                           "all layers together; =layers and =ops, too");
  command
      ->add_flag(
          "--ablate{all}", words->ablate,
          "leave out fusion, tuning, packing, int8 and reuse of memory in turn; =passes each pass, too")
      ->check(CLI::IsMember({"all", "passes"}))
      ->excludes(profile);
  add_bench_kv(*command, context);
  command->callback([words, command, &context] {
    if (!command->got_subcommand("kv")) context.chosen = [words] { return run(*words); };
  });
}

}  // namespace lathe::apps
