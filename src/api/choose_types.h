// The types of a network's layers: the fastest ones whose errors together stay within a limit. Errors of
// layers are taken to add up in their squares, which a run of the whole then confirms or not.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "passes/quantize_layers.h"

namespace lathe {

/// A type that a layer may have.
struct LayerTypeOption {
  LayerType type = LayerType::f32;
  double seconds = 0;
  double error = 0;  // of the network's outputs with this layer alone in the type: relative, root mean square
  double cosine = 1;  // the same
};

struct LayerChoice {
  std::vector<LayerTypeOption> options;  // at least one
  std::size_t chosen = 0;
  bool held_back = false;  // a faster one would have been chosen without the limit
};

/// Sets chosen and held_back of each layer. A type that is not faster than f32 by 2 % is none. Where no
/// choice stays within the limit, the one with the least errors.
void choose_types(std::vector<LayerChoice>& layers, double limit);

/// The root of the sum of squares of the chosen types' errors.
double expected_error(const std::vector<LayerChoice>& layers);

}  // namespace lathe
