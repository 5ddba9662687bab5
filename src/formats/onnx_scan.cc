#include "formats/onnx_scan.h"

namespace lathe::onnx {
namespace {

constexpr std::int64_t kWithoutBatch = 9;  // the first opset

ValueInfo named(const std::string& name) {
  ValueInfo info;
  info.name = name;
  return info;
}

Attribute integer(std::string name, std::int64_t value) {
  Attribute attribute;
  attribute.name = std::move(name);
  attribute.kind = AttributeKind::integer;
  attribute.integers = {value};
  return attribute;
}

}  // namespace

Node scan_over_batch(const Node& scan) {
  const std::string prefix = (scan.name.empty() ? scan.outputs.at(0) : scan.name) + "/of one sequence.";
  Node inner = scan;
  inner.opset = kWithoutBatch;
  inner.inputs.clear();
  inner.outputs.clear();
  for (auto& attribute : inner.attributes)
    if (attribute.name == "directions") attribute.name = "scan_input_directions";
  Graph body;
  body.offset = scan.offset;
  for (std::size_t i = 1; i < scan.inputs.size(); ++i) {
    body.inputs.push_back(named(prefix + "input." + std::to_string(i - 1)));
    inner.inputs.push_back(body.inputs.back().name);
  }
  for (std::size_t i = 0; i < scan.outputs.size(); ++i) {
    body.outputs.push_back(named(prefix + "output." + std::to_string(i)));
    inner.outputs.push_back(body.outputs.back().name);
  }
  body.nodes.push_back(std::move(inner));

  Node outer = scan;
  outer.opset = kWithoutBatch;
  outer.inputs.erase(outer.inputs.begin());
  Attribute graph;
  graph.name = "body";
  graph.kind = AttributeKind::graph;
  graph.graphs.push_back(std::move(body));
  outer.attributes = {std::move(graph),
                      integer("num_scan_inputs", static_cast<std::int64_t>(outer.inputs.size()))};
  return outer;
}

}  // namespace lathe::onnx
