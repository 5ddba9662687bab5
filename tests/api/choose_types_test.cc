#include "api/choose_types.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe {
namespace {

constexpr LayerType kFloat = LayerType::f32, kInt8 = LayerType::int8;

LayerChoice layer(double f32_seconds, double int8_seconds, double int8_error) {
  return {{{kFloat, f32_seconds, 0, 1}, {kInt8, int8_seconds, int8_error, 1}}, 0, false};
}

std::vector<LayerType> chosen(const std::vector<LayerChoice>& layers) {
  std::vector<LayerType> types;
  for (const auto& choice : layers) types.push_back(choice.options[choice.chosen].type);
  return types;
}

TEST(ChooseTypes, TheFastestAreTakenWhereTheLimitAllowsAll) {
  std::vector<LayerChoice> layers = {layer(4, 1, 0.03), layer(1, 2, 0.001), layer(1, 0.99, 0)};
  choose_types(layers, 0.1);
  EXPECT_EQ(chosen(layers), (std::vector{kInt8, kFloat, kFloat}));  // one percent is no gain
  EXPECT_FALSE(layers[0].held_back);
}

TEST(ChooseTypes, WhatTakesMostErrorAwayForTheLeastTimeGoesBackFirst) {
  std::vector<LayerChoice> layers = {layer(4, 1, 0.04), layer(2, 1, 0.04), layer(2, 1, 0.01)};
  choose_types(layers, 0.042);
  EXPECT_EQ(chosen(layers), (std::vector{kInt8, kFloat, kInt8}));
  EXPECT_TRUE(layers[1].held_back);
  EXPECT_NEAR(expected_error(layers), std::sqrt(0.0017), 1e-12);
  choose_types(layers, 0.02);
  EXPECT_EQ(chosen(layers), (std::vector{kFloat, kFloat, kInt8}));
  choose_types(layers, 0);
  EXPECT_EQ(chosen(layers), (std::vector{kFloat, kFloat, kFloat}));
}

TEST(ChooseTypes, WhereNothingStaysWithinTheLimitTheErrorIsTheLeast) {
  std::vector<LayerChoice> layers = {{{{kInt8, 1, 0.5, 1}}, 0, false}, layer(2, 1, 0.1)};
  choose_types(layers, 0.2);
  EXPECT_EQ(chosen(layers), (std::vector{kInt8, kFloat}));
  EXPECT_EQ(expected_error(layers), 0.5);
}

}  // namespace
}  // namespace lathe
