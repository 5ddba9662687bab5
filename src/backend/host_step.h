// Steps without kernels: those that run bodies (If, Loop, Scan), those on sequences and optionals, which hand
// tensors on and copy where a new one is made, and those that read or write texts.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backend/text_table.h"
#include "graph/graph.h"
#include "tensor/buffer.h"

namespace lathe {

/// What a value is while a plan runs.
struct RunValue {
  ValueType type;  // all numbers; of a container that of its tensors, as far as it is known
  std::byte* data = nullptr;
  std::shared_ptr<Buffer> memory;  // null of bound tensors and weights
  std::vector<RunValue> elements;  // of a sequence; of an optional: one, or none
  bool is_there() const { return !elements.empty(); }
};

/// What a host step is given.
class HostStepCall {
 public:
  HostStepCall(const Node& node, std::span<const RunValue> inputs) : node_(node), inputs_(inputs) {}
  virtual ~HostStepCall() = default;

  const Node& node() const { return node_; }
  std::span<const RunValue> inputs() const { return inputs_; }
  /// Whether the input is given; one that is left out has the dtype none.
  bool has(std::size_t input) const {
    return input < inputs_.size() && inputs_[input].type.dtype != Dtype::none;
  }
  /// The one element of an i64, i32 or bool tensor. Throws Error(invalid_argument).
  std::int64_t integer(std::size_t input) const;
  RunValue make_integer(Dtype dtype, std::int64_t value);  // i64 or bool, no dimensions

  /// The texts of a tensor of strings, in order; they stay while the run lasts.
  std::vector<std::string_view> texts(std::size_t input) const;
  /// The text's number, which stands for it in a tensor of strings. Throws Error(resource_limit) naming the
  /// node.
  std::uint64_t number_of(std::string_view text);

  /// A tensor of this type, its bytes undefined.
  virtual RunValue allocate(const ValueType& type) = 0;
  virtual TextTable& text_table() const = 0;
  /// The outputs of one of the step's bodies.
  virtual std::vector<RunValue> run_body(std::size_t body, std::vector<RunValue> inputs) = 0;

  [[noreturn]] void fail(const std::string& message) const;  // Error(invalid_argument)

 private:
  const Node& node_;
  std::span<const RunValue> inputs_;
};

using HostStepFunction = std::vector<RunValue> (*)(HostStepCall&);

/// Null where the op's steps have kernels.
HostStepFunction host_step(const Op& op);
inline bool is_host_step(const Op& op) { return host_step(op) != nullptr; }

// by file
std::vector<RunValue> run_if(HostStepCall& call);
std::vector<RunValue> run_loop(HostStepCall& call);
std::vector<RunValue> run_scan(HostStepCall& call);
std::vector<RunValue> run_concat_from_sequence(HostStepCall& call);
std::vector<RunValue> run_optional(HostStepCall& call);
std::vector<RunValue> run_optional_get_element(HostStepCall& call);
std::vector<RunValue> run_optional_has_element(HostStepCall& call);
std::vector<RunValue> run_sequence_at(HostStepCall& call);
std::vector<RunValue> run_sequence_construct(HostStepCall& call);
std::vector<RunValue> run_sequence_empty(HostStepCall& call);
std::vector<RunValue> run_sequence_erase(HostStepCall& call);
std::vector<RunValue> run_sequence_insert(HostStepCall& call);
std::vector<RunValue> run_sequence_length(HostStepCall& call);
std::vector<RunValue> run_sequence_map(HostStepCall& call);
std::vector<RunValue> run_split_to_sequence(HostStepCall& call);

std::vector<RunValue> run_cast_from_string(HostStepCall& call);
std::vector<RunValue> run_cast_to_string(HostStepCall& call);
std::vector<RunValue> run_regex_full_match(HostStepCall& call);
std::vector<RunValue> run_string_concat(HostStepCall& call);
std::vector<RunValue> run_string_normalizer(HostStepCall& call);
std::vector<RunValue> run_string_split(HostStepCall& call);
std::vector<RunValue> run_strings(HostStepCall& call);

std::uint64_t byte_count(const ValueType& type);
/// The index-th slice of a tensor along an axis, as a tensor without that axis.
RunValue slice_of(HostStepCall& call, const RunValue& tensor, std::size_t axis, std::int64_t index);
/// Slices of one shape, one behind the other along a new axis. `empty` is a slice's type where there is none.
RunValue stack(HostStepCall& call, std::span<const RunValue> slices, std::size_t axis,
               const ValueType& empty);

}  // namespace lathe
