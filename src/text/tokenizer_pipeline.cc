#include "text/tokenizer_pipeline.h"

namespace lathe {

TokenizerPipeline::TokenizerPipeline() = default;
TokenizerPipeline::TokenizerPipeline(const TokenizerPipeline&) = default;
TokenizerPipeline::TokenizerPipeline(TokenizerPipeline&&) noexcept = default;
TokenizerPipeline& TokenizerPipeline::operator=(const TokenizerPipeline&) = default;
TokenizerPipeline& TokenizerPipeline::operator=(TokenizerPipeline&&) noexcept = default;
TokenizerPipeline::~TokenizerPipeline() = default;

}  // namespace lathe
