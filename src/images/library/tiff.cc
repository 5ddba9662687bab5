// TIFF by libtiff: the first picture of the file, in any of its compressions and kinds of colour that the
// library turns into 8 bits of red, green and blue.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "TIFF";

/// The bytes as a file, and the first fault that was found in them.
struct Input {
  ImageBytes bytes;
  std::uint64_t offset = 0;
  std::string error = {};
};

Input& input_of(thandle_t handle) { return *static_cast<Input*>(handle); }

/// As many as there are, and never -1: libtiff 4.5 takes that for a count, and writes in front of its buffer.
tmsize_t take(thandle_t handle, void* target, tmsize_t bytes) {
  Input& input = input_of(handle);
  if (bytes < 0 || input.offset > input.bytes.size()) return 0;
  const auto count = std::min(static_cast<std::size_t>(bytes), input.bytes.size() - input.offset);
  if (count > 0) std::memcpy(target, input.bytes.data() + input.offset, count);
  input.offset += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t refuse_to_write(thandle_t /*handle*/, void* /*source*/, tmsize_t /*bytes*/) { return -1; }

toff_t seek(thandle_t handle, toff_t offset, int from) {
  Input& input = input_of(handle);
  if (from == SEEK_CUR) offset += input.offset;
  if (from == SEEK_END) offset += input.bytes.size();
  input.offset = offset;
  return offset;
}

int close_nothing(thandle_t /*handle*/) { return 0; }
toff_t bytes_of(thandle_t handle) { return input_of(handle).bytes.size(); }

int note_error(TIFF* /*file*/, void* user, const char* /*module*/, const char* format, va_list arguments) {
  auto& error = static_cast<Input*>(user)->error;
  char message[200];
  if (error.empty() && std::vsnprintf(message, sizeof message, format, arguments) > 0) error = message;
  return 1;  // handled: the library prints nothing
}

int pass_over(TIFF* /*file*/, void* /*user*/, const char* /*module*/, const char* /*format*/,
              va_list /*arguments*/) {
  return 1;  // tags that are not known
}

struct Close {
  void operator()(TIFF* file) const { TIFFClose(file); }
};
using File = std::unique_ptr<TIFF, Close>;

[[noreturn]] void fail(const Input& input) {
  fail_damaged(kName, input.error.empty() ? "is damaged or cut off" : input.error);
}

File open(Input& input) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) fail_unread(kName, "has met no memory for its reader");
  // one block of a picture: its codes, or its pixels
  constexpr tmsize_t kMostBytes = tmsize_t{1} << 30;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, kMostBytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options, note_error, &input);
  TIFFOpenOptionsSetWarningHandlerExtR(options, pass_over, nullptr);
  // "m": the file is not mapped
  File file(TIFFClientOpenExt("image", "rm", &input, take, refuse_to_write, seek, close_nothing, bytes_of,
                              nullptr, nullptr, options));
  TIFFOpenOptionsFree(options);
  if (file == nullptr) fail(input);
  return file;
}

ImageSize size_of(const File& file) {
  std::uint32_t width = 0, height = 0;
  if (TIFFGetField(file.get(), TIFFTAG_IMAGEWIDTH, &width) != 1 ||
      TIFFGetField(file.get(), TIFFTAG_IMAGELENGTH, &height) != 1)
    fail_damaged(kName, "does not say how large it is");
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(file.get(), TIFFTAG_ORIENTATION, &orientation);
  if (orientation > ORIENTATION_BOTLEFT) fail_unread(kName, "lies on its side");
  return {height, width};
}

ImageSize size(ImageBytes bytes) {
  Input input{bytes};
  return size_of(open(input));
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  Input input{bytes};
  const File file = open(input);
  size_of(file);
  std::uint16_t samples = 0;
  const std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(file.get(), TIFFTAG_EXTRASAMPLES, &samples, &kinds);
  // Colours as they are stored: the library would multiply them with what it is told to be alpha.
  const std::uint16_t multiplied = EXTRASAMPLE_ASSOCALPHA;
  if (samples == 1) TIFFSetField(file.get(), TIFFTAG_EXTRASAMPLES, 1, &multiplied);
  const auto count = static_cast<std::size_t>(size.height * size.width);
  const auto raster = std::make_unique_for_overwrite<std::uint32_t[]>(count);  // [height, width]
  if (TIFFReadRGBAImageOriented(file.get(), static_cast<std::uint32_t>(size.width),
                                static_cast<std::uint32_t>(size.height), raster.get(), ORIENTATION_TOPLEFT,
                                1) != 1)
    fail(input);
  if (!input.error.empty()) fail(input);
  for (std::size_t i = 0; i < count; ++i) {
    rgb[3 * i] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
    rgb[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
    rgb[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
  }
}

// the raster, and one block, which may be the whole picture in 16 bits
constexpr ImageReader kReader{size, read, 12};

}  // namespace

const ImageReader* tiff_reader() { return &kReader; }

}  // namespace lathe::images
