// What every format's test asks of the files in data/: a picture of 9 rows and 13 columns, written by Pillow
// and by hand, and beside it the pixels that Pillow reads from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "images/encoded_image.h"
#include "lathe/error.h"

namespace lathe::images {

using Pixels = std::vector<std::uint8_t>;

/// A file of data/.
std::string read_data(std::string_view name);
inline ImageBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Pixels decoded(std::string_view file, PixelFormat format = PixelFormat::rgb);

/// The file's pixels are those of the file `expected`, but for `tolerance`.
void expect_picture(std::string_view name, std::string_view expected, int tolerance = 0);

/// Reading throws Error(code) whose message has `message`.
void expect_refused(std::string_view file, ErrorCode code, std::string_view message);

/// Each beginning of the file is refused, unless nothing of the pixels is missing; half of it always is.
void expect_cut_copies_refused(std::string_view name);

/// Whichever byte is changed: the copy is refused with an Error, or gives pixels, and nothing is printed.
void expect_damage_survived(std::string_view name);

}  // namespace lathe::images
