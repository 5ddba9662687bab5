#include "engine/step_builder.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::array<std::string_view, 5> kInputs = {"ids", "positions", "sequences", "block_tables",
                                                     "out_rows"};
constexpr std::array<std::string_view, 5> kSymbols = {"T", "Q", "B", "S", "P"};

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

template <class Item>
std::span<const std::byte> bytes_of(const std::vector<Item>& items) {
  return std::as_bytes(std::span(items));
}

}  // namespace

std::int64_t StepBuilder::limit(const Plan& plan, const char* symbol) {
  return plan.symbols[static_cast<std::size_t>(plan.symbol(symbol))].maximum;
}

StepBuilder::StepBuilder(const Plan& plan, Backend& backend) : backend_(backend) {
  for (std::size_t i = 0; i < kParts; ++i) bindings_[i] = plan.binding(kInputs[i]);
  for (const auto& symbol : plan.symbols) {
    const auto found = std::find(kSymbols.begin(), kSymbols.end(), symbol.name);
    if (found == kSymbols.end())
      throw Error(ErrorCode::invalid_argument, "the plan has an unknown symbol " + printable(symbol.name));
    symbol_kinds_.push_back(static_cast<int>(found - kSymbols.begin()));
  }
  symbols_.resize(plan.symbols.size());
  const auto most = [&](const char* symbol) { return static_cast<std::size_t>(limit(plan, symbol)); };
  ids_.reserve(most("T"));
  positions_.reserve(most("T"));
  sequences_.reserve(most("Q"));
  block_tables_.reserve(most("B"));
  out_rows_.reserve(most("S"));
  block_.resize(2 * aligned(most("T") * sizeof(std::int32_t)) + aligned(most("Q") * sizeof(SequenceEntry)) +
                aligned(most("B") * sizeof(std::int32_t)) + aligned(most("S") * sizeof(std::int32_t)));
  device_block_ = backend.allocate(block_.size());
}

void StepBuilder::clear() {
  ids_.clear();
  positions_.clear();
  sequences_.clear();
  block_tables_.clear();
  out_rows_.clear();
}

std::int32_t StepBuilder::add(std::span<const TokenId> ids, std::int32_t past,
                              std::span<const std::int32_t> pages) {
  const auto row = static_cast<std::int32_t>(ids_.size());
  sequences_.push_back(
      {row, static_cast<std::int32_t>(ids.size()), past, static_cast<std::int32_t>(block_tables_.size())});
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  for (std::size_t i = 0; i < ids.size(); ++i) positions_.push_back(past + static_cast<std::int32_t>(i));
  block_tables_.insert(block_tables_.end(), pages.begin(), pages.end());
  return row;
}

std::array<std::span<const std::byte>, StepBuilder::kParts> StepBuilder::parts() const {
  return {bytes_of(ids_), bytes_of(positions_), bytes_of(sequences_), bytes_of(block_tables_),
          bytes_of(out_rows_)};
}

void StepBuilder::upload(ExecutionContext& context, std::int64_t pages) {
  std::size_t end = 0;
  const auto all = parts();
  for (std::size_t i = 0; i < kParts; ++i) {
    CHECK(end + all[i].size() <= block_.size());
    context.bind(bindings_[i], device_block_, end);
    if (!all[i].empty()) std::memcpy(block_.data() + end, all[i].data(), all[i].size());
    end += i + 1 < kParts ? aligned(all[i].size()) : all[i].size();
  }
  backend_.write(device_block_, 0, std::span(block_).first(end));

  const std::array<std::int64_t, kSymbols.size()> values = {
      static_cast<std::int64_t>(ids_.size()), static_cast<std::int64_t>(sequences_.size()),
      static_cast<std::int64_t>(block_tables_.size()), static_cast<std::int64_t>(out_rows_.size()), pages};
  for (std::size_t i = 0; i < symbols_.size(); ++i)
    symbols_[i] = values[static_cast<std::size_t>(symbol_kinds_[i])];
}

std::uint64_t StepBuilder::bytes_for(std::int32_t rows, std::size_t pages, std::int32_t wanted) {
  const auto numbers = 2 * static_cast<std::uint64_t>(rows) + pages + static_cast<std::uint64_t>(wanted);
  return numbers * sizeof(std::int32_t) + sizeof(SequenceEntry);
}

}  // namespace lathe
