// Cases of FusedLinear: each layout, mixed layouts, every kind of program.
#include "graph/fused_program_text.h"
#include "parity/matmul_operands.h"
#include "parity/rows.h"
#include "support/block_types.h"

namespace lathe::parity {
namespace {

struct Extra {
  char kind;  // f: as the output, r: one row of it, s: one number
  std::int64_t rows;
};

struct Program {
  const char* text;
  std::vector<std::int64_t> rows;  // of the weights
  std::vector<Extra> extras;
  std::vector<std::int64_t> outputs;  // columns
};

const std::vector<Program>& programs() {
  static const std::vector<Program> kPrograms = {
      {"o0 = w0", {100}, {}, {100}},
      {"o0 = add(w0, x0)", {100}, {{'r', 100}}, {100}},
      {"o0 = add(x0, w0)", {100}, {{'f', 100}}, {100}},
      {"o0 = swish(w0)", {48}, {}, {48}},
      {"o0 = gelu(add(w0, x0))", {33}, {{'r', 33}}, {33}},
      {"o0 = quantize(gelu_tanh(add(w0, x0)))", {96}, {{'r', 96}}, {96}},
      {"o0 = tanh(mul(w0, x0))", {100}, {{'s', 1}}, {100}},
      {"o0 = mul(swish(w0), w1)", {100, 100}, {}, {100}},
      {"o0 = quantize(mul(swish(w0), w1))", {608, 608}, {}, {608}},
      {"o0 = quantize(mul(swish(w0), w1), x0)", {608, 608}, {{'r', 608}}, {608}},
      {"o0 = quantize(mul(w1, gelu_tanh(w0)))", {32, 32}, {}, {32}},
      {"o0 = w0; o1 = w1; o2 = w2", {100, 33, 1}, {}, {100, 33, 1}},
      {"o0 = add(w0, x0); o1 = add(w1, x1); o2 = w2", {64, 17, 48}, {{'r', 64}, {'r', 17}}, {64, 17, 48}},
      {"o0 = add(x0, mul(add(w0, x1), x2))", {100}, {{'f', 100}, {'r', 100}, {'s', 1}}, {100}},
      {"t0 = add(w0, x0); o0 = t0; o1 = quantize(t0)", {96}, {{'f', 96}}, {96, 96}},
      {"o0 = w0; o1 = quantize(mul(swish(w1), w2)); o2 = w3", {16, 64, 64, 100}, {}, {16, 64, 100}},
      {"o0 = mul(add(x0, x1), w0)", {40}, {{'s', 1}, {'s', 1}}, {40}},
      {"o0 = w0; o1 = add(w0, x0); o2 = swish(w1); o3 = mul(w1, w0)",
       {50, 50},
       {{'f', 50}},
       {50, 50, 50, 50}},
      {"o0 = mul(x0, w0); o1 = quantize(add(mul(x1, x1), mul(w1, x0)))",
       {32, 32},
       {{'s', 1}, {'s', 1}},
       {32, 32}},
  };
  return kPrograms;
}

Tensor extra_of(Random& random, const Extra& extra, std::int64_t tokens) {
  if (extra.kind == 'f') return normal(random, {tokens, extra.rows});
  return normal(random, {extra.kind == 'r' ? extra.rows : 1});
}

Case make_case(Random& random, const Program& program, std::int64_t tokens, std::int64_t columns, Tensor x,
               std::vector<Tensor> weights, const std::string& what) {
  Case test;
  test.name =
      std::string(program.text) + ", " + std::to_string(tokens) + " x " + std::to_string(columns) + what;
  test.op = "FusedLinear";
  test.inputs.push_back(std::move(x));
  for (auto& weight : weights) test.inputs.push_back(std::move(weight));
  for (const auto& extra : program.extras) test.inputs.push_back(extra_of(random, extra, tokens));
  const FusedProgram parsed = parse_fused_program(program.text);
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    const Shape dims{tokens, program.outputs[i]};
    test.outputs.push_back(parsed.quantized[i] ? empty(Dtype::a8, dims, activation_bytes(tokens, dims[1]))
                                               : empty(Dtype::f32, dims));
  }
  test.attributes = {text(program.text), integer(static_cast<std::int64_t>(program.rows.size()))};
  return test;
}

/// Weights of the program's sizes, their types from `first` on around the circle.
std::vector<Tensor> mixed_weights(Random& random, const Program& program, std::int64_t columns,
                                  std::size_t first, std::string& names) {
  std::vector<Tensor> weights;
  const auto types = test::block_types();
  for (const auto rows : program.rows) {
    const auto dtype = types[first++ % types.size()];
    names += " " + std::string(info(dtype).name);
    weights.push_back(random_weight(random, dtype, rows, columns));
  }
  return weights;
}

}  // namespace

std::vector<Case> fused_linear_cases() {
  Random random(31);
  std::vector<Case> cases;
  std::size_t type = 0;
  for (const auto& program : programs())
    for (const std::int64_t tokens : {1, 2, 7, 33, 64, 65, 130}) {
      if (tokens > 64 && program.rows[0] > 100) continue;
      std::string names;
      auto weights = mixed_weights(random, program, 256, type++, names);
      cases.push_back(make_case(random, program, tokens, 256, random_activation(random, tokens, 256),
                                std::move(weights), names));
      for (const std::int64_t columns : {31, 64}) {
        std::vector<Tensor> floats;
        std::vector<Tensor> rounded;
        std::size_t layout = type;
        for (const auto rows : program.rows) {
          constexpr Dtype kLayouts[] = {Dtype::packed_f32, Dtype::packed_bf16, Dtype::packed_f16};
          floats.push_back(random_float_weight(random, kLayouts[layout++ % 3], rows, columns));
          rounded.push_back(random_float_weight(random, Dtype::packed_bf16, rows, columns));
        }
        cases.push_back(make_case(random, program, tokens, columns, normal(random, {tokens, columns}),
                                  std::move(floats), " floats"));
        cases.push_back(make_case(random, program, tokens, columns, random_rounded(random, {tokens, columns}),
                                  std::move(rounded), " bf16"));
      }
    }
  for (std::size_t i = 0; i < test::block_types().size(); ++i)
    for (const auto program : {2u, 8u})
      for (const std::int64_t tokens : {1, 6}) {
        std::string names;
        auto weights = mixed_weights(random, programs()[program], 512, i, names);
        cases.push_back(make_case(random, programs()[program], tokens, 512,
                                  random_activation(random, tokens, 512), std::move(weights), names));
      }
  return cases;
}

}  // namespace lathe::parity
