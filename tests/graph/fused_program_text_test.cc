#include "graph/fused_program_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lathe {
namespace {

std::string refusal_of(std::string_view text) {
  try {
    parse_fused_program(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return {};
}

TEST(FusedProgramText, ReadsInstructionsInOrder) {
  const auto program =
      parse_fused_program("o0 = add(x0, x1); t5 = rms(o0, x2, 1e-05); o1 = quantize(mul(t5, w3))");
  EXPECT_EQ(program.count, 5);
  EXPECT_EQ(program.inputs, 3);
  EXPECT_EQ(program.products, 4);
  EXPECT_EQ(program.outputs, 2);
  EXPECT_EQ(program.temporaries, 1);
  EXPECT_TRUE(program.reduces);
  EXPECT_FALSE(program.quantized[0]);
  EXPECT_TRUE(program.quantized[1]);
  const auto& instructions = program.instructions;
  EXPECT_EQ(instructions[0].function, FusedFunction::add);
  EXPECT_EQ(instructions[0].operands[1].place, FusedPlace::input);
  EXPECT_EQ(instructions[0].operands[1].index, 1);
  EXPECT_EQ(instructions[0].operands[2].place, FusedPlace::none);
  EXPECT_EQ(instructions[1].function, FusedFunction::store);
  EXPECT_EQ(instructions[2].function, FusedFunction::rms);
  EXPECT_EQ(instructions[2].constants[0], 1e-05f);
  EXPECT_EQ(instructions[3].operands[1].place, FusedPlace::product);
  EXPECT_EQ(instructions[3].operands[1].index, 3);
  EXPECT_EQ(instructions[4].function, FusedFunction::quantize);
  EXPECT_EQ(instructions[4].result, 1);
  EXPECT_FALSE(parse_fused_program("o0 = swish(x0)").reduces);
}

TEST(FusedProgramText, TellsALayerWithABiasFromOneWithout) {
  const auto program = parse_fused_program("o0 = layer(x0, x1, x2, 0.5); o1 = layer(x0, x1, 0.25)");
  EXPECT_EQ(program.instructions[0].operands[2].place, FusedPlace::input);
  EXPECT_EQ(program.instructions[0].constants[0], 0.5f);
  EXPECT_EQ(program.instructions[2].operands[2].place, FusedPlace::none);
  EXPECT_EQ(program.instructions[2].constants[0], 0.25f);
}

TEST(FusedProgramText, GivesTemporariesTheLowestFreeNumbers) {
  const auto program = parse_fused_program(
      "t0 = swish(x0); t1 = gelu(x0); t2 = add(t0, t1); t3 = tanh(t2); o0 = mul(t3, t2); t0 = tanh(o0);"
      " o1 = t0");
  EXPECT_EQ(program.temporaries, 2);
  EXPECT_EQ(program.instructions[2].result, 0);  // where the swish was
  EXPECT_EQ(program.instructions[3].result, 1);  // where the gelu was
}

TEST(FusedProgramText, PrintsWhatReadsBackTheSame) {
  for (const std::string_view text :
       {"t0 = add(x0, x1); o0 = t0; t0 = rms(t0, x2, 1e-05); o1 = quantize(t0)",
        "t0 = swish(w0); t0 = mul(t0, w1); o0 = t0",
        "t0 = gelu(x0); t1 = gelu_tanh(x1); t0 = add(t0, t1); o0 = t0",
        "t0 = layer(x0, x1, x2, 1e-12); o0 = t0; t0 = layer(x0, x1, 0); o1 = t0; o2 = x1",
        "t0 = tanh(x0); o0 = quantize(t0); o1 = t0",
        "t0 = clip(x0, -1, 6); t0 = hard_sigmoid(t0, 0.2, 0.5); t0 = leaky_relu(t0, 0.01); t0 = max(t0, x1); "
        "o0 = t0"})
    EXPECT_EQ(print_fused_program(parse_fused_program(text)), text);
  for (const std::string_view text : {"o0=add( x0 ,mul(x1,x0) ) ;o1 = o0", "o0 = mul(swish(x0), x1)",
                                      "o0 = rms(x0, x1, 0.000001); o1 = quantize(o0); o2 = add(o0, o1)"}) {
    const auto printed = print_fused_program(parse_fused_program(text));
    EXPECT_EQ(print_fused_program(parse_fused_program(printed)), printed) << text;
  }
}

TEST(FusedProgramText, RefusesWithTheCharactersNumber) {
  const std::vector<std::pair<std::string_view, std::string_view>> refused = {
      {"", "character 1: expected a name"},
      {"o0", "character 3: expected '='"},
      {"o0 = ", "character 6: expected a name"},
      {"o0 = x0 x1", "character 9: expected ; or the end"},
      {"o0 = x0;", "character 9: expected a name"},
      {"t0 = x0", "character 8: there is no output"},
      {"x0 = x1", "a statement defines a temporary or an output"},
      {"o1 = x0", "outputs come in their order"},
      {"o0 = x0; o0 = x1", "outputs come in their order"},
      {"o0 = o1", "character 8: there is no o1 before here"},
      {"o0 = t0", "there is no t0 before here"},
      {"o0 = sine(x0)", "character 11: there is no function sine"},
      {"o0 = add(x0)", "character 13: too few operands of add"},
      {"o0 = add(x0, x1, x2)", "character 17: too many operands of add"},
      {"o0 = swish()", "character 12: expected a name"},
      {"o0 = rms(x0, x1)", "too few operands of rms"},
      {"o0 = rms(x0, x1, 1e99)", "character 18: expected a number"},
      {"o0 = rms(x0, 1)", "expected a name"},
      {"o0 = clip(x0, 1)", "character 16: expected ','"},
      {"o0 = clip(x0, 0, x1)", "character 18: expected a number"},
      {"o0 = leaky_relu(x0)", "too few operands of leaky_relu"},
      {"o0 = add(x0, 1)", "expected a name"},
      {"o0 = quantize x0", "character 15: expected '('"},
      {"o0 = add(x0, quantize(x0))", "there is no function quantize"},
      {"o0 = x16", "x16 is more than a program may have"},
      {"o0 = w99", "w99 is more than a program may have"},
      {"o8 = x0", "o8 is more than a program may have"},
      {"o0 = x99999999999", "there is no"},
      {"o0 = add(x0, x1)\x01", "character 17"},
  };
  for (const auto& [text, message] : refused)
    EXPECT_THAT(refusal_of(text), testing::HasSubstr(message)) << text;
}

std::string sum_of(int count) {
  std::string text = "o0 = x0";
  for (int i = 0; i < count; ++i) text = "o0 = add(" + text.substr(5) + ", x0)";
  return text;
}

TEST(FusedProgramText, HoldsItsLimits) {
  EXPECT_EQ(parse_fused_program(sum_of(kMaxFusedInstructions - 1)).count, kMaxFusedInstructions);
  EXPECT_THAT(refusal_of(sum_of(kMaxFusedInstructions)), testing::HasSubstr("more than 32"));
  std::string defined;
  std::string sum = "t0";
  for (int i = 0; i < kMaxFusedTemporaries; ++i) {
    defined += "t" + std::to_string(i) + " = swish(x0); ";
    if (i > 0) sum = "add(" + sum + ", t" + std::to_string(i) + ")";
  }
  EXPECT_EQ(parse_fused_program(defined + "o0 = " + sum).temporaries, kMaxFusedTemporaries);
  EXPECT_THAT(refusal_of(defined + "t8 = tanh(x0); o0 = add(t8, " + sum + ")"),
              testing::HasSubstr("more than 8 temporaries at once"));
}

TEST(FusedProgramText, EveryCutIsRefusedOrAProgram) {
  const std::string text = "t0 = add(x0, rms(x1, x2, 1e-06)); o0 = t0; o1 = quantize(layer(t0, x3, x3, 0.1))";
  for (std::size_t size = 0; size < text.size(); ++size) try {
      EXPECT_GT(parse_fused_program(text.substr(0, size)).outputs, 0);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("character "));
    }
}

TEST(FusedProgramText, RefusesDeepNestingBeforeItFillsTheStack) {
  std::string text = "o0 = ";
  for (int i = 0; i < 100000; ++i) text += "swish(";
  EXPECT_THAT(refusal_of(text + "x0"), testing::HasSubstr("nested"));
}

TEST(FusedProgramText, KnowsWhatFitsRows) {
  const Dims rows = {"T", 64};
  EXPECT_TRUE(fits_rows(rows, rows));
  EXPECT_TRUE(fits_rows(rows, {64}));
  EXPECT_TRUE(fits_rows(rows, {1}));
  EXPECT_FALSE(fits_rows(rows, {"T"}));
  EXPECT_FALSE(fits_rows(rows, {"T", 1}));
  EXPECT_FALSE(fits_rows({64}, rows));
  EXPECT_TRUE(fits_rows({}, {1}));
  EXPECT_FALSE(fits_rows({}, {2}));
}

}  // namespace
}  // namespace lathe
