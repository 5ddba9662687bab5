#include "api/activation_section.h"

#include <algorithm>

#include "base/byte_archive.h"

namespace lathe {
namespace {

constexpr std::string_view kSection = "activations";
constexpr std::size_t kLeastBytes = 52;  // of an input

template <class Archive>
void describe(Archive& archive, auto& input) {
  archive.text(input.input, "an input's name");
  archive.list(input.weights, 4, "weights", [&](auto& name) { archive.text(name, "a weight's name"); });
  archive.number(input.columns, "columns");
  archive.text(input.codes, "codes");
  archive.numbers(input.fine_columns, "fine columns");
  archive.number(input.error_before, "an error");
  archive.number(input.error_after, "an error");
  archive.number(input.limit, "a limit");
  archive.text(input.reason, "a reason");
}

}  // namespace

std::string write_activation_section(const std::vector<ActivationInspection>& inputs) {
  ArchiveWriter archive;
  archive.list(inputs, kLeastBytes, "inputs", [&](const auto& input) { describe(archive, input); });
  return archive.take();
}

std::vector<ActivationInspection> read_activation_section(std::span<const std::byte> bytes,
                                                          const std::string& file) {
  ArchiveReader archive(bytes, file, kSection);
  std::vector<ActivationInspection> inputs;
  archive.list(inputs, kLeastBytes, "inputs", [&](auto& input) {
    describe(archive, input);
    if (std::ranges::any_of(input.fine_columns,
                            [&](std::int32_t column) { return column < 0 || column >= input.columns; }))
      archive.fail("a fine column lies outside of the input");
  });
  archive.end();
  return inputs;
}

}  // namespace lathe
