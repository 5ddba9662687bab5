#include "api/precision_section.h"

#include "base/byte_archive.h"

namespace lathe {
namespace {

constexpr std::string_view kSection = "precision";
constexpr std::size_t kLeastLayerBytes = 20;
constexpr std::size_t kLeastTypeBytes = 28;

template <class Archive>
void describe(Archive& archive, auto& precision) {
  archive.text(precision.calibrator, "the calibrator");
  archive.flag(precision.from_cache, "from a cache");
  archive.number(precision.samples, "samples");
  archive.number(precision.error, "an error");
  archive.number(precision.cosine, "a cosine");
  archive.number(precision.limit, "a limit");
  archive.number(precision.seconds, "seconds");
  archive.number(precision.seconds_f32, "seconds");
  archive.list(precision.layers, kLeastLayerBytes, "layers", [&](auto& layer) {
    archive.text(layer.name, "a layer's name");
    archive.text(layer.op, "an op");
    archive.text(layer.precision, "a precision");
    archive.text(layer.reason, "a reason");
    archive.list(layer.types, kLeastTypeBytes, "types", [&](auto& type) {
      archive.text(type.type, "a type");
      archive.number(type.seconds, "seconds");
      archive.number(type.error, "an error");
      archive.number(type.cosine, "a cosine");
    });
  });
}

}  // namespace

std::string write_precision_section(const PrecisionInspection& precision) {
  ArchiveWriter archive;
  describe(archive, precision);
  return archive.take();
}

PrecisionInspection read_precision_section(std::span<const std::byte> bytes, const std::string& file) {
  ArchiveReader archive(bytes, file, kSection);
  PrecisionInspection precision;
  describe(archive, precision);
  archive.end();
  return precision;
}

}  // namespace lathe
