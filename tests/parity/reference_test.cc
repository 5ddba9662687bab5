// The portable kernels against plain double-precision formulas that share nothing with them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/half.h"
#include "cpu/portable/erf_f32.h"
#include "cpu/portable/exp_f32.h"
#include "cpu/portable/gelu_f32.h"
#include "cpu/portable/tanh_f32.h"
#include "cpu/rotary_angles.h"
#include "parity/attention_step.h"
#include "parity/matmul_operands.h"
#include "parity/rows.h"
#include "quant/activation.h"
#include "quant/block_format.h"
#include "support/unpack.h"

namespace lathe::parity {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What an output should be, and how far off it may be.
struct Expected {
  double value;
  double tolerance;
};

using Reference = std::function<Expected(const Case& test, std::int64_t row, std::int64_t column)>;

float at(const Case& test, std::size_t input, std::int64_t index) {
  const Tensor& tensor = test.inputs[input];
  return tensor.dtype == Dtype::bf16 ? bfloat_to_float(tensor.as<std::uint16_t>()[index])
                                     : tensor.as<float>()[index];
}

std::int64_t columns_of(const Case& test) { return test.inputs[0].dims.back(); }

Expected relative(double value, double tolerance) { return {value, std::abs(value) * tolerance + 1e-37}; }

Expected swish(const Case& test, std::int64_t row, std::int64_t column) {
  const double x = at(test, 0, row * columns_of(test) + column);
  return {x / (1 + std::exp(-x)),
          std::abs(x / (1 + std::exp(-x))) * 4e-7 + 1e-36};  // exp(88) is infinity in float32
}

Expected gelu(const Case& test, std::int64_t row, std::int64_t column) {
  const double x = at(test, 0, row * columns_of(test) + column);
  if (test.attributes[0].integer == 0)
    return {0.5 * x * (1 + std::erf(x * std::sqrt(0.5))), std::abs(x) * 2e-7 + 1e-37};
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return {0.5 * x * (1 + std::tanh(u)), std::abs(x) * 2e-7 + 1e-37};
}

Expected hyperbolic_tangent(const Case& test, std::int64_t row, std::int64_t column) {
  return relative(std::tanh(static_cast<double>(at(test, 0, row * columns_of(test) + column))), 2e-7);
}

Expected layer_normalization(const Case& test, std::int64_t row, std::int64_t column) {
  const auto columns = columns_of(test);
  const auto count = static_cast<double>(columns);
  double mean = 0;
  double greatest = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    mean += at(test, 0, row * columns + i) / count;
    greatest = std::max(greatest, std::abs(static_cast<double>(at(test, 0, row * columns + i))));
  }
  double variance = 0;
  for (std::int64_t i = 0; i < columns; ++i)
    variance += std::pow(at(test, 0, row * columns + i) - mean, 2.0) / count;
  const double r = 1 / std::sqrt(variance + test.attributes[0].real);
  const double scale = at(test, 1, column);
  const double bias = test.inputs.size() > 2 ? at(test, 2, column) : 0;
  const double scaled = (at(test, 0, row * columns + column) - mean) * r * scale;
  // The mean's rounding error is of the size of the row's values.
  return {scaled + bias, (std::abs(scaled) + std::abs(bias)) * 1e-6 + greatest * r * std::abs(scale) * 3e-7};
}

Expected lp_normalization(const Case& test, std::int64_t row, std::int64_t column) {
  const auto columns = columns_of(test);
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) sum += std::pow(at(test, 0, row * columns + i), 2.0);
  return relative(at(test, 0, row * columns + column) / std::max(std::sqrt(sum), 1e-12), 1e-6);
}

Expected sequence_mean(const Case& test, std::int64_t row, std::int64_t column) {
  const auto& sequence = test.inputs[1].as<SequenceEntry>()[row];
  double sum = 0;
  double magnitude = 0;
  for (std::int64_t i = 0; i < sequence.tokens; ++i) {
    const double x = at(test, 0, (sequence.first_token + i) * columns_of(test) + column);
    sum += x;
    magnitude += std::abs(x);
  }
  return {sum / sequence.tokens, magnitude / sequence.tokens * 1e-6};
}

