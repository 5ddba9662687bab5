// A model to a GGUF file with fewer bits: types are chosen, and then tensors pass by one after another.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <thread>

#include "api/calibration.h"
#include "api/gguf_model.h"
#include "api/importance.h"
#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "api/quantize_tensor.h"
#include "api/tensor_types.h"
#include "base/error.h"
#include "formats/gguf_writer.h"
#include "lathe/quantization.h"

namespace lathe {
namespace {

/// Replacing a file while it is read would lose what another run could still do with it.
void refuse_own_input(const std::string& path, const std::string& output) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (output.empty() || !fs::exists(output, error)) return;
  const auto refuse = [&] {
    throw Error(ErrorCode::invalid_argument, "the output is the model that is read", {output, {}, "output"});
  };
  if (fs::equivalent(path, output, error)) refuse();
  if (!fs::is_directory(path, error)) return;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::error_code other;
    if (fs::equivalent(entry.path(), output, other)) refuse();
  }
}

int thread_count(int threads) {
  constexpr unsigned kMost = 64;
  return threads > 0 ? threads : static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, kMost));
}

bool was_quantized(const Checkpoint& checkpoint, const std::vector<TensorType>& types) {
  std::size_t i = 0;
  return std::ranges::any_of(checkpoint.tensor_names, [&](const std::string& name) {
    const Dtype stored = checkpoint.tensors.at(name).dtype;
    return types[i++].dtype != stored && is_block_quantized(stored);
  });
}

/// The written model's metadata and tensors, of which only types and shapes count.
Checkpoint written_model(const Checkpoint& loaded, const std::vector<TensorType>& types,
                         std::int64_t file_type) {
  Checkpoint written = gguf_model(loaded);
  for (std::size_t i = 0; i < types.size(); ++i)
    written.tensors.at(written.tensor_names[i]).dtype = types[i].dtype;
  set_quantization_version(written);
  written.metadata["general.file_type"] = static_cast<std::uint64_t>(file_type);
  // What was true of the file that is read alone.
  for (const std::string_view prefix : {"split.", "quantize.imatrix."})
    std::erase_if(written.metadata, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  return written;
}

QuantizedTensor row_of(const std::string& name, const TensorView& before, const TensorView& after,
                       const TensorType& type) {
  return {name,
          before.shape,
          std::string(info(before.dtype).name),
          std::string(info(type.dtype).name),
          std::string(info(type.wanted).name),
          before.bytes(),
          after.bytes(),
          0};
}

/// Of a calibration text what GPTQ needs for the tensors that are rounded to blocks, in the file's order.
std::vector<InputProducts::Weight> fed_matrices(const Checkpoint& loaded,
                                                const std::vector<TensorType>& types) {
  std::vector<InputProducts::Weight> weights;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::string& name = loaded.tensor_names[i];
    const TensorView& tensor = loaded.tensors.at(name);
    if (name.starts_with("blk.") && is_block_quantized(types[i].dtype) && types[i].dtype != tensor.dtype)
      weights.push_back({name, tensor.columns()});
  }
  return weights;
}

void require_calibration(const QuantizeOptions& options) {
  if (options.gptq && options.calibration.text.empty())
    throw Error(ErrorCode::invalid_argument, "feeding errors to other columns needs a calibration text",
                {{}, {}, "calibration"});
}

void add_sums(Quantization& result) {
  for (const QuantizedTensor& tensor : result.tensors) {
    result.bytes_before += tensor.bytes_before;
    result.bytes_after += tensor.bytes_after;
    result.weights += element_count(tensor.shape);
  }
}

}  // namespace

Quantization quantize(const std::string& name_or_path, const QuantizeOptions& options,
                      const WriteModel& write, const ShowProgress& show) {
  const auto shown = [&show](const std::string& work) -> ShowShare {
    return [&show, work](double share) {
      if (show) show(work, share);
    };
  };
  const TypeMix& mix = require_type_mix(options.type);
  const ChosenTypes chosen(options.type_for);
  require_calibration(options);
  const std::string path = resolve_model(name_or_path, options.model);
  refuse_own_input(path, options.output);
  ModelOptions stored = options.model;
  stored.weight_type.clear();
  const auto loaded = load_checkpoint(path, stored);
  chosen.require_matrices(*loaded);

  std::optional<Calibration> calibration;
  if (!options.calibration.text.empty()) calibration = make_calibration(path, stored, options.calibration);
  Importance importance;
  if (!options.imatrix.empty())
    importance = Importance(read_imatrix(options.imatrix), *loaded, options.imatrix);
  else if (calibration)
    importance =
        Importance(measure_importance(*calibration, *loaded, shown("importance of columns")), *loaded, "");

  const TypeRules rules(*loaded, mix, importance.known());
  std::vector<TensorType> types;
  for (const std::string& name : loaded->tensor_names)
    types.push_back(tensor_type(name, loaded->tensors.at(name), rules, chosen));

  Quantization result;
  result.warnings = loaded->warnings;
  if (was_quantized(*loaded, types))
    result.warnings.emplace_back("the model's weights were in fewer bits before: what that lost stays lost");
  Checkpoint written = written_model(*loaded, types, mix.file_type);
  importance.describe(written);
  const GgufWriter writer(written);
  ThreadPool pool(thread_count(options.model.threads));
  std::optional<InputProducts> products;
  if (options.gptq)
    products.emplace(*calibration, fed_matrices(*loaded, types), pool, shown("inputs that go together"));
  writer.write([&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); },
               [&](const std::string& name, const TensorView& tensor, const WriteBytes& write_piece) {
                 const TensorView& source = loaded->tensors.at(name);
                 result.tensors.push_back(row_of(name, source, tensor, types[result.tensors.size()]));
                 const TensorRounding rounding = {loaded->file,
                                                  name,
                                                  source,
                                                  tensor.dtype,
                                                  importance.of(name),
                                                  products ? products->factor(name) : nullptr};
                 result.tensors.back().sqnr = quantize_tensor(rounding, pool, write_piece).sqnr();
               });
  result.file_bytes = writer.file_bytes();
  add_sums(result);
  return result;
}

ImportanceSummary write_importance(const std::string& name_or_path, const ModelOptions& options,
                                   const CalibrationText& text, const WriteModel& write,
                                   const ShowProgress& show) {
  const std::string path = resolve_model(name_or_path, options);
  ModelOptions stored = options;
  stored.weight_type.clear();
  const auto loaded = load_checkpoint(path, stored);
  const Calibration calibration = make_calibration(path, stored, text);
  const ImportanceMatrix importance = measure_importance(calibration, *loaded, [&](double share) {
    if (show) show("importance of columns", share);
  });
  std::vector<std::byte> bytes;  // a few KiB for each matrix
  write_imatrix(importance, [&](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  write(bytes, bytes.size());
  return {static_cast<int>(importance.entries.size()), importance.chunks,
          importance.chunks * importance.chunk_tokens};
}

}  // namespace lathe
