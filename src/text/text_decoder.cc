#include "text/text_decoder.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "text/decoder_stages.h"

namespace lathe {
namespace {

class PipelineDecoder final : public TextDecoder {
 public:
  PipelineDecoder(const TokenizerData& data, std::vector<std::unique_ptr<DecoderFactory::Stage>> stages,
                  bool special)
      : data_(data), stages_(std::move(stages)), special_(special) {}

  void push(TokenId id, std::vector<DecodedToken>& out) override {
    const auto index = static_cast<std::size_t>(id);
    if (id < 0 || index >= data_.tokens.size())
      throw Error(ErrorCode::invalid_argument, "token " + std::to_string(id) +
                                                   " is not one of the vocabulary's " +
                                                   std::to_string(data_.tokens.size()));
    const bool silent =
        data_.kinds[index] == TokenKind::unused || (is_special(data_.kinds[index]) && !special_);
    run({{{id, silent ? std::string() : data_.tokens[index]}, silent}}, 0, out);
  }

  void finish(std::vector<DecodedToken>& out) override {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      DecoderItems items;
      stages_[i]->finish(items);
      run(std::move(items), i + 1, out);
    }
  }

 private:
  void run(DecoderItems items, std::size_t from, std::vector<DecodedToken>& out) {
    for (std::size_t i = from; i < stages_.size(); ++i) {
      DecoderItems next;
      for (DecoderItem& item : items) stages_[i]->push(std::move(item), next);
      items = std::move(next);
    }
    for (DecoderItem& item : items) out.push_back(std::move(item.token));
  }

  const TokenizerData& data_;
  std::vector<std::unique_ptr<DecoderFactory::Stage>> stages_;
  bool special_;
};

}  // namespace

DecoderFactory::DecoderFactory(const TokenizerData& data)
    : data_(data), stages_(make_decoder_stages(data.pipeline)) {}

DecoderFactory::~DecoderFactory() = default;

std::unique_ptr<TextDecoder> DecoderFactory::make(bool special, bool continues) const {
  std::vector<std::unique_ptr<Stage>> stages;
  for (const auto& stage : stages_) stages.push_back(stage->start(continues));
  return std::make_unique<PipelineDecoder>(data_, std::move(stages), special);
}

}  // namespace lathe
