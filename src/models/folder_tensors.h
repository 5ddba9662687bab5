// Which tensors of a folder make which of GGUF's, by an architecture's rules.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "formats/model_folder.h"
#include "models/folder_translation.h"

namespace lathe {

/// A tensor by GGUF's name, and what of the folder it is made of.
struct FolderTarget {
  std::string name;
  TensorEdit edit = TensorEdit::as_stored;
  bool stacked = false;                               // experts 0, 1, ... behind each other
  std::map<std::int64_t, const StoredTensor*> parts;  // by expert; one part where not stacked
};

struct FolderTargets {
  std::vector<FolderTarget>
      targets;  // what belongs to no layer first, then by layer, each in the rules' order
  std::vector<const StoredTensor*> without_rule;
};

/// Throws Error(invalid_model) for a tensor that is there under two names.
FolderTargets match_tensors(const ModelFolder& folder, const FolderDialect& dialect);

}  // namespace lathe
