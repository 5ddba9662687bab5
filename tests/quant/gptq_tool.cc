// gptq_tool DTYPE ROWS COLUMNS DAMPING: reads X^T X [columns, columns] and a matrix [rows, columns] in
// float32 from stdin, writes the rows, rounded with error feedback, to stdout, and the seconds of factor and
// rounding to stderr.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "quant/gptq.h"

namespace {

double seconds_now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto dtype = lathe::dtype_named(argv[1]);
  const long long rows = std::atoll(argv[2]);
  const long long columns = std::atoll(argv[3]);
  if (!dtype || rows <= 0 || columns <= 0) return 2;
  std::vector<float> hessian(static_cast<std::size_t>(columns * columns));
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (auto* floats : {&hessian, &values})
    if (std::fread(floats->data(), sizeof(float), floats->size(), stdin) != floats->size()) return 1;
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * lathe::row_bytes(*dtype, columns));
  const double start = seconds_now();
  lathe::gptq_factor(hessian.data(), columns, static_cast<float>(std::atof(argv[4])));
  const double middle = seconds_now();
  lathe::gptq_rows(*dtype, values.data(), hessian.data(), nullptr, rows, columns, bytes.data());
  std::fprintf(stderr, "%.3f %.3f\n", middle - start, seconds_now() - middle);
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