Expected rms_normalization(const Case& test, std::int64_t row, std::int64_t column) {
  const auto columns = columns_of(test);
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) sum += std::pow(at(test, 0, row * columns + i), 2.0);
  const double r = 1 / std::sqrt(sum / static_cast<double>(columns) + test.attributes[0].real);
  return relative(at(test, 0, row * columns + column) * r * at(test, 1, column), 1e-6);
}

Expected rotary_table(const Case& test, std::int64_t row, std::int64_t column) {
  const auto pairs = test.inputs[1].dims[0];
  const double angle = test.inputs[0].as<std::int32_t>()[row] * test.inputs[1].as<double>()[column % pairs];
  return {test.attributes[0].real * (column < pairs ? std::cos(angle) : std::sin(angle)), 1e-7};
}

Expected rotary_embedding(const Case& test, std::int64_t row, std::int64_t column) {
  const auto head_dim = columns_of(test);
  const auto dims = test.inputs[1].dims[1];
  const double own = at(test, 0, row * head_dim + column);
  if (column >= dims) return {own, 0};
  const bool interleaved = test.attributes[0].integer == 1;
  const auto pair = interleaved ? column / 2 : column % (dims / 2);
  const bool second = interleaved ? column % 2 == 1 : column >= dims / 2;
  const auto distance = interleaved ? 1 : dims / 2;
  const double other = at(test, 0, row * head_dim + column + (second ? -distance : distance));
  const auto table = row / test.inputs[0].dims[1] * dims;
  const double cosine = at(test, 1, table + pair);
  const double sine = at(test, 1, table + dims / 2 + pair);
  const double value = second ? other * sine + own * cosine : own * cosine - other * sine;
  return {value, (std::abs(own) + std::abs(other)) * (std::abs(cosine) + std::abs(sine)) * 2e-7};
}

Expected log_sum_exp(const Case& test, std::int64_t, std::int64_t column) {
  const float* x = test.inputs[0].as<float>() + column * columns_of(test);
  double greatest = -kInfinity;
  for (std::int64_t i = 0; i < columns_of(test); ++i)
    greatest = std::max(greatest, static_cast<double>(x[i]));
  if (std::isinf(greatest)) greatest = 0;
  double sum = 0;
  for (std::int64_t i = 0; i < columns_of(test); ++i) sum += std::exp(x[i] - greatest);
  return {greatest + std::log(sum), 1e-6 + std::abs(greatest) * 1e-7};
}

Expected linear(const Case& test, std::int64_t row, std::int64_t column) {
  static std::map<const Case*, std::vector<float>> unpacked;
  const auto columns = columns_of(test);
  const auto& weight = test.inputs[1];
  auto& values = unpacked[&test];
  if (values.empty()) values = test::unpack(weight.dtype, weight.bytes.data(), weight.dims[0], columns);
  const double lost = test.inputs[0].dtype == Dtype::bf16 ? 1.2e-38 : 0;  // what is not normal
  double sum = 0;
  double magnitude = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    const double w = values[static_cast<std::size_t>(column * columns + i)];
    const double product = static_cast<double>(at(test, 0, row * columns + i)) * w;
    sum += product;
    magnitude += std::abs(product) + lost * (2 + std::abs(w)) * 1e6;
  }
  return {sum, magnitude * 1e-6};
}

Expected quantized_linear(const Case& test, std::int64_t row, std::int64_t column) {
  static std::map<const Case*, std::vector<float>> unpacked;
  const auto columns = columns_of(test);
  const auto& weight = test.inputs[1];
  auto& values = unpacked[&test];
  if (values.empty() && is_block_quantized(weight.dtype)) {
    values.resize(static_cast<std::size_t>(weight.dims[0] * columns));
    decode_rows(weight.dtype, weight.bytes.data(), values.data(), weight.dims[0], columns);
  } else if (values.empty()) {
    values = test::unpack(weight.dtype, weight.bytes.data(), weight.dims[0], columns);
  }
  const auto* codes =
      test.inputs[0].as<std::uint8_t>() + row * static_cast<std::int64_t>(row_bytes(Dtype::a8, columns));
  double sum = 0;
  double magnitude = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    const double x = decoded_activation(codes, columns, i);
    const double w = values[static_cast<std::size_t>(column * columns + i)];
    sum += x * w;
    magnitude += std::abs(x * w);
  }
  // The code sums C and I leave out the layout's minima, so products cancel that this magnitude does not see.
  return {sum, magnitude * 4e-6 + 1e-5};
}

