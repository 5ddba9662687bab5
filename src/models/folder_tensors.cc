#include "models/folder_tensors.h"

#include <array>
#include <optional>

#include "base/error.h"

namespace lathe {
namespace {

/// The numbers that stood for "{}"; at most two.
struct Numbers {
  std::array<std::int64_t, 2> values = {-1, -1};
  std::size_t count = 0;
};

/// A number without sign or leading zeros at the start of `text`, which is shortened by it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  constexpr std::size_t kMostDigits = 6;
  std::size_t length = 0;
  std::int64_t value = 0;
  while (length < text.size() && length < kMostDigits && text[length] >= '0' && text[length] <= '9')
    value = 10 * value + (text[length++] - '0');
  if (length == 0 || (length > 1 && text[0] == '0')) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::optional<Numbers> match(std::string_view pattern, std::string_view name) {
  Numbers numbers;
  while (!pattern.empty()) {
    if (pattern.starts_with("{}")) {
      const auto number = take_number(name);
      if (!number || numbers.count == numbers.values.size()) return std::nullopt;
      numbers.values[numbers.count++] = *number;
      pattern.remove_prefix(2);
    } else {
      if (name.empty() || name.front() != pattern.front()) return std::nullopt;
      name.remove_prefix(1);
      pattern.remove_prefix(1);
    }
  }
  return name.empty() ? std::optional(numbers) : std::nullopt;
}

class Matcher {
 public:
  explicit Matcher(const FolderDialect& dialect) : dialect_(dialect) {}

  bool take(const StoredTensor& tensor) {
    std::string_view name = tensor.name;
    if (name.starts_with(dialect_.optional_prefix)) name.remove_prefix(dialect_.optional_prefix.size());
    for (std::size_t rule = 0; rule < dialect_.tensors.size(); ++rule) {
      const auto numbers = match(dialect_.tensors[rule].folder, name);
      if (!numbers) continue;
      if (!dialect_.tensors[rule].gguf.empty()) add(tensor, rule, *numbers);
      return true;
    }
    return false;
  }

  std::vector<FolderTarget> targets() {
    std::vector<FolderTarget> list;
    for (auto& [place, target] : targets_) list.push_back(std::move(target));
    return list;
  }

 private:
  void add(const StoredTensor& tensor, std::size_t rule_index, const Numbers& numbers) {
    const TensorRule& rule = dialect_.tensors[rule_index];
    const auto layer_place = rule.gguf.find("{}");
    const bool layered = layer_place != rule.gguf.npos;
    FolderTarget& target = targets_[{layered ? numbers.values[0] : -1, rule_index}];
    target.name = std::string(rule.gguf);
    if (layered) target.name.replace(layer_place, 2, std::to_string(numbers.values[0]));
    target.edit = rule.edit;
    target.stacked = numbers.count > (layered ? 1 : 0);
    const std::int64_t expert = target.stacked ? numbers.values[numbers.count - 1] : 0;
    if (!target.parts.emplace(expert, &tensor).second)
      throw Error(ErrorCode::invalid_model, "the folder has the tensor under two names",
                  {tensor.file->path(), {}, printable(tensor.name)});
  }

  const FolderDialect& dialect_;
  std::map<std::pair<std::int64_t, std::size_t>, FolderTarget> targets_;  // by layer and rule
};

}  // namespace

FolderTargets match_tensors(const ModelFolder& folder, const FolderDialect& dialect) {
  FolderTargets result;
  Matcher matcher(dialect);
  for (const StoredTensor& tensor : folder.tensors)
    if (!matcher.take(tensor)) result.without_rule.push_back(&tensor);
  result.targets = matcher.targets();
  return result;
}

}  // namespace lathe
