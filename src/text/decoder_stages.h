// The steps that make text of tokens, each with what it must remember from token to token.
#pragma once

#include <memory>
#include <vector>

#include "text/text_decoder.h"

namespace lathe {

struct DecoderItem {
  DecodedToken token;
  bool silent = false;  // no token to the steps: skipped, or its text is with the one before
};
using DecoderItems = std::vector<DecoderItem>;

class DecoderFactory::Stage {
 public:
  virtual ~Stage() = default;
  /// A copy for one text.
  virtual std::unique_ptr<Stage> start(bool continues) const = 0;
  virtual void push(DecoderItem item, DecoderItems& out) = 0;
  virtual void finish(DecoderItems&) {}
};

/// Throws Error(unsupported) naming a step that cannot stand where it does.
std::vector<std::unique_ptr<const DecoderFactory::Stage>> make_decoder_stages(
    const TokenizerPipeline& pipeline);

}  // namespace lathe