/// Element [d, i] of the rotation of a head's columns.
double rotation(std::int64_t head_dim, std::int64_t d, std::int64_t i) {
  std::int64_t size = 1;
  while (head_dim % (2 * size) == 0) size *= 2;
  if (d / size != i / size) return 0;
  const bool odd = std::popcount(static_cast<std::uint64_t>(d % size & i % size)) % 2 == 1;
  return (odd ? -1 : 1) / std::sqrt(static_cast<double>(size));
}

/// What the code at the place stands for, as attention reads it.
double code_value(const Tensor& cache, const CodePlace& place) {
  const auto* bytes = cache.as<std::uint8_t>();
  const int low = bytes[place.word];
  const int high = bytes[place.word + 1];
  double value = 0;
  if (cache.dtype == kCacheOfQ8) {
    value = static_cast<std::int8_t>(bytes[place.byte]) *
            static_cast<double>(half_to_float(static_cast<std::uint16_t>(low | high << 8)));
  } else {
    const double scale = low == 255 ? std::nan("") : std::ldexp(1 + low % 8 / 8.0, low / 8 - 19);
    const bool five = place.codes.bits == 5;
    const int fifth = five ? bytes[place.fifth] >> place.fifth_shift & 1 : 0;
    const int code = (bytes[place.byte] >> place.shift & 15) + 16 * fifth;
    value = scale * (code - high / (five ? 8.0 : 16.0));
  }
  return bfloat_to_float(float_to_bfloat(static_cast<float>(value)));
}

