#include "models/convert_weights.h"

#include <vector>

#include "quant/block_format.h"

namespace lathe {

std::shared_ptr<const Checkpoint> convert_weights(const std::shared_ptr<const Checkpoint>& checkpoint,
                                                  WeightType weights, int threads) {
  if (weights == WeightType::as_stored) return checkpoint;
  auto converted = std::make_shared<Checkpoint>(*checkpoint);
  std::vector<std::shared_ptr<const void>> owners = {checkpoint};
  std::size_t narrow = 0;
  for (auto& [name, view] : converted->tensors) {
    const WantedType wanted = wanted_type(weights, name, view.shape, view.dtype);
    if (!wanted.fits) ++narrow;
    if (wanted.dtype == view.dtype) continue;
    const TensorView stored = view;
    const auto stride = row_bytes(stored.dtype, stored.columns());
    OwnedTensor made = make_tensor(
        wanted.dtype, stored.shape, threads, [&](std::int64_t first, std::int64_t count, float* rows) {
          decode_rows(stored.dtype, stored.data + static_cast<std::uint64_t>(first) * stride, rows, count,
                      stored.columns());
        });
    view = made.view;
    owners.push_back(std::move(made.owner));
  }
  if (narrow > 0) converted->warnings.push_back(narrow_warning(narrow));
  converted->owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(owners));
  return converted;
}

}  // namespace lathe
