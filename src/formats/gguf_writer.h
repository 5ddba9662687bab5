// A Checkpoint as a GGUF file, version 3, little-endian:
//
//   "GGUF" | u32 version = 3 | u64 tensors | u64 keys
//   keys      general.architecture where there is one, then the others by name:
//             u64 length | name | u32 type | value, as gguf_metadata.cc draws them
//   tensors   in the checkpoint's order:
//             u64 length | name | u32 dimensions | u64 x dimensions, innermost first | u32 type
//             | u64 offset, from the start of the data
//   zeros     to a multiple of 32
//   data      each tensor's bytes | zeros to a multiple of 32
//
// Readers are strict about the types of values, so each kind has one: integers are u32 (i32 below zero, i64
// and u64 where they do not fit), reals f32, arrays i32 and f32. The character map of a tokenizer is bytes,
// u8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "formats/checkpoint.h"

namespace lathe {

/// Gets the file's bytes in order, piece by piece.
using WriteBytes = std::function<void(std::span<const std::byte> bytes)>;
/// Makes a tensor's bytes, all of them and in order, in pieces of any size.
using ProduceTensor =
    std::function<void(const std::string& name, const TensorView& tensor, const WriteBytes& write)>;

class GgufWriter {
 public:
  /// `checkpoint` must outlive it. Throws Error(unsupported) naming what GGUF has no place for: a tensor's
  /// type, name or number of dimensions, a number that is no float32.
  /// Of tensors only type and shape count until they are written.
  explicit GgufWriter(const Checkpoint& checkpoint);

  std::uint64_t file_bytes() const { return file_bytes_; }
  /// Tensors go out from where they lie, in pieces of a few MiB.
  void write(const WriteBytes& write) const;
  /// The same with tensors that are made when their turn comes.
  void write(const WriteBytes& write, const ProduceTensor& produce) const;

 private:
  const Checkpoint& checkpoint_;
  std::string head_;  // all before the data
  std::uint64_t file_bytes_ = 0;
};

}  // namespace lathe