Expected paged_attention(const Case& test, std::int64_t row, std::int64_t column) {
  struct Weights {
    std::int64_t row = -1;
    const Case* test = nullptr;
    std::int64_t first = 0;
    const SequenceEntry* sequence = nullptr;
    std::vector<double> p;
    std::vector<double> outputs;     // of a cache of codes: rotated columns
    std::vector<double> magnitudes;  // of their products
  };
  static Weights last;  // of the row that was asked for before: softmax once a row
  const auto& cache = test.inputs[1];
  const bool codes = is_cache_codes(cache.dtype);
  const bool pairs = codes || cache.dtype == Dtype::bf16;
  const auto heads = test.inputs[0].dims[1];
  const auto head_dim = test.inputs[0].dims[2];
  const auto kv_head = row % heads / (heads / cache.dims[3]);
  const auto layer = test.attributes[0].integer;
  const std::int32_t* tables = test.inputs[3].as<std::int32_t>();
  Random unused(1);
  static Step step(unused, {});
  step.block_tables.assign(tables, tables + test.inputs[3].dims[0]);
  if (last.test != &test || last.row != row) {
    last = {row, &test, 0, nullptr, {}, {}, {}};
    for (std::int64_t q = 0; q < test.inputs[2].dims[0]; ++q) {
      const auto* entry = test.inputs[2].as<SequenceEntry>() + q;
      if (row / heads >= entry->first_token && row / heads < entry->first_token + entry->tokens)
        last.sequence = entry;
    }
    const bool causal = test.attributes[4].integer == 1;
    const std::int64_t position =
        last.sequence->past + (causal ? row / heads - last.sequence->first_token : last.sequence->tokens - 1);
    const double softcap = test.attributes[3].real;
    const auto window = test.attributes[2].integer;
    last.first = window > 0 ? std::max<std::int64_t>(0, position - window + 1) : 0;
    double sum = 0;
    // A bf16 cache is multiplied by rounded queries, scaled to powers of two unless a soft cap comes first.
    const double scale = test.attributes[1].real;
    const double factor = static_cast<float>(softcap > 0 ? scale : scale / std::log(2.0));
    const auto element = [&](int kind, std::int64_t position_of, std::int64_t d) -> double {
      if (!codes)
        return cache_value(cache,
                           cache_index(cache, step, *last.sequence, layer, kind, kv_head, position_of, d));
      return code_value(cache, code_place(cache, step, *last.sequence, layer, kind, kv_head, position_of, d));
    };
    const auto query = [&](std::int64_t d) -> double {
      double x = codes ? 0 : at(test, 0, row * head_dim + d);
      for (std::int64_t i = 0; codes && i < head_dim; ++i)
        x += rotation(head_dim, d, i) * at(test, 0, row * head_dim + i);
      if (!pairs) return scale * x;
      const float rounded =
          bfloat_to_float(float_to_bfloat(static_cast<float>(factor) * static_cast<float>(x)));
      return rounded * (softcap > 0 ? 1.0 : std::log(2.0));
    };
    std::vector<double> queries;
    for (std::int64_t d = 0; d < head_dim; ++d) queries.push_back(query(d));
    for (std::int64_t j = last.first; j <= position; ++j) {
      double score = 0;
      for (std::int64_t d = 0; d < head_dim; ++d)
        score += queries[static_cast<std::size_t>(d)] * element(0, j, d);
      last.p.push_back(std::exp(softcap > 0 ? softcap * std::tanh(score / softcap) : score));
      sum += last.p.back();
    }
    for (auto& p : last.p) p /= sum;
    for (std::int64_t d = 0; codes && d < head_dim; ++d) {
      last.outputs.push_back(0);
      last.magnitudes.push_back(0);
      for (std::size_t j = 0; j < last.p.size(); ++j) {
        const double product = last.p[j] * element(1, last.first + static_cast<std::int64_t>(j), d);
        last.outputs.back() += product;
        last.magnitudes.back() += std::abs(product);
      }
    }
  }
  if (codes) {  // rotated back
    Expected result{0, 0};
    for (std::int64_t i = 0; i < head_dim; ++i) {
      const double part = rotation(head_dim, column, i);
      result.value += part * last.outputs[static_cast<std::size_t>(i)];
      result.tolerance += std::pow(5e-3 * part * last.magnitudes[static_cast<std::size_t>(i)], 2);
    }
    result.tolerance = 2 * std::sqrt(result.tolerance);
    return result;
  }
  double value = 0;
  double magnitude = 0;
  for (std::size_t j = 0; j < last.p.size(); ++j) {
    const double product =
        last.p[j] * cache_value(cache, cache_index(cache, step, *last.sequence, layer, 1, kv_head,
                                                   last.first + static_cast<std::int64_t>(j), column));
    value += product;
    magnitude += std::abs(product);
  }
  // Weights are rounded to bf16, and their sum is that of the rounded ones.
  return {value, magnitude * (pairs ? 5e-3 : 1e-5)};
}

const std::map<std::string_view, Reference>& references() {
  static const std::map<std::string_view, Reference> kReferences = {
      {"Swish", swish},
      {"Gelu", gelu},
      {"Tanh", hyperbolic_tangent},
      {"LayerNormalization", layer_normalization},
      {"LpNormalization", lp_normalization},
      {"SequenceMean", sequence_mean},
      {"RMSNormalization", rms_normalization},
      {"RotaryTable", rotary_table},
      {"RotaryEmbedding", rotary_embedding},
      {"LogSumExp", log_sum_exp},
      {"Linear", linear},
      {"QuantizedLinear", quantized_linear},
      {"PagedAttention", paged_attention},
  };
  return kReferences;
}

class References : public testing::TestWithParam<std::string_view> {};

TEST_P(References, PortableIsClose) {
  const auto& reference = references().at(GetParam());
  int outputs = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.op != GetParam() || !kernel.name.starts_with("portable.")) continue;
    for (const auto& test : cases_of(kernel.op)) {
      if (!accepts(kernel, test) || test.inputs[0].dims[0] > 64) continue;
      const auto result = run(kernel, test, 1);
      const auto columns = test.outputs[0].dims.back();
      const std::int64_t count = element_count(test.outputs[0].dims);
      for (std::int64_t i = 0; i < count; i += sample_step(count)) {
        const auto expected = reference(test, i / columns, i % columns);
        const double actual = result[0].as<float>()[i];
        if (std::isnan(expected.value) || std::isinf(expected.value))
          ASSERT_TRUE(std::isnan(expected.value) ? std::isnan(actual) : actual == expected.value)
              << kernel.name << "[" << i << "]: " << test.name;
        else
          ASSERT_NEAR(actual, expected.value, expected.tolerance)
              << kernel.name << "[" << i << "]: " << test.name;
        ++outputs;
      }
    }
  }
  EXPECT_GT(outputs, 0);
}

