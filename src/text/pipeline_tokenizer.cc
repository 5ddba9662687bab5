#include "text/pipeline_tokenizer.h"

namespace lathe {

namespace {

/// Whether a step does something at the beginning of the text alone.
bool asks_for_first(const TokenizerPipeline& pipeline) {
  for (const split::Step& step : pipeline.splits) {
    const auto* metaspace = std::get_if<split::Metaspace>(&step);
    if (metaspace != nullptr && metaspace->prepend == split::Prepend::first) return true;
  }
  return false;
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(TokenizerData data)
    : Tokenizer(std::move(data)),
      normalizer_(data_.pipeline.normalizers),
      splitter_(data_.pipeline.splits),
      added_(data_, normalizer_),
      decoders_(data_),
      model_(make_word_model(data_)),
      asks_for_first_(asks_for_first(data_.pipeline)) {}

void PipelineTokenizer::encode_parts(std::string_view text, const EncodeOptions& options,
                                     std::vector<TokenId>& ids) const {
  const bool control = options.parse_special;
  for (const AddedTokens::Part& part : added_.split(text, false, control)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
    } else {
      encode_plain(text.substr(part.begin, part.end - part.begin), part.begin == 0 && !options.continues,
                   control, ids);
    }
  }
}

void PipelineTokenizer::encode_plain(std::string_view text, bool first, bool control,
                                     std::vector<TokenId>& ids) const {
  const std::string normal = normalizer_.apply(text);
  first = first && asks_for_first_ && normalizer_.keeps_first(text);
  for (const AddedTokens::Part& part : added_.split(normal, true, control)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    Words words{normal.substr(part.begin, part.end - part.begin), {}};
    words.words.push_back({0, words.text.size(), first && part.begin == 0});
    splitter_.apply(words);
    model_->encode(words.text, words.words, control, ids);
  }
}

std::unique_ptr<TextDecoder> PipelineTokenizer::make_decoder(bool special, bool continues) const {
  return decoders_.make(special, continues);
}

std::string PipelineTokenizer::piece(TokenId id, bool special) const {
  require_token(id);
  // Where a control token is asked for by itself, its name is.
  if (is_special(data_.kinds[static_cast<std::size_t>(id)]))
    return special ? data_.tokens[static_cast<std::size_t>(id)] : std::string();
  const auto decoder = make_decoder(special, true);
  std::vector<DecodedToken> parts;
  decoder->push(id, parts);
  decoder->finish(parts);
  std::string out;
  for (const DecodedToken& part : parts) out += part.bytes;
  return out;
}

}  // namespace lathe
