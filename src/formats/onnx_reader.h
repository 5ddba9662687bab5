// The parts of the ONNX reader. Each takes the message that it reads; what all share is the context.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "formats/onnx_external.h"
#include "formats/onnx_model.h"
#include "formats/onnx_wire.h"

namespace lathe::onnx {

inline constexpr int kMaxNesting = 32;             // graphs in graphs, types in types
inline constexpr std::size_t kMaxRank = 16;        // of tensors
inline constexpr std::size_t kMaxNodes = 131'072;  // in all graphs and functions of a file

/// Records of one file. Each is some hundred bytes here and may be as few as two in the file.
class RecordLimit {
 public:
  RecordLimit(std::uint64_t most, std::string_view what) : left_(most), most_(most), what_(what) {}
  /// Counts the message's fields with this number; throws Error(resource_limit) where there are too many.
  std::size_t count(const WireMessage& message, std::uint32_t field);

 private:
  std::uint64_t left_;
  std::uint64_t most_;
  std::string_view what_;
};

struct ReadContext {
  const WireFile& file;
  std::shared_ptr<const void> owner;  // of the file's bytes
  ExternalFiles& external;
  RecordLimit nodes{kMaxNodes, "nodes"};
  RecordLimit values{2'097'152, "inputs and outputs of nodes"};
  RecordLimit attributes{524'288, "attributes"};
  RecordLimit tensors{131'072, "tensors"};
  RecordLimit infos{524'288, "value infos"};
  int graph_depth = 0;
};

/// `number` as data type; fails at the message's field where there is none such.
DataType to_data_type(const WireMessage& message, std::int64_t number);
/// Bytes of packed elements; fails where the dimensions are no tensor's or have over 2^63 - 1 bytes.
std::uint64_t check_dims(const WireMessage& message, const std::vector<std::int64_t>& dims, DataType type,
                         std::string_view name);

Type read_type(WireMessage message, int depth = 1);
ValueInfo read_value_info(WireMessage message);
Tensor read_tensor(WireMessage message, ReadContext& context);
SparseTensor read_sparse_tensor(WireMessage message, ReadContext& context);
Attribute read_attribute(WireMessage message, ReadContext& context);
Node read_node(WireMessage message, ReadContext& context);
Graph read_graph(WireMessage message, ReadContext& context);

}  // namespace lathe::onnx
