// Nodes that compute nothing on rows: new shapes of them, and the whole numbers that say which.
#include <algorithm>

#include "models/onnx_decoder.h"

namespace lathe {
namespace {

using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t kTokens = OnnxValue::kTokens;
constexpr std::int64_t kUnknown = OnnxValue::kUnknown;
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

/// The product of the dims that are numbers, or -1 where it is too great to be one of a row.
std::int64_t product(const Sizes& dims) {
  std::int64_t result = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 1) continue;
    if (dim > kMostElements / result) return -1;
    result *= dim;
  }
  return result;
}

/// Reshape's result with -1 and 0 resolved; the number of tokens stands in it once, or nothing fits. In
/// `target`, -1 of the constant is the dimension to be found and `tokens` what shape arithmetic knows as T.
std::optional<Sizes> resolve(const Sizes& from, Sizes target, const std::vector<bool>& is_tokens,
                             bool allow_zero) {
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (is_tokens[i]) continue;
    if (target[i] == kUnknown) return std::nullopt;
    if (target[i] == 0 && !allow_zero) {
      if (i >= from.size()) return std::nullopt;
      target[i] = from[i];
    } else if (target[i] == -1) {
      if (open) return std::nullopt;
      open = i;
      target[i] = 1;
    }
  }
  const std::int64_t have = product(from), given = product(target);
  if (have < 0 || given < 0) return std::nullopt;
  const bool has_tokens = std::ranges::count(target, kTokens) == 1;
  if (open) {
    if (given == 0 || have % given != 0) return std::nullopt;
    const std::int64_t rest = have / given;
    if (!has_tokens && rest != 1) return std::nullopt;  // tokens times something
    target[*open] = has_tokens ? rest : kTokens;
  }
  if (std::ranges::count(target, kTokens) != 1 || product(target) != have) return std::nullopt;
  if (std::ranges::any_of(target, [](std::int64_t dim) { return dim < 1 && dim != kTokens; }))
    return std::nullopt;
  return target;
}

/// [1, T, C], [T, C], [1, T, H, d] and the like.
bool is_by_token(const Sizes& dims) {
  const auto tokens = std::ranges::find(dims, kTokens);
  return tokens != dims.end() &&
         std::all_of(dims.begin(), tokens, [](std::int64_t dim) { return dim == 1; }) &&
         (dims.end() - tokens == 2 || dims.end() - tokens == 3);
}

}  // namespace

void OnnxDecoder::identity(const onnx::Node& node) { set(node, 0, OnnxValue(input(node, 0))); }

void OnnxDecoder::cast(const onnx::Node& node) {
  const OnnxValue& value = input(node, 0);
  const auto to = static_cast<onnx::DataType>(integer(node, "to", 0));
  const bool whole = to == onnx::DataType::int64 || to == onnx::DataType::int32;
  switch (value.kind) {
    case OnnxValue::Kind::ids:
    case OnnxValue::Kind::positions:
      expect(whole, "ids and positions stay whole numbers");
      break;
    case OnnxValue::Kind::sizes:
      break;
    default:
      expect(to == onnx::DataType::float32, "the network computes in float32 alone");
  }
  OnnxValue result = value;
  if (value.kind == OnnxValue::Kind::sizes && !whole) result.sizes_known = false;
  set(node, 0, std::move(result));
}

void OnnxDecoder::reshape(const onnx::Node& node) {
  if (!input(node, 0).is_tensor()) return sizes(node);
  const auto target = integers(node, 1);
  expect(target.has_value(), "the shape is not known before a run");
  OnnxValue value = input(node, 0);
  const bool computed = input(node, 1).kind == OnnxValue::Kind::sizes;
  std::vector<bool> is_tokens;
  for (const std::int64_t dim : *target) is_tokens.push_back(computed && dim == kTokens);
  const auto dims = resolve(value.dims, *target, is_tokens, integer(node, "allowzero", 0) != 0);
  expect(dims.has_value(), "the shape is none of rows of tokens");
  if (*dims == value.dims) return set(node, 0, std::move(value));
  expect(!value.by_head || value.heads() == 1, "heads in front of tokens cannot be merged");
  expect(is_by_token(*dims), "the shape is none of rows of tokens");
  // The split form is of the old heads.
  OnnxValue result = value;
  result.by_head = false;
  result.dims = *dims;
  if (!result.has_heads() || result.heads() != value.heads()) {
    result.flat = flat(input(node, 0));
    result.split = -1;
    result.sigmoid_of = -1;
  }
  set(node, 0, std::move(result));
}

