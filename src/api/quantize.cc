// A model to a GGUF file with fewer bits: types are chosen, and then tensors pass by one after another.
#include <algorithm>
#include <optional>
#include <thread>

#include "api/calibration.h"
#include "api/importance.h"
#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "api/norm_scales.h"
#include "api/quantize_tensor.h"
#include "api/quantized_model.h"
#include "api/type_costs.h"
#include "base/error.h"
#include "formats/gguf_writer.h"
#include "lathe/quantization.h"
#include "models/weight_type.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

int thread_count(int threads) {
  constexpr unsigned kMost = 64;
  return threads > 0 ? threads : static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, kMost));
}

void require_calibration(const QuantizeOptions& options) {
  if (options.smooth && !(*options.smooth > 0.0 && *options.smooth <= 1.0))
    throw Error(ErrorCode::invalid_argument, "smooth is outside 0 (left out) to 1", {{}, {}, "smooth"});
  if (options.smooth && options.awq)
    throw Error(ErrorCode::invalid_argument, "awq and smooth both choose the scales of columns",
                {{}, {}, "smooth"});
  if ((options.awq || options.smooth) && options.calibration.text.empty() && options.imatrix.empty())
    throw Error(ErrorCode::invalid_argument,
                "scaling columns needs a calibration text or a file of importance", {{}, {}, "calibration"});
  if (!options.calibration.text.empty()) return;
  const auto require = [](const char* what) {
    throw Error(ErrorCode::invalid_argument, std::string(what) + " needs a calibration text",
                {{}, {}, "calibration"});
  };
  if (options.gptq) require("feeding errors to other columns");
  if (!options.budget.empty()) require("a budget");
}

/// One call of quantize(), step by step.
class QuantizeRun {
 public:
  QuantizeRun(const std::string& name_or_path, const QuantizeOptions& options, const ShowProgress& show)
      : options_(options),
        show_(show),
        mix_(require_type_mix(options.type)),
        chosen_(options.type_for),
        path_(resolve_model(name_or_path, options.model)),
        pool_(thread_count(options.model.threads)) {
    require_calibration(options);
    refuse_own_input(path_, options.output);
    stored_ = options.model;
    stored_.weight_type.clear();
    loaded_ = load_checkpoint(path_, stored_);
    chosen_.require_matrices(*loaded_);
    result_.warnings = loaded_->warnings;
  }

  Quantization run(const WriteModel& write) {
    calibrate();
    choose_types();
    if (was_quantized(*loaded_, types_))
      result_.warnings.emplace_back(
          "the model's weights were in fewer bits before: what that lost stays lost");
    scale_columns();
    write_tensors(write);
    if (trial_ != nullptr) result_.kl_measured = reference_->divergence(trial_->logits()).mean;
    for (const QuantizedTensor& tensor : result_.tensors) {
      result_.bytes_before += tensor.bytes_before;
      result_.bytes_after += tensor.bytes_after;
      result_.weights += element_count(tensor.shape);
      if (tensor.costs) result_.kl_expected += tensor.costs->kl;
    }
    return std::move(result_);
  }

 private:
  ShowShare shown(const std::string& work) const {
    return [this, work](double share) {
      if (show_) show_(work, share);
    };
  }

  void calibrate() {
    if (!options_.calibration.text.empty())
      calibration_ = make_calibration(path_, stored_, options_.calibration);
    if (!options_.imatrix.empty())
      importance_ = Importance(read_imatrix(options_.imatrix), *loaded_, options_.imatrix);
    else if (calibration_)
      importance_ = Importance(measure_importance(*calibration_, *loaded_, shown("importance of columns")),
                               *loaded_, "");
  }

  void choose_types() {
    const TypeRules rules(*loaded_, mix_, importance_.known());
    for (const std::string& name : loaded_->tensor_names)
      types_.push_back(tensor_type(name, loaded_->tensors.at(name), rules, chosen_));
    file_type_ = mix_.file_type;
    if (!options_.budget.empty()) spend_budget();
  }

  void scale_columns() {
    const ShowShare show = shown("scales of columns");
    if (options_.awq) scales_ = NormScales::activation_aware(loaded_, types_, importance_, pool_, show);
    if (options_.smooth) scales_ = NormScales::smooth(loaded_, *options_.smooth, importance_, pool_, show);
  }

  /// Types of the matrices that the user has left open, by what each of them costs.
  void spend_budget() {
    std::vector<std::string> open;
    std::vector<std::size_t> places;
    std::uint64_t fixed = 0;  // bytes of what has a type
    std::int64_t weights = 0;
    for (std::size_t i = 0; i < types_.size(); ++i) {
      const std::string& name = loaded_->tensor_names[i];
      const TensorView& tensor = loaded_->tensors.at(name);
      weights += element_count(tensor.shape);
      if (is_computed_matrix(name, tensor.shape) && !chosen_.type_of(name)) {
        open.push_back(name);
        places.push_back(i);
      } else {
        fixed += bytes_in_file(types_[i].dtype, tensor.shape);
      }
    }
    Checkpoint written = quantized_model(*loaded_, types_, file_type_);
    importance_.describe(written);
    std::uint64_t tensor_bytes = 0;
    for (const auto& [name, tensor] : written.tensors)
      tensor_bytes += bytes_in_file(tensor.dtype, tensor.shape);
    const std::uint64_t other = GgufWriter(written).file_bytes() - tensor_bytes;
    const std::uint64_t budget = parse_budget(options_.budget, weights, other);
    if (budget <= fixed)
      throw Error(ErrorCode::invalid_argument,
                  "the budget is spent on what stays as it is: " + std::to_string(fixed) + " bytes",
                  {{}, std::nullopt, "budget"});

    const int threads = pool_.threads();
    auto sequences = trial_sequences(*calibration_);
    trial_ = std::make_unique<TrialModel>(loaded_, threads, std::ssize(sequences.front()));
    reference_ = std::make_unique<KeptReference>(trial_->logits(), std::move(sequences), 0, threads);
    costs_ = measure_costs(*trial_, *reference_, *loaded_, open, importance_, pool_,
                           shown("what each matrix costs"));
    std::vector<std::vector<TypeOption>> options;
    for (const TensorCost& cost : costs_) options.push_back(cost.options);
    const auto best = choose_options(options, budget - fixed);
    for (std::size_t i = 0; i < best.size(); ++i) {
      const Dtype dtype = options[i][best[i]].dtype;
      types_[places[i]] = {dtype, dtype};
    }
    file_type_ = nearest_file_type(*loaded_, types_);
    result_.budget = true;
  }

