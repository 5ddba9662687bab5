#include "api/calibration.h"

#include <algorithm>
#include <utility>

#include "api/model_implementation.h"
#include "api/text_chunks.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr int kUsualContext = 512;

struct Squares {
  std::vector<double> sums;
  std::vector<std::int64_t> counts;
};

void add_squares(const LinearInput& input, Squares& squares) {
  const auto columns = static_cast<std::size_t>(input.columns);
  const std::size_t matrix = input.expert < 0 ? 0 : static_cast<std::size_t>(input.expert);
  CHECK((matrix + 1) * columns <= squares.sums.size());
  double* sums = squares.sums.data() + matrix * columns;
  for (std::size_t at = 0; at < input.rows.size(); at += columns) {
    for (std::size_t i = 0; i < columns; ++i) {
      const auto value = static_cast<double>(input.rows[at + i]);
      sums[i] += value * value;
    }
    ++squares.counts[matrix];
  }
}

bool is_inside_layers(const std::string& name) { return name.starts_with("blk."); }

}  // namespace

Calibration make_calibration(const std::string& path, const ModelOptions& options,
                             const CalibrationText& text) {
  ModelOptions words = options;
  words.weights = false;
  const ModelImplementation model(path, words);
  const int context =
      text.context_tokens > 0 ? text.context_tokens : std::min(kUsualContext, model.info.trained_context);
  if (context > model.info.trained_context)
    throw Error(ErrorCode::invalid_argument,
                "the model has contexts of at most " + std::to_string(model.info.trained_context) + " tokens",
                {{}, {}, "calibration-ctx"});
  return {path, options, text_chunks(model.text(), text.text, context, 0, "the calibration text"), text.name};
}

void watch_inputs(const Calibration& calibration, const ShowShare& show,
                  const std::function<void(const LinearInput&)>& take) {
  std::vector<std::int32_t> ids;
  for (const auto& sequence : calibration.sequences) ids.insert(ids.end(), sequence.begin(), sequence.end());
  std::string first;  // the matrix that every sequence begins with
  std::pair<std::string, int> last;
  std::size_t begun = 0;
  const auto count = static_cast<double>(calibration.sequences.size());
  observe_linear_inputs(calibration.path, calibration.options, ids, std::ssize(calibration.sequences.front()),
                        [&](const LinearInput& input) {
                          // Parts of one tensor come one after another and have one input.
                          if (last == std::pair(input.weight, input.expert)) return;
                          last = {input.weight, input.expert};
                          if (first.empty()) first = input.weight;
                          if (input.weight == first) show(static_cast<double>(begun++) / count);
                          take(input);
                        });
  show(1);
}

ImportanceMatrix measure_importance(const Calibration& calibration, const Checkpoint& checkpoint,
                                    const ShowShare& show) {
  std::map<std::string, Squares> squares;
  watch_inputs(calibration, show, [&](const LinearInput& input) {
    if (!is_inside_layers(input.weight)) return;
    auto [entry, fresh] = squares.try_emplace(input.weight);
    if (fresh) {
      const Shape& shape = checkpoint.tensors.at(input.weight).shape;
      const auto matrices = static_cast<std::size_t>(shape.size() > 2 ? shape[0] : 1);
      entry->second.sums.resize(matrices * static_cast<std::size_t>(input.columns));
      entry->second.counts.resize(matrices);
    }
    add_squares(input, entry->second);
  });
  ImportanceMatrix importance;
  importance.datasets = {calibration.text_name};
  importance.chunks = std::ssize(calibration.sequences);
  importance.chunk_tokens = std::ssize(calibration.sequences.front());
  for (const auto& [name, found] : squares)
    importance.entries[name] = {{found.sums.begin(), found.sums.end()}, found.counts};
  return importance;
}

}  // namespace lathe