std::vector<std::string_view> reference_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, reference] : references()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Ops, References, testing::ValuesIn(reference_names()),
                         [](const auto& instance) { return std::string(instance.param); });

const Kernel& portable(std::string_view op) {
  for (const auto& kernel : kernels())
    if (kernel.op == op) return portable_of(kernel);
  throw std::runtime_error("no kernel");
}

TEST(Exponential, IsWithinOneUnitInTheLastPlace) {
  double worst = 0;
  for (float x = portable::kExpLowest; x < portable::kExpHighest; x += 0.00037f) {
    const double exact = std::exp(static_cast<double>(x));
    const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
    worst = std::max(worst, std::abs(portable::exp_f32(x) - exact) / unit);
  }
  EXPECT_LE(worst, 1.0);
  EXPECT_EQ(portable::exp_f32(0.0f), 1.0f);
  EXPECT_EQ(portable::exp_f32(-static_cast<float>(kInfinity)), 0.0f);
  EXPECT_EQ(portable::exp_f32(static_cast<float>(kInfinity)), static_cast<float>(kInfinity));
  EXPECT_TRUE(std::isnan(portable::exp_f32(std::nanf(""))));
  EXPECT_EQ(portable::exp_f32(std::nextafter(portable::kExpLowest, -100.0f)), 0.0f);
  EXPECT_LT(portable::exp_f32(portable::kExpHighest), static_cast<float>(kInfinity));
  EXPECT_EQ(portable::exp_f32(std::nextafter(portable::kExpHighest, 100.0f)), static_cast<float>(kInfinity));
}

TEST(ErrorFunction, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0;
  for (std::uint32_t bits = 0x01000000; bits < 0x41000000; bits += 97) {
    const float x = std::bit_cast<float>(bits);
    const double exact = std::erf(static_cast<double>(x));
    worst = std::max(worst, std::abs(portable::erf_f32(x) - exact) / std::ldexp(1.0, std::ilogb(exact) - 23));
  }
  EXPECT_LE(worst, 2.0);
  for (const float x : {0.0f, 1e-40f, 0.3f, 2.0f, 5.0f, static_cast<float>(kInfinity)})
    EXPECT_EQ(portable::erf_f32(-x), -portable::erf_f32(x));
  EXPECT_EQ(portable::erf_f32(4.0f), 1.0f);
  EXPECT_EQ(portable::erf_f32(static_cast<float>(kInfinity)), 1.0f);
  EXPECT_TRUE(std::isnan(portable::erf_f32(std::nanf(""))));
}

double exact_gelu(double x) { return 0.5 * x * std::erfc(-x * std::sqrt(0.5)); }

