#include "formats/onnx_import.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "base/error.h"
#include "formats/onnx_lower.h"
#include "formats/onnx_lower_flex.h"
#include "formats/onnx_scan.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

struct DtypeRow {
  DataType type;
  Dtype dtype;
};

constexpr std::array kDtypes = {
    DtypeRow{DataType::float32, Dtype::f32},
    DtypeRow{DataType::float16, Dtype::f16},
    DtypeRow{DataType::bfloat16, Dtype::bf16},
    DtypeRow{DataType::float64, Dtype::f64},
    DtypeRow{DataType::int8, Dtype::i8},
    DtypeRow{DataType::int16, Dtype::i16},
    DtypeRow{DataType::int32, Dtype::i32},
    DtypeRow{DataType::int64, Dtype::i64},
    DtypeRow{DataType::uint8, Dtype::u8},
    DtypeRow{DataType::uint16, Dtype::u16},
    DtypeRow{DataType::uint32, Dtype::u32},
    DtypeRow{DataType::uint64, Dtype::u64},
    DtypeRow{DataType::boolean, Dtype::boolean},
    DtypeRow{DataType::int4, Dtype::i4},
    DtypeRow{DataType::uint4, Dtype::u4},
    DtypeRow{DataType::int2, Dtype::i2},
    DtypeRow{DataType::uint2, Dtype::u2},
    DtypeRow{DataType::float8e4m3fn, Dtype::f8e4m3fn},
    DtypeRow{DataType::float8e4m3fnuz, Dtype::f8e4m3fnuz},
    DtypeRow{DataType::float8e5m2, Dtype::f8e5m2},
    DtypeRow{DataType::float8e5m2fnuz, Dtype::f8e5m2fnuz},
    DtypeRow{DataType::float8e8m0, Dtype::f8e8m0},
    DtypeRow{DataType::float4e2m1, Dtype::f4e2m1},
    DtypeRow{DataType::string, Dtype::string},
};

/// Elements of 2 or 4 bits, each into a byte of its own; whole numbers keep their sign.
std::vector<std::byte> spread(const Tensor& tensor, std::uint32_t bits, bool is_signed) {
  std::vector<std::byte> result(static_cast<std::size_t>(tensor.elements()));
  const std::uint32_t per_byte = 8 / bits;
  const std::uint32_t mask = (1u << bits) - 1;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto packed = std::to_integer<std::uint32_t>(tensor.bytes[i / per_byte]);
    std::uint32_t code = packed >> (i % per_byte * bits) & mask;
    if (is_signed && (code >> (bits - 1)) != 0) code |= 0xffu & ~mask;
    result[i] = static_cast<std::byte>(code);
  }
  return result;
}

/// A network, or a body inside one: what a body takes from around it becomes an input of its own, behind
/// those that the file gives it; constants it has too.
class Importer {
 public:
  Importer(const Model& model, const ImportSizes& given)
      : Importer(model, model.graph, given, SizeValues(SymbolRanges(DimRange{1, kMaxDim})), nullptr) {
    for (const auto& [symbol, limit] : given.limits) sizes_.set_range(symbol, {1, limit});
  }

  lathe::Graph run(ValueNames* names) {
    add_initializers();
    add_inputs();
    lathe::Graph graph = finish();
    for (const auto& [name, id] : values_)
      if (names != nullptr) names->emplace(name, graph.value(id).name);
    return graph;
  }

 private:
  static constexpr ValueId kUnsupported = -1;  // the value of a node that cannot be run

  Importer(const Model& model, const Graph& source, const ImportSizes& given, SizeValues sizes,
           Importer* outer)
      : model_(model), source_(source), given_(given), outer_(outer), sizes_(std::move(sizes)) {
    graph_.name = source.name.empty() ? "network" : source.name;
  }

  lathe::Graph finish() {
    for (const auto& node : source_.nodes) add(node);
    refuse_unsupported();
    std::map<std::string, int> times;  // a body may give one value twice
    for (const auto& output : source_.outputs) {
      const int before = times[output.name]++;
      graph_.add_output(before == 0 ? output.name : output.name + "." + std::to_string(before),
                        value(output.name));
    }
    return std::move(graph_);
  }

  struct Body {
    std::shared_ptr<const lathe::Graph> graph;
    std::vector<ValueId> taken;  // values around it, behind its own inputs
  };

