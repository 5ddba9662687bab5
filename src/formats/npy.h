// NumPy's array files, versions 1 to 3:
//   \x93NUMPY | u8 major | u8 minor | header length, u16 in version 1, else u32 | header | elements
// The header is a Python dictionary as text, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), },
// with spaces and a line break behind it. It is read by a small parser of just that, never evaluated.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// As arrays are used here: row-major and little-endian, whatever the file has.
struct NpyArray {
  std::string
      element;  // f32, f16, bf16 (NumPy: V2), f64, i8, i16, i32, i64, string, or u8: bytes of any type
  Shape shape;  // outermost first
  std::vector<std::byte> bytes;
  std::vector<std::string> texts;  // of "string": NumPy's U and S, in place of bytes, as UTF-8
};

/// Throws Error(invalid_file) with file and offset, Error(unsupported) for elements of other types: objects,
/// records, complex numbers.
NpyArray read_npy(const MappedFile& file);

/// What stands before the elements in a file with version 1, row-major, little-endian. `element` as above;
/// throws Error(invalid_argument) for another or a shape whose text is too long.
std::string npy_header(std::string_view element, std::span<const std::int64_t> shape);

/// A whole file of texts, which are UTF-8: NumPy's U with as many characters as the longest has.
std::string npy_texts(std::span<const std::string> texts, std::span<const std::int64_t> shape);

}  // namespace lathe
