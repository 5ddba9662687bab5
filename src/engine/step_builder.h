// Writes down one step as the plan wants it (backend/cache_layout.h), and sends it to the device as one
// block:
//   ids | positions | sequences | block_tables | out_rows       each part at a multiple of 64 bytes
// All room is taken when it is made; a step allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cache_layout.h"
#include "engine/engine.h"

namespace lathe {

class StepBuilder {
 public:
  /// Throws Error(invalid_argument) where the plan is not one for the engine: unknown symbols, inputs that
  /// lack.
  StepBuilder(const Plan& plan, Backend& backend);

  void clear();
  /// Rows for a sequence's tokens at positions `past` and behind; `pages` from position 0 on. Returns the
  /// first row.
  std::int32_t add(std::span<const TokenId> ids, std::int32_t past, std::span<const std::int32_t> pages);
  /// The logits of this row are asked for; the order of calls is the order of the outputs' rows.
  void want(std::int32_t row) { out_rows_.push_back(row); }

  std::int32_t wanted_rows() const { return static_cast<std::int32_t>(out_rows_.size()); }

  /// Sends the step and binds its parts. `pages`: of the cache, or without one those that the step uses.
  void upload(ExecutionContext& context, std::int64_t pages);
  /// In the plan's order, as of the last upload.
  std::span<const std::int64_t> symbols() const { return symbols_; }

  /// Bytes that a sequence with so many rows, pages and wanted rows adds to the block.
  static std::uint64_t bytes_for(std::int32_t rows, std::size_t pages, std::int32_t wanted);
  /// The greatest value that the plan allows for a symbol; throws Error(invalid_argument) if it has none
  /// such.
  static std::int64_t limit(const Plan& plan, const char* symbol);

 private:
  static constexpr std::size_t kParts = 5;
  std::array<std::span<const std::byte>, kParts> parts() const;

  Backend& backend_;
  std::array<int, kParts> bindings_{};
  std::vector<int> symbol_kinds_;  // for each symbol of the plan: index into kSymbols
  std::vector<std::int64_t> symbols_;
  std::vector<std::int32_t> ids_;           // [T]
  std::vector<std::int32_t> positions_;     // [T]
  std::vector<SequenceEntry> sequences_;    // [Q]
  std::vector<std::int32_t> block_tables_;  // [B]
  std::vector<std::int32_t> out_rows_;      // [S]
  std::vector<std::byte> block_;
  Buffer device_block_;
};

}  // namespace lathe
