#include "models/folder_translation.h"

namespace lathe {

void FolderMetadata::set(std::string_view key, MetadataValue value) {
  checkpoint_.metadata.insert_or_assign(checkpoint_.architecture + "." + std::string(key), std::move(value));
}

void FolderMetadata::set_vector(const std::string& name, const std::vector<double>& values) {
  auto bytes = std::make_shared<std::vector<float>>(values.begin(), values.end());
  checkpoint_.tensors.insert_or_assign(name, TensorView{reinterpret_cast<const std::byte*>(bytes->data()),
                                                        Dtype::f32,
                                                        {static_cast<std::int64_t>(bytes->size())}});
  checkpoint_.tensor_names.push_back(name);
  // The checkpoint's owner keeps the mapping and this alive.
  auto both = std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(
      std::move(checkpoint_.owner), std::move(bytes));
  checkpoint_.owner = std::move(both);
}

}  // namespace lathe
