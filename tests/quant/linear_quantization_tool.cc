// linear_quantization_tool BITS symmetric|asymmetric tensor|AXIS|gGROUP SIZE...: float32 values of that shape
// from stdin; on stdout the codes as int8, the scales as float32 and the zero points as int32.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "quant/linear_quantization.h"

int main(int argc, char** argv) {
  using namespace lathe;
  if (argc < 5) return 2;
  LinearScheme scheme{.bits = std::atoi(argv[1]), .symmetric = argv[2][0] == 's'};
  const std::string sharing = argv[3];
  if (sharing[0] == 'g') {
    scheme.sharing = ScaleSharing::group;
    scheme.group = std::atoll(argv[3] + 1);
  } else if (sharing != "tensor") {
    scheme.sharing = ScaleSharing::channel;
    scheme.axis = std::atoi(argv[3]);
  }
  std::vector<std::int64_t> shape;
  std::size_t count = 1;
  for (int i = 4; i < argc; ++i) {
    shape.push_back(std::atoll(argv[i]));
    count *= static_cast<std::size_t>(shape.back());
  }
  std::vector<float> values(count);
  if (std::fread(values.data(), sizeof(float), count, stdin) != count) return 1;
  const LinearQuantized quantized = quantize_linear(values, shape, scheme);
  std::fwrite(quantized.codes.data(), 1, count, stdout);
  for (const LinearScale& scale : quantized.scales) std::fwrite(&scale.scale, sizeof(float), 1, stdout);
  for (const LinearScale& scale : quantized.scales) {
    const std::int32_t zero = scale.zero_point;
    std::fwrite(&zero, sizeof zero, 1, stdout);
  }
  return 0;
}
