// Turns a stream of ids into text that is sent as it comes, never half a character, and holds back what may become a
// stop text.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace lathe {

class Detokenizer {
 public:
  /// `tokenizer` must outlive this. At most 16 stop texts of 1 to 256 bytes: Error(invalid_argument) otherwise.
  explicit Detokenizer(const Tokenizer& tokenizer, std::vector<std::string> stops = {}, bool special = false);

  /// Text that is complete with this id, maybe empty. After stopped() it is always empty.
  std::string push(TokenId id);
  /// What is still held back; bytes that never became a character are U+FFFD.
  std::string finish();
  /// A stop text appeared; neither it nor anything behind it was or will be sent.
  bool stopped() const { return stopped_; }

 private:
  std::string release(bool last);

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  bool special_;
  bool stopped_ = false;
  bool first_ = true;
  std::string bytes_;  // not yet whole characters
  std::string text_;   // whole characters, held back for stops
};

}  // namespace lathe
