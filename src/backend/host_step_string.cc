// Steps that read or write texts: Strings, StringConcat, StringSplit, StringNormalizer, RegexFullMatch.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "backend/host_step.h"
#include "graph/packed_texts.h"
#include "graph/text_lists.h"
#include "text/full_match.h"
#include "text/letter_case.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe {
namespace {

using Texts = std::vector<std::string_view>;

/// A tensor of strings whose elements are the texts' numbers.
RunValue tensor_of(HostStepCall& call, Dims dims, const auto& texts) {
  RunValue result = call.allocate({Dtype::string, std::move(dims)});
  std::size_t at = 0;
  for (const auto& text : texts) {
    const std::uint64_t number = call.number_of(text);
    std::memcpy(result.data + at, &number, sizeof number);
    at += sizeof number;
  }
  return result;
}

/// What a tensor's elements are apart in a broadcast one of `dims`, for each of its axes; 0 where one is all.
std::vector<std::size_t> strides_in(const Dims& own, const Dims& dims) {
  std::vector<std::size_t> strides(dims.size(), 0);
  std::size_t stride = 1;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const auto dim = static_cast<std::size_t>(own[own.size() - 1 - i].value);
    if (dim != 1) strides[dims.size() - 1 - i] = stride;
    stride *= dim;
  }
  return strides;
}

/// Behind runs of white space, whose first ones do not count.
Texts split_at_spaces(std::string_view text, std::size_t most) {
  Texts parts;
  const auto skip = [&text](std::size_t at, bool spaces) {
    while (at < text.size()) {
      const Rune rune = rune_at(text, at);
      if (unicode::is_white_space(rune.value) != spaces) break;
      at += rune.length;
    }
    return at;
  };
  for (std::size_t at = skip(0, true); at < text.size();) {
    if (parts.size() == most) {
      parts.push_back(text.substr(at));
      break;
    }
    const std::size_t end = skip(at, false);
    parts.push_back(text.substr(at, end - at));
    at = skip(end, true);
  }
  return parts;
}

Texts split_at(std::string_view text, std::string_view delimiter, std::size_t most) {
  Texts parts;
  while (parts.size() < most) {
    const std::size_t end = text.find(delimiter);
    if (end == std::string_view::npos) break;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + delimiter.size());
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::vector<RunValue> run_strings(HostStepCall& call) {
  Dims dims = *parse_dims(call.node().text("shape"));  // the rule has read it
  const RunValue& packed = call.inputs()[0];
  const auto count = byte_count({Dtype::string, dims}) / sizeof(std::uint64_t);
  const auto texts = unpack_texts({packed.data, byte_count(packed.type)}, count);
  if (!texts) call.fail("its bytes are not " + std::to_string(count) + " texts");
  return {tensor_of(call, std::move(dims), *texts)};
}

std::vector<RunValue> run_string_concat(HostStepCall& call) {
  const Dims& a_dims = call.inputs()[0].type.dims;
  const Dims& b_dims = call.inputs()[1].type.dims;
  auto dims = broadcast(a_dims, b_dims);
  if (!dims)
    call.fail(to_string(call.inputs()[0].type) + " and " + to_string(call.inputs()[1].type) +
              " do not broadcast");
  const Texts a = call.texts(0);
  const Texts b = call.texts(1);
  const auto a_strides = strides_in(a_dims, *dims);
  const auto b_strides = strides_in(b_dims, *dims);
  RunValue result = call.allocate({Dtype::string, *dims});
  const auto count = byte_count(result.type) / sizeof(std::uint64_t);
  std::string joined;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t rest = i, from_a = 0, from_b = 0;
    for (std::size_t axis = dims->size(); axis-- > 0;) {
      const auto dim = static_cast<std::size_t>((*dims)[axis].value);
      from_a += rest % dim * a_strides[axis];
      from_b += rest % dim * b_strides[axis];
      rest /= dim;
    }
    joined.assign(a[from_a]).append(b[from_b]);
    const std::uint64_t number = call.number_of(joined);
    std::memcpy(result.data + i * sizeof number, &number, sizeof number);
  }
  return {std::move(result)};
}

std::vector<RunValue> run_string_split(HostStepCall& call) {
  const std::string& delimiter = call.node().text("delimiter");
  const std::int64_t limit = call.node().integer("maxsplit");
  const auto most = static_cast<std::size_t>(limit);  // below 0: more than there can be
  std::vector<Texts> parts;
  std::size_t columns = 0;
  for (const auto text : call.texts(0)) {
    parts.push_back(delimiter.empty() ? split_at_spaces(text, most) : split_at(text, delimiter, most));
    columns = std::max(columns, parts.back().size());
  }
  ValueType type = call.inputs()[0].type;
  RunValue counts = call.allocate({Dtype::i64, type.dims});
  type.dims.emplace_back(columns);
  RunValue result = call.allocate(type);
  std::memset(result.data, 0, byte_count(type));  // 0 is the empty text
  for (std::size_t row = 0; row < parts.size(); ++row) {
    const std::int64_t count = std::ssize(parts[row]);
    std::memcpy(counts.data + row * sizeof count, &count, sizeof count);
    for (std::size_t column = 0; column < parts[row].size(); ++column) {
      const std::uint64_t number = call.number_of(parts[row][column]);
      std::memcpy(result.data + (row * columns + column) * sizeof number, &number, sizeof number);
    }
  }
  return {std::move(result), std::move(counts)};
}

std::vector<RunValue> run_string_normalizer(HostStepCall& call) {
  const std::string& action = call.node().text("case_change_action");
  const bool sensitive = call.node().integer("is_case_sensitive") == 1;
  const Dims& given = call.inputs()[0].type.dims;
  if (given.empty() || given.size() > 2 || (given.size() == 2 && given[0].value != 1))
    call.fail("its input is " + to_string(call.inputs()[0].type) + ", and must be [C] or [1, C]");
  const auto compared = [sensitive](std::string_view text) {
    return sensitive ? std::string(text) : to_lower_case(text);
  };
  std::unordered_set<std::string> stop_words;
  for (const auto word : call.texts(1)) stop_words.insert(compared(word));
  std::vector<std::string> kept;
  for (const auto text : call.texts(0)) {
    if (stop_words.contains(compared(text))) continue;
    kept.push_back(action == "LOWER"   ? to_lower_case(text)
                   : action == "UPPER" ? to_upper_case(text)
                                       : std::string(text));
  }
  if (kept.empty()) kept.emplace_back();  // as the standard has it
  Dims dims = given;
  dims.back() = Dim(kept.size());
  return {tensor_of(call, std::move(dims), kept)};
}

std::vector<RunValue> run_regex_full_match(HostStepCall& call) {
  const FullMatch pattern(call.node().text("pattern"));
  RunValue result = call.allocate({Dtype::boolean, call.inputs()[0].type.dims});
  std::byte* element = result.data;
  for (const auto text : call.texts(0)) *element++ = static_cast<std::byte>(pattern.matches(text));
  return {std::move(result)};
}

}  // namespace lathe
