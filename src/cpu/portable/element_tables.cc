// Ops that look elements up: ArrayFeatureExtractor (x, i64 indices) picks from the last dimension, and an
// index out of range is a fault; LabelEncoder (x, keys, values, default) gives the value of the last key that
// is equal, NaN to NaN.
#include <cstring>

#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

void run_extractor(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const std::int64_t columns = column_count(x);
  const std::int64_t picked = element_count(call.inputs[1]);
  const std::int64_t bytes = element_bytes(x);
  const auto* source = data_of<const std::byte>(x);
  const auto* indices = data_of<const std::int64_t>(call.inputs[1]);
  auto* y = data_of<std::byte>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t index = indices[i % picked];
    if (index < 0 || index >= columns) {
      raise_fault(call);
      std::memset(y + i * bytes, 0, static_cast<std::size_t>(bytes));
      continue;
    }
    const auto* element = source + (i / picked * columns + index) * bytes;
    std::copy(element, element + bytes, y + i * bytes);
  }
}

using Keys = Elements<float, double, std::int64_t, std::int32_t, std::int16_t, TextNumber>;

template <class Key>
bool is_key(Key x, Key key) {
  return x == key || (x != x && key != key);
}

void run_encoder(const KernelCall& call) {
  const std::int64_t bytes = element_bytes(call.outputs[0]);
  const std::int64_t count = element_count(call.inputs[1]);
  const auto* values = data_of<const std::byte>(call.inputs[2]);
  const auto* otherwise = data_of<const std::byte>(call.inputs[3]);
  auto* y = data_of<std::byte>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  visit(Keys(), dtype_of(call.inputs[0]), [&]<class Key>() {
    const auto* x = data_of<const Key>(call.inputs[0]);
    const auto* keys = data_of<const Key>(call.inputs[1]);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      std::int64_t key = count - 1;
      while (key >= 0 && !is_key(x[i], keys[key])) --key;
      const auto* value = key < 0 ? otherwise : values + key * bytes;
      std::copy(value, value + bytes, y + i * bytes);
    }
  });
}

bool accepts_extractor(const NodeTypes& types) {
  return is_element(types.inputs[0].dtype) && types.inputs[1].dtype == Dtype::i64;
}

}  // namespace

std::span<const Kernel> element_tables_kernels() {
  static const Kernel kKernels[] = {
      element_kernel("array_feature_extractor", "ArrayFeatureExtractor", run_extractor, accepts_extractor),
      element_kernel("label_encoder", "LabelEncoder", run_encoder, accepts_first<Keys>),
  };
  return kKernels;
}

}  // namespace lathe::portable
