#include "api/sequence_inputs.h"

#include <vector>

#include "backend/cache_layout.h"

namespace lathe {
namespace {

template <class Item>
Tensor whole_numbers(const std::vector<Item>& items, std::vector<std::int64_t> shape) {
  Tensor tensor{"i32", std::move(shape), {}};
  const auto bytes = std::as_bytes(std::span(items));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

}  // namespace

InputTensors sequence_inputs(std::span<const std::int32_t> ids, std::int64_t past, std::int64_t count) {
  std::vector<std::int32_t> step(ids.begin() + past, ids.begin() + past + count);
  std::vector<std::int32_t> positions, rows;
  for (std::int64_t i = 0; i < count; ++i) {
    positions.push_back(static_cast<std::int32_t>(past + i));
    rows.push_back(static_cast<std::int32_t>(i));
  }
  const std::vector<SequenceEntry> sequences = {
      {0, static_cast<std::int32_t>(count), static_cast<std::int32_t>(past), 0}};
  std::vector<std::int32_t> pages;
  for (std::int64_t page = 0; page * kPageTokens < past + count; ++page)
    pages.push_back(static_cast<std::int32_t>(page));
  const auto page_count = static_cast<std::int64_t>(pages.size());
  InputTensors inputs;
  inputs["ids"] = whole_numbers(step, {count});
  inputs["positions"] = whole_numbers(positions, {count});
  inputs["sequences"] = whole_numbers(sequences, {1, 4});
  inputs["block_tables"] = whole_numbers(pages, {page_count});
  inputs["out_rows"] = whole_numbers(rows, {count});
  return inputs;
}

}  // namespace lathe
