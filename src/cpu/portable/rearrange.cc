// DepthToSpace and SpaceToDepth(x; blocksize, mode), ReverseSequence(x, lengths; batch_axis, time_axis),
// OneHot( indices, depth, values; axis), EyeLike(x; dtype, k).
#include <algorithm>
#include <cstring>

#include "cpu/portable/strided_copy.h"
#include "graph/type.h"

namespace lathe::portable {
namespace {

/// Between depth [N, C * b * b, H, W] and space [N, C, H * b, W * b]; "DCR" has the block in front of C.
void copy_blocks(const KernelCall& call, const TensorArg& depth, const TensorArg& space, bool to_space) {
  const std::int64_t block = call.attributes[0].integer;
  const bool block_last = std::strcmp(call.attributes[1].text, "CRD") == 0;
  const std::int64_t channels = space.dims[1];
  const std::int64_t height = depth.dims[2];
  const std::int64_t width = depth.dims[3];
  const std::int64_t plane = height * width;
  const std::int64_t channel_step = block_last ? block * block * plane : plane;
  const std::int64_t block_step = block_last ? plane : channels * plane;
  StridedCopy copy(call.inputs[0].data, call.outputs[0].data);
  const auto axis = [&](std::int64_t dim, std::int64_t in_depth, std::int64_t in_space) {
    copy.add_axis(dim, to_space ? in_depth : in_space, to_space ? in_space : in_depth);
  };
  const std::int64_t line = width * block;
  axis(depth.dims[0], depth.dims[1] * plane, channels * plane * block * block);
  axis(channels, channel_step, plane * block * block);
  axis(height, width, line * block);
  axis(block, block * block_step, line);
  axis(width, 1, block);
  axis(block, block_step, 1);
  run_copy(copy, call.inputs[0], call);
}

void run_to_space(const KernelCall& call) { copy_blocks(call, call.inputs[0], call.outputs[0], true); }
void run_to_depth(const KernelCall& call) { copy_blocks(call, call.outputs[0], call.inputs[0], false); }

void run_reverse(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto batch_axis = static_cast<int>(call.attributes[0].integer);
  const std::int64_t run = product(x, 2, x.rank) * element_bytes(x);
  const std::int64_t times = x.dims[1 - batch_axis];
  const Share share = share_of(call, x.dims[0] * x.dims[1]);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t place[] = {i / x.dims[1], i % x.dims[1]};
    const std::int64_t time = place[1 - batch_axis];
    std::int64_t length = integer_at(call.inputs[1], place[batch_axis]);
    if (length < 0 || length > times) {
      if (call.fault != nullptr) *call.fault = 1;
      length = 0;
    }
    const std::int64_t from = time < length ? length - 1 - time : time;
    const std::int64_t row = batch_axis == 0 ? place[0] * x.dims[1] + from : from * x.dims[1] + place[1];
    std::memcpy(data_of<std::byte>(call.outputs[0]) + i * run, data_of<const std::byte>(x) + row * run,
                static_cast<std::size_t>(run));
  }
}

void run_one_hot(const KernelCall& call) {
  const auto& indices = call.inputs[0];
  const auto& output = call.outputs[0];
  const int axis = axis_of(call.attributes[0].integer, output.rank);
  const std::int64_t depth = output.dims[axis];
  const std::int64_t inner = product(output, axis + 1, output.rank);
  const Share share = share_of(call, product(output, 0, axis));
  visit_bytes(output, [&](auto element) {
    using Element = decltype(element);
    const auto* values = data_of<const Element>(call.inputs[2]);  // off, on
    visit_number(indices, [&]<class Format>(Format) {
      const auto* places = data_of<const typename Format::Stored>(indices);
      for (std::int64_t outer = share.begin; outer < share.end; ++outer) {
        auto* y = data_of<Element>(output) + outer * depth * inner;
        std::fill_n(y, depth * inner, values[0]);
        for (std::int64_t i = 0; i < inner; ++i) {
          const auto limit = static_cast<double>(kMaxDim);
          const auto given = static_cast<double>(Format::load(places[outer * inner + i]));
          if (!(given >= -limit && given <= limit)) continue;
          const auto place = static_cast<std::int64_t>(given);
          const std::int64_t index = place < 0 ? place + depth : place;
          if (index >= 0 && index < depth) y[index * inner + i] = values[1];
        }
      }
    });
  });
}

void run_eye(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const std::int64_t k = std::clamp(call.attributes[1].integer, -kMaxDim, kMaxDim);
  const std::int64_t columns = output.dims[1];
  const Share share = share_of(call, output.dims[0]);
  visit_number(output, [&]<class Format>(Format) {
    for (std::int64_t row = share.begin; row < share.end; ++row) {
      auto* y = data_of<typename Format::Stored>(output) + row * columns;
      std::fill_n(y, columns, typename Format::Stored{});
      if (row + k >= 0 && row + k < columns) y[row + k] = Format::store(typename Format::Value{1});
    }
  });
}

bool accepts_one_hot(const NodeTypes& types) {
  return has_format(types.inputs[0].dtype) && is_element(types.outputs[0].dtype);
}
bool accepts_eye(const NodeTypes& types) { return has_format(types.outputs[0].dtype); }

Kernel kernel(const char* name, std::string_view op, KernelFunction run,
              bool (*accepts)(const NodeTypes&) = accepts_elements) {
  return {
      .name = name, .op = op, .arithmetic = "exact", .accepts = accepts, .run = run, .serial = few_elements};
}

}  // namespace

std::span<const Kernel> rearrange_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.depth_to_space", "DepthToSpace", run_to_space),
      kernel("portable.eye_like", "EyeLike", run_eye, accepts_eye),
      kernel("portable.one_hot", "OneHot", run_one_hot, accepts_one_hot),
      kernel("portable.reverse_sequence", "ReverseSequence", run_reverse),
      kernel("portable.space_to_depth", "SpaceToDepth", run_to_depth),
  };
  return kKernels;
}

}  // namespace lathe::portable
