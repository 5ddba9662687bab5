// The driver of FusedLinear: products of some groups of rows with a chunk of tokens go into tiles of scratch
// that stay in the cache, the program runs over them, and its outputs are stored or quantized. Products are
// those of Linear and QuantizedLinear and the functions those of RowProgram, so results are theirs bit for
// bit. Plain data and functions of internal linkage, so that ISA files may include it.
//
// Threads share units: one group of one part of the program (fused_parts.h) times one chunk of tokens; two
// groups where an output is quantized, since its blocks have 32 columns. The units of all parts are numbered
// one behind the other and dealt in contiguous runs of equal bytes of weights.
//
// Scratch of each thread: a slot [tokens of a chunk][columns of a tile] for each product, temporary and
// input; behind them what blocks as files have them need (quantized_blocks.h), where a weight has those;
// then what the ISA prepares of a chunk of tokens.
//
// A `Functions` type has the members of a `Products` type (products.h) and, as for RowProgram
// (row_program.h), binary, unary and quantize.
#pragma once

#include "cpu/isa_kernel.h"
#include "cpu/products.h"
#include "cpu/row_program.h"
#include "graph/fused_parts.h"

namespace lathe::fused_linear {
namespace {

using row_program::TileOperand;

/// Numbers of a tile: those of its token t are at data + t * stride.
struct Location {
  float* data;
  std::int64_t stride;
  bool single;  // one number for the whole tile
};

struct Part {
  FusedPart sets;
  std::int64_t rows;  // of each of its weights
  std::int64_t unit_groups;
  std::int64_t units;
  std::int64_t unit_bytes;    // of weights
  std::int64_t first_byte;    // of the bytes of all units times all chunks
  std::int32_t stored_alone;  // the product that is the part's whole output, or -1
};

/// What a thread does at once.
struct Tile {
  Share groups;
  Share tokens;
  std::int64_t columns;  // of the tile, whole groups
  std::int64_t valid;    // of them those that exist
  std::int64_t rows;     // of the weights: columns of the output
};

struct Sizes {
  std::int64_t tokens;  // of a chunk, at most
  std::int64_t tile_groups;
  std::int64_t slot;  // numbers
};

constexpr std::int64_t kTileNumbers = 4096;  // 16 KiB

template <class Functions>
constexpr Sizes sizes_of(const KernelCall& call) {
  const std::int64_t chunk = matmul_split(call).chunk_tokens;
  const std::int64_t all = call.inputs[0].dims[0];
  const std::int64_t tokens = all < chunk ? all : chunk;
  constexpr std::int64_t kStep = Functions::kTileGroups;
  constexpr std::int64_t kMost = 32 / kStep * kStep;
  const std::int64_t fitting = tokens == 0 ? kMost : kTileNumbers / kPackedRows / tokens / kStep * kStep;
  const std::int64_t groups = fitting < kStep ? kStep : fitting > kMost ? kMost : fitting;
  return {tokens, groups, (tokens * groups + 1) * kPackedRows};
}

/// Offsets in bytes.
struct Scratch {
  std::int64_t blocks;
  std::int64_t prepared;
  std::int64_t bytes;
  const ChunkPreparation* preparation;  // of the first layout that wants one
};

template <class Functions>
Scratch scratch_of(const KernelCall& call) {
  const FusedProgram& program = *call.attributes[0].program;
  const std::int64_t slots = program.products + program.temporaries + program.inputs;
  const Sizes sizes = sizes_of<Functions>(call);
  const std::int64_t columns = call.inputs[0].dims[1];
  bool blocks = false;
  const ChunkPreparation* preparation = nullptr;
  for (std::int32_t i = 0; i < program.products; ++i) {
    const std::int32_t dtype = call.inputs[1 + i].dtype;
    blocks = blocks || is_blocks(dtype);
    if (preparation == nullptr) preparation = Functions::multiply_of(dtype).preparation;
  }
  Scratch scratch{slots * sizes.slot * static_cast<std::int64_t>(sizeof(float)), 0, 0, preparation};
  scratch.prepared = scratch.blocks + (blocks ? static_cast<std::int64_t>(blocks_scratch_bytes(columns)) : 0);
  scratch.bytes = scratch.prepared + (preparation != nullptr ? preparation->bytes(sizes.tokens, columns) : 0);
  return scratch;
}

template <class Functions>
std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(scratch_of<Functions>(call).bytes);
}

template <class Functions>
class Run {
 public:
  explicit Run(const KernelCall& call)
      : call_(call),
        program_(*call.attributes[0].program),
        split_(matmul_split(call)),
        sizes_(sizes_of<Functions>(call)),
        scratch_(scratch_of<Functions>(call)),
        columns_(call.inputs[0].dims[1]) {
    const std::int64_t all = call.inputs[0].dims[0];
    tokens_ = split_.by_tokens ? thread_share(all, call.thread, call.threads) : Share{0, all};
    chunks_ = chunk_count(tokens_.end - tokens_.begin, split_.chunk_tokens);
    for (std::int32_t i = 0; i < program_.products; ++i)
      layouts_[i] = Functions::multiply_of(call.inputs[1 + i].dtype);
    const FusedParts parts = fused_parts(program_);
    std::int64_t bytes = 0;
    for (; count_ < parts.count; ++count_) {
      parts_[count_] = part_of(parts.part[count_], bytes);
      bytes += parts_[count_].units * parts_[count_].unit_bytes * chunks_;
    }
    bytes_ = split_.by_tokens ? Share{0, bytes} : thread_share(bytes, call.thread, call.threads);
  }

