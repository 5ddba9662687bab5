// InputProducts: sums of products of all pairs of columns, the upper half alone until a pass ends.
#include <algorithm>
#include <atomic>

#include "api/calibration.h"
#include "base/error.h"
#include "quant/gptq.h"
#include "quant/subtract_product.h"

namespace lathe {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 28;  // 1 GiB of one pass
constexpr std::int64_t kBlock = 64;

}  // namespace

InputProducts::InputProducts(Calibration calibration, std::vector<Weight> weights, Divisors divisors,
                             ThreadPool& pool, ShowShare show)
    : calibration_(std::move(calibration)),
      weights_(std::move(weights)),
      divisors_(std::move(divisors)),
      pool_(pool),
      show_(std::move(show)) {
  for (std::size_t i = 0; i < weights_.size(); ++i) order_[weights_[i].name] = i;
}

const float* InputProducts::factor(const std::string& weight) {
  const auto place = order_.find(weight);
  if (place == order_.end()) return nullptr;
  if (!of_weight_.contains(weight)) make_pass(place->second);
  const auto& product = of_weight_.at(weight);
  return product == nullptr ? nullptr : product->values.data();
}

void InputProducts::make_pass(std::size_t first) {
  of_weight_.clear();
  std::int64_t values = 0;
  for (std::size_t i = first; i < weights_.size(); ++i) {
    values += weights_[i].columns * weights_[i].columns;  // those that share an input need less
    if (values > kMostValues && i > first) break;
    of_weight_[weights_[i].name] = nullptr;
  }
  std::map<std::string, std::shared_ptr<Product>> of_input;
  std::map<std::string, std::string> stands_for;  // of each input the matrix whose rows are added up
  watch_inputs(calibration_, show_, [&](const LinearInput& input) {
    const auto wanted = of_weight_.find(input.weight);
    if (wanted == of_weight_.end()) return;
    auto& product = of_input[input.input];
    if (product == nullptr) {
      product = std::make_shared<Product>();
      product->columns = input.columns;
      product->values.resize(static_cast<std::size_t>(input.columns * input.columns));
    }
    wanted->second = product;
    if (stands_for.try_emplace(input.input, input.weight).first->second == input.weight)
      add(*product, input.rows);
  });
  factor_all();
}

void InputProducts::add(Product& product, std::span<const float> rows) {
  const std::int64_t columns = product.columns;
  const auto tokens = static_cast<std::int64_t>(rows.size()) / columns;
  // On its side and negative, since products are subtracted.
  std::vector<float> sideways(rows.size());
  std::vector<float> upright(rows.begin(), rows.end());
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t i = 0; i < columns; ++i)
      sideways[static_cast<std::size_t>(i * tokens + t)] =
          -upright[static_cast<std::size_t>(t * columns + i)];
  std::atomic<std::int64_t> next{0};
  pool_.run([&](int) {
    for (std::int64_t row = next.fetch_add(kBlock); row < columns; row = next.fetch_add(kBlock)) {
      const std::int64_t count = std::min(kBlock, columns - row);
      subtract_product({product.values.data() + row * columns + row, columns},
                       {sideways.data() + row * tokens, tokens}, {upright.data() + row, columns}, count,
                       columns - row, tokens);
    }
  });
}

void InputProducts::factor_all() {
  std::vector<Product*> products;
  for (const auto& [weight, product] : of_weight_) {
    if (product == nullptr || std::ranges::find(products, product.get()) != products.end()) continue;
    products.push_back(product.get());
    product->divisors = divisors_(weight);  // those of one input are alike
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> broken{false};
  pool_.run([&](int) {
    for (std::size_t i = next.fetch_add(1); i < products.size(); i = next.fetch_add(1)) {
      Product& product = *products[i];
      for (std::int64_t row = 0; row < product.columns; ++row)
        for (std::int64_t column = 0; column < row; ++column)
          product.values[static_cast<std::size_t>(row * product.columns + column)] =
              product.values[static_cast<std::size_t>(column * product.columns + row)];
      for (std::size_t at = 0; at < product.values.size() && !product.divisors.empty(); ++at)
        product.values[at] /=
            product.divisors[at / product.divisors.size()] * product.divisors[at % product.divisors.size()];
      try {
        gptq_factor(product.values.data(), product.columns);
      } catch (const Error&) {
        broken = true;
      }
    }
  });
  if (broken)
    throw Error(ErrorCode::invalid_model,
                "on the calibration text the model computes numbers that are not finite",
                {calibration_.path, {}, {}});
}

}  // namespace lathe