  /// `types`: what the body's inputs are given, where the file does not say it.
  Body import_body(NodeImport& import, std::string_view attribute, std::span<const ValueType> types) {
    const Attribute* found = import.node().find(attribute);
    if (found == nullptr || found->kind != AttributeKind::graph)
      import.refuse("has no graph " + std::string(attribute));
    const Graph& source = found->graphs.at(0);
    if (source.inputs.size() != types.size())
      import.refuse("its graph has " + std::to_string(source.inputs.size()) + " inputs, and is given " +
                    std::to_string(types.size()));
    Importer inner(model_, source, given_, SizeValues(sizes_.symbols()), this);
    inner.add_initializers();
    for (std::size_t i = 0; i < types.size(); ++i) inner.add_body_input(source.inputs[i], types[i]);
    Body body;
    body.graph = std::make_shared<const lathe::Graph>(inner.finish());
    body.taken = std::move(inner.taken_);
    return body;
  }

  void add_body_input(const ValueInfo& input, const ValueType& given) {
    values_[input.name] = graph_.add_input(input.name, value_type(input.type).value_or(given));
  }

  /// What the file says of a value; dimensions that are no numbers are not known. Empty where it says
  /// nothing, or has no type for which there are tensors.
  static std::optional<ValueType> value_type(const Type& type) {
    if (type.kind == TypeKind::sequence || type.kind == TypeKind::optional) {
      if (type.element == nullptr) return std::nullopt;
      auto element = value_type(*type.element);
      if (!element) return std::nullopt;
      const bool list = element->container == Container::sequence;
      if (type.kind == TypeKind::sequence && element->container != Container::tensor) return std::nullopt;
      if (type.kind == TypeKind::optional && element->container != Container::tensor && !list)
        return std::nullopt;
      const Container container = type.kind == TypeKind::sequence ? Container::sequence
                                  : list                          ? Container::optional_sequence
                                                                  : Container::optional;
      return ValueType{element->dtype, {}, false, container};
    }
    const auto dtype = dtype_of(type.data_type);
    if (type.kind != TypeKind::tensor || !dtype) return std::nullopt;
    ValueType result = ValueType::unranked(*dtype);
    result.ranked = type.has_shape;
    for (const auto& dim : type.dims)
      result.dims.push_back(dim.value ? lathe::Dim(*dim.value) : lathe::Dim::unknown());
    return result;
  }

  std::vector<ValueId> import_map(NodeImport& import) {
    std::vector<ValueId> inputs = import.inputs();
    std::vector<ValueType> types;
    for (const auto id : inputs) {
      const ValueType& type = graph_.value(id).type;
      types.push_back(type.container == Container::sequence ? ValueType::unranked(type.dtype) : type);
    }
    const Body body = import_body(import, "body", types);
    inputs.insert(inputs.end(), body.taken.begin(), body.taken.end());
    return graph_.add_node("SequenceMap", import.name(), std::move(inputs), {}, {body.graph});
  }

  std::vector<ValueId> import_if(NodeImport& import) {
    const Body first = import_body(import, "then_branch", {});
    const Body second = import_body(import, "else_branch", {});
    std::vector<ValueId> inputs = {import.inputs().at(0)};
    inputs.insert(inputs.end(), first.taken.begin(), first.taken.end());
    inputs.insert(inputs.end(), second.taken.begin(), second.taken.end());
    return graph_.add_node("If", import.name(), std::move(inputs),
                           {{"then_inputs", static_cast<std::int64_t>(first.taken.size())}},
                           {first.graph, second.graph});
  }

  std::vector<ValueId> import_loop(NodeImport& import) {
    std::vector<ValueId> inputs = import.inputs();
    while (inputs.size() < 2) inputs.push_back(import.absent());
    std::vector<ValueType> types = {{Dtype::i64, {}}, {Dtype::boolean, {}}};
    for (std::size_t i = 2; i < inputs.size(); ++i)  // its size may change
      types.push_back(
          {graph_.value(inputs[i]).type.dtype, {}, false, graph_.value(inputs[i]).type.container});
    const auto carried = static_cast<std::int64_t>(inputs.size()) - 2;
    const Body body = import_body(import, "body", types);
    inputs.insert(inputs.end(), body.taken.begin(), body.taken.end());
    return graph_.add_node("Loop", import.name(), std::move(inputs), {{"carried", carried}}, {body.graph});
  }