  void run() const {
    for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
      const std::int64_t begin = tokens_.begin + chunk * split_.chunk_tokens;
      const std::int64_t end = begin + split_.chunk_tokens;
      const Share tokens{begin, end < tokens_.end ? end : tokens_.end};
      if (scratch_.preparation != nullptr) prepare(tokens);
      for (std::int32_t p = 0; p < count_; ++p) run_part(parts_[p], chunk, tokens);
    }
  }

 private:
  void prepare(const Share& tokens) const {
    const KernelCall chunk{call_.inputs, nullptr, nullptr, scratch_at(scratch_.prepared), 1, 0, 1};
    scratch_.preparation->prepare(chunk, {tokens.end, columns_, 0, 0}, tokens);
  }

  std::int64_t group_bytes(std::int32_t product) const {
    return packed_group_bytes(layouts_[product].layout, columns_);
  }

  Part part_of(const FusedPart& sets, std::int64_t first_byte) const {
    Part part{sets, 0, 1, 0, 0, first_byte, -1};
    std::int32_t instructions = 0;
    for (std::int32_t i = 0; i < program_.count; ++i) {
      if (!in_set(sets.instructions, i)) continue;
      const FusedInstruction& instruction = program_.instructions[i];
      if (instruction.function == FusedFunction::quantize) part.unit_groups = kActivationBlock / kPackedRows;
      const bool stores = instruction.function == FusedFunction::store &&
                          instruction.operands[0].place == FusedPlace::product;
      part.stored_alone = stores && instructions == 0 ? instruction.operands[0].index : -1;
      ++instructions;
    }
    for (std::int32_t i = 0; i < program_.products; ++i) {
      if (!in_set(sets.products, i)) continue;
      part.rows = call_.inputs[1 + i].dims[0];
      part.unit_bytes += group_bytes(i) * part.unit_groups;
    }
    const std::int64_t groups = (part.rows + kPackedRows - 1) / kPackedRows;
    part.units = (groups + part.unit_groups - 1) / part.unit_groups;
    return part;
  }

  /// How many of the part's units, chunk by chunk, lie before `byte`.
  std::int64_t units_before(const Part& part, std::int64_t byte) const {
    if (byte <= part.first_byte || part.unit_bytes == 0) return 0;
    const std::int64_t units = (byte - part.first_byte + part.unit_bytes - 1) / part.unit_bytes;
    return units < part.units * chunks_ ? units : part.units * chunks_;
  }

  void run_part(const Part& part, std::int64_t chunk, const Share& tokens) const {
    const Share numbers{units_before(part, bytes_.begin), units_before(part, bytes_.end)};
    const Share units = units_of_chunk(numbers, chunk, chunks_);
    const std::int64_t groups = (part.rows + kPackedRows - 1) / kPackedRows;
    const std::int64_t end = units.end * part.unit_groups < groups ? units.end * part.unit_groups : groups;
    std::int64_t begin = units.begin * part.unit_groups;
    if (part.stored_alone >= 0 && begin < end) return store_product(part, {begin, end}, tokens);
    for (; begin < end; begin += sizes_.tile_groups) {
      const std::int64_t last = begin + sizes_.tile_groups < end ? begin + sizes_.tile_groups : end;
      const std::int64_t columns = (last - begin) * kPackedRows;
      const std::int64_t left = part.rows - begin * kPackedRows;
      run_tile(part, {{begin, last}, tokens, columns, left < columns ? left : columns, part.rows});
    }
  }

