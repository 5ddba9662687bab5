// quantize_tool DTYPE fast|best ROWS COLUMNS importance|alike: reads float32 from stdin, the importance of
// columns first if there is one, and writes rows of the type to stdout and the seconds of processor time it
// took to stderr.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "quant/quantize_rows.h"

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const auto dtype = lathe::dtype_named(argv[1]);
  const auto effort = std::strcmp(argv[2], "fast") == 0 ? lathe::Effort::fast : lathe::Effort::best;
  const long long rows = std::atoll(argv[3]);
  const long long columns = std::atoll(argv[4]);
  if (!dtype || rows <= 0 || columns <= 0) return 2;
  const bool weighted = std::strcmp(argv[5], "importance") == 0;
  std::vector<float> importance(weighted ? static_cast<std::size_t>(columns) : 0);
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (auto* floats : {&importance, &values})
    if (std::fread(floats->data(), sizeof(float), floats->size(), stdin) != floats->size()) return 1;
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * lathe::row_bytes(*dtype, columns));
  const std::clock_t start = std::clock();
  lathe::quantize_rows(*dtype, values.data(), weighted ? importance.data() : nullptr, rows, columns,
                       bytes.data(), effort);
  std::fprintf(stderr, "%.6f\n", static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
