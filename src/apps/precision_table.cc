#include "apps/precision_table.h"

#include <algorithm>
#include <array>
#include <map>

#include "apps/output.h"

namespace lathe::apps {
namespace {

constexpr std::array kTypes = {"f32", "bf16", "int8"};

std::string percent(double share) { return format_number(100 * share, 3) + " %"; }

std::vector<std::string> row_of(const LayerPrecisionInspection& layer) {
  std::vector<std::string> row = {layer.name, layer.op, layer.precision, layer.reason};
  for (const char* type : kTypes) {
    const auto found = std::ranges::find(layer.types, type, &TypeInspection::type);
    row.push_back(found == layer.types.end() ? "-" : format_seconds(found->seconds));
  }
  for (const char* type : {"bf16", "int8"}) {
    const auto found = std::ranges::find(layer.types, type, &TypeInspection::type);
    row.push_back(found == layer.types.end() ? "-" : percent(found->error));
  }
  return row;
}

}  // namespace

std::string format_precision(const PrecisionInspection& precision) {
  if (precision.layers.empty()) return {};
  std::vector<std::vector<std::string>> rows = {
      {"layer", "op", "precision", "because", "f32", "bf16", "int8", "error bf16", "error int8"}};
  std::map<std::string, int> layers;
  for (const auto& layer : precision.layers) {
    rows.push_back(row_of(layer));
    ++layers[layer.precision];
  }
  std::string text = format_table(rows, 4);
  std::string counts;
  for (const auto& [type, count] : layers)
    counts += (counts.empty() ? "" : ", ") + std::to_string(count) + " in " + type;
  return text + "layers " + counts + "; " + precision.calibrator + " on " +
         std::to_string(precision.samples) + " samples" +
         (precision.from_cache ? ", thresholds from the cache" : "") + "\nerror of the outputs " +
         percent(precision.error) + ", limit " + percent(precision.limit) + ", cosine " +
         format_number(precision.cosine, 6) + "; " + format_seconds(precision.seconds) + " against " +
         format_seconds(precision.seconds_f32) + " in f32\n";
}

}  // namespace lathe::apps
