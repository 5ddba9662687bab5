#include "api/importance.h"

#include "base/error.h"

namespace lathe {

Importance::Importance(const ImportanceMatrix& matrix, const Checkpoint& checkpoint, const std::string& file)
    : file_(file), chunks_(matrix.chunks) {
  if (!matrix.datasets.empty()) dataset_ = matrix.datasets.front();
  for (const auto& [name, entry] : matrix.entries) {
    const TensorView* tensor = checkpoint.find_tensor(name);
    if (tensor == nullptr) continue;
    const auto matrices = tensor->shape.size() > 2 ? tensor->shape[0] : 1;
    if (std::ssize(entry.sums) != matrices * tensor->columns())
      throw Error(ErrorCode::invalid_argument,
                  "the importance is of another model: it has " + std::to_string(entry.sums.size()) +
                      " columns where the model has " + std::to_string(matrices * tensor->columns()),
                  {file, std::nullopt, printable(name)});
    means_.emplace(name, entry.means());
  }
  if (means_.empty())
    throw Error(ErrorCode::invalid_argument,
                "the importance is of another model: it names none of its matrices",
                {file, std::nullopt, {}});
}

std::span<const float> Importance::of(const std::string& name) const {
  const auto found = means_.find(name);
  return found == means_.end() ? std::span<const float>() : std::span<const float>(found->second);
}

void Importance::describe(Checkpoint& written) const {
  if (!known()) return;
  written.metadata["quantize.imatrix.file"] = file_;
  written.metadata["quantize.imatrix.dataset"] = dataset_;
  written.metadata["quantize.imatrix.entries_count"] = static_cast<std::int64_t>(means_.size());
  written.metadata["quantize.imatrix.chunks_count"] = chunks_;
}

}  // namespace lathe
