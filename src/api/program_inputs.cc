#include "api/program_inputs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <random>
#include <span>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "base/half.h"
#include "base/mapped_file.h"
#include "base/require_bytes.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, field});
}

std::string shape_text(const Tensor& tensor) {
  std::string text = tensor.dtype + "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

void give_size(const std::string& symbol, std::int64_t size, const std::string& field, Sizes& sizes) {
  if (size < 1 || size > kMaxDim)
    refuse(field, symbol + " is " + std::to_string(size) + ", and must be at least 1");
  const auto [known, fresh] = sizes.try_emplace(symbol, size);
  if (!fresh && known->second != size)
    refuse(field, symbol + " is " + std::to_string(size) + " in " + field + " and " +
                      std::to_string(known->second) + " elsewhere");
}

template <class Element>
std::span<Element> elements_of(Tensor& tensor) {
  return {reinterpret_cast<Element*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(Element)};
}

/// Random numbers that are the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(state_() % static_cast<std::uint64_t>(limit));
  }
  double between_minus_one_and_one() { return static_cast<double>(state_() >> 11) * 0x1p-52 - 1; }

 private:
  std::mt19937_64 state_;
};

template <class Element>
void fill(Tensor& tensor, auto&& next) {
  for (auto& element : elements_of<Element>(tensor)) element = static_cast<Element>(next());
}

/// In trtexec's ranges: floats in [-1, 1), whole numbers in [-128, 127].
void fill_any(Dtype dtype, Random& random, Tensor& tensor) {
  const auto real = [&] { return random.between_minus_one_and_one(); };
  const auto half = [&] { return float_to_half(static_cast<float>(random.between_minus_one_and_one())); };
  const auto bfloat = [&] { return float_to_bfloat(static_cast<float>(random.between_minus_one_and_one())); };
  const auto whole = [&] { return random.below(256) - 128; };
  if (dtype == Dtype::f32) fill<float>(tensor, real);
  if (dtype == Dtype::f64) fill<double>(tensor, real);
  if (dtype == Dtype::f16) fill<std::uint16_t>(tensor, half);
  if (dtype == Dtype::bf16) fill<std::uint16_t>(tensor, bfloat);
  const auto bit = [&] { return random.below(2); };
  if (dtype == Dtype::boolean) fill<std::uint8_t>(tensor, bit);
  if (dtype == Dtype::u8) fill<std::uint8_t>(tensor, whole);
  if (dtype == Dtype::u16) fill<std::uint16_t>(tensor, whole);
  if (dtype == Dtype::u32) fill<std::uint32_t>(tensor, whole);
  if (dtype == Dtype::u64) fill<std::uint64_t>(tensor, whole);
  if (dtype == Dtype::i8) fill<std::int8_t>(tensor, whole);
  if (dtype == Dtype::i16) fill<std::int16_t>(tensor, whole);
  if (dtype == Dtype::i32) fill<std::int32_t>(tensor, whole);
  if (dtype == Dtype::i64) fill<std::int64_t>(tensor, whole);
}

std::int64_t pages_of(const SequenceEntry& entry) {
  return (std::int64_t{entry.past} + entry.tokens + kPageTokens - 1) / kPageTokens;
}

class InputCompleter {
 public:
  InputCompleter(const InputRequest& request, InputTensors& inputs, Sizes& sizes,
                 std::vector<std::string>& notes)
      : request_(request), inputs_(inputs), sizes_(sizes), notes_(notes), random_(request.seed) {}

  void run() {
    check_given();
    plan_sequences();
    give_defaults();
    make_up();
  }

 private:
  void check_given() {
    for (const auto& [symbol, size] : sizes_) {
      if (std::ranges::find(request_.symbols, symbol) == request_.symbols.end()) {
        std::string known;
        for (const auto& name : request_.symbols) known += (known.empty() ? "" : ", ") + name;
        refuse("sizes", "there is no dimension " + printable(symbol) +
                            (known.empty() ? ": all are numbers" : "; there are " + known));
      }
      if (size < 1 || size > kMaxDim)
        refuse("sizes", symbol + " is " + std::to_string(size) + ", and must be at least 1");
    }
    for (const auto& [name, tensor] : inputs_) {
      bind_sizes(find_input(request_.inputs, name), tensor, sizes_);
    }
  }

