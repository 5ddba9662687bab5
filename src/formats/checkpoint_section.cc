// Values as base/byte_archive.h writes them:
//   architecture | keys: name, u8 place of the type in MetadataValue, value | warnings | unused keys
//   | tensors: name, type's name, dimensions (i64)
#include "formats/checkpoint_section.h"

#include <type_traits>
#include <utility>

#include "base/byte_archive.h"
#include "graph/type.h"

namespace lathe {
namespace {

/// Lists as long as the vocabulary, which the tokenizer's section has.
bool is_tokenizer_list(std::string_view key, const MetadataValue& value) {
  return key.starts_with("tokenizer.ggml.") && std::visit(
                                                   [](const auto& held) {
                                                     using Held = std::decay_t<decltype(held)>;
                                                     return !std::is_arithmetic_v<Held> &&
                                                            !std::is_same_v<Held, std::string>;
                                                   },
                                                   value);
}

template <class Archive, class Value>
void describe_value(Archive& archive, Value& value) {
  using Held = std::remove_const_t<Value>;
  if constexpr (std::is_same_v<Held, bool>) {
    archive.flag(value, "a value");
  } else if constexpr (std::is_arithmetic_v<Held>) {
    archive.number(value, "a value");
  } else if constexpr (std::is_same_v<Held, std::string>) {
    archive.text(value, "a value");
  } else if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
    archive.list(value, 4, "values", [&](auto& item) { archive.text(item, "a value"); });
  } else if constexpr (std::is_same_v<Held, std::vector<bool>>) {
    std::vector<std::uint8_t> bytes(value.begin(), value.end());
    archive.numbers(bytes, "values");
    if constexpr (Archive::kReads) value.assign(bytes.begin(), bytes.end());
  } else {
    archive.numbers(value, "values");
  }
}

template <std::size_t... Index>
void emplace(MetadataValue& value, std::size_t index, std::index_sequence<Index...>) {
  (void)((Index == index && (value.emplace<Index>(), true)) || ...);
}

constexpr std::size_t kValueTypes = std::variant_size_v<MetadataValue>;

void read_value(ArchiveReader& archive, MetadataValue& value) {
  std::uint8_t type = 0;
  archive.choice(type, kValueTypes, "a value's type");
  emplace(value, type, std::make_index_sequence<kValueTypes>());
  std::visit([&](auto& held) { describe_value(archive, held); }, value);
}

template <class Archive>
void describe_lines(Archive& archive, auto& lines, std::string_view what) {
  archive.list(lines, 4, what, [&](auto& line) { archive.text(line, what); });
}

}  // namespace

std::string write_checkpoint_section(const Checkpoint& checkpoint) {
  ArchiveWriter archive;
  archive.text(checkpoint.architecture, "the architecture");
  std::vector<std::pair<std::string_view, const MetadataValue*>> kept;
  for (const auto& [key, value] : checkpoint.metadata)
    if (!is_tokenizer_list(key, value)) kept.emplace_back(key, &value);
  archive.list(kept, 6, "keys", [&](const auto& entry) {
    archive.text(entry.first, "a key");
    archive.choice(entry.second->index(), kValueTypes, "a value's type");
    std::visit([&](const auto& held) { describe_value(archive, held); }, *entry.second);
  });
  describe_lines(archive, checkpoint.warnings, "warnings");
  auto unused = checkpoint.unused_keys;
  const auto unread = checkpoint.unread_keys(checkpoint.architecture + ".");
  unused.insert(unused.end(), unread.begin(), unread.end());
  describe_lines(archive, unused, "unused keys");
  archive.list(checkpoint.tensor_names, 12, "tensors", [&](const std::string& name) {
    const TensorView& tensor = checkpoint.tensors.at(name);
    archive.text(name, "a tensor's name");
    archive.text(info(tensor.dtype).name, "a tensor's type");
    archive.numbers(tensor.shape, "a tensor's dimensions");
  });
  return archive.take();
}

std::shared_ptr<const Checkpoint> read_checkpoint_section(std::span<const std::byte> bytes,
                                                          const std::string& file) {
  ArchiveReader archive(bytes, file, "metadata");
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->file = file;
  archive.text(checkpoint->architecture, "the architecture");
  std::vector<std::pair<std::string, MetadataValue>> entries;
  archive.list(entries, 6, "keys", [&](auto& entry) {
    archive.text(entry.first, "a key");
    read_value(archive, entry.second);
  });
  for (auto& [key, value] : entries) checkpoint->metadata.insert_or_assign(std::move(key), std::move(value));
  describe_lines(archive, checkpoint->warnings, "warnings");
  describe_lines(archive, checkpoint->unused_keys, "unused keys");
  archive.list(checkpoint->tensor_names, 12, "tensors", [&](std::string& name) {
    archive.text(name, "a tensor's name");
    const std::string_view type = archive.view("a tensor's type");
    const auto dtype = dtype_named(type);
    if (!dtype) archive.fail("there is no type \"" + printable(type) + "\"");
    TensorView tensor{nullptr, *dtype, {}};
    archive.numbers(tensor.shape, "a tensor's dimensions");
    const std::string problem = type_problem({tensor.dtype, Dims(tensor.shape.begin(), tensor.shape.end())});
    if (!problem.empty()) archive.fail(problem);
    tensor.bytes();  // throws where it has more than can be counted
    if (!checkpoint->tensors.emplace(name, tensor).second) archive.fail("a tensor is there twice");
  });
  archive.end();
  return checkpoint;
}

}  // namespace lathe