double tanh_form_of_gelu(double x) {
  return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

void expect_close_gelu(float (*function)(float), double (*expected)(double)) {
  double worst = 0;           // in parts of |x|
  double worst_relative = 0;  // of the results for positive numbers
  for (std::uint32_t bits = 0x01000000; bits < 0x41000000; bits += 97) {
    const float x = std::bit_cast<float>(bits);
    const double above = std::abs(function(x) - expected(x));
    worst = std::max({worst, above / x, std::abs(function(-x) - expected(-x)) / x});
    worst_relative = std::max(worst_relative, above / expected(x));
  }
  EXPECT_LE(worst, 8.4e-8);
  EXPECT_LE(worst_relative, 9.1e-8);
  for (const float x : {5.4375f, 5.5f, 5.7f, 30.0f, 1e38f}) {
    EXPECT_EQ(function(x), x);
    EXPECT_EQ(function(-x), 0.0f);
  }
  EXPECT_EQ(function(0.0f), 0.0f);
  EXPECT_EQ(function(static_cast<float>(kInfinity)), static_cast<float>(kInfinity));
  EXPECT_TRUE(std::isnan(function(std::nanf(""))));
}

TEST(RotaryAngles, AreCloseForEveryPosition) {
  double worst = 0;
  for (double position = 0; position < 0x1p30; position = std::floor(position * 1.01) + 1) {
    for (double frequency = 1; frequency > 1e-6; frequency *= 0.87) {
      const double angle = position * frequency;
      const auto rotation = rotary_angles::rotation_by(angle);
      worst = std::max(
          {worst, std::abs(rotation.cosine - std::cos(angle)), std::abs(rotation.sine - std::sin(angle))});
    }
  }
  EXPECT_LE(worst, 1e-13);
  EXPECT_EQ(rotary_angles::rotation_by(0).cosine, 1.0);
  EXPECT_EQ(rotary_angles::rotation_by(0).sine, 0.0);
}

TEST(GaussianErrorLinearUnit, BothFormsAreCloseEverywhere) {
  expect_close_gelu(portable::gelu_erf_f32, exact_gelu);
  expect_close_gelu(portable::gelu_tanh_f32, tanh_form_of_gelu);
}

TEST(HyperbolicTangent, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0;
  for (std::uint32_t bits = 0x01000000; bits < 0x41800000; bits += 97) {
    const float x = std::bit_cast<float>(bits);
    const double exact = std::tanh(static_cast<double>(x));
    worst =
        std::max(worst, std::abs(portable::tanh_f32(x) - exact) / std::ldexp(1.0, std::ilogb(exact) - 23));
  }
  EXPECT_LE(worst, 2.0);
  for (const float x : {0.0f, 1e-40f, 0.3f, 2.0f, 50.0f, static_cast<float>(kInfinity)})
    EXPECT_EQ(portable::tanh_f32(-x), -portable::tanh_f32(x));
  EXPECT_EQ(portable::tanh_f32(20.0f), 1.0f);
  EXPECT_EQ(portable::tanh_f32(static_cast<float>(kInfinity)), 1.0f);
  EXPECT_TRUE(std::isnan(portable::tanh_f32(std::nanf(""))));
}

TEST(Reference, ArgMaxIsTheFirstGreatest) {
  for (const auto& test : cases_of("ArgMax")) {
    const auto result = run(portable("ArgMax"), test, 1);
    for (std::int64_t row = 0; row < test.inputs[0].dims[0]; ++row) {
      const float* x = test.inputs[0].as<float>() + row * columns_of(test);
      std::int32_t best = -1;
      for (std::int32_t i = 0; i < columns_of(test); ++i)
        if (!std::isnan(x[i]) && (best < 0 || x[i] > x[best])) best = i;
      ASSERT_EQ(result[0].as<std::int32_t>()[row], std::max(best, 0)) << test.name;
    }
  }
}

TEST(Reference, TopKIsTheHeadOfAStableSort) {
  for (const auto& test : cases_of("TopK")) {
    const auto result = run(portable("TopK"), test, 1);
    const auto k = test.attributes[0].integer;
    for (std::int64_t row = 0; row < test.inputs[0].dims[0]; ++row) {
      const float* x = test.inputs[0].as<float>() + row * columns_of(test);
      std::vector<std::int32_t> order(static_cast<std::size_t>(columns_of(test)));
      std::iota(order.begin(), order.end(), 0);
      std::erase_if(order, [x](std::int32_t i) { return std::isnan(x[i]); });
      std::stable_sort(order.begin(), order.end(),
                       [x](std::int32_t a, std::int32_t b) { return x[a] > x[b]; });
      for (std::int64_t i = 0; i < k; ++i) {
        const bool there = i < static_cast<std::int64_t>(order.size());
        const std::int32_t index = there ? order[static_cast<std::size_t>(i)] : -1;
        ASSERT_EQ(result[1].as<std::int32_t>()[row * k + i], index) << test.name;
        ASSERT_EQ(result[0].as<float>()[row * k + i], there ? x[index] : -static_cast<float>(kInfinity))
            << test.name;
      }
    }
  }
}

TEST(Reference, GatherCopiesDecodedRows) {
  for (const auto& test : cases_of("Gather")) {
    const auto& table = test.inputs[0];
    const auto columns = columns_of(test);
    std::vector<float> decoded(static_cast<std::size_t>(table.dims[0] * columns));
    decode_rows(table.dtype, table.bytes.data(), decoded.data(), table.dims[0], columns);
    const auto result = run(portable("Gather"), test, 1);
    for (std::int64_t i = 0; i < test.outputs[0].dims[0]; ++i)
      ASSERT_EQ(std::memcmp(result[0].as<float>() + i * columns,
                            decoded.data() + test.inputs[1].as<std::int32_t>()[i] * columns,
                            static_cast<std::size_t>(columns) * sizeof(float)),
                0)
          << test.name;
  }
}

TEST(Reference, RotaryKvWriteIsRotationAndWrite) {
  int cases = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.op != "RotaryKvWrite") continue;
    const auto level = kernel.name.substr(0, kernel.name.find('.') + 1);
    const auto separate = [&](const char* name) -> const Kernel& {
      for (const auto& each : kernels())
        if (each.name == level + name) return each;
      throw Error(ErrorCode::internal, level + name + " is missing");
    };
    const Kernel& rotary = separate("rotary_embedding");
    const auto rotated = [&](const Case& test, std::size_t input) {
      const Tensor& x = test.inputs[input];
      return run(rotary,
                 {test.name,
                  "RotaryEmbedding",
                  {x, test.inputs[5]},
                  {empty(Dtype::f32, x.dims)},
                  {test.attributes[1]},
                  -1},
                 1)[0];
    };
    for (const auto& test : cases_of("RotaryKvWrite")) {
      ++cases;
      Case write{test.name,
                 "KvWrite",
                 {test.inputs.begin(), test.inputs.begin() + 5},
                 {test.outputs[0]},
                 {test.attributes[0]},
                 0};
      write.inputs[1] = rotated(test, 1);
      std::vector<Tensor> expected = run(separate("kv_write"), write, 1);
      if (test.inputs.size() > 6) expected.push_back(rotated(test, 6));
      ASSERT_EQ(difference(expected, run(kernel, test, 2)), "") << kernel.name << ": " << test.name;
    }
  }
  EXPECT_GT(cases, 0);
}

