// HannWindow, HammingWindow, BlackmanWindow (size) and MelWeightMatrix (mel bins, length, sample rate, lower
// and upper edge) into any float type, computed in double.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "cpu/portable/element_number.h"

namespace lathe::portable {
namespace {

double hann(double turn) {
  const double sine = std::sin(turn / 2);
  return sine * sine;
}
double hamming(double turn) { return 25.0 / 46 - 21.0 / 46 * std::cos(turn); }
double blackman(double turn) { return 0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn); }

template <double (*function)(double)>
void run_window(const KernelCall& call) {
  const TensorArg& y = call.outputs[0];
  const std::int64_t size = element_count(y);
  const std::int64_t period = call.attributes[1].integer != 0 ? size : size - 1;
  const Share share = share_of(call, size);
  for (std::int64_t i = share.begin; i < share.end; ++i)
    set_channel_number(y, i,
                       function(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(period)));
}

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10.0, mel / 2595) - 1); }

/// The rows where the triangles of the bins begin, and lie at their highest; one after the other.
class MelRows {
 public:
  explicit MelRows(const KernelCall& call)
      : length_(static_cast<double>(whole_number(call.inputs[1], 0))),
        rate_(static_cast<double>(whole_number(call.inputs[2], 0))),
        lowest_(mel(channel_number(call.inputs[3], 0))),
        step_((mel(channel_number(call.inputs[4], 0)) - lowest_) /
              static_cast<double>(call.outputs[0].dims[1] + 2)),
        rows_(call.outputs[0].dims[0]) {}

  /// -1 where it lies outside the matrix.
  std::int64_t row(std::int64_t bin) const {
    const double place =
        std::floor((length_ + 1) * hertz(static_cast<double>(bin) * step_ + lowest_) / rate_);
    return place >= 0 && place < static_cast<double>(rows_) ? static_cast<std::int64_t>(place) : -1;
  }

 private:
  double length_;
  double rate_;
  double lowest_;
  double step_;
  std::int64_t rows_;
};

void run_mel(const KernelCall& call) {
  const TensorArg& y = call.outputs[0];
  const std::int64_t bins = y.dims[1];
  const MelRows rows(call);
  const Share share = share_of(call, bins);
  for (std::int64_t bin = share.begin; bin < share.end; ++bin) {
    for (std::int64_t row = 0; row < y.dims[0]; ++row) set_channel_number(y, row * bins + bin, 0);
    const std::int64_t low = rows.row(bin);
    const std::int64_t middle = rows.row(bin + 1);
    const std::int64_t high = rows.row(bin + 2);
    if (low < 0 || middle < low || high < middle) {
      if (call.fault != nullptr) *call.fault = 1;
      continue;
    }
    const auto ratio = [](std::int64_t a, std::int64_t b) {
      return static_cast<double>(a) / static_cast<double>(b);
    };
    if (middle == low) set_channel_number(y, middle * bins + bin, 1);
    for (std::int64_t row = low; middle > low && row <= middle; ++row)
      set_channel_number(y, row * bins + bin, ratio(row - low, middle - low));
    for (std::int64_t row = middle; row < high; ++row)
      set_channel_number(y, row * bins + bin, ratio(high - row, high - middle));
  }
}

bool accepts(const NodeTypes& types) {
  const Dtype dtype = types.outputs[0].dtype;
  return dtype == Dtype::f32 || dtype == Dtype::f64 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name, .op = op, .arithmetic = "f32", .accepts = accepts, .run = function};
}

}  // namespace

std::span<const Kernel> signal_window_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.blackman_window", "BlackmanWindow", run_window<blackman>),
      kernel("portable.hamming_window", "HammingWindow", run_window<hamming>),
      kernel("portable.hann_window", "HannWindow", run_window<hann>),
      kernel("portable.mel_weight_matrix", "MelWeightMatrix", run_mel),
  };
  return kKernels;
}

}  // namespace lathe::portable
