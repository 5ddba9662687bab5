// A program's inputs: the sizes that they give to its dimensions, and those that are made up where the caller
// gives none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/index_rules.h"
#include "graph/graph.h"
#include "graph/type.h"
#include "lathe/execute.h"

namespace lathe {

struct InputSpec {
  std::string name;
  ValueType type;
};

using Sizes = std::map<std::string, std::int64_t>;  // of symbols
using InputTensors = std::map<std::string, Tensor>;

/// The graph's inputs, or its states.
std::vector<InputSpec> input_specs(const Graph& graph, ValueKind kind);

/// Throws Error(invalid_argument) where there is none.
const InputSpec& find_input(std::span<const InputSpec> inputs, const std::string& name);

/// Throws Error(invalid_argument) naming the input unless the tensor has its type, and the sizes that
/// `sizes` has already; the others are added.
void bind_sizes(const InputSpec& input, const Tensor& tensor, Sizes& sizes);

/// A file without a header, whose bytes must be just those of the input at these sizes. Throws
/// Error(invalid_argument) where a size is not known yet.
Tensor read_raw(const InputSpec& input, const std::string& file, const Sizes& sizes);

struct InputRequest {
  std::vector<InputSpec> inputs;
  std::vector<std::string> symbols;  // of the whole program
  std::vector<IndexRule> rules;
  int past = 0;
  std::uint64_t seed = 1;
  Sizes typical;  // what symbols become that nothing gives a size; 1 where they are not named
};

/// Completes both: what is missing becomes as small as can be, and random within what the rules allow, as
/// trtexec does; tokens are those of as many sequences as asked for, one behind the other. `notes` gets a
/// line for each. Throws Error(invalid_argument) naming what does not fit.
void complete_inputs(const InputRequest& request, InputTensors& inputs, Sizes& sizes,
                     std::vector<std::string>& notes);

/// As Tensor::container says it.
std::string_view container_name(Container container);

/// The number that a dimension is. Throws Error(invalid_argument) where one that follows from others is none.
std::int64_t size_of(const Dim& dim, const Sizes& sizes);
std::vector<std::int64_t> shape_of(const ValueType& type, const Sizes& sizes);
/// Empty where there is none at these sizes, or only a run knows it.
std::optional<Shape> possible_shape(const ValueType& type, const Sizes& sizes);

}  // namespace lathe