  const InputSpec& spec(const std::string& name) const {
    return *std::ranges::find(request_.inputs, name, &InputSpec::name);
  }
  std::optional<std::int64_t> known(const Dim& dim) const {
    if (!dim.is_symbolic()) return dim.value;
    const auto found = sizes_.find(dim.symbol);
    return found == sizes_.end() ? std::nullopt : std::optional(found->second);
  }
  /// The dimension's size, which becomes `fallback` where it has none.
  std::int64_t size_or(const Dim& dim, std::int64_t fallback) {
    if (const auto size = known(dim)) return *size;
    give_size(dim.symbol, fallback, dim.symbol, sizes_);
    made_up_sizes_ += (made_up_sizes_.empty() ? "" : ", ") + dim.symbol + " = " + std::to_string(fallback);
    return fallback;
  }

  /// T tokens in Q sequences, as even as can be, and the pages that they need.
  void plan_sequences() {
    const auto rule = std::ranges::find(request_.rules, IndexRule::Kind::sequences, &IndexRule::kind);
    if (rule == request_.rules.end()) return;
    tokens_ = rule->limit;
    const auto given = inputs_.find(rule->input);
    if (given != inputs_.end()) {
      entries_.resize(static_cast<std::size_t>(given->second.shape.at(0)));
      std::memcpy(entries_.data(), given->second.bytes.data(), given->second.bytes.size());
    } else {
      const Dim& sequences = spec(rule->input).type.dims.at(0);
      const std::int64_t count = size_or(sequences, 1);
      const std::int64_t tokens = size_or(tokens_, count);
      require_split(tokens, count);
      std::int64_t page = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t first = tokens * i / count;
        SequenceEntry entry{static_cast<std::int32_t>(first),
                            static_cast<std::int32_t>(tokens * (i + 1) / count - first), request_.past,
                            static_cast<std::int32_t>(page)};
        page += pages_of(entry);
        entries_.push_back(entry);
      }
    }
    std::int64_t pages = 1;
    for (const auto& entry : entries_)
      pages = std::max(pages, std::int64_t{entry.first_page_entry} + pages_of(entry));
    for (const auto& tables : request_.rules) {
      if (tables.kind != IndexRule::Kind::block_tables) continue;
      const std::int64_t listed = size_or(spec(tables.input).type.dims.at(0), pages);
      size_or(tables.limit, listed);
    }
  }

  void require_split(std::int64_t tokens, std::int64_t sequences) const {
    constexpr std::int64_t kMostTokens = 1 << 24;
    if (tokens < sequences || tokens > kMostTokens)
      refuse("sizes", std::to_string(tokens) + " tokens do not make " + std::to_string(sequences) +
                          " sequences of at least one, and at most 16777216 tokens");
    if (request_.past < 0 || request_.past > kMostTokens) refuse("past", "past is outside 0 to 16777216");
  }

  void give_defaults() {
    for (const auto& input : request_.inputs)
      if (wants_rows(input)) size_or(input.type.dims.at(0), std::max<std::int64_t>(1, std::ssize(entries_)));
    for (const auto& symbol : request_.symbols) {
      const auto typical = request_.typical.find(symbol);
      size_or(Dim(symbol), typical == request_.typical.end() ? 1 : typical->second);
    }
    if (!made_up_sizes_.empty()) notes_.push_back("sizes that are not given: " + made_up_sizes_);
  }

  /// out_rows: rows of the step's tokens.
  bool wants_rows(const InputSpec& input) const {
    return input.name == "out_rows" && !entries_.empty() && input.type.dims.size() == 1;
  }

  void make_up() {
    std::string names;
    for (const auto& input : request_.inputs) {
      if (inputs_.contains(input.name)) continue;
      if (!is_element(input.type.dtype) || input.type.container != Container::tensor)
        refuse(input.name, input.name + " is " + to_string(input.type) + ", which cannot be made up");
      Tensor tensor{std::string(info(input.type.dtype).name), shape_of(input.type, sizes_), {}};
      const std::uint64_t bytes = dense_bytes(input.type.dtype, tensor.shape);
      const bool texts = input.type.dtype == Dtype::string;
      constexpr std::uint64_t kTextBytes =
          sizeof(std::string) / sizeof(std::uint64_t);  // over those of a number
      require_bytes(texts ? kTextBytes * bytes : bytes,
                    "the input " + printable(input.name) + " of " + shape_text(tensor), memory_available(),
                    input.name);
      if (texts)
        tensor.texts.resize(static_cast<std::size_t>(element_count(tensor.shape)));
      else
        tensor.bytes.resize(bytes);
      names += (names.empty() ? "" : ", ") + input.name + " (" + fill_input(input, tensor) + ")";
      inputs_.emplace(input.name, std::move(tensor));
    }
    if (!names.empty()) notes_.push_back("inputs that are not given are made up: " + names);
  }

  /// Says with what.
  std::string fill_input(const InputSpec& input, Tensor& tensor) {
    if (input.type.dtype == Dtype::string) {
      for (auto& text : tensor.texts) text = std::to_string(random_.below(256) - 128);
      return "texts of random numbers, -128 to 127";
    }
    std::optional<std::int64_t> limit;  // of rows
    for (const auto& rule : request_.rules) {
      if (rule.input != input.name) continue;
      const std::int64_t size = lathe::size_of(rule.limit, sizes_);
      if (rule.kind == IndexRule::Kind::sequences) return fill_sequences(tensor);
      if (rule.kind == IndexRule::Kind::block_tables) {
        std::int32_t page = 0;
        for (auto& entry : elements_of<std::int32_t>(tensor))
          entry = static_cast<std::int32_t>(page++ % size);
        return "pages in order";
      }
      limit = std::min(limit.value_or(size), size);
    }
    if (wants_rows(input)) return fill_wanted_rows(tensor, limit.value_or(1));
    if (input.name == "positions" && !entries_.empty() && input.type.dtype == Dtype::i32)
      return fill_positions(tensor);
    if (limit) {
      for (auto& index : elements_of<std::int32_t>(tensor))
        index = static_cast<std::int32_t>(random_.below(*limit));
      return "random, 0 to " + std::to_string(*limit - 1);
    }
    fill_any(input.type.dtype, random_, tensor);
    return input.type.dtype < Dtype::i8 ? "random, -1 to 1" : "random, -128 to 127";
  }

  std::string fill_sequences(Tensor& tensor) {
    std::memcpy(tensor.bytes.data(), entries_.data(), tensor.bytes.size());
    return std::to_string(entries_.size()) + (entries_.size() == 1 ? " sequence" : " sequences") + " of " +
           std::to_string(lathe::size_of(tokens_, sizes_)) + " tokens, behind " +
           std::to_string(request_.past) + " each";
  }

  std::string fill_positions(Tensor& tensor) {
    auto positions = elements_of<std::int32_t>(tensor);
    // Entries that were given are checked only once all inputs are there.
    for (const auto& entry : entries_)
      for (std::int64_t i = 0; i < std::min<std::int64_t>(entry.tokens, std::ssize(positions)); ++i) {
        const std::int64_t row = entry.first_token + i;
        if (row >= 0 && row < std::ssize(positions))
          positions[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(entry.past + i);
      }
    return "of the sequences' tokens";
  }

  /// The last token of each sequence; where more are wanted, the last tokens of all.
  std::string fill_wanted_rows(Tensor& tensor, std::int64_t tokens) {
    auto rows = elements_of<std::int32_t>(tensor);
    const auto count = static_cast<std::int64_t>(rows.size());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& entry = entries_[static_cast<std::size_t>(i) % entries_.size()];
      rows[static_cast<std::size_t>(i)] =
          count == std::ssize(entries_)
              ? entry.first_token + entry.tokens - 1
              : static_cast<std::int32_t>(std::max<std::int64_t>(0, tokens - count + i));
    }
    return count == std::ssize(entries_) ? "each sequence's last" : "the last " + std::to_string(count);
  }

  const InputRequest& request_;
  InputTensors& inputs_;
  Sizes& sizes_;
  std::vector<std::string>& notes_;
  Random random_;
  Dim tokens_;
  std::vector<SequenceEntry> entries_;
  std::string made_up_sizes_;
};

}  // namespace

