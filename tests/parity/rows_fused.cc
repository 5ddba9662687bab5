// Cases of RowProgram: every function, broadcasts in every place, chains that outlive their tile, several
// outputs, in place and not, tails, special values.
#include <cmath>
#include <limits>

#include "graph/fused_program_text.h"
#include "parity/fused_cases.h"
#include "parity/matmul_operands.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSpecial[] = {0.0f,  -0.0f, kInfinity, -kInfinity, kNan,   1e-40f, -1e-40f,
                              87.5f, 89.0f, -89.0f,    1e30f,      -1e30f, 3e38f,  -3e38f};

void append(std::vector<Case>& cases, std::span<const RowProgramShape> programs,
            std::span<const Shape> dims) {
  Random random(41);
  for (const auto& program : programs)
    for (const auto& shape : dims) {
      cases.push_back(row_program_case(random, program, shape));
      if (cases.back().outputs[0].dtype == Dtype::f32)
        cases.push_back(row_program_case(random, program, shape, 0, 20));
    }
  for (const auto& program : programs) {
    Case special = row_program_case(random, program, {3, 64});
    special.name += " with special values";
    for (auto& input : special.inputs)
      if (input.bytes.size() == 3 * 64 * sizeof(float))
        std::copy(std::begin(kSpecial), std::end(kSpecial), input.as<float>() + 64 + 9);
    cases.push_back(std::move(special));
  }
}

}  // namespace

const std::vector<RowProgramShape>& float_programs() {
  static const std::vector<RowProgramShape> kPrograms = {
      {"o0 = add(x0, x1)", "ff"},
      {"o0 = mul(swish(x0), x1)", "ff"},
      {"o0 = mul(gelu_tanh(add(x0, x2)), add(x1, x3))", "ffrr"},
      {"o0 = mul(gelu(x0), x1)", "ff"},
      {"o0 = mul(tanh(mul(x0, x1)), x2)", "fss"},
      {"o0 = gelu(x0); o1 = mul(o0, x1); o2 = add(x1, swish(x0))", "ff"},
      {"o0 = mul(x1, x0); o1 = add(x2, o0); o2 = mul(x0, x0)", "fsr"},
      {"t0 = swish(x0); o0 = mul(t0, t0); o1 = t0; o2 = o0; o3 = x0", "f"},
      {"o0 = add(x0, x1); o1 = mul(o0, x0)", "ff"},
      {"o0 = add(x0, mul(x1, swish(x1)))", "fs"},
      {"o0 = x1; o1 = add(x0, x2); o2 = tanh(x2)", "frs"},
      {"o0 = sub(x0, x1); o1 = div(o0, x2); o2 = max(x1, o1); o3 = min(o2, x3)", "ffrs"},
      {"o0 = sub(x1, x0); o1 = div(x1, o0); o2 = max(x1, o1); o3 = min(x1, o2)", "fs"},
      {"o0 = max(x0, x1); o1 = min(x1, x0)", "ff"},
      {"o0 = relu(x0); o1 = clip(x0, -0.5, 1.5); o2 = clip(x0, -3.4028235e+38, 0); o3 = clip(o1, 0, "
       "3.4028235e+38)",
       "f"},
      {"o0 = leaky_relu(x0, 0.01); o1 = hard_sigmoid(x0, 0.2, 0.5); o2 = hard_swish(x0)", "f"},
      {"o0 = sigmoid(x0); o1 = mul(sigmoid(x0), x1); o2 = mul(relu(x0), x1); o3 = exp(x0); o4 = erf(x0)",
       "ff"},
      {"o0 = abs(x0); o1 = neg(x0); o2 = sqrt(o0); o3 = reciprocal(x0); o4 = sqrt(x0)", "f"},
      {"o0 = rms(x0, x1, 1e-05)", "fr"},
      {"o0 = add(x0, x1); o1 = rms(o0, x2, 1e-06)", "ffr"},
      {"o0 = add(x0, rms(x1, x2, 1e-06)); o1 = rms(o0, x3, 1e-06)", "ffrr"},
      {"o0 = layer(add(x0, x1), x2, x3, 1e-05)", "ffrr"},
      {"o0 = layer(x0, x1, 1e-12); o1 = layer(x0, x2, x3, 0)", "frrr"},
      {"o0 = rms(x0, x1, 1e-05); o1 = rms(x0, x2, 1e-05); o2 = swish(o0)", "frf"},
      {"o0 = mul(rms(x0, x1, 1e-05), x2)", "fsf"},
      {"o0 = mul(swish(rms(x1, x2, 1e-05)), x0); o1 = layer(x2, x2, x0, 1e-05)", "fff"},
      {"t0 = add(x0, x1); t1 = mul(x0, x1); t2 = add(t0, t1); t3 = mul(t0, t1); t4 = swish(t0);"
       " t5 = gelu(t1); t6 = tanh(t2); t7 = add(t3, t0); o0 = add(add(add(t0, t1), add(t2, t3)), "
       "add(t4, mul(add(t5, t6), t7)))",
       "ff"},
  };
  return kPrograms;
}

const std::vector<RowProgramShape>& quantizing_programs() {
  static const std::vector<RowProgramShape> kPrograms = {
      {"o0 = quantize(mul(swish(x0), x1))", "ff"},
      {"o0 = add(x0, x1); o1 = quantize(rms(o0, x2, 1e-05))", "ffr"},
      {"o0 = quantize(x0); o1 = gelu_tanh(x0)", "f"},
      {"o0 = add(x0, x1); o1 = quantize(rms(o0, x2, 1e-05), x3)", "ffrr"},
      {"o0 = quantize(mul(swish(x0), x1), x2)", "ffr"},
      {"o0 = layer(x0, x1, x2, 1e-05); o1 = quantize(o0); o2 = quantize(gelu(add(o0, x3)))", "frrr"},
      {"t0 = add(x0, rms(x1, x2, 1e-06)); o0 = t0; o1 = quantize(rms(t0, x3, 1e-06))", "ffrr"},
      {"o0 = quantize(x1); o1 = quantize(x2); o2 = x0", "frs"},
  };
  return kPrograms;
}

Case row_program_case(Random& random, const RowProgramShape& shape, const Shape& dims, int alias,
                      float deviation) {
  Case test{shape.program, "RowProgram", {}, {}, {text(shape.program)}, alias};
  for (const auto dim : dims) test.name += " " + std::to_string(dim);
  if (alias >= 0) test.name += " in place";
  for (const char kind : shape.inputs)
    test.inputs.push_back(kind == 'f'   ? normal(random, dims, deviation)
                          : kind == 'r' ? normal(random, {dims.back()})
                                        : normal(random, {1}));
  const FusedProgram program = parse_fused_program(shape.program);
  const auto rows = element_count(dims) / dims.back();
  for (int i = 0; i < program.outputs; ++i)
    test.outputs.push_back(program.quantized[i] ? empty(Dtype::a8, dims, activation_bytes(rows, dims.back()))
                                                : empty(Dtype::f32, dims));
  return test;
}

std::vector<Case> row_program_cases() {
  std::vector<Case> cases;
  const std::vector<Shape> any = {{1, 1},   {1, 31},  {2, 33},    {1, 576},  {7, 577},
                                  {16, 33}, {64, 48}, {3, 5, 17}, {2, 2100}, {1, 20001}};
  append(cases, float_programs(), any);
  const std::vector<Shape> blocks = {{1, 32},    {1, 576},  {7, 640},  {65, 96},
                                     {3, 2, 64}, {2, 4640}, {1, 18432}};
  append(cases, quantizing_programs(), blocks);
  return cases;
}

}  // namespace lathe::parity
