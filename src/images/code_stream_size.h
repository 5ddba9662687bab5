// What a JPEG 2000 code stream's first marker says (ISO/IEC 15444-1, A.5.1), read before a library takes
// memory for it.
#pragma once

#include "images/image_reader.h"

namespace lathe::images {

struct CodeStreamSize {
  ImageSize size;
  std::uint64_t tiles = 0;
  std::uint32_t components = 0;
};

/// Of a file of boxes, or of the stream alone. Throws Error(invalid_file).
CodeStreamSize code_stream_size(ImageBytes bytes);

}  // namespace lathe::images
