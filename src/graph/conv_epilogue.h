// The epilogue of a FusedConv: what is computed of the convolution's outputs while they are in the cache, one
// function after the other on the same value. Plain data and functions of internal linkage, so that ISA files
// may include it.
//
//   "add, relu"     y = relu(conv + x0)
//   "clip, mul"     y = min(max(conv, alpha), beta) * x0
//
// Functions of two numbers take the node's next operand as the second, a tensor of the output's shape or one
// number. alpha and beta are attributes, so that at most one function that asks for them has its own.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kMaxEpilogueSteps = 8;

enum class EpilogueFunction : std::int32_t {
  add,  // with an operand; so the next three
  mul,
  max,
  min,
  relu,
  clip,        // within alpha and beta
  leaky_relu,  // alpha x below 0
  sigmoid,
  swish,
  tanh,
  gelu,  // with erf
  gelu_tanh,
  hard_sigmoid,  // alpha x + beta, within 0 and 1
  hard_swish,
  unknown,
};

struct EpilogueName {
  const char* text;
  EpilogueFunction function;
};

static constexpr EpilogueName kEpilogueNames[] = {
    {"add", EpilogueFunction::add},
    {"mul", EpilogueFunction::mul},
    {"max", EpilogueFunction::max},
    {"min", EpilogueFunction::min},
    {"relu", EpilogueFunction::relu},
    {"clip", EpilogueFunction::clip},
    {"leaky_relu", EpilogueFunction::leaky_relu},
    {"sigmoid", EpilogueFunction::sigmoid},
    {"swish", EpilogueFunction::swish},
    {"tanh", EpilogueFunction::tanh},
    {"gelu", EpilogueFunction::gelu},
    {"gelu_tanh", EpilogueFunction::gelu_tanh},
    {"hard_sigmoid", EpilogueFunction::hard_sigmoid},
    {"hard_swish", EpilogueFunction::hard_swish},
};

struct ConvEpilogue {
  int count;  // -1: the text is no epilogue
  int operands;
  EpilogueFunction steps[kMaxEpilogueSteps];
};

static constexpr bool has_operand(EpilogueFunction function) { return function <= EpilogueFunction::min; }

/// Whether it takes alpha, or alpha and beta.
static constexpr bool has_numbers(EpilogueFunction function) {
  return function == EpilogueFunction::clip || function == EpilogueFunction::leaky_relu ||
         function == EpilogueFunction::hard_sigmoid;
}

/// The function whose name `text` begins with, behind which a comma, a space or the end stands.
static constexpr EpilogueName epilogue_name(const char* text) {
  for (const EpilogueName& name : kEpilogueNames) {
    int i = 0;
    while (name.text[i] != '\0' && name.text[i] == text[i]) ++i;
    if (name.text[i] == '\0' && (text[i] == '\0' || text[i] == ',' || text[i] == ' ')) return name;
  }
  return {"", EpilogueFunction::unknown};
}

static constexpr ConvEpilogue conv_epilogue(const char* text) {
  ConvEpilogue epilogue{0, 0, {}};
  bool numbers = false;
  while (*text == ' ') ++text;
  while (*text != '\0') {
    const EpilogueName name = epilogue_name(text);
    const bool again = numbers && has_numbers(name.function);
    if (name.function == EpilogueFunction::unknown || epilogue.count == kMaxEpilogueSteps || again)
      return {-1, 0, {}};
    numbers = numbers || has_numbers(name.function);
    epilogue.operands += has_operand(name.function) ? 1 : 0;
    epilogue.steps[epilogue.count++] = name.function;
    for (const char* c = name.text; *c != '\0'; ++c) ++text;
    while (*text == ' ') ++text;
    if (*text == '\0') break;
    if (*text++ != ',') return {-1, 0, {}};
    while (*text == ' ') ++text;
    if (*text == '\0') return {-1, 0, {}};
  }
  return epilogue;
}

}  // namespace lathe