void OnnxDecoder::transpose(const onnx::Node& node) {
  if (!input(node, 0).is_tensor()) return sizes(node);
  OnnxValue value = input(node, 0);
  const onnx::Attribute* perm = node.find("perm");
  const Sizes swap{0, 2, 1, 3};
  expect(value.dims.size() == 4 && perm != nullptr && perm->integers == swap,
         "heads and tokens alone change places");
  value.by_head = !value.by_head;
  std::swap(value.dims[1], value.dims[2]);
  set(node, 0, std::move(value));
}

/// The ops whose result is known: what shapes are made of.
bool OnnxDecoder::set_sizes_of(const onnx::Node& node) {
  OnnxValue result;
  result.kind = OnnxValue::Kind::sizes;
  result.sizes_known = true;
  if (node.op_type == "Shape") {
    result.sizes = input(node, 0).dims;
    const auto rank = static_cast<std::int64_t>(result.sizes.size());
    const auto bound = [rank](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const std::int64_t start = bound(integer(node, "start", 0)), end = bound(integer(node, "end", rank));
    result.sizes = Sizes(result.sizes.begin() + std::min(start, end), result.sizes.begin() + end);
  } else if (node.op_type == "Concat") {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto part = integers(node, i);
      if (!part) return false;
      result.sizes.insert(result.sizes.end(), part->begin(), part->end());
    }
  } else if (node.op_type == "Gather") {
    const auto from = integers(node, 0), indices = integers(node, 1);
    if (!from || !indices) return false;
    for (std::int64_t at : *indices) {
      const auto size = static_cast<std::int64_t>(from->size());
      at = at < 0 ? at + size : at;
      if (at < 0 || at >= size) return false;
      result.sizes.push_back((*from)[static_cast<std::size_t>(at)]);
    }
  } else if (node.op_type == "Unsqueeze" || node.op_type == "Squeeze") {
    const auto from = integers(node, 0);
    if (!from) return false;
    result.sizes = *from;
  } else {
    return false;
  }
  set(node, 0, std::move(result));
  return true;
}

/// Arithmetic of lengths, masks and shapes: what it gives matters only where a node reads a shape from it.
void OnnxDecoder::sizes(const onnx::Node& node) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!has(node, i)) continue;
    const OnnxValue& value = input(node, i);
    expect(!value.is_tensor() || node.op_type == "Shape", "it is not computed on rows of tokens");
  }
  if (node.op_type == "Shape" && input(node, 0).dims.empty()) refuse("the shape is not known");
  if (set_sizes_of(node)) return;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    OnnxValue unknown;
    unknown.kind = OnnxValue::Kind::sizes;
    set(node, i, std::move(unknown));
  }
}

std::span<const OnnxDecoder::Handler> OnnxDecoder::layout_handlers() {
  static constexpr Handler kHandlers[] = {
      {"", "Identity", &OnnxDecoder::identity},
      {"", "Cast", &OnnxDecoder::cast},
      {"", "Reshape", &OnnxDecoder::reshape},
      {"", "Transpose", &OnnxDecoder::transpose},
      {"", "Shape", &OnnxDecoder::sizes},
      {"", "Concat", &OnnxDecoder::sizes},
      {"", "Unsqueeze", &OnnxDecoder::sizes},
      {"", "Squeeze", &OnnxDecoder::sizes},
      {"", "Slice", &OnnxDecoder::sizes},
      {"", "Range", &OnnxDecoder::sizes},
      {"", "Expand", &OnnxDecoder::sizes},
      {"", "ReduceSum", &OnnxDecoder::sizes},
      {"", "ReduceMax", &OnnxDecoder::sizes},
      {"", "CumSum", &OnnxDecoder::sizes},
      {"", "Equal", &OnnxDecoder::sizes},
      {"", "Greater", &OnnxDecoder::sizes},
      {"", "Less", &OnnxDecoder::sizes},
      {"", "LessOrEqual", &OnnxDecoder::sizes},
      {"", "GreaterOrEqual", &OnnxDecoder::sizes},
      {"", "And", &OnnxDecoder::sizes},
      {"", "Not", &OnnxDecoder::sizes},
      {"", "Where", &OnnxDecoder::sizes},
      {"", "ConstantOfShape", &OnnxDecoder::sizes},
      {"", "Trilu", &OnnxDecoder::sizes},
  };
  return kHandlers;
}

}  // namespace lathe
