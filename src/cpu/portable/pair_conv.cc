// Conv and FusedConv of x in float32 with weights in bf16; pair_conv.h has the arithmetic. Of x rounded to
// bf16, as RoundActivation does.
#include "cpu/pair_conv.h"

#include "cpu/portable/epilogue_functions.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/lanes.h"
#include "cpu/portable/pair_arithmetic.h"

namespace lathe::portable {
namespace {

struct LanePairs {
  std::uint16_t elements[2 * Lanes::kCount];
};

LanePairs load(LanePairs, const std::uint16_t* source) {
  LanePairs result;
  std::copy_n(source, 2 * Lanes::kCount, result.elements);
  return result;
}
void store(std::uint16_t* target, const LanePairs& x) { std::copy_n(x.elements, 2 * Lanes::kCount, target); }
LanePairs repeat_word(LanePairs, std::uint32_t pair) {
  LanePairs result;
  for (std::size_t i = 0; i < 2 * Lanes::kCount; ++i)
    result.elements[i] = static_cast<std::uint16_t>(i % 2 == 0 ? pair : pair >> 16);
  return result;
}
LanePairs rounded_pairs(LanePairs, const Lanes& even, const Lanes& odd) {
  LanePairs result;
  for (std::size_t i = 0; i < 2 * Lanes::kCount; ++i)
    result.elements[i] = round_to_pair_element((i % 2 == 0 ? even : odd).lanes[i / 2]);
  return result;
}
Lanes dot(Lanes sum, const LanePairs& a, const LanePairs& b) {
  for (std::size_t i = 0; i < Lanes::kCount; ++i) {
    const float first[2] = {pair_element(a.elements[2 * i]), pair_element(a.elements[2 * i + 1])};
    const float second[2] = {pair_element(b.elements[2 * i]), pair_element(b.elements[2 * i + 1])};
    sum.lanes[i] = add_pair(sum.lanes[i], first, second);
  }
  return sum;
}

struct Products {
  using Pairs = LanePairs;
  using Vector = Lanes;

  static Lanes sum(const Lanes& a, const Lanes& b) {
    return each(a, b, [](float x, float y) { return flush_denormal(flush_denormal(x) + flush_denormal(y)); });
  }
  static void run(void (*function)(const pair_conv::Rows&), const pair_conv::Rows& rows) { function(rows); }
};

bool accepts(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && types.inputs[1].dtype == Dtype::bf16;
}

std::size_t scratch_bytes(const KernelCall&) { return pair_conv::kScratchBytes; }

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 100000;
  const TensorArg& weight = call.inputs[1];
  const std::int64_t depth = weight.dims[0] == 0 ? 0 : element_count(weight) / weight.dims[0];
  return element_count(call.outputs[0]) * depth <= kFewProducts;
}

Kernel kernel(const char* name, const char* op, KernelFunction run) {
  return {.name = name,
          .op = op,
          .arithmetic = "bf16",
          .accepts = accepts,
          .run = run,
          .scratch_bytes = scratch_bytes,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> pair_conv_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.conv.pairs", "Conv", pair_conv::run<Products, 4, 1, false, EpilogueFunctions>),
      kernel("portable.fused_conv.pairs", "FusedConv",
             pair_conv::run<Products, 4, 1, true, EpilogueFunctions>)};
  return kKernels;
}

}  // namespace lathe::portable
