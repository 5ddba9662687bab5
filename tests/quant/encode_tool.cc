// encode_tool DTYPE BLOCKS: reads float32 from stdin, writes that many blocks of the type to stdout.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "quant/block_format.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto dtype = lathe::dtype_named(argv[1]);
  const long long blocks = std::atoll(argv[2]);
  const auto* format = dtype ? lathe::block_format(*dtype) : nullptr;
  if (format == nullptr || format->encode == nullptr || blocks <= 0) return 2;
  const auto& block = lathe::info(*dtype);
  std::vector<float> values(static_cast<std::size_t>(blocks) * block.block_elements);
  if (std::fread(values.data(), sizeof(float), values.size(), stdin) != values.size()) return 1;
  std::vector<std::byte> bytes(static_cast<std::size_t>(blocks) * block.block_bytes);
  format->encode(values.data(), bytes.data(), blocks);
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
