#include "graph/fused_program_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "base/error.h"

namespace lathe {
namespace {

struct FunctionRow {
  std::string_view name;
  FusedFunction function;
  int min_operands;
  int max_operands;
  int constants;  // numbers that follow the operands
};

constexpr std::array kFunctions = {
    FunctionRow{"add", FusedFunction::add, 2, 2, 0},
    FunctionRow{"mul", FusedFunction::mul, 2, 2, 0},
    FunctionRow{"sub", FusedFunction::sub, 2, 2, 0},
    FunctionRow{"div", FusedFunction::div, 2, 2, 0},
    FunctionRow{"max", FusedFunction::max, 2, 2, 0},
    FunctionRow{"min", FusedFunction::min, 2, 2, 0},
    FunctionRow{"swish", FusedFunction::swish, 1, 1, 0},
    FunctionRow{"gelu", FusedFunction::gelu, 1, 1, 0},
    FunctionRow{"gelu_tanh", FusedFunction::gelu_tanh, 1, 1, 0},
    FunctionRow{"tanh", FusedFunction::tanh, 1, 1, 0},
    FunctionRow{"sigmoid", FusedFunction::sigmoid, 1, 1, 0},
    FunctionRow{"relu", FusedFunction::relu, 1, 1, 0},
    FunctionRow{"clip", FusedFunction::clip, 1, 1, 2},
    FunctionRow{"leaky_relu", FusedFunction::leaky_relu, 1, 1, 1},
    FunctionRow{"hard_sigmoid", FusedFunction::hard_sigmoid, 1, 1, 2},
    FunctionRow{"hard_swish", FusedFunction::hard_swish, 1, 1, 0},
    FunctionRow{"exp", FusedFunction::exp, 1, 1, 0},
    FunctionRow{"erf", FusedFunction::erf, 1, 1, 0},
    FunctionRow{"abs", FusedFunction::abs, 1, 1, 0},
    FunctionRow{"neg", FusedFunction::neg, 1, 1, 0},
    FunctionRow{"sqrt", FusedFunction::sqrt, 1, 1, 0},
    FunctionRow{"reciprocal", FusedFunction::reciprocal, 1, 1, 0},
    FunctionRow{"rms", FusedFunction::rms, 2, 2, 1},
    FunctionRow{"layer", FusedFunction::layer, 2, 3, 1},
};

bool reduces(FusedFunction function) {
  return function == FusedFunction::rms || function == FusedFunction::layer;
}

/// Statements to instructions over registers without number limit; allocate() then maps these to few.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  FusedProgram run() {
    do statement();
    while (accept(';'));
    skip_space();
    if (at_ < text_.size()) fail("expected ; or the end");
    if (outputs_ == 0) fail("there is no output");
    allocate();
    return finish();
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::invalid_argument,
                "fused program, character " + std::to_string(at_ + 1) + ": " + message);
  }

  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'");
  }

  std::string_view word() {
    skip_space();
    const auto start = at_;
    while (at_ < text_.size() && ((text_[at_] >= 'a' && text_[at_] <= 'z') || text_[at_] == '_' ||
                                  (at_ > start && text_[at_] >= '0' && text_[at_] <= '9')))
      ++at_;
    if (at_ == start) fail("expected a name");
    return text_.substr(start, at_ - start);
  }

  /// N of "xN".
  std::optional<int> number_of(std::string_view name, char letter, int limit) const {
    int number = 0;
    if (name.size() < 2 || name[0] != letter) return std::nullopt;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    if (number >= limit) fail(std::string(name) + " is more than a program may have");
    return number;
  }

  void statement() {
    const std::string_view target = word();
    expect('=');
    if (const auto temporary = number_of(target, 't', 1000)) {
      named_[std::string(target)] = expression();
      return;
    }
    const auto output = number_of(target, 'o', kMaxFusedOutputs);
    if (!output) fail("a statement defines a temporary or an output");
    if (*output != outputs_) fail("outputs come in their order");
    FusedInstruction store{};
    store.function = FusedFunction::store;
    store.result = *output;
    skip_space();
    if (text_.substr(at_).starts_with("quantize")) {
      word();
      expect('(');
      store.function = FusedFunction::quantize;
      store.operands[0] = expression();
      if (accept(',')) {
        store.operands[1] = expression();
        if (store.operands[1].place != FusedPlace::input) fail("marks of fine columns are no input");
      }
      expect(')');
    } else {
      store.operands[0] = expression();
    }
    named_[std::string(target)] = store.operands[0];
    append(store);
    ++outputs_;
  }

  FusedOperand expression() {
    const std::string_view name = word();
    if (accept('(')) return call(name);
    if (const auto known = named_.find(name); known != named_.end()) return known->second;
    if (const auto input = number_of(name, 'x', kMaxFusedInputs)) {
      inputs_ = std::max(inputs_, *input + 1);
      return {FusedPlace::input, *input};
    }
    if (const auto product = number_of(name, 'w', kMaxFusedInputs)) {
      products_ = std::max(products_, *product + 1);
      return {FusedPlace::product, *product};
    }
    fail("there is no " + printable(name) + " before here");
  }

  FusedOperand call(std::string_view name) {
    const auto* row = std::ranges::find(kFunctions, name, &FunctionRow::name);
    if (row == kFunctions.end()) fail("there is no function " + printable(name));
    if (++depth_ > kMaxFusedInstructions)  // each level is an instruction
      fail("nested more than " + std::to_string(kMaxFusedInstructions) + " deep");
    FusedInstruction instruction{};
    instruction.function = row->function;
    int count = 0;
    bool closed = false;
    while (!closed) {
      if (count >= row->min_operands && row->constants > 0 && starts_number()) {
        for (int i = 0; i < row->constants; ++i) {
          if (i > 0) expect(',');
          instruction.constants[i] = constant();
        }
        expect(')');
        break;
      }
      if (count == row->max_operands) fail("too many operands of " + std::string(name));
      instruction.operands[count++] = expression();
      closed = accept(')');
      if (!closed) expect(',');
      if (closed && (row->constants > 0 || count < row->min_operands))
        fail("too few operands of " + std::string(name));
    }
    instruction.result = registers_++;
    append(instruction);
    --depth_;
    return {FusedPlace::temporary, instruction.result};
  }

  bool starts_number() {
    skip_space();
    return at_ < text_.size() && (text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9'));
  }

  float constant() {
    skip_space();
    float value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) fail("expected a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  void append(const FusedInstruction& instruction) {
    if (instructions_.size() == kMaxFusedInstructions)
      fail("more than " + std::to_string(kMaxFusedInstructions) + " instructions");
    instructions_.push_back(instruction);
  }

  /// Each register gets the lowest number that is free from its definition to its last use.
  void allocate() {
    std::vector<std::size_t> last_use(static_cast<std::size_t>(registers_), 0);
    for (std::size_t i = 0; i < instructions_.size(); ++i)
      for (const auto& operand : instructions_[i].operands)
        if (operand.place == FusedPlace::temporary) last_use[static_cast<std::size_t>(operand.index)] = i;
    std::vector<std::int32_t> number(static_cast<std::size_t>(registers_), -1);
    std::array<std::int32_t, kMaxFusedTemporaries> holder;
    holder.fill(-1);
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
      auto& instruction = instructions_[i];
      const auto renumber = [&number](FusedOperand& operand) {
        if (operand.place == FusedPlace::temporary)
          operand.index = number[static_cast<std::size_t>(operand.index)];
      };
      for (auto& held : holder)
        if (held >= 0 && last_use[static_cast<std::size_t>(held)] <= i) held = -1;
      for (auto& operand : instruction.operands) renumber(operand);
      if (instruction.function == FusedFunction::store || instruction.function == FusedFunction::quantize)
        continue;
      const auto free = std::ranges::find(holder, -1);
      if (free == holder.end())
        fail("more than " + std::to_string(kMaxFusedTemporaries) + " temporaries at once");
      *free = instruction.result;
      instruction.result = number[static_cast<std::size_t>(instruction.result)] =
          static_cast<std::int32_t>(free - holder.begin());
      temporaries_ = std::max(temporaries_, instruction.result + 1);
    }
  }

  FusedProgram finish() const {
    FusedProgram program{};
    program.count = static_cast<std::int32_t>(instructions_.size());
    program.temporaries = temporaries_;
    program.inputs = inputs_;
    program.products = products_;
    program.outputs = outputs_;
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
      const auto& instruction = instructions_[i];
      program.instructions[i] = instruction;
      program.reduces |= reduces(instruction.function);
      if (instruction.function == FusedFunction::quantize) program.quantized[instruction.result] = true;
    }
    return program;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::map<std::string, FusedOperand, std::less<>> named_;
  std::vector<FusedInstruction> instructions_;
  std::int32_t registers_ = 0, inputs_ = 0, products_ = 0, outputs_ = 0, temporaries_ = 0;
};