/// Of the word that a place has: the step between two codes.
double step_of(const Tensor& cache, const CodePlace& place) {
  const auto* bytes = cache.as<std::uint8_t>();
  const int low = bytes[place.word];
  if (cache.dtype == kCacheOfQ8)
    return half_to_float(static_cast<std::uint16_t>(low | bytes[place.word + 1] << 8));
  return std::ldexp(1 + low % 8 / 8.0, low / 8 - 19);
}

TEST(Reference, KvWriteRoundsRotatedRowsToCodesAndTouchesNothingElse) {
  int cases = 0;
  for (const auto& test : cases_of("KvWrite")) {
    if (!is_cache_codes(test.inputs[0].dtype)) continue;
    ++cases;
    Random unused(1);
    Step step(unused, {});
    const std::int32_t* tables = test.inputs[4].as<std::int32_t>();
    step.block_tables.assign(tables, tables + test.inputs[4].dims[0]);
    const Tensor result = run(portable("KvWrite"), test, 1)[0];
    Tensor rest = result;  // with what the cache held before in the place of what was written
    const auto& k = test.inputs[1];
    const std::int64_t head_dim = k.dims[2];
    std::vector<double> matrix;  // [head_dim, head_dim]
    for (std::int64_t d = 0; d < head_dim; ++d)
      for (std::int64_t c = 0; c < head_dim; ++c) matrix.push_back(rotation(head_dim, d, c));
    double squares = 0;
    std::int64_t codes = 0;
    for (std::int64_t q = 0; q < test.inputs[3].dims[0]; ++q) {
      const auto& entry = test.inputs[3].as<SequenceEntry>()[q];
      for (std::int64_t i = 0; i < entry.tokens; ++i)
        for (std::int64_t head = 0; head < k.dims[1]; ++head)
          for (int kind = 0; kind < 2; ++kind) {
            const float* row = test.inputs[static_cast<std::size_t>(1 + kind)].as<float>() +
                               ((entry.first_token + i) * k.dims[1] + head) * head_dim;
            for (std::int64_t d = 0; d < head_dim; ++d) {
              const CodePlace place = code_place(result, step, entry, 1, kind, head, entry.past + i, d);
              for (const std::size_t byte : {place.byte, place.fifth, place.word, place.word + 1})
                rest.as<std::uint8_t>()[byte] = test.inputs[0].as<std::uint8_t>()[byte];
              double expected = 0;
              for (std::int64_t c = 0; c < head_dim; ++c)
                expected += matrix[static_cast<std::size_t>(d * head_dim + c)] * row[c];
              const double stored = code_value(result, place);
              if (std::abs(expected) > 1e6) {
                ASSERT_FALSE(std::isfinite(stored)) << test.name;  // no scale holds it
                continue;
              }
              ASSERT_TRUE(std::isfinite(stored)) << test.name;
              const double size = std::max(step_of(result, place), 1e-30);
              const double error = (stored - expected) / size;
              // Ends of a range of 4 or 5 bits may be cut off; what attention reads is rounded to bf16 as
              // well.
              ASSERT_LE(std::abs(error), test.inputs[0].dtype == kCacheOfQ8 ? 1.0 : 2.5) << test.name;
              squares += error * error;
              ++codes;
            }
          }
    }
    EXPECT_LT(squares, 0.15 * static_cast<double>(codes)) << test.name;
    ASSERT_EQ(rest.bytes, test.inputs[0].bytes) << test.name;
  }
  EXPECT_GT(cases, 0);
}

