#include "backend/host_step_image.h"

#include "base/error.h"
#include "images/encoded_image.h"

namespace lathe {
namespace {

PixelFormat pixel_format(const Node& node) {
  const auto& name = node.text("pixel_format");
  if (name == "BGR") return PixelFormat::bgr;
  return name == "Grayscale" ? PixelFormat::grayscale : PixelFormat::rgb;
}

RunValue decoded(HostStepCall& call) {
  const RunValue& encoded = call.inputs()[0];
  const EncodedImage image(ImageBytes(encoded.data, byte_count(encoded.type)));
  const PixelFormat format = pixel_format(call.node());
  const auto [height, width] = image.size();
  RunValue pixels = call.allocate({Dtype::u8, {height, width, format == PixelFormat::grayscale ? 1 : 3}});
  image.decode(format, {reinterpret_cast<std::uint8_t*>(pixels.data), byte_count(pixels.type)});
  return pixels;
}

}  // namespace

std::vector<RunValue> run_image_decoder(HostStepCall& call) {
  try {
    return {decoded(call)};
  } catch (const Error& error) {
    throw Error(error.code(), "ImageDecoder " + printable(call.node().name) + ": " + error.what());
  }
}

}  // namespace lathe