namespace {

/// Empty where it does not fit 62 bits.
std::optional<std::int64_t> number_at(const Dim& dim, const Sizes& sizes) {
  if (!dim.is_symbolic()) return dim.value;
  return number_of(dim, [&sizes](const std::string& symbol) { return std::optional(sizes.at(symbol)); });
}

}  // namespace

std::int64_t size_of(const Dim& dim, const Sizes& sizes) {
  const auto number = number_at(dim, sizes);
  if (!number || *number < 0 || *number > kMaxDim)
    refuse(dim.symbol, "the dimension " + dim.symbol + " is " +
                           (number ? std::to_string(*number) : "no number of 62 bits") + " at these sizes");
  return *number;
}

std::optional<Shape> possible_shape(const ValueType& type, const Sizes& sizes) {
  Shape shape;
  if (!is_planned(type)) return std::nullopt;
  for (const auto& dim : type.dims) {
    const auto number = number_at(dim, sizes);
    if (!number || *number < 0 || *number > kMaxDim) return std::nullopt;
    shape.push_back(*number);
  }
  return shape;
}

std::vector<std::int64_t> shape_of(const ValueType& type, const Sizes& sizes) {
  std::vector<std::int64_t> shape;
  for (const auto& dim : type.dims) shape.push_back(size_of(dim, sizes));
  return shape;
}

