#include "formats/onnx_import.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "base/error.h"
#include "formats/onnx_lower.h"

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

class Importer {
 public:
  Importer(const Model& model, const InputShapes& shapes) : model_(model), shapes_(shapes) {
    graph_.name = model.graph.name.empty() ? "network" : model.graph.name;
  }

  lathe::Graph run() {
    add_initializers();
    add_inputs();
    for (const auto& node : model_.graph.nodes) add(node);
    refuse_unsupported();
    for (const auto& output : model_.graph.outputs) graph_.add_output(output.name, value(output.name));
    return std::move(graph_);
  }

 private:
  static constexpr ValueId kUnsupported = -1;  // the value of a node that cannot be run

  void add_initializers() {
    for (const auto& tensor : model_.graph.initializers) {
      auto [view, owner] = tensor_data(tensor);
      values_[tensor.name] = graph_.add_constant(tensor.name, std::move(view), std::move(owner));
    }
    if (!model_.graph.sparse_initializers.empty())
      throw Error(ErrorCode::unsupported, "sparse initializers are not read",
                  {model_.file, std::nullopt, model_.graph.sparse_initializers[0].values.name});
  }

  void add_inputs() {
    for (const auto& input : model_.graph.inputs) {
      if (values_.contains(input.name)) continue;  // an initializer is its default
      const auto refuse = [&](const std::string& message) {
        throw Error(ErrorCode::unsupported, "the input " + message, {model_.file, std::nullopt, input.name});
      };
      if (input.type.kind != TypeKind::tensor) refuse("is no tensor");
      const auto dtype = dtype_of(input.type.data_type);
      if (!dtype) refuse("has elements of type " + std::string(data_type_name(input.type.data_type)));
      ValueType type{*dtype, {}};
      const auto given = shapes_.find(input.name);
      if (input.type.has_shape) {
        for (std::size_t i = 0; i < input.type.dims.size(); ++i) type.dims.push_back(dim(input, i));
      } else if (given != shapes_.end()) {
        type.dims.assign(given->second.begin(), given->second.end());
      } else {
        refuse("has no number of dimensions, and no tensor is given for it");
      }
      values_[input.name] = graph_.add_input(input.name, std::move(type));
    }
  }

  static lathe::Dim dim(const ValueInfo& input, std::size_t axis) {
    const Dim& found = input.type.dims[axis];
    if (found.value) return *found.value;
    if (!found.parameter.empty() && found.parameter != "?") return found.parameter;
    return input.name + "." + std::to_string(axis);  // a symbol of its own
  }

  ValueId value(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end())
      throw Error(ErrorCode::invalid_file, "nothing defines this value", {model_.file, std::nullopt, name});
    return found->second;
  }

  void add(const Node& node) {
    std::vector<ValueId> inputs;
    const auto is_left_out = [](const std::string& name) { return name.empty(); };
    const auto end = std::ranges::find_if_not(node.inputs.rbegin(), node.inputs.rend(), is_left_out).base();
    for (auto name = node.inputs.begin(); name != end; ++name) {
      inputs.push_back(name->empty() ? NodeImport(graph_, node, {}, model_.file).absent() : value(*name));
      if (inputs.back() == kUnsupported) return mark_unsupported(node);
    }
    NodeImport import(graph_, node, std::move(inputs), model_.file);
    try {
      const auto outputs =
          node.op_type == "Constant" && node.domain.empty() ? std::vector{constant(import)} : lower(import);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i].empty()) continue;
        if (i >= outputs.size()) import.unsupported("its output " + std::to_string(i) + " is not computed");
        values_[node.outputs[i]] = outputs[i];
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_argument)  // of a rule: what does not fit is the file's
        throw Error(ErrorCode::invalid_file, error.what(), {model_.file, node.offset, printable(node.name)});
      if (error.code() != ErrorCode::unsupported) throw;
      unsupported_.push_back(error);
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
    std::string message = std::to_string(unsupported_.size()) + " nodes cannot be run:";
    for (std::size_t i = 0; i < std::min(unsupported_.size(), kMostShown); ++i)
      message += "\n  " + printable(unsupported_[i].place().field) + ": " + unsupported_[i].what();
    if (unsupported_.size() > kMostShown) message += "\n  ...";
    throw Error(ErrorCode::unsupported, message, {model_.file, std::nullopt, {}});
  }

  static ValueId constant(NodeImport& import) {
    const auto& attributes = import.node().attributes;
    if (attributes.size() != 1) import.refuse("must have one attribute");
    const Attribute& attribute = attributes[0];
    if (attribute.kind == AttributeKind::tensor) {
      auto [view, owner] = tensor_data(attribute.tensors.at(0));
      return import.constant(std::move(view), std::move(owner));
    }
    if (attribute.kind == AttributeKind::integers) return import.constant(attribute.integers);
    if (attribute.kind == AttributeKind::integer)
      return import.constant(static_cast<double>(attribute.integers.at(0)), Dtype::i64);
    if (attribute.kind == AttributeKind::real)
      return import.constant(static_cast<double>(attribute.reals.at(0)), Dtype::f32);
    if (attribute.kind != AttributeKind::reals) import.unsupported("texts and sparse tensors are not read");
    const auto copy = std::make_shared<std::vector<float>>(attribute.reals);
    copy->reserve(1);
    return import.constant({reinterpret_cast<const std::byte*>(copy->data()),
                            Dtype::f32,
                            {static_cast<std::int64_t>(copy->size())}},
                           copy);
  }

  const Model& model_;
  const InputShapes& shapes_;
  lathe::Graph graph_;
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
  if (!dtype)
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

lathe::Graph import_graph(const Model& model, const InputShapes& shapes) {
  return Importer(model, shapes).run();
}

}  // namespace lathe::onnx
