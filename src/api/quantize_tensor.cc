#include "api/quantize_tensor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "quant/block_format.h"
#include "quant/gptq.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

constexpr std::int64_t kElementsInMemory = 1 << 22;  // as floats, twice, and as bytes
constexpr std::uint64_t kBytesAtOnce = 4u << 20;     // where nothing changes
constexpr std::int64_t kElementsAtOnce = 1 << 15;    // of one thread

/// Runs work(first, count) for shares of `rows` on all threads; what it throws comes through.
class RowShares {
 public:
  RowShares(ThreadPool& pool, std::int64_t rows, std::int64_t share)
      : pool_(pool), rows_(rows), share_(share) {}

  template <class Work>
  void run(const Work& work) {
    pool_.run([&](int) {
      for (std::int64_t first = next_.fetch_add(share_); first < rows_; first = next_.fetch_add(share_)) {
        try {
          work(first, std::min(share_, rows_ - first));
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!error_) error_ = std::current_exception();
          next_ = rows_;
        }
      }
    });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  ThreadPool& pool_;
  std::int64_t rows_;
  std::int64_t share_;
  std::atomic<std::int64_t> next_{0};
  std::mutex mutex_;
  std::exception_ptr error_;
};

class Quantizer {
 public:
  Quantizer(const TensorRounding& rounding, ThreadPool& pool)
      : rounding_(rounding),
        pool_(pool),
        columns_(std::max<std::int64_t>(rounding.source.columns(), 1)),
        rows_(rounding.source.rows()),
        rows_of_expert_(rows_),
        source_stride_(row_bytes(rounding.source.dtype, columns_)),
        stride_(row_bytes(rounding.dtype, columns_)) {
    const Shape& shape = rounding.source.shape;
    if (shape.size() > 2) rows_of_expert_ = shape[shape.size() - 2];
  }

  RoundingError run(const WriteBytes& write) {
    const std::int64_t slab = std::max<std::int64_t>(kElementsInMemory / columns_, 1);
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(slab, rows_)) * stride_);
    RoundingError sum;
    for (std::int64_t first = 0; first < rows_; first += slab) {
      const std::int64_t count = std::min(slab, rows_ - first);
      const RoundingError part = quantize(first, count, bytes.data());
      sum.error += part.error;
      sum.power += part.power;
      write(std::span(bytes).first(static_cast<std::size_t>(count) * stride_));
    }
    return sum;
  }

 private:
  RoundingError quantize(std::int64_t first, std::int64_t count, std::byte* bytes) {
    const std::int64_t share = std::max<std::int64_t>(kElementsAtOnce / columns_, 1);
    // Of each share, added in order afterwards: the same for any number of threads.
    std::vector<RoundingError> errors(static_cast<std::size_t>((count + share - 1) / share));
    RowShares(pool_, count, share).run([&](std::int64_t row, std::int64_t rows) {
      RoundingError& error = errors[static_cast<std::size_t>(row / share)];
      for (std::int64_t done = 0; done < rows;) {
        // Experts have importance of their own.
        const std::int64_t at = first + row + done;
        const std::int64_t part = std::min(rows - done, rows_of_expert_ - at % rows_of_expert_);
        quantize_share(at, part, bytes + static_cast<std::uint64_t>(row + done) * stride_, error);
        done += part;
      }
    });
    RoundingError sum;
    for (const RoundingError& error : errors) {
      sum.error += error.error;
      sum.power += error.power;
    }
    return sum;
  }

  void quantize_share(std::int64_t first, std::int64_t rows, std::byte* bytes, RoundingError& error) const {
    const auto elements = static_cast<std::size_t>(rows * columns_);
    std::vector<float> values(elements);
    std::vector<float> rounded(elements);
    decode_rows(rounding_.source.dtype,
                rounding_.source.data + static_cast<std::uint64_t>(first) * source_stride_, values.data(),
                rows, columns_);
    for (std::size_t i = 0; i < elements && !rounding_.scales.empty(); ++i)
      values[i] *= rounding_.scales[i % static_cast<std::size_t>(columns_)];
    const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
    if (bad != values.end())
      fail(ErrorCode::invalid_file, std::isnan(*bad) ? "a weight is NaN" : "a weight is infinite", first,
           bad - values.begin());
    const float* importance = rounding_.importance.empty()
                                  ? nullptr
                                  : rounding_.importance.data() + first / rows_of_expert_ * columns_;
    if (rounding_.factor != nullptr) {
      std::vector<float> fed = values;
      gptq_rows(rounding_.dtype, fed.data(), rounding_.factor, nullptr, rows, columns_, bytes);
    } else {
      quantize_rows(rounding_.dtype, values.data(), importance, rows, columns_, bytes);
    }
    decode_rows(rounding_.dtype, bytes, rounded.data(), rows, columns_);
    const auto beyond = std::ranges::find_if(rounded, [](float value) { return !std::isfinite(value); });
    if (beyond != rounded.end())
      fail(ErrorCode::unsupported,
           "a weight is more than " + std::string(info(rounding_.dtype).name) + " can hold", first,
           beyond - rounded.begin());
    for (std::int64_t row = 0; row < rows; ++row)
      add_error(values.data() + row * columns_, rounded.data() + row * columns_, importance, error);
  }

  void add_error(const float* values, const float* rounded, const float* importance,
                 RoundingError& sum) const {
    for (std::int64_t i = 0; i < columns_; ++i) {
      const double weight = importance == nullptr ? 1.0 : static_cast<double>(importance[i]);
      const double value = static_cast<double>(values[i]);
      const double error = value - static_cast<double>(rounded[i]);
      sum.error += weight * error * error;
      sum.power += weight * value * value;
    }
  }

  [[noreturn]] void fail(ErrorCode code, const std::string& message, std::int64_t first_row,
                         std::int64_t element) const {
    throw Error(code,
                message + " (row " + std::to_string(first_row + element / columns_) + ", column " +
                    std::to_string(element % columns_) + ")",
                {rounding_.file, std::nullopt, printable(rounding_.name)});
  }

  const TensorRounding& rounding_;
  ThreadPool& pool_;
  std::int64_t columns_;
  std::int64_t rows_;
  std::int64_t rows_of_expert_;  // all of them where there are no experts
  std::uint64_t source_stride_;
  std::uint64_t stride_;
};

}  // namespace

double RoundingError::sqnr() const {
  if (error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(power / error);
}

RoundingError quantize_tensor(const TensorRounding& rounding, ThreadPool& pool, const WriteBytes& write) {
  const TensorView& source = rounding.source;
  if (source.dtype == rounding.dtype && rounding.scales.empty()) {
    const auto stride = std::max<std::uint64_t>(row_bytes(source.dtype, source.columns()), 1);
    const std::uint64_t piece = std::max<std::uint64_t>(kBytesAtOnce / stride, 1) * stride;
    for (std::span<const std::byte> left(source.data, source.bytes()); !left.empty();) {
      const auto count = std::min<std::uint64_t>(left.size(), piece);
      write(left.first(count));
      left = left.subspan(count);
    }
    return {};
  }
  if (element_count(source.shape) == 0) return {};
  return Quantizer(rounding, pool).run(write);
}

}  // namespace lathe