TEST(Reference, KvWriteStoresEachTokenAndNothingElse) {
  for (const auto& test : cases_of("KvWrite")) {
    if (is_cache_codes(test.inputs[0].dtype)) continue;
    Random unused(1);
    Step step(unused, {});
    const std::int32_t* tables = test.inputs[4].as<std::int32_t>();
    step.block_tables.assign(tables, tables + test.inputs[4].dims[0]);
    Tensor expected = test.inputs[0];
    const auto& k = test.inputs[1];
    for (std::int64_t q = 0; q < test.inputs[3].dims[0]; ++q) {
      const auto& entry = test.inputs[3].as<SequenceEntry>()[q];
      for (std::int64_t i = 0; i < entry.tokens; ++i)
        for (std::int64_t head = 0; head < k.dims[1]; ++head)
          for (std::int64_t d = 0; d < k.dims[2]; ++d)
            for (int kind = 0; kind < 2; ++kind)
              set_cache_value(expected, cache_index(expected, step, entry, 1, kind, head, entry.past + i, d),
                              test.inputs[static_cast<std::size_t>(1 + kind)]
                                  .as<float>()[((entry.first_token + i) * k.dims[1] + head) * k.dims[2] + d]);
    }
    ASSERT_EQ(run(portable("KvWrite"), test, 1)[0].bytes, expected.bytes) << test.name;
  }
}

TEST(Reference, QuantizedActivationsAreWithinHalfAStep) {
  for (const auto& test : cases_of("QuantizeActivation")) {
    const auto columns = columns_of(test);
    const auto blocks = columns / kActivationBlock;
    const auto result = run(portable("QuantizeActivation"), test, 1);
    for (std::int64_t row = 0; row < test.inputs[0].dims[0]; ++row) {
      const auto* codes =
          result[0].as<std::uint8_t>() + row * static_cast<std::int64_t>(row_bytes(Dtype::a8, columns));
      const auto count = static_cast<std::size_t>(blocks);
      std::vector<float> scales(count);
      std::vector<float> code_sums(count);
      std::memcpy(scales.data(), codes + columns, count * 4);
      std::memcpy(code_sums.data(), codes + columns + 8 * count, count * 4);
      std::vector<double> sums(static_cast<std::size_t>(blocks));
      for (std::int64_t i = 0; i < columns; ++i) {
        const auto block = static_cast<std::size_t>(i / kActivationBlock);
        const double scale = scales[block];
        const double value = decoded_activation(codes, columns, i);
        ASSERT_NEAR(value, at(test, 0, row * columns + i), scale * 0.5001 + 1e-30) << test.name;
        sums[block] += value;
      }
      for (std::size_t block = 0; block < sums.size(); ++block)
        ASSERT_NEAR(code_sums[block], sums[block], 1e-6 * std::abs(sums[block])) << test.name;
    }
  }
}

}  // namespace
}  // namespace lathe::parity
