// The one exception type of the library: what went wrong, and where.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace lathe {

enum class ErrorCode {
  invalid_file,      // the bytes of a model file contradict its format
  invalid_model,     // the file is well formed, but its values describe no model that can run
  unsupported,       // understood, and not offered (an architecture, a tensor type, a tokenizer)
  not_found,         // a file, a tensor, a known name
  io,                // the system refused to open, read, map or write
  invalid_argument,  // a request or an option outside its range
  context_length,    // more tokens than the context holds
  resource_limit,    // a bound on memory, steps or size was reached
  template_failed,   // the chat template raised, or is not valid
  network,           // a download did not work
  internal,          // a defect of this library
};

/// Where an error lies; every part may be empty.
struct ErrorPlace {
  std::string file;
  std::optional<std::uint64_t> offset;  // bytes from the start of the file
  std::string field;                    // metadata key, tensor, option or request field
};

/// Ends the operation that threw it and nothing else. what() is one line of printable UTF-8.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, ErrorPlace place = {});
  ErrorCode code() const noexcept { return code_; }
  const ErrorPlace& place() const noexcept { return place_; }

 private:
  ErrorCode code_;
  ErrorPlace place_;
};

}  // namespace lathe
