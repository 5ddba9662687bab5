#include "apps/options.h"

#include <charconv>
#include <iostream>
#include <iterator>

#include "apps/output.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

std::string known_names() {
  std::string names;
  for (const auto& name : known_models()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

void ModelWords::add_model(CLI::App& command) {
  command
      .add_option("-m,--model", model,
                  "a .gguf, .onnx or .plan file, a Hugging Face folder or a known name: " + known_names())
      ->capture_default_str();
  command.add_flag("--strict", options.strict, "refuse a file with bytes behind its last tensor");
}

void ModelWords::add_weights(CLI::App& command) {
  command.add_option("-t,--threads", options.threads, "threads that compute; 0: one per core")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command.add_option("--weights", options.weight_type,
                     "matrices become q8, q4, bf16 or f32 (default: as stored)");
  command.add_flag_callback(
      "--no-check-weights", [this] { options.check_weights = false; },
      "do not look for NaN and infinite weights before they are used");
}

void ModelWords::add_computing(CLI::App& command) {
  add_model(command);
  add_weights(command);
  command
      .add_option("--ctx", options.context_tokens,
                  "tokens that the context holds; 0: as many as the model was trained with, at most 8192")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command.add_option(
      "--kv", options.kv,
      "keys and values of earlier tokens: f32, f16, bf16, q8, q4 or off (default bf16; f32 with --math f32); "
      "off-q8 and the like keep nothing and round as that cache does");
  command.add_option("--math", options.math, "int8 or f32")->capture_default_str();
  command.add_option(
      "--activations", options.activations,
      "scales of 8-bit activations: per 32 or 256 values, per row, or static, from a calibration text "
      "(default: per 32 values, and columns that need it finer, by that text)");
  command
      .add_option(
          "--activation-limit", options.activation_limit,
          "the error of an input's codes, relative, that no product in 8 bits may exceed: columns get 16 "
          "bits, or the product is in float32; 0: the compiler's own rule")
      ->capture_default_str();
  command.add_flag("--verify", verify, "of a .plan file: hold every weight to its checksum first");
  command.add_option("--device", options.device, "cpu")->capture_default_str();
  command
      .add_option(
          "--opt-level,--tuning", options.tuning,
          "how kernels are chosen: 0 by rank, 1 by a model of their cost, 2 its best three measured, 3 "
          "all kernels, 4 all tiles and branches too, 5 also end to end")
      ->check(CLI::Range(0, 5))
      ->capture_default_str();
  command.add_flag_callback(
      "--no-pack", [this] { options.pack_weights = false; },
      "read weights as they lie in the file where a kernel does that");
  command.add_flag_callback(
      "--no-reuse", [this] { options.reuse_memory = false; },
      "give every intermediate tensor memory of its own");
  command
      .add_option("--disable-pass", options.disabled_passes,
                  "leave out a pass of the compiler (again for more)")
      ->allow_extra_args(false);
}

void ModelWords::add_plan_cache(CLI::App& command) {
  options.plan_cache = true;
  command.add_flag_callback(
      "--no-plan-cache", [this] { options.plan_cache = false; },
      "compile a model file anew, and do not keep what comes out for the next time");
}

Model ModelWords::load() const {
  if (verify) verify_plan(model);
  ModelOptions complete = options;
  complete.show_fetch = true;
  Model loaded = Model::load(model, complete);
  for (const auto& warning : loaded.info().warnings) write_error("lathe: warning: " + warning + "\n");
  return loaded;
}

void add_sampling(CLI::App& command, Sampling& sampling) {
  command.add_option("--temp", sampling.temperature, "temperature; 0: always the likeliest token")
      ->capture_default_str();
  command.add_option("--top-k", sampling.top_k, "of the k likeliest tokens; 0: of all")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command
      .add_option("--top-p", sampling.top_p, "of the likeliest tokens that have this probability together")
      ->capture_default_str();
  command
      .add_option("--min-p", sampling.min_p,
                  "of the tokens with this part of the likeliest one's probability")
      ->capture_default_str();
  command.add_option("--seed", sampling.seed, "the same seed gives the same text")
      ->transform(whole_number<std::uint64_t>())
      ->capture_default_str();
  command.add_option("--repeat-penalty", sampling.repetition_penalty, "divides the logits of recent tokens")
      ->capture_default_str();
  command
      .add_option("--presence-penalty", sampling.presence_penalty, "taken from the logits of recent tokens")
      ->capture_default_str();
  command
      .add_option("--frequency-penalty", sampling.frequency_penalty,
                  "taken from the logits of recent tokens for each time they occur")
      ->capture_default_str();
}

std::string text_or_stdin(const std::string& text) {
  if (text != "-") return text;
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::vector<std::int32_t> parse_ids(const std::string& text) {
  std::vector<std::int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto skip_spaces = [&] {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  };
  const auto take = [&](char c) {
    skip_spaces();
    if (at == end || *at != c) return false;
    ++at;
    return true;
  };
  const auto fail = [&] {
    throw Error(ErrorCode::invalid_argument, "ids are not a list of whole numbers such as 1,2,3 or [1, 2, 3]",
                {{}, static_cast<std::uint64_t>(at - text.data()), "ids"});
  };
  const bool brackets = take('[');
  if (brackets && take(']')) {
    skip_spaces();
    if (at != end) fail();
    return ids;
  }
  do {
    skip_spaces();
    std::int32_t id = 0;
    const auto [rest, error] = std::from_chars(at, end, id);
    if (error != std::errc()) fail();
    at = rest;
    ids.push_back(id);
  } while (take(','));
  if (brackets && !take(']')) fail();
  skip_spaces();
  if (at != end) fail();
  return ids;
}

std::string ids_json(const std::vector<std::int32_t>& ids) {
  std::string text = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(ids[i]);
  return text + "]";
}

}  // namespace lathe::apps