std::vector<InputSpec> input_specs(const Graph& graph, ValueKind kind) {
  std::vector<InputSpec> specs;
  for (const auto& value : graph.values)
    if (value.kind == kind) specs.push_back({value.name, value.type});
  return specs;
}

const InputSpec& find_input(std::span<const InputSpec> inputs, const std::string& name) {
  const auto found = std::ranges::find(inputs, name, &InputSpec::name);
  if (found != inputs.end()) return *found;
  std::string known;
  for (const auto& input : inputs) known += (known.empty() ? "" : ", ") + input.name;
  refuse(printable(name), "there is no input " + printable(name) + "; there are " + known);
}

std::string_view container_name(Container container) {
  constexpr std::array<std::string_view, 4> kNames = {"", "sequence", "optional", "optional sequence"};
  return kNames[static_cast<std::size_t>(container)];
}

void bind_sizes(const InputSpec& input, const Tensor& tensor, Sizes& sizes) {
  if (tensor.container != container_name(input.type.container))
    refuse(input.name, input.name + " is " + to_string(input.type) + ", and " +
                           (tensor.container.empty() ? "a tensor" : tensor.container) + " was given");
  if (!tensor.container.empty()) {
    if (tensor.dtype != info(input.type.dtype).name)
      refuse(input.name, input.name + " is of " + std::string(info(input.type.dtype).name) + ", and one of " +
                             tensor.dtype + " was given");
    return;
  }
  const auto& dims = input.type.dims;
  const bool blocks = !is_element(input.type.dtype) && tensor.dtype == "u8";
  bool fits = tensor.dtype == info(input.type.dtype).name || blocks;
  fits = fits && (blocks || tensor.shape.size() == dims.size());
  for (std::size_t i = 0; fits && !blocks && i < dims.size(); ++i)
    fits = dims[i].is_symbolic() || dims[i].value == tensor.shape[i];
  if (!fits)
    refuse(input.name,
           input.name + " is " + to_string(input.type) + ", and " + shape_text(tensor) + " was given");
  Shape shape(tensor.shape);
  for (std::size_t i = 0; blocks && i < dims.size(); ++i) {
    if (dims[i].is_symbolic()) refuse(input.name, input.name + " has a size that bytes alone do not tell");
    shape.resize(dims.size());
    shape[i] = dims[i].value;
  }
  const bool texts = input.type.dtype == Dtype::string;
  const std::uint64_t needed =
      texts ? static_cast<std::uint64_t>(element_count(shape)) : dense_bytes(input.type.dtype, shape);
  const std::uint64_t given = texts ? tensor.texts.size() : tensor.bytes.size();
  if (given != needed)
    refuse(input.name, input.name + " is " + to_string(input.type) + ", and " + std::to_string(given) +
                           (texts ? " texts were given" : " bytes were given"));
  for (std::size_t i = 0; !blocks && i < dims.size(); ++i)
    if (dims[i].is_symbolic()) give_size(dims[i].symbol, tensor.shape[i], input.name, sizes);
}

Tensor read_raw(const InputSpec& input, const std::string& file, const Sizes& sizes) {
  if (!is_element(input.type.dtype) || input.type.dtype == Dtype::string)
    refuse(input.name, input.name + " is " + to_string(input.type) + ", which has no plain file");
  for (const auto& dim : input.type.dims)
    if (dim.is_symbolic() && !sizes.contains(dim.symbol))
      refuse(input.name,
             "the size of " + dim.symbol + " must be given: a file without a header does not say it");
  Tensor tensor{std::string(info(input.type.dtype).name), shape_of(input.type, sizes), {}};
  const auto mapped = MappedFile::open(file);
  const auto bytes = mapped->bytes();
  const std::uint64_t needed = dense_bytes(input.type.dtype, tensor.shape);
  if (bytes.size() != needed)
    throw Error(ErrorCode::invalid_file,
                "the file has " + std::to_string(bytes.size()) + " bytes, " + input.name + " " +
                    std::to_string(needed),
                {file, std::nullopt, input.name});
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

void complete_inputs(const InputRequest& request, InputTensors& inputs, Sizes& sizes,
                     std::vector<std::string>& notes) {
  InputCompleter(request, inputs, sizes, notes).run();
}

}  // namespace lathe
