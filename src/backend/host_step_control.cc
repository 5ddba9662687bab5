// If, Loop and Scan: what their nodes' inputs are is said in graph/op_rows_control.cc.
#include <algorithm>

#include "backend/host_step.h"
#include "graph/text_lists.h"

namespace lathe {
namespace {

using Values = std::vector<RunValue>;

std::size_t count_of(const HostStepCall& call, std::string_view attribute) {
  return static_cast<std::size_t>(call.node().integer(attribute));
}

Values part(std::span<const RunValue> values, std::size_t first, std::size_t count) {
  return {values.begin() + static_cast<std::ptrdiff_t>(first),
          values.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

void append(Values& values, std::span<const RunValue> more) {
  values.insert(values.end(), more.begin(), more.end());
}

const ValueType& body_output(const HostStepCall& call, std::size_t output) {
  const Graph& body = *call.node().bodies[0];
  return body.value(body.outputs[output]).type;
}

std::vector<std::int64_t> list_of(const HostStepCall& call, std::string_view attribute, std::size_t count) {
  auto list = *parse_integers(call.node().text(attribute));  // the rule has read it
  list.resize(std::max(list.size(), count), 0);
  return list;
}

std::size_t axis_in(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

}  // namespace

std::vector<RunValue> run_if(HostStepCall& call) {
  const std::size_t taken = count_of(call, "then_inputs");
  const auto rest = call.inputs().subspan(1);
  if (call.integer(0) != 0) return call.run_body(0, part(rest, 0, taken));
  return call.run_body(1, part(rest, taken, rest.size() - taken));
}

std::vector<RunValue> run_loop(HostStepCall& call) {
  const std::size_t carried = count_of(call, "carried");
  const bool is_limited = call.has(0);
  const std::int64_t limit = is_limited ? call.integer(0) : 0;
  bool goes_on = !call.has(1) || call.integer(1) != 0;
  Values state = part(call.inputs(), 2, carried);
  const auto taken = call.inputs().subspan(2 + carried);
  const std::size_t scanned = call.node().bodies[0]->outputs.size() - 1 - carried;
  std::vector<Values> slices(scanned);
  for (std::int64_t i = 0; goes_on && (!is_limited || i < limit); ++i) {
    Values inputs = {call.make_integer(Dtype::i64, i), call.make_integer(Dtype::boolean, 1)};
    append(inputs, state);
    append(inputs, taken);
    const Values outputs = call.run_body(0, std::move(inputs));
    goes_on = outputs[0].data != nullptr && std::to_integer<int>(*outputs[0].data) != 0;
    state = part(outputs, 1, carried);
    for (std::size_t k = 0; k < scanned; ++k) slices[k].push_back(outputs[1 + carried + k]);
  }
  for (std::size_t k = 0; k < carried; ++k) {
    // Without a step, an optional is still what the graph would have made of it, or is not there.
    if (state[k].type.container == body_output(call, 1 + k).container) continue;
    if (!state[k].is_there()) call.fail("it ran no step, and carries an optional with nothing in it");
    state[k] = RunValue(state[k].elements[0]);
  }
  for (std::size_t k = 0; k < scanned; ++k)
    state.push_back(stack(call, slices[k], 0, body_output(call, 1 + carried + k)));
  return state;
}

std::vector<RunValue> run_scan(HostStepCall& call) {
  const std::size_t states = count_of(call, "states");
  const std::size_t scanned = count_of(call, "scanned");
  const std::size_t made = call.node().bodies[0]->outputs.size() - states;
  const auto input_axes = list_of(call, "input_axes", scanned);
  const auto input_directions = list_of(call, "input_directions", scanned);
  const auto output_axes = list_of(call, "output_axes", made);
  const auto output_directions = list_of(call, "output_directions", made);
  const auto axis_of = [&](std::size_t i) {
    return axis_in(input_axes[i], call.inputs()[states + i].type.dims.size());
  };
  Values state = part(call.inputs(), 0, states);
  const auto taken = call.inputs().subspan(states + scanned);
  const std::int64_t length = call.inputs()[states].type.dims[axis_of(0)].value;
  std::vector<Values> slices(made);
  for (std::int64_t t = 0; t < length; ++t) {
    Values inputs = state;
    for (std::size_t i = 0; i < scanned; ++i)
      inputs.push_back(slice_of(call, call.inputs()[states + i], axis_of(i),
                                input_directions[i] == 0 ? t : length - 1 - t));
    append(inputs, taken);
    const Values outputs = call.run_body(0, std::move(inputs));
    state = part(outputs, 0, states);
    for (std::size_t k = 0; k < made; ++k) slices[k].push_back(outputs[states + k]);
  }
  for (std::size_t k = 0; k < made; ++k) {
    if (output_directions[k] != 0) std::ranges::reverse(slices[k]);
    const ValueType& empty = body_output(call, states + k);
    const std::size_t rank = (slices[k].empty() ? empty : slices[k][0].type).dims.size() + 1;
    state.push_back(stack(call, slices[k], axis_in(output_axes[k], rank), empty));
  }
  return state;
}

}  // namespace lathe
