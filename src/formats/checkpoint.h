// A model as it was stored: metadata and named, mapped, read-only tensors. Readers of file formats make it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "tensor/tensor_view.h"

namespace lathe {
namespace onnx {
struct Model;
}

using MetadataValue =
    std::variant<std::int64_t, std::uint64_t, double, bool, std::string, std::vector<std::int64_t>,
                 std::vector<double>, std::vector<bool>, std::vector<std::string>>;

class Checkpoint {
 public:
  std::string file;          // for messages
  std::string architecture;  // "llama"
  std::map<std::string, MetadataValue, std::less<>> metadata;
  std::vector<std::string> tensor_names;                // in the file's order
  std::unordered_map<std::string, TensorView> tensors;  // dims outermost first: [rows, columns]
  std::shared_ptr<const void> owner;                    // keeps the mapping alive
  std::shared_ptr<const onnx::Model> network;           // of .onnx files: the nodes that say what is computed
  std::vector<std::string> warnings;                    // one line each: what is odd but was accepted
  std::vector<std::string> unused_keys;  // of a folder's configuration: read by nobody, harmless

  bool has(std::string_view key) const;
  const MetadataValue* value(std::string_view key) const;  // of any type; nullptr if missing
  /// Required or optional values, checked for type and range. Errors are invalid_model with file and key.
  std::int64_t integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t minimum,
                          std::int64_t maximum) const;
  double real(std::string_view key) const;  // finite; an integer in the file will do
  double real_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  const std::string& text(std::string_view key) const;
  std::optional<std::string> optional_text(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;  // nullptr if missing
  const std::vector<double>* reals(std::string_view key) const;
  const std::vector<std::int64_t>* integers(std::string_view key) const;

  /// The keys with this prefix that no member function above was asked for, in order.
  std::vector<std::string> unread_keys(std::string_view prefix) const;

  /// nullptr if missing.
  const TensorView* find_tensor(std::string_view name) const;

  [[noreturn]] void fail(const std::string& message, std::string_view field) const;  // Error(invalid_model)

 private:
  struct ReadKeys {
    std::mutex mutex;
    std::set<std::string, std::less<>> keys;
  };
  const MetadataValue& require(std::string_view key) const;
  template <class T>
  const T* find_as(std::string_view key, const char* type) const;

  std::shared_ptr<ReadKeys> read_keys_ = std::make_shared<ReadKeys>();  // tokenizer and graph read at once
};

}  // namespace lathe
