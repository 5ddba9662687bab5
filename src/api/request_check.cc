#include "api/request_check.h"

#include <algorithm>
#include <string>
#include <thread>

#include "api/activation_codes.h"
#include "api/cache_type.h"
#include "backend/cache_layout.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr int kDefaultContext = 8192;
constexpr int kMostThreads = 1024;
constexpr int kMostSequences = 256;

[[noreturn]] void refuse(const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, field + " " + message, {{}, {}, field});
}

void require_range(const std::string& field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high)
    refuse(field, "is " + std::to_string(value) + ", outside " + std::to_string(low) + " to " +
                      std::to_string(high));
}

void require_one_of(const std::string& field, const std::string& value,
                    const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  std::string list;
  for (const auto& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  refuse(field, "is \"" + printable(value) + "\", not one of " + list);
}

std::string default_kv(const ModelOptions& options, const ModelShape& shape) {
  if (shape.is_encoder()) return "off";
  return options.math == "f32" ? "f32" : "bf16";
}

/// An encoder sees each text as a whole, and keeps nothing.
std::vector<std::string> kv_choices(const ModelShape& shape) {
  if (shape.is_encoder()) return {"off"};
  std::vector<std::string> choices = {"off"};
  for (const auto& type : kCacheTypes)
    for (const char* off : {"", "off-"}) choices.push_back(off + std::string(type.name));
  return choices;
}

void require_columns(const std::string& kv, std::int64_t head_dim) {
  if (!is_cache_codes(cache_dtype(kv, Dtype::bf16)) || head_dim % kCodeColumns == 0) return;
  refuse("kv", "is \"" + kv + "\", which rounds keys and values in groups of " +
                   std::to_string(kCodeColumns) + " columns; heads of this model have " +
                   std::to_string(head_dim));
}

}  // namespace

ModelOptions complete(ModelOptions options, const ModelShape& shape) {
  require_range("threads", options.threads, 0, kMostThreads);
  require_one_of("math", options.math, {"int8", "f32"});
  require_known_activations(options);
  require_one_of("device", options.device, {"cpu"});
  if (options.kv.empty()) options.kv = default_kv(options, shape);
  require_one_of("kv", options.kv, kv_choices(shape));
  require_columns(options.kv, shape.head_dim);
  const auto trained = static_cast<int>(shape.context_tokens);
  require_range("context_tokens", options.context_tokens, 0, trained);
  if (options.context_tokens == 0)
    options.context_tokens =
        shape.is_encoder() ? static_cast<int>(shape.text_tokens) : std::min(trained, kDefaultContext);
  require_range("step_tokens", options.step_tokens, 1, 1 << 20);
  require_range("sequences", options.sequences, 1, kMostSequences);
  // No step has more than the contexts of all sequences hold.
  const std::int64_t held = std::int64_t{options.context_tokens} * options.sequences;
  options.step_tokens = shape.is_encoder()
                            ? std::max(options.step_tokens, options.context_tokens)
                            : static_cast<int>(std::min<std::int64_t>(options.step_tokens, held));
  if (options.threads == 0)
    options.threads =
        static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, unsigned{kMostThreads}));
  return options;
}

void validate(const Request& request, std::int64_t vocabulary) {
  const int given = int{!request.prompt.empty()} + int{!request.messages.empty()} + int{!request.ids.empty()};
  if (given != 1)
    throw Error(ErrorCode::invalid_argument,
                given == 0 ? "the request has neither prompt nor messages nor ids"
                           : "the request has more than one of prompt, messages and ids");
  for (std::size_t i = 0; i < request.ids.size(); ++i)
    require_range("ids[" + std::to_string(i) + "]", request.ids[i], 0, vocabulary - 1);
  require_range("max_tokens", request.max_tokens, 0, 1 << 30);
  validate(parameters(request.sampling));
}

SamplingParameters parameters(const Sampling& sampling) {
  SamplingParameters result;
  result.temperature = sampling.temperature;
  result.top_k = sampling.top_k;
  result.top_p = sampling.top_p;
  result.min_p = sampling.min_p;
  result.repetition_penalty = sampling.repetition_penalty;
  result.presence_penalty = sampling.presence_penalty;
  result.frequency_penalty = sampling.frequency_penalty;
  result.penalty_window = sampling.penalty_window;
  result.seed = sampling.seed;
  return result;
}

}  // namespace lathe
