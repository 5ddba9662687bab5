// What the nodes of com.microsoft that multiply by codes, or gather rows of them, say of their matrix.
#include "base/error.h"
#include "formats/onnx_weights.h"

namespace lathe::onnx {
namespace {

constexpr std::int64_t kMostRows = 1 << 28;  // and columns: no product of them overflows

class NodeReader {
 public:
  NodeReader(const Node& node, const std::string& file) : node_(node), file_(file) {}

  std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    const Attribute* attribute = node_.find(name);
    return attribute == nullptr || attribute->integers.size() != 1 ? otherwise : attribute->integers[0];
  }
  bool has(std::size_t input) const { return input < node_.inputs.size() && !node_.inputs[input].empty(); }
  void expect(bool holds, const char* message) const {
    if (holds) return;
    const std::string& name = node_.name.empty() ? node_.op_type : node_.name;
    throw Error(ErrorCode::invalid_file, printable(node_.op_type) + " " + printable(name) + ": " + message,
                {file_, node_.offset, printable(name)});
  }

 private:
  const Node& node_;
  const std::string& file_;
};

/// [rows, columns] of codes of 4 bits, or of bytes with 8 / bits codes in each.
void read_gathered(const NodeReader& node, CodeMatrix& matrix) {
  const Tensor& codes = *matrix.codes;
  const std::int64_t axis = node.integer("quantize_axis", 1);
  node.expect(codes.dims.size() == 2 && node.integer("gather_axis", 0) == 0 && (axis == 1 || axis == -1),
              "rows of a matrix alone are gathered, in blocks of their columns");
  const bool bytes = codes.data_type == DataType::uint8;
  node.expect(bytes || codes.data_type == DataType::uint4 || codes.data_type == DataType::int4,
              "codes are bytes, or of 4 bits");
  if (!bytes) matrix.bits = 4;
  matrix.is_signed = codes.data_type == DataType::int4;
  matrix.otherwise = bytes ? std::int64_t{1} << (matrix.bits - 1) : 0;
  matrix.rows = codes.dims[0];
  node.expect(codes.dims[1] <= kMostRows, "the matrix has no size that can be");
  matrix.columns = codes.dims[1] * (bytes ? 8 / matrix.bits : 1);
  node.expect(matrix.columns * matrix.bits % 8 == 0, "a row of codes does not end with a byte");
}

void read_multiplied(const NodeReader& node, CodeMatrix& matrix) {
  node.expect(!node.has(4), "g_idx is not supported");
  node.expect(data_type_bits(matrix.codes->data_type) == 8, "codes must be bytes");
  matrix.rows = node.integer("N", 0);
  matrix.columns = node.integer("K", 0);
  matrix.otherwise = std::int64_t{1} << (matrix.bits - 1);
}

}  // namespace

CodeMatrix code_matrix(const Node& node, const std::function<const Tensor*(std::size_t input)>& constant,
                       const std::string& file) {
  const NodeReader reader(node, file);
  const bool gathered = node.op_type == "GatherBlockQuantized";
  CodeMatrix matrix;
  matrix.codes = constant(gathered ? 0 : 1);
  matrix.scales = constant(2);
  matrix.zeros = reader.has(3) ? constant(3) : nullptr;
  reader.expect(matrix.codes != nullptr && matrix.scales != nullptr, "codes and scales must be constants");
  reader.expect(matrix.zeros != nullptr || !reader.has(3), "zero points must be constants");
  matrix.bits = reader.integer("bits", 4);
  matrix.block = reader.integer("block_size", gathered ? 128 : 0);
  reader.expect(matrix.bits == 2 || matrix.bits == 4 || matrix.bits == 8, "codes have 2, 4 or 8 bits");
  reader.expect(matrix.block >= 16 && matrix.block <= kMostRows, "block_size must be 16 or more");
  if (gathered)
    read_gathered(reader, matrix);
  else
    read_multiplied(reader, matrix);
  reader.expect(
      matrix.rows >= 1 && matrix.rows <= kMostRows && matrix.columns >= 1 && matrix.columns <= kMostRows,
      "the matrix has no size that can be");
  return matrix;
}

}  // namespace lathe::onnx
