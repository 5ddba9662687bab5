#include "cpu/kernels.h"

#include <string>

#include "base/error.h"
#include "cpu/kernel_registry.h"

namespace lathe {
namespace {

const Kernel& portable_kernel(const std::vector<Kernel>& kernels, const std::string& name) {
  for (const auto& kernel : kernels)
    if (kernel.name == "portable." + name) return kernel;
  throw Error(ErrorCode::internal, "no portable kernel is named " + name);
}

std::vector<Kernel> all_kernels() {
  std::vector<Kernel> kernels;
  for (const auto file : portable_kernel_files())
    for (const auto& kernel : file()) kernels.push_back(kernel);
  const std::size_t portable_count = kernels.size();
  for (const auto& file : isa_kernel_files()) {
    for (const IsaKernel* entry = file.kernels; entry->name != nullptr; ++entry) {
      Kernel kernel = portable_kernel(
          {kernels.begin(), kernels.begin() + static_cast<std::ptrdiff_t>(portable_count)}, entry->name);
      kernel.name = std::string(isa_name(file.level)) + "." + entry->name;
      kernel.run = entry->run;
      kernel.rank += static_cast<int>(file.level);
      if (entry->scratch_bytes != nullptr) kernel.scratch_bytes = entry->scratch_bytes;
      kernels.push_back(kernel);
    }
  }
  return kernels;
}

}  // namespace

std::vector<Kernel> cpu_kernels(IsaLevel level) {
  static const std::vector<Kernel> kAll = all_kernels();
  std::vector<Kernel> chosen;
  for (const auto& kernel : kAll)
    for (auto isa = IsaLevel::portable; isa <= level; isa = static_cast<IsaLevel>(static_cast<int>(isa) + 1))
      if (std::string_view(kernel.name).substr(0, kernel.name.find('.')) == isa_name(isa))
        chosen.push_back(kernel);
  return chosen;
}

}  // namespace lathe
