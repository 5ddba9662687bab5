// gguf_tool FILE: what the reader sees, as one JSON object on stdout; an error ends it with status 1.
#include <cstdio>
#include <iostream>

#include "base/json.h"
#include "formats/gguf.h"
#include "lathe/error.h"

namespace {

lathe::Json describe(const lathe::Checkpoint& checkpoint) {
  lathe::Json metadata = lathe::Json::object();
  for (const auto& [key, value] : checkpoint.metadata)
    std::visit([&](const auto& held) { metadata[key] = held; }, value);
  lathe::Json tensors = lathe::Json::array();
  const auto base = checkpoint.tensor_names.empty()
                        ? nullptr
                        : checkpoint.find_tensor(checkpoint.tensor_names.front())->data;
  for (const auto& name : checkpoint.tensor_names) {
    const lathe::TensorView& tensor = *checkpoint.find_tensor(name);
    tensors.push_back({{"name", name},
                       {"dtype", lathe::info(tensor.dtype).name},
                       {"shape", tensor.shape},
                       {"bytes", tensor.bytes()},
                       {"offset", tensor.data - base}});
  }
  return {{"architecture", checkpoint.architecture}, {"metadata", metadata}, {"tensors", tensors}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::cout << lathe::dump_json(describe(*lathe::read_gguf(argv[1], {.strict = true}))) << '\n';
  } catch (const lathe::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
