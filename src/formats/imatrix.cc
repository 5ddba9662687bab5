#include "formats/imatrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/checked_reader.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"

namespace lathe {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr std::string_view kDatasetsKey = "imatrix.datasets";
constexpr std::string_view kChunksKey = "imatrix.chunk_count";
constexpr std::string_view kChunkTokensKey = "imatrix.chunk_size";
constexpr std::int64_t kMostTokens = std::int64_t{1} << 48;

std::vector<float> floats(const Checkpoint& file, const std::string& name, const TensorView& tensor) {
  if (tensor.dtype != Dtype::f32) file.fail("the numbers are " + std::string(info(tensor.dtype).name), name);
  std::vector<float> values(static_cast<std::size_t>(element_count(tensor.shape)));
  std::memcpy(values.data(), tensor.data, tensor.bytes());
  if (std::ranges::any_of(values, [](float value) { return !(value >= 0); }))
    file.fail("a sum of squares or a count is below zero", name);
  return values;
}

ImportanceEntry entry_of(const Checkpoint& file, const std::string& sums_name, const TensorView& sums,
                         const std::string& counts_name) {
  const TensorView* counts = file.find_tensor(counts_name);
  if (counts == nullptr) file.fail("there are sums without counts", sums_name);
  ImportanceEntry entry;
  entry.sums = floats(file, sums_name, sums);
  for (const float count : floats(file, counts_name, *counts)) {
    if (count > static_cast<float>(kMostTokens)) file.fail("a count is too large", counts_name);
    entry.counts.push_back(std::llround(count));
  }
  if (entry.sums.empty() || entry.counts.empty() || entry.sums.size() % entry.counts.size() != 0)
    file.fail(
        std::to_string(entry.sums.size()) + " sums have " + std::to_string(entry.counts.size()) + " counts",
        sums_name);
  return entry;
}

ImportanceMatrix read_gguf_imatrix(const std::string& path) {
  const auto file = read_gguf(path);
  ImportanceMatrix importance;
  for (const std::string& name : file->tensor_names) {
    if (!name.ends_with(kSums)) continue;
    const std::string tensor = name.substr(0, name.size() - kSums.size());
    importance.entries[tensor] = entry_of(*file, name, file->tensors.at(name), tensor + std::string(kCounts));
  }
  if (importance.entries.empty())
    throw Error(ErrorCode::invalid_file, "the file has no importance of any tensor", {path, {}, {}});
  if (const auto* datasets = file->strings(kDatasetsKey)) importance.datasets = *datasets;
  importance.chunks = file->integer_or(kChunksKey, 0, 0, kMostTokens);
  importance.chunk_tokens = file->integer_or(kChunkTokensKey, 0, 0, kMostTokens);
  return importance;
}

std::int32_t read_count(CheckedReader& reader, std::int32_t least, const std::string& what) {
  const auto value = reader.read<std::int32_t>(what);
  if (value < least) reader.fail(what + " is " + std::to_string(value));
  return value;
}

std::string read_text(CheckedReader& reader, const std::string& what) {
  const auto length = read_count(reader, 0, "the length of " + what);
  const auto bytes = reader.take(static_cast<std::uint64_t>(length), what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ImportanceMatrix read_old_imatrix(std::span<const std::byte> bytes, const std::string& path) {
  CheckedReader reader(bytes, path);
  ImportanceMatrix importance;
  const auto entries = read_count(reader, 1, "the number of entries");
  for (std::int32_t i = 0; i < entries; ++i) {
    const std::string name = read_text(reader, "a name");
    const auto calls = read_count(reader, 0, "the number of calls");
    const auto count = read_count(reader, 1, "the number of values");
    const auto values = reader.take(static_cast<std::uint64_t>(count) * sizeof(float), "the values");
    ImportanceEntry& entry = importance.entries[name];
    entry.sums.resize(static_cast<std::size_t>(count));
    std::memcpy(entry.sums.data(), values.data(), values.size());
    if (std::ranges::any_of(entry.sums, [](float value) { return !(value >= 0) || !std::isfinite(value); }))
      reader.fail("an importance of " + printable(name) + " is negative or no number");
    entry.counts = {std::max(calls, 1)};
  }
  if (reader.offset() < bytes.size()) importance.chunks = read_count(reader, 0, "the number of chunks");
  if (reader.offset() < bytes.size()) importance.datasets.push_back(read_text(reader, "the text's name"));
  return importance;
}

}  // namespace

std::vector<float> ImportanceEntry::means() const {
  std::vector<float> result(sums.size());
  const std::size_t columns = sums.size() / counts.size();
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::int64_t count = counts[i / columns];
    result[i] = count == 0 ? 1.0f : sums[i] / static_cast<float>(count);
  }
  return result;
}

ImportanceMatrix read_imatrix(const std::string& path) {
  const auto mapped = MappedFile::open(path);
  const auto bytes = mapped->bytes();
  constexpr std::string_view kMagic = "GGUF";
  const bool gguf =
      bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
  return gguf ? read_gguf_imatrix(path) : read_old_imatrix(bytes, path);
}

void write_imatrix(const ImportanceMatrix& importance, const WriteBytes& write) {
  Checkpoint file;
  file.metadata["general.type"] = std::string("imatrix");
  file.metadata[std::string(kDatasetsKey)] = importance.datasets;
  file.metadata[std::string(kChunksKey)] = importance.chunks;
  file.metadata[std::string(kChunkTokensKey)] = importance.chunk_tokens;
  std::vector<std::vector<float>> counts;
  counts.reserve(importance.entries.size());
  const auto add = [&](const std::string& name, const std::vector<float>& values, std::size_t rows) {
    file.tensor_names.push_back(name);
    file.tensors[name] = {
        reinterpret_cast<const std::byte*>(values.data()), Dtype::f32,
        Shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(values.size() / rows)}};
  };
  for (const auto& [name, entry] : importance.entries) {
    counts.emplace_back(entry.counts.begin(), entry.counts.end());
    add(name + std::string(kSums), entry.sums, entry.counts.size());
    add(name + std::string(kCounts), counts.back(), entry.counts.size());
  }
  GgufWriter(file).write(write);
}

}  // namespace lathe
