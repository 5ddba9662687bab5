// ONNX networks as plain structs: what onnx.proto says for IR versions 3 to 14, with sizes and names checked
// and nothing interpreted. Large tensors stay where they lie in the mapped file.
//
//   Model -> Graph -> Node -> Attribute -> Tensor, or a Graph again (the bodies of If, Loop and Scan)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace lathe::onnx {

/// TensorProto.DataType, with its numbers.
enum class DataType : std::uint8_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
  float6e2m3 = 27,
  float6e3m2 = 28,
};

/// As ONNX writes it: "FLOAT", "INT64".
std::string_view data_type_name(DataType type);
/// Bits of one element in Tensor::bytes; 0 for strings and undefined.
std::uint32_t data_type_bits(DataType type);

/// Row-major and little-endian. Elements of 4 and 2 bits (and of 6) are packed, the first one lowest, and the
/// last byte may be part full.
struct Tensor {
  std::string name;
  DataType data_type = DataType::undefined;
  std::vector<std::int64_t> dims;     // outermost first, none negative; empty: a scalar
  std::span<const std::byte> bytes;   // exactly those of `dims`; not aligned, see aligned()
  std::shared_ptr<const void> owner;  // of `bytes`
  std::vector<std::string> strings;   // of DataType::string, in place of bytes
  std::uint64_t offset = 0;           // of the message in the file, for errors

  std::uint64_t elements() const;
};

/// The same tensor with its bytes on a multiple of `alignment`; copied only where they are not.
Tensor aligned(Tensor tensor, std::size_t alignment);

/// In COO form: `indices` is int64 [count] (of flat positions) or [count, rank].
struct SparseTensor {
  Tensor values;  // [count]; its name is the tensor's
  Tensor indices;
  std::vector<std::int64_t> dims;  // of the dense tensor
};

struct Dim {
  std::optional<std::int64_t> value;
  std::string parameter;  // a name such as "batch"; empty with no value: not known
};

enum class TypeKind : std::uint8_t { none, tensor, sparse_tensor, sequence, optional, map, opaque };

struct Type {
  TypeKind kind = TypeKind::none;            // none: the file does not say
  DataType data_type = DataType::undefined;  // of tensors; a map's keys
  bool has_shape = false;                    // of tensors; without it the rank is not known
  std::vector<Dim> dims;
  std::shared_ptr<const Type> element;  // of a sequence, an optional and a map's values
};

struct ValueInfo {
  std::string name;
  Type type;
};

struct Graph;

/// Names are AttributeProto's, as words. The plural kinds are lists.
enum class AttributeKind : std::uint8_t {
  undefined,
  real,
  integer,
  text,
  tensor,
  graph,
  reals,
  integers,
  texts,
  tensors,
  graphs,
  sparse_tensor,
  sparse_tensors,
  type,
  types,
};

/// The list of its kind is filled; of a kind that is one value, with exactly one element.
struct Attribute {
  std::string name;
  AttributeKind kind = AttributeKind::undefined;
  std::string ref_attr_name;  // in functions: takes the value of the call's attribute of this name
  std::vector<float> reals;
  std::vector<std::int64_t> integers;
  std::vector<std::string> texts;
  std::vector<Tensor> tensors;
  std::vector<Graph> graphs;
  std::vector<SparseTensor> sparse_tensors;
  std::vector<Type> types;
  std::uint64_t offset = 0;
};

struct Node {
  std::string name;  // may be empty
  std::string op_type;
  std::string domain;  // "" also for "ai.onnx"
  std::string overload;
  std::vector<std::string> inputs;   // "": not given
  std::vector<std::string> outputs;  // "": not wanted
  std::vector<Attribute> attributes;
  std::int64_t opset = 0;  // version of its domain that it was written for; 0: a function of the model's own
  std::uint64_t offset = 0;  // of the message in the file, for errors

  /// Null where it is not given.
  const Attribute* find(std::string_view attribute) const;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;  // each behind those that it reads
  std::vector<Tensor> initializers;
  std::vector<SparseTensor> sparse_initializers;
  std::vector<ValueInfo> inputs;  // those of an initializer's name have it as their default
  std::vector<ValueInfo> outputs;
  std::vector<ValueInfo> value_infos;
  std::uint64_t offset = 0;
};

struct OpsetImport {
  std::string domain;  // "" also for "ai.onnx"
  std::int64_t version = 0;
};

struct Function {
  std::string name;
  std::string domain;
  std::string overload;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attributes;        // names without a default
  std::vector<Attribute> default_attributes;  // attribute_proto
  std::vector<Node> nodes;
  std::vector<OpsetImport> opset_imports;
  std::vector<ValueInfo> value_infos;
  std::uint64_t offset = 0;
};

struct Model {
  std::string file;  // for errors
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opset_imports;
  std::string producer_name;
  std::string producer_version;
  Graph graph;
  std::vector<Function> functions;
  std::map<std::string, std::string, std::less<>> metadata;

  /// Of the domain; nothing where the model does not import it.
  std::optional<std::int64_t> opset(std::string_view domain) const;
};

/// Reads, checks (check_model) and maps external data, which must lie in the file's folder.
/// Throws Error(invalid_file) with offset and node or tensor, Error(unsupported) for IR versions and opsets
/// that are newer than those known, and what MappedFile throws.
Model read_onnx(const std::string& path);
Model read_onnx(const std::shared_ptr<const MappedFile>& file);

/// A value as the conformance suite's files have it.
struct Value {
  TypeKind kind =
      TypeKind::none;  // tensor, sparse_tensor, sequence, optional, map; none: an optional's nothing
  Tensor tensor;
  SparseTensor sparse;
  std::vector<Value> elements;  // of a sequence; of an optional: one, or none where it is empty
  std::string name;
};

/// TensorProto, SequenceProto and OptionalProto alone in a file.
Tensor read_tensor_file(const std::shared_ptr<const MappedFile>& file);
Value read_sequence_file(const std::shared_ptr<const MappedFile>& file);
Value read_optional_file(const std::shared_ptr<const MappedFile>& file);

}  // namespace lathe::onnx
