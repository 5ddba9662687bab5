#include "api/calibration_set.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "formats/npy.h"

namespace lathe {
namespace {

std::string folder_name(const std::string& input) {
  std::string name = input;
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  return name;
}

void require_finite(const Tensor& tensor, const std::string& file) {
  if (tensor.dtype != "f32" && tensor.dtype != "f64" && tensor.dtype != "f16" && tensor.dtype != "bf16")
    return;
  const auto values = numbers(tensor);
  const auto odd = std::ranges::find_if_not(values, [](double value) { return std::isfinite(value); });
  if (odd == values.end()) return;
  throw Error(ErrorCode::invalid_file,
              "element " + std::to_string(odd - values.begin()) + " of the sample is " +
                  (std::isnan(*odd) ? "NaN" : "infinite"),
              {file, std::nullopt, {}});
}

}  // namespace

CalibrationSet::CalibrationSet(const std::string& path, std::vector<InputSpec> inputs)
    : inputs_(std::move(inputs)) {
  if (inputs_.empty())
    throw Error(ErrorCode::unsupported, "the network has no inputs to calibrate with",
                {path, std::nullopt, {}});
  const auto root = Folder::open(path);
  for (const auto& input : inputs_) {
    const auto folder = inputs_.size() == 1 ? root : root->folder(folder_name(input.name));
    auto& files = files_.emplace_back();
    for (const auto& name : folder->names())
      if (name.ends_with(".npy")) files.push_back({folder, name});
    if (files.empty())
      throw Error(ErrorCode::not_found, "the folder has no samples: no .npy files",
                  {folder->path(), std::nullopt, {}});
    if (files.size() != files_.front().size())
      throw Error(ErrorCode::invalid_argument,
                  printable(input.name) + " has " + std::to_string(files.size()) + " samples, and " +
                      printable(inputs_.front().name) + " has " + std::to_string(size()),
                  {folder->path(), std::nullopt, {}});
  }
  for (std::size_t i = 0; i < size(); ++i) {
    Sizes sizes;
    for (std::size_t input = 0; input < inputs_.size(); ++input) {
      const Tensor tensor = read(input, i);
      const std::string file = files_[input][i].folder->path() + "/" + files_[input][i].name;
      try {
        bind_sizes(inputs_[input], tensor, sizes);
      } catch (const Error& error) {
        throw Error(error.code(), error.what(), {file, std::nullopt, {}});
      }
      require_finite(tensor, file);
    }
    for (const auto& [symbol, size] : sizes) {
      auto& greatest = greatest_[symbol];
      greatest = std::max(greatest, size);
    }
  }
}

Tensor CalibrationSet::read(std::size_t input, std::size_t i) const {
  const auto& file = files_[input][i];
  auto array = lathe::read_npy(*file.folder->map(file.name));
  Tensor tensor{std::move(array.element), std::move(array.shape), std::move(array.bytes)};
  tensor.texts = std::move(array.texts);
  return tensor;
}

NamedTensors CalibrationSet::sample(std::size_t i) const {
  NamedTensors tensors;
  for (std::size_t input = 0; input < inputs_.size(); ++input)
    tensors.emplace_back(inputs_[input].name, read(input, i));
  return tensors;
}

}  // namespace lathe
