// f8_tool: all 256 values of each 8-bit float, as float32 bytes on stdout: first E4M3, then E5M2.
#include <cstdio>
#include <vector>

#include "quant/f8.h"

int main() {
  std::vector<float> values;
  for (int bits = 0; bits < 256; ++bits)
    values.push_back(lathe::f8_e4m3_to_float(static_cast<std::uint8_t>(bits)));
  for (int bits = 0; bits < 256; ++bits)
    values.push_back(lathe::f8_e5m2_to_float(static_cast<std::uint8_t>(bits)));
  return std::fwrite(values.data(), sizeof(float), values.size(), stdout) == values.size() ? 0 : 1;
}