  /// Straight to the output.
  void store_product(const Part& part, const Share& groups, const Share& tokens) const {
    std::int32_t output = 0;
    while (!in_set(part.sets.outputs, output)) ++output;
    const TensorArg inputs[2] = {call_.inputs[0], call_.inputs[1 + part.stored_alone]};
    const KernelCall product{
        inputs, call_.outputs + output, nullptr, product_scratch(part.stored_alone), 2, 0, 1};
    layouts_[part.stored_alone].multiply(
        product, {tokens.end, columns_, part.rows, (part.rows + kPackedRows - 1) / kPackedRows}, groups,
        tokens);
  }

  void multiply(std::int32_t product, const Tile& tile) const {
    TensorArg inputs[2] = {call_.inputs[0], call_.inputs[1 + product]};
    const std::int64_t row_bytes = Functions::row_bytes(columns_);
    inputs[0].data = static_cast<std::uint8_t*>(inputs[0].data) + tile.tokens.begin * row_bytes;
    inputs[1].data = static_cast<std::uint8_t*>(inputs[1].data) + tile.groups.begin * group_bytes(product);
    inputs[1].dims[0] -= tile.groups.begin * kPackedRows;
    TensorArg result{slot(product), {}, 2, 0};
    const std::int64_t groups = tile.groups.end - tile.groups.begin;
    const std::int64_t count = tile.tokens.end - tile.tokens.begin;
    layouts_[product].multiply({inputs, &result, nullptr, product_scratch(product), 2, 0, 1},
                               {count, columns_, tile.columns, groups}, {0, groups}, {0, count});
  }

  float* slot(std::int64_t index) const { return static_cast<float*>(call_.scratch) + index * sizes_.slot; }

  void* scratch_at(std::int64_t offset) const { return static_cast<std::uint8_t*>(call_.scratch) + offset; }

  void* product_scratch(std::int32_t product) const {
    if (is_blocks(call_.inputs[1 + product].dtype)) return scratch_at(scratch_.blocks);
    return layouts_[product].preparation != nullptr ? scratch_at(scratch_.prepared) : nullptr;
  }

  Location input_location(std::int32_t index, const Tile& tile) const {
    const TensorArg& tensor = call_.inputs[1 + program_.products + index];
    auto* data = static_cast<float*>(tensor.data);
    const std::int64_t column = tile.groups.begin * kPackedRows;
    if (tensor.rank == 2) return {data + tile.tokens.begin * tile.rows + column, tile.rows, false};
    if (tensor.dims[0] == 1 && tile.rows != 1) return {data, 0, true};
    return {data + column, 0, false};
  }

  Location output_location(std::int32_t output, const Tile& tile) const {
    auto* data = static_cast<float*>(call_.outputs[output].data);
    return {data + tile.tokens.begin * tile.rows + tile.groups.begin * kPackedRows, tile.rows, false};
  }

  /// Of a number for the whole tile: a row of it.
  Location spread(const FusedOperand& operand, const Location& location, const Tile& tile) const {
    if (!location.single) return location;
    float* row = slot(program_.products + program_.temporaries + operand.index);
    for (std::int64_t i = 0; i < tile.columns; ++i) row[i] = *location.data;
    return {row, 0, false};
  }

  Location location_of(const FusedOperand& operand, const Location* temporaries, const Tile& tile) const {
    if (operand.place == FusedPlace::product) return {slot(operand.index), tile.columns, false};
    if (operand.place == FusedPlace::temporary) return temporaries[operand.index];
    if (operand.place == FusedPlace::input) return input_location(operand.index, tile);
    return {};
  }

