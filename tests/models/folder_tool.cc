// folder_tool FOLDER WEIGHTS: what the translation makes of a folder (WEIGHTS: "", q8, q4, bf16, f32), as one
// JSON object on stdout; an error ends it with status 1.
#include <cstdio>
#include <iostream>

#include "base/json.h"
#include "lathe/error.h"
#include "models/folder_translation.h"
#include "quant/block_format.h"

namespace {

lathe::Json describe(const lathe::Checkpoint& checkpoint) {
  lathe::Json tensors = lathe::Json::object();
  for (const auto& name : checkpoint.tensor_names) {
    const lathe::TensorView& view = *checkpoint.find_tensor(name);
    std::vector<float> values(static_cast<std::size_t>(lathe::element_count(view.shape)));
    lathe::decode_rows(view.dtype, view.data, values.data(), view.rows(), view.columns());
    tensors[name] = {{"dtype", lathe::info(view.dtype).name}, {"shape", view.shape}, {"values", values}};
  }
  lathe::Json metadata = lathe::Json::object();
  for (const auto& [key, value] : checkpoint.metadata)
    std::visit([&, &name = key](const auto& held) { metadata[name] = held; }, value);
  return {{"metadata", metadata},
          {"tensors", tensors},
          {"warnings", checkpoint.warnings},
          {"unused_keys", checkpoint.unused_keys}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    lathe::FolderOptions options;
    options.threads = 2;
    options.weights = lathe::weight_type_named(argv[2]).value();
    std::cout << lathe::dump_json(
                     describe(*lathe::translate_folder(lathe::read_model_folder(argv[1]), options)))
              << '\n';
  } catch (const lathe::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
