// An answer in progress: the engine's tokens become text as they come.
#pragma once

#include <memory>

#include "api/model_implementation.h"
#include "engine/engine.h"
#include "lathe/model.h"
#include "text/detokenizer.h"

namespace lathe {

class AnswerImplementation {
 public:
  AnswerImplementation(std::shared_ptr<ModelImplementation> model, const Request& request);

  bool next(Piece& piece);
  void cancel() { generation_->cancel(); }
  EndReason end() const { return trace_.end; }
  const Trace& trace() const { return trace_; }

 private:
  void take(TokenId id, Piece& piece);
  void finish(FinishReason reason, Piece& piece);

  std::shared_ptr<ModelImplementation> model_;
  Detokenizer detokenizer_;
  Trace trace_;
  std::unique_ptr<Generation> generation_;  // its request ends before the model goes
};

}  // namespace lathe