  void run_tile(const Part& part, const Tile& tile) const {
    for (std::int32_t i = 0; i < program_.products; ++i)
      if (in_set(part.sets.products, i)) multiply(i, tile);
    Location temporaries[kMaxFusedTemporaries];
    for (std::int32_t i = 0; i < program_.count; ++i) {
      if (!in_set(part.sets.instructions, i)) continue;
      const FusedInstruction& instruction = program_.instructions[i];
      Location operands[2] = {};
      for (int k = 0; k < 2; ++k) operands[k] = location_of(instruction.operands[k], temporaries, tile);
      if (instruction.function == FusedFunction::quantize) {
        const bool marked = instruction.operands[1].place != FusedPlace::none;
        if (marked) operands[1] = spread(instruction.operands[1], operands[1], tile);
        operands[0] = spread(instruction.operands[0], operands[0], tile);
        quantize(operands[0], marked ? operands[1].data : nullptr, instruction.result, tile);
        continue;
      }
      // Of two operands one may be one number.
      const bool binary = instruction.operands[1].place != FusedPlace::none;
      const int last = binary ? 1 : 0;
      if (!binary || operands[0].single)
        operands[last] = spread(instruction.operands[last], operands[last], tile);
      if (instruction.function == FusedFunction::store) {
        store(operands[0], output_location(instruction.result, tile), tile);
      } else {
        // A temporary that is stored next is computed where it is stored.
        const FusedInstruction* next = i + 1 < program_.count ? &program_.instructions[i + 1] : nullptr;
        const bool stored = next != nullptr && next->function == FusedFunction::store &&
                            next->operands[0].place == FusedPlace::temporary &&
                            next->operands[0].index == instruction.result;
        const Location result =
            stored ? output_location(next->result, tile)
                   : Location{slot(program_.products + instruction.result), tile.columns, false};
        compute(instruction, operands, result, tile);
        temporaries[instruction.result] = result;
        if (stored) ++i;
      }
    }
  }

  static float* at(const Location& location, std::int64_t token) {
    return location.data + token * location.stride;
  }

  void compute(const FusedInstruction& instruction, const Location operands[2], const Location& result,
               const Tile& tile) const {
    const bool binary = is_binary(instruction.function);
    const auto dense = [&tile](const Location& location) {
      return location.single || location.stride == tile.valid;
    };
    const std::int64_t tokens = tile.tokens.end - tile.tokens.begin;
    const bool at_once = dense(result) && dense(operands[0]) && (!binary || dense(operands[1]));
    const std::int64_t count = at_once ? tile.valid * tokens : tile.valid;
    for (std::int64_t t = 0; t < (at_once ? 1 : tokens); ++t) {
      if (binary)
        Functions::binary(instruction.function, TileOperand{at(operands[0], t), operands[0].single},
                          TileOperand{at(operands[1], t), operands[1].single}, at(result, t), count);
      else
        Functions::unary(instruction.function, instruction.constants, at(operands[0], t), at(result, t),
                         count);
    }
  }

  void store(const Location& source, const Location& target, const Tile& tile) const {
    const std::int64_t tokens = tile.tokens.end - tile.tokens.begin;
    for (std::int64_t t = 0; t < tokens; ++t)
      __builtin_memcpy(at(target, t), at(source, t), static_cast<std::size_t>(tile.valid) * sizeof(float));
  }

  void quantize(const Location& source, const float* marks, std::int32_t output, const Tile& tile) const {
    const std::int64_t row_bytes = activation_row_bytes(tile.rows);
    auto* row = static_cast<std::uint8_t*>(call_.outputs[output].data) + tile.tokens.begin * row_bytes;
    const std::int64_t first = tile.groups.begin * kPackedRows / kActivationBlock;
    const std::int64_t tokens = tile.tokens.end - tile.tokens.begin;
    for (std::int64_t t = 0; t < tokens; ++t, row += row_bytes)
      Functions::quantize(at(source, t), marks, first, tile.valid / kActivationBlock, tile.rows, row);
  }

  const KernelCall& call_;
  const FusedProgram& program_;
  const MatmulSplit split_;
  const Sizes sizes_;
  const Scratch scratch_;
  const std::int64_t columns_;  // of the activation
  Share tokens_{};
  std::int64_t chunks_ = 0;
  Share bytes_{};  // of all units, this thread's
  LayoutMultiply layouts_[kMaxFusedWeights] = {};
  std::int32_t count_ = 0;
  Part parts_[kMaxFusedOutputs] = {};
};

template <class Functions>
void run(const KernelCall& call) {
  Run<Functions>(call).run();
}

/// A folder's kernel, of its products and of its functions for rows.
template <class Products, class RowFunctions>
constexpr IsaKernel kernel(const char* name) {
  struct Functions : Products, RowFunctions {};
  return {name, run<Functions>, scratch_bytes<Functions>};
}

}  // namespace
}  // namespace lathe::fused_linear
