// "post_processor" of tokenizer.json: which ids are put around a text. TemplateProcessing spells them out:
//   "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, ...]
//   "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}, ...}
// What it says of pairs and of types of tokens is not used: texts come one at a time.
#include "base/error.h"
#include "formats/tokenizer_json_reader.h"

namespace lathe {
namespace {

class ProcessorReader {
 public:
  ProcessorReader(const TokenIds& ids, TokenizerPipeline& pipeline) : ids_(ids), pipeline_(pipeline) {}

  void read(const JsonView& value) {
    const std::string type(value.at("type").text());
    if (type == "Sequence") {
      require_known(value, {"type", "processors"});
      for (const JsonView step : value.at("processors")) read(step);
    } else if (type == "ByteLevel") {
      // Where tokens stand in the text, which is not asked for here.
      require_known(value, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    } else if (type == "TemplateProcessing") {
      read_template(value);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      require_known(value, {"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
      put_around({named_id(value.at("cls"))}, {named_id(value.at("sep"))});
    } else {
      value.refuse("the post-processor '" + printable(type, 64) + "' is not supported");
    }
  }

 private:
  /// Each step goes around what the one before it made.
  void put_around(std::vector<TokenId> before, const std::vector<TokenId>& after) {
    before.insert(before.end(), pipeline_.before.begin(), pipeline_.before.end());
    pipeline_.before = std::move(before);
    pipeline_.after.insert(pipeline_.after.end(), after.begin(), after.end());
  }

  TokenId checked_id(const JsonView& name, const JsonView& id) const {
    const auto number = static_cast<TokenId>(id.integer(0, 1 << 24));
    const auto found = ids_.find(name.text());
    if (found == ids_.end() || found->second != number)
      id.fail("is " + std::to_string(number) + ", which is not the id of '" + printable(name.text(), 64) +
              "'");
    return number;
  }

  /// ["[SEP]", 102]
  TokenId named_id(const JsonView& pair) const {
    pair.require(JsonView::Kind::array);
    if (pair.size() != 2) pair.fail("must be a token and its id");
    auto part = pair.begin();
    const JsonView name = *part;
    return checked_id(name, *++part);
  }

  void append_ids(const JsonView& special_tokens, std::string_view name, std::vector<TokenId>& out) const {
    const JsonView token = special_tokens.at(name);
    require_known(token, {"id", "ids", "tokens"});
    const JsonView ids = token.at("ids");
    const JsonView names = token.at("tokens");
    if (ids.size() != names.size()) token.fail("has not as many ids as tokens");
    auto text = names.begin();
    for (const JsonView id : ids) {
      out.push_back(checked_id(*text, id));
      ++text;
    }
  }

  void read_template(const JsonView& value) {
    require_known(value, {"type", "single", "pair", "special_tokens"});
    const JsonView single = value.at("single");
    single.require(JsonView::Kind::array);
    std::vector<TokenId> before, after;
    bool seen = false;
    for (const JsonView piece : single) {
      require_known(piece, {"SpecialToken", "Sequence"});
      if (const auto special = piece.find("SpecialToken")) {
        append_ids(value.at("special_tokens"), special->at("id").text(), seen ? after : before);
      } else {
        const JsonView sequence = piece.at("Sequence");
        if (seen || sequence.at("id").text() != "A") sequence.refuse("only one text can be put in");
        seen = true;
      }
    }
    if (!seen) single.refuse("the text is left out");
    put_around(std::move(before), after);
  }

  const TokenIds& ids_;
  TokenizerPipeline& pipeline_;
};

}  // namespace

void read_post_processor(const JsonView& root, const TokenIds& ids, TokenizerPipeline& pipeline) {
  if (const auto value = root.find("post_processor")) ProcessorReader(ids, pipeline).read(*value);
}

}  // namespace lathe