std::string operand_text(const FusedOperand& operand) {
  constexpr std::array<char, 4> kLetters = {'?', 'x', 'w', 't'};
  return kLetters[static_cast<std::size_t>(operand.place)] + std::to_string(operand.index);
}

std::string constant_text(float constant) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), constant);
  return {digits.data(), end.ptr};
}

}  // namespace

FusedProgram parse_fused_program(std::string_view text) { return Parser(text).run(); }

std::string print_fused_program(const FusedProgram& program) {
  std::string text;
  for (int i = 0; i < program.count; ++i) {
    const auto& instruction = program.instructions[i];
    if (i > 0) text += "; ";
    if (instruction.function == FusedFunction::store || instruction.function == FusedFunction::quantize) {
      const std::string value = operand_text(instruction.operands[0]);
      const bool marked = instruction.operands[1].place != FusedPlace::none;
      const std::string marks = marked ? ", " + operand_text(instruction.operands[1]) : "";
      text += "o" + std::to_string(instruction.result) + " = " +
              (instruction.function == FusedFunction::store ? value : "quantize(" + value + marks + ")");
      continue;
    }
    const auto* row = std::ranges::find(kFunctions, instruction.function, &FunctionRow::function);
    CHECK(row != kFunctions.end());
    text += "t" + std::to_string(instruction.result) + " = " + std::string(row->name) + "(";
    for (int k = 0; k < 3 && instruction.operands[k].place != FusedPlace::none; ++k)
      text += (k == 0 ? "" : ", ") + operand_text(instruction.operands[k]);
    for (int k = 0; k < row->constants; ++k) text += ", " + constant_text(instruction.constants[k]);
    text += ")";
  }
  return text;
}

std::string_view fused_function_name(FusedFunction function) {
  if (function == FusedFunction::quantize) return "quantize";
  const auto* row = std::ranges::find(kFunctions, function, &FunctionRow::function);
  return row == kFunctions.end() ? std::string_view() : row->name;
}

bool fits_rows(const Dims& rows, const Dims& operand) {
  if (rows == operand) return true;
  if (operand.size() > std::max<std::size_t>(rows.size(), 1)) return false;
  const auto is_one = [](const Dim& dim) { return dim == Dim(1); };
  const bool is_number = std::ranges::all_of(operand, is_one);
  return is_number || (!rows.empty() && operand.back() == rows.back() &&
                       std::all_of(operand.begin(), operand.end() - 1, is_one));
}

int fused_function_constants(FusedFunction function) {
  const auto* row = std::ranges::find(kFunctions, function, &FunctionRow::function);
  return row == kFunctions.end() ? 0 : row->constants;
}

}  // namespace lathe
