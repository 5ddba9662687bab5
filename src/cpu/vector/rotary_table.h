// RotaryTable.
#pragma once

#include "cpu/rotary_angles.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

static void run_rotary_table(const KernelCall& call) {
  const auto* positions = static_cast<const std::int32_t*>(call.inputs[0].data);
  const std::int64_t pairs = call.inputs[1].dims[0];
  const Range share = share_of(call, call.inputs[0].dims[0]);
  for (std::int64_t token = share.begin; token < share.end; ++token)
    rotary_angles::fill_row(positions[token], static_cast<const double*>(call.inputs[1].data), pairs,
                            call.attributes[0].real,
                            static_cast<float*>(call.outputs[0].data) + token * 2 * pairs);
}

}  // namespace lathe::vector
