#include "api/load_checkpoint.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/model_folder.h"
#include "formats/onnx_checkpoint.h"
#include "formats/tokenizer_json.h"
#include "models/convert_weights.h"
#include "models/folder_translation.h"

namespace lathe {
namespace {

/// Reading a pickle runs what it says, so that no such file is ever opened as a model: PyTorch's archives are
/// zip files, older ones begin with the pickle itself.
void refuse_other_formats(const std::string& path) {
  if (path.ends_with(".safetensors"))
    throw Error(ErrorCode::unsupported,
                "the file holds tensors alone; the model is the folder that it lies in", {path, {}, {}});
  constexpr std::array<std::string_view, 2> kStarts = {"PK\x03\x04", "\x80\x02"};
  const auto file = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  for (const auto start : kStarts)
    if (bytes.starts_with(start))
      throw Error(ErrorCode::unsupported,
                  "the format is not supported: a pickled file is a program; safetensors and GGUF are data",
                  {path, {}, {}});
}

WeightType weight_type(const std::string& name) {
  if (const auto type = weight_type_named(name)) return *type;
  throw Error(ErrorCode::invalid_argument,
              "weight_type is \"" + printable(name) + "\", not one of q8, q4, bf16, f32",
              {{}, {}, "weight_type"});
}

int thread_count(int threads) {
  constexpr unsigned kMost = 64;
  return threads > 0 ? threads : static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, kMost));
}

bool is_network(const std::string& path) { return path.ends_with(".onnx"); }

/// Where an .onnx file's tokenizer and configuration lie: beside it.
std::string folder_of(const std::string& file) {
  const std::string folder = std::filesystem::path(file).parent_path().native();
  return folder.empty() ? "." : folder;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace

std::shared_ptr<const Checkpoint> load_checkpoint(const std::string& path, const ModelOptions& options) {
  const WeightType weights = weight_type(options.weight_type);
  const bool scan = options.weights && options.check_weights;
  const int threads = thread_count(options.threads);
  if (is_folder(path)) return translate_folder(read_model_folder(path), {weights, scan, threads});
  if (is_network(path))
    return convert_weights(onnx::read_onnx_checkpoint(path, folder_of(path), scan), weights, threads);
  refuse_other_formats(path);
  GgufOptions gguf;
  gguf.strict = options.strict;
  gguf.scan_factors = scan;
  return convert_weights(read_gguf(path, gguf), weights, threads);
}

std::optional<TokenizerData> load_tokenizer(const Checkpoint& checkpoint) {
  const bool network = is_network(checkpoint.file);
  if (!network && !is_folder(checkpoint.file)) return gguf_tokenizer(checkpoint);
  const auto folder = Folder::open(network ? folder_of(checkpoint.file) : checkpoint.file);
  if (!folder->has("tokenizer.json")) return std::nullopt;
  return read_folder_tokenizer(*folder);
}

}  // namespace lathe
