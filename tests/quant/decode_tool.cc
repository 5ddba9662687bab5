// decode_tool DTYPE ELEMENTS: reads raw bytes of that type from stdin, writes them as float32 to stdout.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "quant/block_format.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto dtype = lathe::dtype_named(argv[1]);
  const long long elements = std::atoll(argv[2]);
  if (!dtype || elements <= 0) return 2;
  std::vector<std::byte> bytes(lathe::row_bytes(*dtype, elements));
  if (std::fread(bytes.data(), 1, bytes.size(), stdin) != bytes.size()) return 1;
  std::vector<float> values(static_cast<std::size_t>(elements));
  lathe::decode_rows(*dtype, bytes.data(), values.data(), 1, elements);
  return std::fwrite(values.data(), sizeof(float), values.size(), stdout) == values.size() ? 0 : 1;
}