  std::vector<ValueId> import_batched_scan(NodeImport& import) {
    if (import.inputs().size() < 2) import.refuse("has nothing to go over");
    if (import.has(0)) import.unsupported("lengths of its sequences");
    const Node outer = scan_over_batch(import.node());
    NodeImport again(graph_, sizes_, outer, {import.inputs().begin() + 1, import.inputs().end()},
                     model_.file);
    return import_scan(again);
  }

  /// The graph that is an attribute, in place of a call. Its names end with it.
  ValueId place_graph(NodeImport& import, std::string_view attribute, ValueId given) {
    const Attribute* found = import.node().find(attribute);
    if (found == nullptr || found->kind != AttributeKind::graph)
      import.refuse("has no graph " + std::string(attribute));
    const Graph& graph = found->graphs.at(0);
    if (graph.inputs.size() != 1 || graph.outputs.size() != 1)
      import.refuse(std::string(attribute) + " must have one input and one output");
    const auto names = values_;
    for (const auto& tensor : graph.initializers) values_[tensor.name] = import.constant(tensor);
    if (!graph.sparse_initializers.empty()) import.unsupported("sparse initializers are not read");
    values_[graph.inputs[0].name] = given;
    for (const auto& node : graph.nodes) add(node);
    const ValueId result = value(graph.outputs[0].name);
    values_ = names;
    if (result == kUnsupported) import.unsupported("its graph " + std::string(attribute) + " cannot be run");
    return result;
  }

  std::vector<ValueId> import_flex_attention(NodeImport& import) {
    for (const auto& attribute : import.node().attributes)
      if (attribute.name != "score_mod" && attribute.name != "prob_mod" && attribute.name != "scale" &&
          attribute.name != "softmax_precision")
        import.unsupported("its attribute " + printable(attribute.name) + " is not known");
    return {lower_flex_attention(import, [&](std::string_view attribute, ValueId given) {
      return place_graph(import, attribute, given);
    })};
  }

  std::vector<ValueId> import_scan(NodeImport& import) {
    constexpr std::int64_t kWithoutBatch = 9;
    if (import.opset() < kWithoutBatch) return import_batched_scan(import);
    std::vector<ValueId> inputs = import.inputs();
    const std::int64_t scanned = import.integer("num_scan_inputs", 0);
    const auto states = static_cast<std::int64_t>(inputs.size()) - scanned;
    if (scanned < 1 || states < 0) import.refuse("num_scan_inputs is not within its inputs");
    std::vector<ValueType> types;
    for (const auto id : inputs) types.push_back(ValueType::unranked(graph_.value(id).type.dtype));
    const Body body = import_body(import, "body", types);
    inputs.insert(inputs.end(), body.taken.begin(), body.taken.end());
    const auto list = [&import](std::string_view name) { return integers_text(import.integers(name)); };
    return graph_.add_node("Scan", import.name(), std::move(inputs),
                           {{"states", states},
                            {"scanned", scanned},
                            {"input_axes", list("scan_input_axes")},
                            {"input_directions", list("scan_input_directions")},
                            {"output_axes", list("scan_output_axes")},
                            {"output_directions", list("scan_output_directions")}},
                           {body.graph});
  }

  std::vector<ValueId> outputs_of(NodeImport& import) {
    const Node& node = import.node();
    if (node.op_type == "FlexAttention" && node.domain == "ai.onnx.preview" &&
        (import.has_attribute("score_mod") || import.has_attribute("prob_mod")))
      return import_flex_attention(import);
    if (!node.domain.empty()) return lower(import);
    if (node.op_type == "Constant") return {constant(import)};
    if (node.op_type == "If") return import_if(import);
    if (node.op_type == "Loop") return import_loop(import);
    if (node.op_type == "Scan") return import_scan(import);
    if (node.op_type == "SequenceMap") return import_map(import);
    const bool is_copy = node.op_type == "Identity" && import.has(0);
    if (is_copy && (import.type(0).container != Container::tensor || !import.type(0).ranked))
      return {import.inputs()[0]};
    return lower(import);
  }

  void add_initializers() {
    for (const auto& tensor : source_.initializers)
      values_[tensor.name] = add_tensor(graph_, tensor.name, tensor);
    if (!source_.sparse_initializers.empty())
      throw Error(ErrorCode::unsupported, "sparse initializers are not read",
                  {model_.file, std::nullopt, source_.sparse_initializers[0].values.name});
  }

