#include "apps/trace.h"

#include <algorithm>
#include <array>

#include "apps/options.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

constexpr std::size_t kShownIds = 8;

std::string some_ids(const std::vector<std::int32_t>& ids) {
  if (ids.size() <= kShownIds) return ids_json(ids);
  std::string text = ids_json({ids.begin(), ids.begin() + kShownIds});
  text.pop_back();
  return text + ", ...]";
}

std::string token_text(const Model& model, std::int32_t id) {
  if (id < 0) return "none";
  const std::array<std::int32_t, 1> one = {id};
  return std::to_string(id) + " " + json_string(model.detokenize(one, true));
}

}  // namespace

std::string format_trace(const Model& model, const Trace& trace) {
  const int prompt = static_cast<int>(trace.prompt_ids.size());
  const int computed = prompt - trace.reused_tokens;
  const int decoded = std::max(trace.generated_tokens - 1, 0);
  const auto weights = trace.weight_bytes_mapped + trace.weight_bytes_copied;
  std::string text;
  text += "1 weights   " + format_bytes(weights) + " to the device (" +
          format_bytes(trace.weight_bytes_mapped) + " mapped, " + format_bytes(trace.weight_bytes_copied) +
          " copied), model loaded in " + format_seconds(trace.load_seconds) + "\n";
  text += "2 tokenize  " + std::to_string(prompt) + " ids in " + format_seconds(trace.tokenize_seconds) +
          " " + some_ids(trace.prompt_ids) + ", " + format_bytes(trace.bytes_to_device) +
          " to the device in all steps\n";
  text += "3 prefill   " + std::to_string(computed) + " tokens (" + std::to_string(trace.reused_tokens) +
          " more reused) in " + format_seconds(trace.prefill_seconds) + ", " +
          format_rate(computed, trace.prefill_seconds) + ", first token " +
          token_text(model, trace.first_token) + "\n";
  text += "4 decode    " + std::to_string(decoded) + " tokens in " + format_seconds(trace.decode_seconds) +
          ", " + format_rate(decoded, trace.decode_seconds) +
          ", ended by: " + std::string(to_string(trace.end)) + "\n";
  text += "5 text      " + std::to_string(trace.generated_tokens) + " ids, " +
          format_bytes(trace.bytes_to_host) + " to the host, detokenized in " +
          format_seconds(trace.detokenize_seconds) + "\n";
  return text;
}

std::string trace_json(const Trace& trace) {
  return "\"weight_bytes_mapped\": " + std::to_string(trace.weight_bytes_mapped) +
         ", \"weight_bytes_copied\": " + std::to_string(trace.weight_bytes_copied) +
         ", \"load_seconds\": " + json_number(trace.load_seconds) +
         ", \"prompt_ids\": " + ids_json(trace.prompt_ids) +
         ", \"tokenize_seconds\": " + json_number(trace.tokenize_seconds) +
         ", \"bytes_to_device\": " + std::to_string(trace.bytes_to_device) +
         ", \"reused_tokens\": " + std::to_string(trace.reused_tokens) +
         ", \"prefill_seconds\": " + json_number(trace.prefill_seconds) +
         ", \"generated_tokens\": " + std::to_string(trace.generated_tokens) +
         ", \"decode_seconds\": " + json_number(trace.decode_seconds) +
         ", \"end\": " + json_string(to_string(trace.end)) +
         ", \"bytes_to_host\": " + std::to_string(trace.bytes_to_host) +
         ", \"detokenize_seconds\": " + json_number(trace.detokenize_seconds);
}

}  // namespace lathe::apps
