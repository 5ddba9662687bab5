#include "formats/calibration_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json.h"

namespace lathe {
namespace {

constexpr std::string_view kFirstLine = "lathe calibration 1";
constexpr std::string_view kFirstWords = "lathe calibration ";
constexpr std::string_view kTensorRt = "TRT-";
constexpr float kSteps = 127;  // of a scale, to the threshold

std::string text_of(float number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

class CacheReader {
 public:
  CacheReader(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  CalibrationCache read() {
    const auto first = line();
    if (first.starts_with(kTensorRt)) return read_tensorrt(first);
    if (first != kFirstLine)
      fail(first.starts_with(kFirstWords) ? "this version is not known" : "this is no calibration cache");
    CalibrationCache cache;
    cache.network = word_behind(line(), "network ");
    const bool is_hash = cache.network.size() == 32 && std::ranges::all_of(cache.network, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                         });
    if (!is_hash) fail("the network's hash is not 32 hexadecimal digits");
    cache.calibrator = word_behind(line(), "calibrator ");
    auto next = line();
    for (; next.starts_with("tensor "); next = line()) cache.tensors.push_back(tensor(next.substr(7)));
    if (next != "end " + std::to_string(cache.tensors.size()))
      fail("\"end " + std::to_string(cache.tensors.size()) + "\" or a tensor was expected");
    if (!rest_.empty()) fail("there is more behind the end");
    return cache;
  }

 private:
  /// "TRT-8601-EntropyCalibration2", then a scale for each tensor.
  CalibrationCache read_tensorrt(std::string_view first) {
    const auto version = first.substr(kTensorRt.size());
    const auto digits = version.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || version[digits] != '-' ||
        digits + 1 == version.size())
      fail("\"TRT-\", a version, \"-\" and a calibrator were expected");
    CalibrationCache cache{{}, std::string(first), {}};
    std::set<std::string> names;
    while (!rest_.empty()) {
      cache.tensors.push_back(scaled_tensor(line()));
      if (!names.insert(cache.tensors.back().name).second)
        fail("the tensor " + printable(cache.tensors.back().name) + " occurs twice");
    }
    if (cache.tensors.empty()) fail("there are no tensors");
    return cache;
  }
  CalibratedTensor scaled_tensor(std::string_view text) const {
    constexpr std::size_t kDigits = 8;
    const auto colon = text.rfind(": ");
    if (colon == std::string_view::npos || colon == 0) fail("a name, \": \" and a scale were expected");
    const auto digits = text.substr(colon + 2);
    std::uint32_t bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.size() != kDigits)
      fail("the scale is not 8 hexadecimal digits");
    const float threshold = std::bit_cast<float>(bits) * kSteps;
    if (!std::isfinite(threshold) || threshold < 0) fail("the scale is no number from 0 on");
    return {std::string(text.substr(0, colon)), threshold, -threshold, threshold};
  }
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::invalid_file, "line " + std::to_string(line_) + ": " + message,
                {file_, std::nullopt, {}});
  }
  std::string_view line() {
    ++line_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) fail("the file ends inside of it");
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string word_behind(std::string_view text, std::string_view key) const {
    if (!text.starts_with(key) || text.size() == key.size())
      fail("\"" + std::string(key) + "...\" was expected");
    return std::string(text.substr(key.size()));
  }
  float number(std::string_view& text) const {
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || !std::isfinite(value) || !text.starts_with(' ')) fail("a number is wrong");
    text.remove_prefix(1);
    return value;
  }
  CalibratedTensor tensor(std::string_view text) const {
    CalibratedTensor result;
    result.threshold = number(text);
    result.least = number(text);
    result.greatest = number(text);
    if (result.threshold < 0 || result.least > result.greatest) fail("the numbers are no range");
    try {
      result.name = parse_json(text, "the tensor's name").get<std::string>();
    } catch (const std::exception&) {
      fail("the tensor's name is no JSON string");
    }
    return result;
  }

  std::string_view rest_;
  const std::string& file_;
  std::size_t line_ = 0;
};

}  // namespace

std::string write_calibration_cache(const CalibrationCache& cache) {
  std::string text(kFirstLine);
  text += "\nnetwork " + cache.network + "\ncalibrator " + cache.calibrator + "\n";
  for (const auto& tensor : cache.tensors)
    text += "tensor " + text_of(tensor.threshold) + " " + text_of(tensor.least) + " " +
            text_of(tensor.greatest) + " " + dump_json(Json(tensor.name)) + "\n";
  return text + "end " + std::to_string(cache.tensors.size()) + "\n";
}

CalibrationCache read_calibration_cache(std::string_view text, const std::string& file) {
  return CacheReader(text, file).read();
}

}  // namespace lathe