  void add_inputs() {
    for (const auto& input : source_.inputs) {
      if (values_.contains(input.name)) continue;  // an initializer is its default
      const auto refuse = [&](const std::string& message) {
        throw Error(ErrorCode::unsupported, "the input " + message, {model_.file, std::nullopt, input.name});
      };
      const auto known = value_type(input.type);
      if (!known) refuse("is neither a tensor of numbers or texts nor a sequence or an optional of such");
      if (known->container != Container::tensor) {
        values_[input.name] = graph_.add_input(input.name, *known);
        continue;
      }
      ValueType type{known->dtype, {}};
      const auto given = given_.shapes.find(input.name);
      if (input.type.has_shape) {
        for (std::size_t i = 0; i < input.type.dims.size(); ++i) {
          const bool is_empty =
              given != given_.shapes.end() && i < given->second.size() && given->second[i] == 0;
          type.dims.push_back(is_empty ? lathe::Dim(0) : dim(input, i));  // no symbol is of no elements
          if (given != given_.shapes.end() && i < given->second.size() && type.dims.back().is_symbolic())
            sizes_.set_range(type.dims.back().symbol,
                             {1, std::max(given->second[i], limit_of(type.dims.back().symbol))});
        }
      } else if (given != given_.shapes.end()) {
        type.dims.assign(given->second.begin(), given->second.end());
      } else {
        refuse("has no number of dimensions, and no tensor is given for it");
      }
      values_[input.name] = graph_.add_input(input.name, std::move(type));
    }
  }

  /// 0 where none is given.
  std::int64_t limit_of(const std::string& symbol) const {
    const auto found = given_.limits.find(symbol);
    return found == given_.limits.end() ? 0 : found->second;
  }

  lathe::Dim dim(const ValueInfo& input, std::size_t axis) const {
    const Dim& found = input.type.dims[axis];
    if (found.value) return *found.value;
    const bool is_name =
        !found.parameter.empty() && found.parameter != "?" && !is_expression(found.parameter);
    std::string symbol = is_name ? found.parameter : input.name + "." + std::to_string(axis);
    const auto exact = given_.exact.find(symbol);
    if (exact != given_.exact.end()) return exact->second;
    return symbol;
  }

