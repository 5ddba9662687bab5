// Einsum: sums over the letters of the equation's left side that its right side lacks; "..." stands for axes
// that broadcast. Every output is one chain of sums over the last letters first.
#include "cpu/portable/typed.h"
#include "graph/einsum_equation.h"

namespace lathe::portable {
namespace {

/// Steps of an operand along each letter, those of the output first.
struct Walk {
  std::int64_t sizes[kMaxEinsumLetters] = {};
  std::int64_t steps[kMaxEinsumOperands][kMaxEinsumLetters] = {};
  int kept = 0;
  int letters = 0;
};

Walk walk_of(const KernelCall& call, const EinsumEquation& equation) {
  Walk walk;
  walk.kept = equation.output.count;
  walk.letters = equation.letters;
  std::fill_n(walk.sizes, walk.letters, 1);
  for (int n = 0; n < call.input_count; ++n) {
    const auto& tensor = call.inputs[n];
    std::int64_t step = 1;
    for (int axis = tensor.rank - 1; axis >= 0; --axis) {
      const int letter = equation.operands[n].letters[axis];
      if (tensor.dims[axis] != 1) {
        walk.steps[n][letter] += step;  // a letter twice: the diagonal
        walk.sizes[letter] = tensor.dims[axis];
      }
      step *= tensor.dims[axis];
    }
  }
  return walk;
}

/// An index of the letters [first, end), and where it is in each operand.
struct Odometer {
  std::int64_t index[kMaxEinsumLetters] = {};
  std::int64_t places[kMaxEinsumOperands] = {};

  void move(const Walk& walk, int letter, std::int64_t count, int operands) {
    index[letter] += count;
    for (int n = 0; n < operands; ++n) places[n] += count * walk.steps[n][letter];
  }
  /// To the next index; false behind the last, where it is back at the first.
  bool advance(const Walk& walk, int first, int end, int operands) {
    for (int letter = end - 1; letter >= first; --letter) {
      if (index[letter] + 1 < walk.sizes[letter]) {
        move(walk, letter, 1, operands);
        return true;
      }
      move(walk, letter, -index[letter], operands);
    }
    return false;
  }
};

struct Einsum {
  template <class T>
  static void run(const KernelCall& call) {
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, Computed<T>>;
    int ranks[kMaxEinsumOperands] = {};
    for (int n = 0; n < call.input_count; ++n) ranks[n] = call.inputs[n].rank;
    const auto equation =
        parse_einsum(call.attributes[0].text, {ranks, static_cast<std::size_t>(call.input_count)});
    if (!equation) return;  // the rule has parsed it
    const Walk walk = walk_of(call, *equation);
    bool empty = false;
    for (int letter = walk.kept; letter < walk.letters; ++letter) empty |= walk.sizes[letter] == 0;
    const Share share = share_of(call, element_count(call.outputs[0]));
    Odometer at;
    std::int64_t rest = share.begin;
    for (int letter = walk.kept - 1; letter >= 0 && share.begin < share.end; --letter) {
      at.move(walk, letter, rest % walk.sizes[letter], call.input_count);
      rest /= walk.sizes[letter];
    }
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      Sum sum = 0;
      do {
        if (empty) break;
        Sum product = 1;
        for (int n = 0; n < call.input_count; ++n)
          product *= static_cast<Sum>(load(data_of<const T>(call.inputs[n])[at.places[n]]));
        sum += product;
      } while (at.advance(walk, walk.kept, walk.letters, call.input_count));
      data_of<T>(call.outputs[0])[i] = static_cast<T>(sum);
      at.advance(walk, 0, walk.kept, call.input_count);
    }
  }
};

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> einsum_kernels() {
  using Function = Typed<Einsum, NumberTypes>;
  static const Kernel kKernels[] = {{.name = "portable.einsum",
                                     .op = "Einsum",
                                     .arithmetic = "any",
                                     .accepts = Function::accepts,
                                     .run = Function::run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
