#include "cpu/kernels.h"

#include <string>

#include "base/error.h"
#include "cpu/kernel_registry.h"

namespace lathe {
namespace {

constexpr std::string_view kPortable = "portable.";

bool is_named(std::string_view name, std::string_view pattern) {
  name.remove_prefix(kPortable.size());
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

/// Those that an ISA kernel stands in for.
std::vector<Kernel> named(const std::vector<Kernel>& portable, const std::string& pattern) {
  std::vector<Kernel> found;
  for (const auto& kernel : portable)
    if (is_named(kernel.name, pattern)) found.push_back(kernel);
  if (found.empty()) throw Error(ErrorCode::internal, "no portable kernel is named " + pattern);
  return found;
}

std::vector<Kernel> all_kernels() {
  std::vector<Kernel> portable;
  for (const auto file : portable_kernel_files())
    for (const auto& kernel : file()) portable.push_back(kernel);
  std::vector<Kernel> kernels = portable;
  for (const auto& file : isa_kernel_files())
    for (const IsaKernel* entry = file.kernels; entry->name != nullptr; ++entry)
      for (Kernel kernel : named(portable, entry->name)) {
        kernel.name = std::string(isa_name(file.level)) + "." + kernel.name.substr(kPortable.size());
        kernel.run = entry->run;
        kernel.rank += static_cast<int>(file.level);
        if (entry->scratch_bytes != nullptr) kernel.scratch_bytes = entry->scratch_bytes;
        kernels.push_back(std::move(kernel));
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
