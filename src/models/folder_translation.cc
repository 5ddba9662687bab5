#include "models/folder_translation.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <optional>

#include "base/error.h"
#include "formats/gguf_reader.h"
#include "models/architecture.h"
#include "models/folder_quantization.h"
#include "models/folder_tensors.h"
#include "models/stored_weight.h"

namespace lathe {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;
const std::string kHead = "output.weight";

/// Ids of a key that is one number or a list of them.
std::vector<std::int64_t> read_ids(FolderConfig& config, std::string_view key) {
  const Json* value = config.find(key);
  std::vector<std::int64_t> ids;
  if (value == nullptr) return ids;
  if (key == "pad_token_id" && *value == Json(-1)) return ids;  // how older folders say "none"
  const auto add = [&](const Json& item) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() >= static_cast<std::uint64_t>(kMost))
      config.fail("the value " + printable(dump_json(item), 64) + " is no token id", key);
    ids.push_back(item.get<std::int64_t>());
  };
  if (value->is_array())
    for (const Json& item : *value) add(item);
  else
    add(*value);
  return ids;
}

std::string folder_name(const std::string& path) {
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

class Translation {
 public:
  Translation(const ModelFolder& folder, const FolderOptions& options, Checkpoint& checkpoint)
      : folder_(folder), options_(options), checkpoint_(checkpoint) {}

  void read_config() {
    const std::string file = folder_.path + "/config.json";
    FolderConfig config(folder_.config, file);
    dialect_ = &find_folder_dialect(config.text("model_type"), file);
    checkpoint_.architecture = std::string(dialect_->architecture);
    checkpoint_.metadata["general.architecture"] = checkpoint_.architecture;
    checkpoint_.metadata["general.name"] = folder_name(folder_.path);
    FolderMetadata metadata(checkpoint_);
    quantization_ = read_folder_quantization(config);
    dialect_->config(config, metadata);
    tied_ = metadata.tied();
    read_special_ids(config);
    checkpoint_.unused_keys = config.finish();
    if (dialect_->companions == nullptr) return;
    for (auto& key : dialect_->companions(folder_, metadata))
      checkpoint_.unused_keys.push_back(std::move(key));
  }

  void read_tensors() {
    auto matched = match_tensors(folder_, *dialect_);
    check_without_rule(matched.without_rule);
    for (const FolderTarget& target : matched.targets)
      if (!(tied_ && target.name == kHead)) add(target);
    const bool has_head_rule = std::any_of(dialect_->tensors.begin(), dialect_->tensors.end(),
                                           [](const TensorRule& rule) { return rule.gguf == kHead; });
    if (!tied_ && has_head_rule && checkpoint_.find_tensor(kHead) == nullptr)
      checkpoint_.fail("the folder has no output head, and config.json does not tie the embedding to it",
                       kHead);
    if (narrow_ > 0) checkpoint_.warnings.push_back(narrow_warning(narrow_));
    owners_.push_back(std::move(checkpoint_.owner));
    checkpoint_.owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(owners_));
  }

 private:
  /// As the GGUF reader has them; generation asks generation_config.json first.
  void read_special_ids(FolderConfig& config) {
    std::optional<FolderConfig> generation;
    if (!folder_.generation_config.is_null())
      generation.emplace(folder_.generation_config, folder_.path + "/generation_config.json");
    const auto find = [&](std::string_view key, std::string_view gguf_key) {
      auto found = read_ids(config, key);
      if (generation)
        if (auto first = read_ids(*generation, key); !first.empty()) found = std::move(first);
      if (!found.empty()) checkpoint_.metadata["tokenizer.ggml." + std::string(gguf_key)] = found.front();
      return found;
    };
    find("bos_token_id", "bos_token_id");
    find("pad_token_id", "padding_token_id");
    if (auto ends = find("eos_token_id", "eos_token_id"); !ends.empty())
      checkpoint_.metadata[std::string(kEndIdsKey)] = std::move(ends);
  }

  /// Scales belong to the tensors beside them; all others have a rule, or the model is not what it says.
  void check_without_rule(const std::vector<const StoredTensor*>& tensors) {
    std::size_t activation_scales = 0;
    std::size_t unknown = 0;
    std::string shown;
    for (const StoredTensor* tensor : tensors) {
      if (is_activation_scale_name(tensor->name)) {
        ++activation_scales;
      } else if (!is_weight_scale(folder_, *tensor)) {
        constexpr std::size_t kShown = 5;
        if (unknown++ < kShown) shown += (shown.empty() ? "" : ", ") + printable(tensor->name);
      }
    }
    if (unknown > 0)
      checkpoint_.fail(std::to_string(unknown) + (unknown == 1 ? " tensor is" : " tensors are") +
                           " not part of a model of type " + std::string(dialect_->model_type) + ": " +
                           shown + (unknown > 5 ? ", ..." : ""),
                       "");
    if (activation_scales > 0)
      checkpoint_.warnings.push_back(
          std::to_string(activation_scales) +
          " scales of activations are not used: activations are not rounded to F8");
  }

  HeadOrder head_order(TensorEdit edit) const {
    const bool keys = edit == TensorEdit::key_pairs;
    if (!keys && edit != TensorEdit::query_pairs && edit != TensorEdit::grouped_by_head) return {};
    const std::string prefix = checkpoint_.architecture + ".";
    const auto heads = checkpoint_.integer(prefix + "attention.head_count", 1, kMost);
    return {keys ? checkpoint_.integer_or(prefix + "attention.head_count_kv", heads, 1, kMost) : heads,
            checkpoint_.integer_or(prefix + "rope.dimension_count", 0, 0, kMost)};
  }

  std::vector<StoredWeight> parts_of(const FolderTarget& target) const {
    std::vector<StoredWeight> parts;
    for (const auto& [expert, tensor] : target.parts) {
      if (expert != static_cast<std::int64_t>(parts.size()))
        checkpoint_.fail("expert " + std::to_string(parts.size()) + " is missing before this one",
                         printable(tensor->name));
      parts.emplace_back(*tensor, target.edit, head_order(target.edit),
                         find_scales(folder_, quantization_, *tensor));
      if (parts.back().shape() != parts.front().shape() || parts.back().dtype() != parts.front().dtype())
        checkpoint_.fail("the expert has another shape or type than the first one", printable(tensor->name));
    }
    return parts;
  }

  void add(const FolderTarget& target) {
    const auto parts = parts_of(target);
    const StoredWeight& first = parts.front();
    Shape shape = first.shape();
    if (target.stacked) shape.insert(shape.begin(), static_cast<std::int64_t>(parts.size()));
    const WantedType wanted = wanted_type(options_.weights, target.name, shape, first.dtype());
    if (!wanted.fits) ++narrow_;
    TensorView view{first.tensor().bytes.data(), wanted.dtype, shape};
    std::uint64_t offset = 0;  // in the file, where it is used as it lies there
    if (!target.stacked && wanted.dtype == first.dtype() && first.in_place()) {
      offset = static_cast<std::uint64_t>(view.data - first.tensor().file->bytes().data());
    } else {
      OwnedTensor made = join_weights(parts, target.stacked, wanted.dtype, options_.threads);
      view = made.view;
      owners_.push_back(std::move(made.owner));
    }
    if (options_.scan_weights)
      scan_gguf_factors(view, first.tensor().name, offset, first.tensor().file->path());
    if (!checkpoint_.tensors.emplace(target.name, view).second)
      checkpoint_.fail("the folder has the tensor under two names", printable(first.tensor().name));
    checkpoint_.tensor_names.push_back(target.name);
  }

  const ModelFolder& folder_;
  const FolderOptions& options_;
  Checkpoint& checkpoint_;
  const FolderDialect* dialect_ = nullptr;
  FolderQuantization quantization_;
  bool tied_ = false;
  std::size_t narrow_ = 0;
  std::vector<std::shared_ptr<const void>> owners_;  // of tensors that were made
};

}  // namespace

std::shared_ptr<const Checkpoint> translate_folder(const std::shared_ptr<const ModelFolder>& folder,
                                                   const FolderOptions& options) {
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->file = folder->path;
  checkpoint->warnings = folder->warnings;
  checkpoint->owner = folder;
  Translation translation(*folder, options, *checkpoint);
  try {
    translation.read_config();
    translation.read_tensors();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_limit, "not enough memory to read the model", {folder->path, {}, {}});
  }
  return checkpoint;
}

}  // namespace lathe
