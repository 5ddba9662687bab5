// The one intermediate representation: ordered nodes over typed values. Importers make it, passes change it,
// compile turns it into a plan. A value is written once, by the node or the entry that defines it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/op.h"
#include "graph/type.h"
#include "tensor/tensor_view.h"

namespace lathe {

using ValueId = std::int32_t;

using Attribute = std::variant<std::int64_t, double>;

struct Node {
  const Op* op = nullptr;
  std::string name;                            // unique in the graph where not empty: "blk.0.attn_q"
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;  // complete: defaults are filled in

  std::int64_t integer(std::string_view attribute) const;    // CHECKs that the op has it
  double real(std::string_view attribute) const;
};

enum class ValueKind : std::uint8_t {
  computed,  // an output of a node
  input,     // given at each run
  state,     // a device buffer that outlives runs and is changed in place (the cache)
  constant,  // weights: bytes that never change
};

struct Value {
  std::string name;       // unique; what the text form prints behind %
  ValueKind kind = ValueKind::computed;
  ValueType type;
  TensorView data;                         // constants alone
  std::shared_ptr<const void> data_owner;  // keeps `data` alive
};

struct Graph {
  std::string name;
  std::vector<Value> values;   // indexed by ValueId; passes may leave values that nothing uses
  std::vector<Node> nodes;     // in an order that defines before use
  std::vector<ValueId> outputs;
  std::vector<std::string> output_names;  // one for each output

  ValueId add_input(std::string value_name, ValueType type, ValueKind kind = ValueKind::input);
  /// `constant_name` is made unique if it is taken.
  ValueId add_constant(std::string constant_name, TensorView data, std::shared_ptr<const void> owner);

  /// Appends a node, fills in attribute defaults, infers the types of its outputs and names them after the node.
  /// Throws Error(invalid_argument) where the op is unknown or does not accept the inputs.
  std::vector<ValueId> add_node(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
                                std::map<std::string, Attribute, std::less<>> attributes = {});
  /// add_node for ops with one output.
  ValueId add(std::string_view op, std::string node_name, std::vector<ValueId> inputs,
              std::map<std::string, Attribute, std::less<>> attributes = {});
  void add_output(std::string output_name, ValueId value);

  const Value& value(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
  Value& value(ValueId id) { return values.at(static_cast<std::size_t>(id)); }
};

/// The contract, executable: ids in range, one definition before every use, arity, attributes, types as inferred,
/// names unique. Throws Error(internal) naming `stage` and the node.
void verify(const Graph& graph, std::string_view stage);

/// The text form; what parse() reads. Constants print as their type and name without bytes.
std::string print(const Graph& graph);

/// Reads the text form. A constant's bytes come from `find_constant`, which gets name and type.
/// Throws Error(invalid_argument) with line and column.
using FindConstant = std::function<std::pair<TensorView, std::shared_ptr<const void>>(const std::string& name,
                                                                                     const ValueType& type)>;
Graph parse_graph(std::string_view text, const FindConstant& find_constant = nullptr);

}  // namespace lathe
