// What a network must keep to beyond its messages' form: versions that are known, names that are there and
// are given once, nodes behind those that they read, functions that do not call themselves.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "formats/onnx_model.h"

namespace lathe::onnx {

inline constexpr std::int64_t kFirstIrVersion = 3, kLastIrVersion = 14;
inline constexpr std::int64_t kLastOpset = 28;  // of the domain ""

/// Fills Node::opset and throws Error(invalid_file), or Error(unsupported) for versions, with file, offset
/// and the node's name.
void check_model(Model& model);

/// A model's own functions by domain, name and overload. The model must outlive it.
class FunctionIndex {
 public:
  /// Throws Error(invalid_file) where two are the same.
  explicit FunctionIndex(const Model& model);
  /// The function that the node calls; null where it is an op.
  const Function* find(const Node& node) const;

 private:
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const Function*> functions_;
};

/// A node as errors name it: its name, or its type and what it writes.
std::string node_label(const Node& node);

}  // namespace lathe::onnx
