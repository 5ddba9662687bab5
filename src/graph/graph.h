// The one intermediate representation: ordered nodes over typed values. Importers make it, passes change it,
// compile turns it into a plan. A value is written once, by the node or the entry that defines it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "graph/op.h"
#include "graph/type.h"
#include "tensor/tensor_view.h"

namespace lathe {

using ValueId = std::int32_t;

using Attribute = std::variant<std::int64_t, double, std::string>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

struct Node {
  const Op* op = nullptr;
  std::string name;  // unique in the graph where not empty: "blk.0.attn_q"
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attributes attributes;  // complete: defaults are filled in
  /// Of If, Loop and Scan: graphs of their own, whose inputs the node hands them. Shared by copies of the
  /// node.
  std::vector<std::shared_ptr<const struct Graph>> bodies = {};

  std::int64_t integer(std::string_view attribute) const;  // CHECKs that the op has it
  double real(std::string_view attribute) const;
  const std::string& text(std::string_view attribute) const;  // of a text or a program
};

enum class ValueKind : std::uint8_t {
  computed,  // an output of a node
  input,     // given at each run
  state,     // a device buffer that outlives runs and is changed in place (the cache)
  constant,  // weights: bytes that never change
};

struct Value {
  std::string name;  // unique; what the text form prints behind %
  ValueKind kind = ValueKind::computed;
  ValueType type;
  TensorView data;                         // constants alone
  std::shared_ptr<const void> data_owner;  // keeps `data` alive
};

struct Graph {
  std::string name;
  std::vector<Value> values;  // indexed by ValueId; passes may leave values that nothing uses
  std::vector<Node> nodes;    // in an order that defines before use
  std::vector<ValueId> outputs;
  std::vector<std::string> output_names;  // one for each output

  ValueId add_input(std::string value_name, ValueType type, ValueKind kind = ValueKind::input);
  /// Names are made unique by ".1", ".2", ... behind them if they are taken, here and in add_node.
  ValueId add_constant(std::string constant_name, TensorView data, std::shared_ptr<const void> owner);

  /// Appends a node, fills in attribute defaults, infers the types of its outputs and names them after the
  /// node:
  /// "<node>", or "<node>.<i>" where there are several; after the op where the node has no name.
  /// Throws Error(invalid_argument) where the op is unknown or does not accept the inputs.
  std::vector<ValueId> add_node(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
                                Attributes attributes = {},
                                std::vector<std::shared_ptr<const Graph>> bodies = {});
  /// add_node for ops with one output.
  ValueId add(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
              Attributes attributes = {});
  /// add_node with the outputs' names given; throws where the node's name or one of them is taken.
  std::vector<ValueId> add_node_as(std::string_view op, std::string node_name,
                                   std::vector<std::string> value_names, std::vector<ValueId> inputs,
                                   Attributes attributes = {},
                                   std::vector<std::shared_ptr<const Graph>> bodies = {});
  void add_output(std::string output_name, ValueId value);

  const Value& value(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
  Value& value(ValueId id) { return values.at(static_cast<std::size_t>(id)); }

 private:
  using NameCounts =
      std::unordered_map<std::string, std::uint64_t>;  // every name ever given, and the next suffix
  static std::string unique(NameCounts& names, std::string name);
  Node make_node(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) const;
  std::vector<ValueType> infer(const Node& node) const;
  std::vector<ValueId> append(Node node, std::vector<ValueType> types, std::vector<std::string> value_names);

  NameCounts value_names_;
  NameCounts node_names_;
  NameCounts taken_output_names_;
};

/// Drops the constants and computed values that no node and no output uses, and numbers the others anew.
/// Inputs and states stay: they are what callers bind. Returns how many went.
std::size_t remove_unused_values(Graph& graph);

/// Fills in the defaults; throws Error(invalid_argument) for an unknown attribute, a missing one, one of the
/// wrong kind or a real that is not finite.
Attributes complete_attributes(const Op& op, Attributes given);

/// The contract, executable: ids in range, one definition before every use, arity, attributes, types as
/// inferred, names unique, and states in order: what reads or changes a state takes the value that its latest
/// writer returned. Throws Error(internal) naming `stage` and the node.
void verify(const Graph& graph, std::string_view stage);

/// The text form; what parse_graph() reads, which returns the same graph (text_form.h has the grammar).
/// Constants print as their type and name without bytes.
std::string print(const Graph& graph);

/// Reads the text form. A constant's bytes come from `find_constant`, which gets name and type.
/// Throws Error(invalid_argument) with line and column.
using FindConstant = std::function<std::pair<TensorView, std::shared_ptr<const void>>(const std::string& name,
                                                                                      const ValueType& type)>;
Graph parse_graph(std::string_view text, const FindConstant& find_constant = nullptr);

}  // namespace lathe
