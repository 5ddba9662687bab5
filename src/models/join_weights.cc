// One matrix of the folder, or the experts' matrices behind each other, as one tensor. Rows count through all
// parts.
#include <algorithm>

#include "models/stored_weight.h"

namespace lathe {
namespace {

/// Calls work(part, row in the part, rows, rows before them) for each part that has some of the rows.
template <class Work>
void for_each_part(const std::vector<StoredWeight>& parts, std::int64_t first, std::int64_t count,
                   const Work& work) {
  const std::int64_t part_rows = parts.front().rows();
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t row = first + done;
    const std::int64_t here = std::min(part_rows - row % part_rows, count - done);
    work(parts[static_cast<std::size_t>(row / part_rows)], row % part_rows, here, done);
    done += here;
  }
}

}  // namespace

OwnedTensor join_weights(const std::vector<StoredWeight>& parts, bool stacked, Dtype wanted, int threads) {
  const StoredWeight& model = parts.front();
  Shape shape = model.shape();
  const std::int64_t columns = shape.back();
  if (stacked) shape.insert(shape.begin(), static_cast<std::int64_t>(parts.size()));
  if (model.is_vector())  // a vector is one row here, and as many rows of one element in its part
    return make_tensor(wanted, shape, 1, [&](std::int64_t first, std::int64_t count, float* rows) {
      for (std::int64_t i = 0; i < count; ++i)
        parts[static_cast<std::size_t>(first + i)].read(0, columns, rows + i * columns);
    });
  if (wanted == model.dtype() && model.has_whole_rows()) {
    const auto stride = static_cast<std::int64_t>(row_bytes(wanted, columns));
    return copy_tensor(wanted, shape, threads, [&](std::int64_t first, std::int64_t count, std::byte* rows) {
      for_each_part(parts, first, count,
                    [&](const StoredWeight& part, std::int64_t row, std::int64_t here, std::int64_t done) {
                      part.copy(row, here, rows + done * stride);
                    });
    });
  }
  return make_tensor(wanted, shape, threads, [&](std::int64_t first, std::int64_t count, float* rows) {
    for_each_part(parts, first, count,
                  [&](const StoredWeight& part, std::int64_t row, std::int64_t here, std::int64_t done) {
                    part.read(row, here, rows + done * columns);
                  });
  });
}

}  // namespace lathe