  ValueId value(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end() && outer_ != nullptr) return values_[name] = take(name);
    if (found == values_.end())
      throw Error(ErrorCode::invalid_file, "nothing defines this value", {model_.file, std::nullopt, name});
    return found->second;
  }

  /// A value from around this body.
  ValueId take(const std::string& name) {
    const ValueId id = outer_->value(name);
    if (id == kUnsupported) return id;
    const lathe::Value& source = outer_->graph_.value(id);
    if (source.kind == ValueKind::constant)
      return graph_.add_constant(source.name, source.data, source.data_owner);
    taken_.push_back(id);
    std::string own = "outer." + source.name;  // not the name of what comes later
    while (std::ranges::find(graph_.values, own, &lathe::Value::name) != graph_.values.end()) own += ".";
    return graph_.add_input(std::move(own), source.type);
  }

  void add(const Node& node) {
    std::vector<ValueId> inputs;
    const auto is_left_out = [](const std::string& name) { return name.empty(); };
    const auto end = std::ranges::find_if_not(node.inputs.rbegin(), node.inputs.rend(), is_left_out).base();
    for (auto name = node.inputs.begin(); name != end; ++name) {
      inputs.push_back(name->empty() ? NodeImport(graph_, sizes_, node, {}, model_.file).absent()
                                     : value(*name));
      if (inputs.back() == kUnsupported) return mark_unsupported(node);
    }
    NodeImport import(graph_, sizes_, node, std::move(inputs), model_.file);
    try {
      const std::size_t nodes = graph_.nodes.size();
      const auto outputs = outputs_of(import);
      for (std::size_t i = nodes; i < graph_.nodes.size(); ++i) sizes_.follow(graph_, graph_.nodes[i]);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i].empty()) continue;
        if (i >= outputs.size()) import.unsupported("its output " + std::to_string(i) + " is not computed");
        values_[node.outputs[i]] = outputs[i];
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_argument)  // of a rule: what does not fit is the file's
        throw Error(ErrorCode::invalid_file, error.what(), {model_.file, node.offset, printable(node.name)});
      if (error.code() != ErrorCode::unsupported) throw;
      const ErrorPlace place{model_.file, node.offset, printable(import.name())};
      unsupported_.push_back(error.place().field.empty() ? Error(error.code(), error.what(), place) : error);
      mark_unsupported(node);
    }
  }

  /// The nodes behind it are not looked at.
  void mark_unsupported(const Node& node) {
    for (const auto& output : node.outputs)
      if (!output.empty()) values_[output] = kUnsupported;
  }

  void refuse_unsupported() const {
    if (unsupported_.empty()) return;
    if (unsupported_.size() == 1) throw unsupported_[0];
    constexpr std::size_t kMostShown = 20;
    std::string message = std::to_string(unsupported_.size()) + " nodes cannot be run: ";
    const std::string file = printable(model_.file) + ": ";
    for (std::size_t i = 0; i < std::min(unsupported_.size(), kMostShown); ++i) {
      std::string_view node = unsupported_[i].what();
      if (node.starts_with(file)) node.remove_prefix(file.size());
      message += (i == 0 ? "" : "; ") + std::string(node);
    }
    if (unsupported_.size() > kMostShown) message += "; ...";
    throw Error(ErrorCode::unsupported, message, {model_.file, std::nullopt, {}});
  }

  static ValueId constant(NodeImport& import) {
    const auto& attributes = import.node().attributes;
    if (attributes.size() != 1) import.refuse("must have one attribute");
    const Attribute& attribute = attributes[0];
    if (attribute.kind == AttributeKind::tensor) return import.constant(attribute.tensors.at(0));
    if (attribute.kind == AttributeKind::text) return import.strings(attribute.texts, {});
    if (attribute.kind == AttributeKind::texts) {
      const std::int64_t count = std::ssize(attribute.texts);
      return import.strings(attribute.texts, std::span(&count, 1));
    }
    if (attribute.kind == AttributeKind::integers) return import.constant(attribute.integers);
    if (attribute.kind == AttributeKind::integer)
      return import.constant(static_cast<double>(attribute.integers.at(0)), Dtype::i64);
    if (attribute.kind == AttributeKind::real)
      return import.constant(static_cast<double>(attribute.reals.at(0)), Dtype::f32);
    if (attribute.kind != AttributeKind::reals) import.unsupported("sparse tensors are not read");
    const auto copy = std::make_shared<std::vector<float>>(attribute.reals);
    copy->reserve(1);
    return import.constant({reinterpret_cast<const std::byte*>(copy->data()),
                            Dtype::f32,
                            {static_cast<std::int64_t>(copy->size())}},
                           copy);
  }

  const Model& model_;
  const Graph& source_;
  const ImportSizes& given_;
  Importer* outer_;             // what this is a body in
  std::vector<ValueId> taken_;  // of the outer graph, in the order of the inputs that they became
  lathe::Graph graph_;
  SizeValues sizes_;
  std::map<std::string, ValueId, std::less<>> values_;
  std::vector<Error> unsupported_;
};

}  // namespace

std::optional<Dtype> dtype_of(DataType type) {
  const auto found = std::ranges::find(kDtypes, type, &DtypeRow::type);
  return found == kDtypes.end() ? std::nullopt : std::optional(found->dtype);
}

std::pair<TensorView, std::shared_ptr<const void>> tensor_data(const Tensor& tensor) {
  const auto dtype = dtype_of(tensor.data_type);
  if (!dtype || *dtype == Dtype::string)
    throw Error(ErrorCode::unsupported,
                "a tensor of type " + std::string(data_type_name(tensor.data_type)) + " is not read",
                {{}, tensor.offset, printable(tensor.name)});
  const std::uint32_t bits = data_type_bits(tensor.data_type);
  if (bits < 8) {
    const bool is_signed = *dtype == Dtype::i4 || *dtype == Dtype::i2;
    const auto bytes = std::make_shared<std::vector<std::byte>>(spread(tensor, bits, is_signed));
    bytes->reserve(1);
    return {{bytes->data(), *dtype, tensor.dims}, bytes};
  }
  constexpr std::size_t kAlignment = 64;  // of what kernels read
  Tensor whole = aligned(tensor, kAlignment);
  static constexpr std::byte kNothing{};
  const std::byte* data = whole.bytes.empty() ? &kNothing : whole.bytes.data();
  return {{data, *dtype, whole.dims}, whole.owner};
}

lathe::Graph import_graph(const Model& model, const ImportSizes& sizes, ValueNames* names) {
  return Importer(model, sizes).run(names);
}

}  // namespace lathe::onnx
