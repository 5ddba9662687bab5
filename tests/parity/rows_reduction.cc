// Cases of ArgMax, TopK and LogSumExp: ties, NaN, infinities, rows shorter than a vector, a whole vocabulary.
#include <limits>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Input {
  std::string name;
  Tensor x;
};

std::vector<Input> inputs() {
  Random random(7);
  std::vector<Input> all;
  for (const std::int64_t columns : {1, 15, 16, 31, 64, 65, 576, 1000, 49152})
    for (const std::int64_t rows : {1, 2, 7, 16, 64, 512}) {
      if (rows > 7 && columns > 64) continue;
      all.push_back({"normal", normal(random, {rows, columns}, 4)});
      Tensor ties = normal(random, {rows, columns});
      for (std::int64_t i = 0; i < rows * columns; ++i)
        ties.as<float>()[i] = static_cast<float>(random() % 5);
      all.push_back({"ties", ties});
      Tensor special = normal(random, {rows, columns});
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        const auto choice = random() % 8;
        if (choice == 0) special.as<float>()[i] = kNan;
        if (choice == 1) special.as<float>()[i] = -kInfinity;
        if (choice == 2) special.as<float>()[i] = random() % 2 == 0 ? 0.0f : -0.0f;
      }
      all.push_back({"special", special});
      Tensor ascending = normal(random, {rows, columns});
      for (std::int64_t i = 0; i < rows * columns; ++i)
        ascending.as<float>()[i] = static_cast<float>(i) * 0.01f;
      all.push_back({"ascending", ascending});
    }
  for (const std::int64_t columns : {77, 9001})
    for (const float value : {kNan, -kInfinity, kInfinity, 0.0f}) {
      Tensor equal = normal(random, {2, columns});
      std::fill_n(equal.as<float>(), 2 * columns, value);
      all.push_back({"all " + std::to_string(value), equal});
      equal.as<float>()[columns - 7] = -kInfinity;
      all.push_back({"and minus infinity all " + std::to_string(value), equal});
      equal.as<float>()[columns - 2] = 1;
      all.push_back({"nearly all " + std::to_string(value), equal});
    }
  for (auto& input : all)
    input.name += " " + std::to_string(input.x.dims[0]) + " x " + std::to_string(input.x.dims[1]);
  return all;
}

}  // namespace

std::vector<Case> arg_max_cases() {
  std::vector<Case> cases;
  for (auto& input : inputs())
    cases.push_back({input.name, "ArgMax", {input.x}, {empty(Dtype::i32, {input.x.dims[0]})}, {}, -1});
  return cases;
}

std::vector<Case> top_k_cases() {
  std::vector<Case> cases;
  for (auto& input : inputs())
    for (const std::int64_t k : {1, 2, 40, 128})
      cases.push_back({input.name + " k " + std::to_string(k),
                       "TopK",
                       {input.x},
                       {empty(Dtype::f32, {input.x.dims[0], k}), empty(Dtype::i32, {input.x.dims[0], k})},
                       {integer(k)},
                       -1});
  return cases;
}

std::vector<Case> log_sum_exp_cases() {
  std::vector<Case> cases;
  for (auto& input : inputs())
    cases.push_back({input.name, "LogSumExp", {input.x}, {empty(Dtype::f32, {input.x.dims[0]})}, {}, -1});
  return cases;
}

}  // namespace lathe::parity
