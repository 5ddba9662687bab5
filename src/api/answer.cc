#include "api/answer.h"

#include <chrono>

#include "api/request_check.h"
#include "base/error.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

EndReason end_reason(FinishReason reason) {
  switch (reason) {
    case FinishReason::end_token:
      return EndReason::end_token;
    case FinishReason::length:
      return EndReason::length;
    case FinishReason::context_full:
      return EndReason::context_full;
    case FinishReason::cancelled:
      return EndReason::cancelled;
    case FinishReason::none:
    case FinishReason::failed:
      break;
  }
  return EndReason::none;
}

}  // namespace

AnswerImplementation::AnswerImplementation(std::shared_ptr<ModelImplementation> model, const Request& request)
    // A completion goes on behind its prompt, so that a first space is part of it.
    : model_(std::move(model)),
      detokenizer_(model_->text(), {request.stop, false, request.messages.empty()}) {
  validate(request, model_->info.vocabulary);
  Engine& engine = model_->engine();
  const auto& weights = model_->plan().weight_report;
  trace_.weight_bytes_mapped = weights.mapped_bytes;
  trace_.weight_bytes_copied = weights.copied_bytes;
  trace_.load_seconds = model_->load_seconds;

  const auto start = Clock::now();
  trace_.prompt_ids = model_->encode(request);
  trace_.tokenize_seconds = seconds_since(start);
  if (trace_.prompt_ids.empty())
    throw Error(ErrorCode::invalid_argument, "the prompt has no tokens", {{}, {}, "prompt"});

  GenerationRequest generation;
  generation.prompt = trace_.prompt_ids;
  generation.sampling = parameters(request.sampling);
  generation.max_tokens = request.max_tokens;
  if (!request.ignore_end) generation.end_ids = model_->text().data().end_ids;
  generation_ = engine.submit(std::move(generation));
}

bool AnswerImplementation::next(Piece& piece) {
  piece = {};
  if (trace_.end != EndReason::none) return false;
  const TokenEvent event = generation_->next();
  if (event.finish == FinishReason::failed) {
    trace_.end = EndReason::cancelled;
    throw Error(ErrorCode::internal, "the answer failed: " + event.error);
  }
  if (event.id >= 0) {
    if (trace_.first_token < 0) trace_.first_token = event.id;
    if (event.finish != FinishReason::end_token) take(event.id, piece);
  }
  if (event.finish != FinishReason::none) finish(event.finish, piece);
  return trace_.end == EndReason::none || !piece.text.empty() || !piece.ids.empty();
}

void AnswerImplementation::take(TokenId id, Piece& piece) {
  const auto start = Clock::now();
  piece.text = detokenizer_.push(id);
  piece.ids = detokenizer_.take_ids();
  trace_.detokenize_seconds += seconds_since(start);
  if (!detokenizer_.stopped()) return;
  generation_->cancel();
  FinishReason reason = FinishReason::none;
  while (reason == FinishReason::none) reason = generation_->next().finish;
  finish(reason, piece);
}

void AnswerImplementation::finish(FinishReason reason, Piece& piece) {
  if (trace_.end != EndReason::none) return;
  piece.text += detokenizer_.finish();
  const auto rest = detokenizer_.take_ids();
  piece.ids.insert(piece.ids.end(), rest.begin(), rest.end());
  trace_.end = detokenizer_.stopped() ? EndReason::stop_text : end_reason(reason);
  const GenerationTimes times = generation_->times();
  trace_.bytes_to_device = times.bytes_to_device;
  trace_.bytes_to_host = times.bytes_to_host;
  trace_.reused_tokens = times.reused_tokens;
  trace_.prefill_seconds = times.prefill_seconds;
  trace_.generated_tokens = times.generated_tokens;
  trace_.decode_seconds = times.decode_seconds;
  model_->was_used();
}

Answer::Answer(std::unique_ptr<AnswerImplementation> implementation)
    : implementation_(std::move(implementation)) {}
Answer::~Answer() = default;
Answer::Answer(Answer&&) noexcept = default;
Answer& Answer::operator=(Answer&&) noexcept = default;

bool Answer::next(Piece& piece) { return implementation_->next(piece); }

std::string Answer::text() {
  std::string all;
  for (Piece piece; next(piece);) all += piece.text;
  return all;
}

void Answer::cancel() { implementation_->cancel(); }
EndReason Answer::end() const { return implementation_->end(); }
const Trace& Answer::trace() const { return implementation_->trace(); }

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::none:
      break;
    case EndReason::end_token:
      return "end token";
    case EndReason::stop_text:
      return "stop text";
    case EndReason::length:
      return "length";
    case EndReason::context_full:
      return "context full";
    case EndReason::cancelled:
      return "cancelled";
  }
  return "none";
}

}  // namespace lathe
