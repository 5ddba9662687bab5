// JPEG 2000 by OpenJPEG: files of boxes (.jp2) and codes alone (.j2k), in gray or in red, green and blue.
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "images/code_stream_size.h"
#include "images/image_reader.h"

namespace lathe::images {
namespace {

constexpr std::string_view kName = "JPEG 2000";

struct Input {
  ImageBytes bytes;
  std::uint64_t offset = 0;
};

OPJ_SIZE_T take(void* target, OPJ_SIZE_T bytes, void* user) {
  auto& input = *static_cast<Input*>(user);
  const auto count = std::min<std::uint64_t>(bytes, input.bytes.size() - input.offset);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);  // the end
  std::memcpy(target, input.bytes.data() + input.offset, count);
  input.offset += count;
  return count;
}

OPJ_OFF_T skip(OPJ_OFF_T bytes, void* user) {
  auto& input = *static_cast<Input*>(user);
  const auto left = static_cast<OPJ_OFF_T>(input.bytes.size() - input.offset);
  if (bytes < 0 || left == 0) return -1;
  const OPJ_OFF_T count = std::min(bytes, left);
  input.offset += static_cast<std::uint64_t>(count);
  return count;
}

OPJ_BOOL seek(OPJ_OFF_T offset, void* user) {
  auto& input = *static_cast<Input*>(user);
  if (offset < 0 || static_cast<std::uint64_t>(offset) > input.bytes.size()) return OPJ_FALSE;
  input.offset = static_cast<std::uint64_t>(offset);
  return OPJ_TRUE;
}

/// The first one says what is wrong.
void note_error(const char* message, void* user) {
  auto& error = *static_cast<std::string*>(user);
  if (error.empty()) error = message;
  while (!error.empty() && error.back() == '\n') error.pop_back();
}

void pass_over(const char* /*message*/, void* /*user*/) {}

struct Release {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }  // a void*, as the codec
};
struct ReleaseCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct ReleaseImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};
using Stream = std::unique_ptr<opj_stream_t, Release>;
using Codec = std::unique_ptr<opj_codec_t, ReleaseCodec>;
using Image = std::unique_ptr<opj_image_t, ReleaseImage>;

ImageSize size(ImageBytes bytes) {
  const CodeStreamSize found = code_stream_size(bytes);
  if (found.components > 4) fail_unread(kName, "has " + std::to_string(found.components) + " colours");
  // The library has a few kilobytes for each tile before it has seen one.
  constexpr std::uint64_t kMostTiles = 1 << 12;
  if (found.tiles > kMostTiles) fail_unread(kName, "has " + std::to_string(found.tiles) + " tiles");
  return found.size;
}

Image decoded(ImageBytes bytes) {
  Input input{bytes};
  std::string error;
  const bool boxes = bytes[0] == std::byte{0};
  const Codec codec(opj_create_decompress(boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  const Stream stream(opj_stream_default_create(OPJ_TRUE));
  if (codec == nullptr || stream == nullptr) fail_unread(kName, "has met no memory for its reader");
  opj_set_error_handler(codec.get(), note_error, &error);
  opj_set_warning_handler(codec.get(), pass_over, nullptr);
  opj_set_info_handler(codec.get(), pass_over, nullptr);
  opj_stream_set_user_data(stream.get(), &input, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), take);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* found = nullptr;
  const bool begun = opj_setup_decoder(codec.get(), &parameters) == OPJ_TRUE &&
                     opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) == OPJ_TRUE &&
                     opj_read_header(stream.get(), codec.get(), &found) == OPJ_TRUE;
  Image image(found);
  if (!begun || opj_decode(codec.get(), stream.get(), image.get()) != OPJ_TRUE ||
      opj_end_decompress(codec.get(), stream.get()) != OPJ_TRUE)
    fail_damaged(kName, error.empty() ? "is damaged or cut off" : error);
  return image;
}

/// A component's number in 8 bits.
std::uint8_t byte_of(const opj_image_comp_t& component, std::size_t index) {
  const std::int64_t most = (std::int64_t{1} << component.prec) - 1;
  const std::int64_t value =
      component.data[index] + (component.sgnd != 0 ? std::int64_t{1} << (component.prec - 1) : 0);
  return static_cast<std::uint8_t>((std::clamp<std::int64_t>(value, 0, most) * 255 + most / 2) / most);
}

void read(ImageBytes bytes, ImageSize size, std::uint8_t* rgb) {
  const Image image = decoded(bytes);
  if (image->color_space == OPJ_CLRSPC_SYCC || image->color_space == OPJ_CLRSPC_EYCC ||
      image->color_space == OPJ_CLRSPC_CMYK)
    fail_unread(kName, "has other colours than red, green and blue");
  if (image->numcomps < 1 || image->numcomps > 4) fail_unread(kName, "has no colours that are known");
  const std::uint32_t colours = image->numcomps < 3 ? 1 : 3;  // what is behind them is how much shows through
  for (std::uint32_t c = 0; c < colours; ++c) {
    const auto& component = image->comps[c];
    if (component.w != size.width || component.h != size.height)
      fail_unread(kName, "has colours in other resolutions");
    if (component.prec < 1 || component.prec > 31) fail_unread(kName, "has numbers of more than 31 bits");
    if (component.data == nullptr) fail_damaged(kName, "is cut off");
  }
  const auto count = static_cast<std::size_t>(size.height * size.width);
  for (std::size_t i = 0; i < count; ++i)
    for (std::uint32_t c = 0; c < 3; ++c) rgb[3 * i + c] = byte_of(image->comps[colours == 1 ? 0 : c], i);
}

// 4 bytes for each of four components, in the picture and in its tiles
constexpr ImageReader kReader{size, read, 32};

}  // namespace

const ImageReader* jpeg2000_reader() { return &kReader; }

}  // namespace lathe::images
