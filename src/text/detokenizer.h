// Turns a stream of ids into text that is sent as it comes, never half a character, and holds back what may
// become a stop text. However the ids are cut, what push and finish give together is Tokenizer::decode of all
// ids, cut at the stop text that is complete first.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace lathe {

struct DetokenizerOptions {
  std::vector<std::string> stops;
  bool special = false;    // control tokens are written too
  bool continues = false;  // the ids follow others: a first space belongs to the text
};

class Detokenizer {
 public:
  /// `tokenizer` must outlive this. At most 16 stop texts of 1 to 256 bytes: Error(invalid_argument)
  /// otherwise.
  explicit Detokenizer(const Tokenizer& tokenizer, DetokenizerOptions options = {});

  /// Text that is complete with this id, maybe empty. After stopped() it is always empty.
  std::string push(TokenId id);
  /// What is still held back; bytes that never became a character are U+FFFD.
  std::string finish();
  /// The ids whose text has begun to be sent since the last call; one without text of its own goes with what
  /// is before it. So those of a stop text alone, or behind it, never come.
  std::vector<TokenId> take_ids();
  /// A stop text appeared; neither it nor anything behind it was or will be sent.
  bool stopped() const { return stopped_; }

 private:
  /// A token on its way: `bytes_before` of the stream precede its own; its text is at `text_before`.
  struct PendingId {
    TokenId id = -1;
    bool has_text = false;
    std::size_t bytes_before = 0;
    std::size_t text_before = 0;
  };

  void take_decoded();
  void take_characters(bool last);
  void place_ids(std::size_t bytes_end);
  std::string release(bool last);

  DetokenizerOptions options_;
  std::unique_ptr<TextDecoder> decoder_;
  std::vector<DecodedToken> decoded_;
  bool stopped_ = false;
  std::string bytes_;  // not yet a whole character: under 4 bytes
  std::string text_;   // whole characters, held back for stops
  std::deque<PendingId> pending_;
  std::size_t placed_ = 0;      // of pending_: their text_before is known
  std::size_t bytes_done_ = 0;  // of the stream, before bytes_
  std::size_t text_done_ = 0;   // sent, before text_
};

}  // namespace lathe
