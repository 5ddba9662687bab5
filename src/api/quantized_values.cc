// Numbers as codes with factors: linear quantization, and the blocks of files.
#include <cmath>
#include <cstring>
#include <span>

#include "api/number_layout.h"
#include "base/error.h"
#include "quant/block_format.h"
#include "quant/error_measures.h"
#include "quant/linear_quantization.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& message, const char* field) {
  throw Error(ErrorCode::invalid_argument, message, {{}, {}, field});
}

void measure(QuantizedValues& result) {
  const ValueErrors errors = value_errors(result.given, result.values);
  result.mean_squared_error = errors.mean_squared;
  result.sqnr = errors.sqnr;
  result.cosine = errors.cosine;
  result.largest_error = errors.largest;
}

void check_given(std::span<const float> values) {
  if (values.empty()) refuse("there are no values", "values");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      refuse("value " + std::to_string(i) + " is " + (std::isnan(values[i]) ? "NaN" : "infinite") +
                 ", which no scale is for",
             "values");
}

/// The factors that the bytes of a block hold as they are.
void add_factors(const BlockFormat& format, std::size_t index, std::span<const std::byte> block,
                 QuantizedValues& result) {
  const FactorPlace& place = format.factors;
  const NumberFormat& kind = number_format_named(place.bytes == 1   ? "e8m0"
                                                 : place.bytes == 2 ? "fp16"
                                                                    : "fp32");
  const bool scaled = info(format.dtype).block_elements > static_cast<std::uint32_t>(format.group);
  for (std::uint32_t i = 0; i < place.count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, block.data() + place.offset + i * place.bytes, place.bytes);
    std::string name = i == 0 ? "scale" : "minimum";
    if (scaled) name = i == 0 ? "scale of the scales" : "scale of the minima";
    result.factors.push_back({index, name, std::string(kind.name), {bits, decode(kind, bits)}});
  }
}

}  // namespace

StoredCode store_code(double number, const std::string& format, double scale, int zero_point) {
  const NumberFormat& found = number_format_named(format);
  if (!found.integer()) refuse(std::string(found.name) + " has no scale: it is a float", "format");
  if (!std::isfinite(number)) refuse("a number that is not finite has no code", "number");
  if (!(scale > 0) || !std::isfinite(scale)) refuse("a scale is a finite number above 0", "scale");
  StoredCode result;
  result.layout = layout_of(found);
  result.number = number;
  result.scale = scale;
  result.zero_point = zero_point;
  result.highest = static_cast<int>(found.mantissa_mask());
  result.lowest = -static_cast<int>(found.sign_mask());
  if (zero_point < result.lowest || zero_point > result.highest)
    refuse("the zero point is a code of " + std::string(found.name) + ", " + std::to_string(result.lowest) +
               " to " + std::to_string(result.highest),
           "zero_point");
  result.steps = number / scale;
  result.whole = std::nearbyint(result.steps) + zero_point;
  const std::uint32_t bits = *encode(found, result.whole).bits;
  result.code = {bits, decode(found, bits)};
  result.value = scale * (result.code.value - zero_point);
  return result;
}

QuantizedValues quantize_values(const std::vector<float>& values, int bits, bool symmetric,
                                std::int64_t group) {
  check_given(values);
  if (group < 0) refuse("a group must have at least one value", "group");
  const auto count = static_cast<std::int64_t>(values.size());
  LinearScheme scheme{.bits = bits, .symmetric = symmetric};
  scheme.sharing = group == 0 ? ScaleSharing::tensor : ScaleSharing::group;
  scheme.group = group;
  const LinearQuantized quantized = quantize_linear(values, std::span(&count, 1), scheme);
  QuantizedValues result;
  result.format = "int" + std::to_string(bits);
  result.given = values;
  result.values = dequantize_linear(quantized);
  result.codes.assign(quantized.codes.begin(), quantized.codes.end());
  const std::size_t run = group == 0 ? values.size() : static_cast<std::size_t>(group);
  for (std::size_t first = 0; first < values.size(); first += std::min(run, values.size() - first)) {
    const LinearScale& scale = quantized.scales[result.groups.size()];
    result.groups.push_back(
        {first, std::min(run, values.size() - first), scale.scale, 0.0, scale.zero_point});
  }
  constexpr int kScaleBits = 32;
  const int factor_bits = kScaleBits + (symmetric ? 0 : bits);
  result.bits_per_value =
      bits + factor_bits * static_cast<double>(result.groups.size()) / static_cast<double>(values.size());
  measure(result);
  return result;
}

std::vector<std::string> block_format_names() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(kLastDtype); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    if (is_block_quantized(dtype) && can_quantize(dtype)) names.emplace_back(info(dtype).name);
  }
  return names;
}

QuantizedValues quantize_blocks(std::vector<float> values, const std::string& name) {
  check_given(values);
  const auto dtype = dtype_named(name);
  const BlockFormat* format = dtype ? block_format(*dtype) : nullptr;
  if (format == nullptr || !can_quantize(*dtype)) {
    std::string known;
    for (const std::string& each : block_format_names()) known += (known.empty() ? "" : ", ") + each;
    refuse("\"" + printable(name) + "\" is none of the block formats that can be written: " + known,
           "format");
  }
  const DtypeInfo& type = info(*dtype);
  constexpr std::size_t kMostValues = 1 << 20;
  if (values.size() > kMostValues) refuse("more than 1048576 values", "values");
  const std::size_t given = values.size();
  while (values.size() % type.block_elements != 0) values.push_back(values[values.size() % given]);

  QuantizedValues result;
  result.format = name;
  result.given = std::move(values);
  result.values.resize(result.given.size());
  const auto columns = static_cast<std::int64_t>(result.given.size());
  result.bytes.resize(row_bytes(*dtype, columns));
  quantize_rows(*dtype, result.given.data(), nullptr, 1, columns, result.bytes.data());
  decode_rows(*dtype, result.bytes.data(), result.values.data(), 1, columns);
  const auto group = static_cast<std::size_t>(format->group);
  for (std::size_t block = 0; block * type.block_elements < result.given.size(); ++block) {
    const auto bytes = std::span(result.bytes).subspan(block * type.block_bytes, type.block_bytes);
    add_factors(*format, block, bytes, result);
    BlockCodes codes{};
    format->split(bytes.data(), codes);
    result.codes.insert(result.codes.end(), codes.codes, codes.codes + type.block_elements);
    for (std::size_t i = 0; i < type.block_elements / group; ++i)
      result.groups.push_back(
          {block * type.block_elements + i * group, group, codes.scales[i], codes.minima[i], 0});
  }
  result.bits_per_value = 8.0 * type.block_bytes / type.block_elements;
  measure(result);
  return result;
}

}  // namespace lathe