  TensorCosts costs_of(const TensorCost& cost, Dtype dtype) const {
    const auto chosen = std::ranges::find(cost.options, dtype, &TypeOption::dtype);
    TensorCosts costs;
    costs.trial_type = info(cost.trial).name;
    costs.trial_kl = cost.trial_divergence;
    costs.kl = chosen->divergence;
    const auto finer = std::find_if(chosen, cost.options.end(), [&](const TypeOption& option) {
      return option.bytes > chosen->bytes && option.divergence < chosen->divergence;
    });
    if (finer == cost.options.end()) return costs;
    costs.finer_type = info(finer->dtype).name;
    costs.finer_saves = chosen->divergence - finer->divergence;
    costs.finer_bytes = finer->bytes - chosen->bytes;
    return costs;
  }

  /// What GPTQ needs: the tensors that are rounded to blocks, in the file's order.
  std::vector<InputProducts::Weight> fed_matrices() const {
    std::vector<InputProducts::Weight> weights;
    for (std::size_t i = 0; i < types_.size(); ++i) {
      const std::string& name = loaded_->tensor_names[i];
      const TensorView& tensor = loaded_->tensors.at(name);
      if (name.starts_with("blk.") && is_block_quantized(types_[i].dtype) && types_[i].dtype != tensor.dtype)
        weights.push_back({name, tensor.columns()});
    }
    return weights;
  }

  void write_tensors(const WriteModel& write) {
    Checkpoint written = quantized_model(*loaded_, types_, file_type_);
    importance_.describe(written);
    const GgufWriter writer(written);
    if (options_.gptq)
      products_.emplace(
          *calibration_, fed_matrices(), [this](const std::string& name) { return scales_.of(name); }, pool_,
          shown("inputs that go together"));
    writer.write([&](std::span<const std::byte> bytes) { write(bytes, writer.file_bytes()); },
                 [&](const std::string& name, const TensorView& tensor, const WriteBytes& write_piece) {
                   write_tensor(name, tensor, write_piece);
                 });
    result_.file_bytes = writer.file_bytes();
  }

  void write_tensor(const std::string& name, const TensorView& after, const WriteBytes& write_piece) {
    const TensorView& before = loaded_->tensors.at(name);
    const TensorType& type = types_[result_.tensors.size()];
    const auto cost = std::ranges::find(costs_, name, &TensorCost::name);
    std::vector<float> values;  // as they will be read, for the trial
    const auto write_and_keep = [&](std::span<const std::byte> bytes) {
      write_piece(bytes);
      if (cost == costs_.end()) return;
      const auto rows = static_cast<std::int64_t>(bytes.size() / row_bytes(after.dtype, after.columns()));
      const std::size_t done = values.size();
      values.resize(done + static_cast<std::size_t>(rows * after.columns()));
      decode_rows(after.dtype, bytes.data(), values.data() + done, rows, after.columns());
    };
    const auto importance = scales_.importance(name, importance_.of(name));
    const auto scales = scales_.of(name);
    const TensorRounding rounding = {loaded_->file,
                                     name,
                                     before,
                                     after.dtype,
                                     importance,
                                     scales,
                                     products_ ? products_->factor(name) : nullptr};
    const RoundingError error = quantize_tensor(rounding, pool_, write_and_keep);
    result_.tensors.push_back({name,
                               before.shape,
                               std::string(info(before.dtype).name),
                               std::string(info(type.dtype).name),
                               std::string(info(type.wanted).name),
                               before.bytes(),
                               after.bytes(),
                               error.sqnr(),
                               {}});
    if (cost == costs_.end()) return;
    result_.tensors.back().costs = costs_of(*cost, type.dtype);
    for (std::size_t i = 0; i < values.size() && !scales.empty(); ++i) values[i] /= scales[i % scales.size()];
    trial_->put(name, values);
  }

  const QuantizeOptions& options_;
  const ShowProgress& show_;
  const TypeMix& mix_;
  ChosenTypes chosen_;
  std::string path_;
  ThreadPool pool_;
  ModelOptions stored_;
  std::shared_ptr<const Checkpoint> loaded_;
  std::optional<Calibration> calibration_;
  Importance importance_;
  std::vector<TensorType> types_;
  std::int64_t file_type_ = 0;
  std::unique_ptr<TrialModel> trial_;  // with a budget
  std::unique_ptr<KeptReference> reference_;
  std::vector<TensorCost> costs_;
  NormScales scales_;
  std::optional<InputProducts> products_;
  Quantization result_;
};

}  // namespace

Quantization quantize(const std::string& name_or_path, const QuantizeOptions& options,
                      const WriteModel& write, const ShowProgress& show) {
  return QuantizeRun(name_or_path, options, show).run(write);
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
