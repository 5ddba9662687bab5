// TfIdfVectorizer: how often each n-gram of a list stands in a row of whole numbers or texts, its elements up
// to max_skip_count apart. Each distance is a comparison of shifted rows with all n-grams at once.
#include <algorithm>
#include <array>
#include <limits>

#include "formats/onnx_lower_element.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

constexpr std::int64_t kMostCells = std::int64_t{1} << 26;  // of n-grams by columns of the result

class NGrams {
 public:
  explicit NGrams(NodeImport& node) : node_(node) {}

  Values lower() {
    texts_ = node_.texts("pool_strings");
    numbers_ = node_.integers("pool_int64s");
    if (texts_.empty() == numbers_.empty()) node_.refuse("it needs one of pool_int64s and pool_strings");
    pool_size_ = std::max(std::ssize(texts_), std::ssize(numbers_));
    if (texts_.empty() == (node_.type(0).dtype == Dtype::string))
      node_.refuse("its pool is of another type than its input");
    starts_ = node_.integers("ngram_counts");
    columns_ = node_.integers("ngram_indexes");
    least_ = node_.integer("min_gram_length", 1);
    most_ = node_.integer("max_gram_length", 1);
    skips_ = node_.integer("max_skip_count", 0);
    if (least_ < 1 || most_ < least_ || most_ > std::ssize(starts_) || skips_ < 0 || skips_ > kMostSkips)
      node_.refuse("lengths and skips of its n-grams are none that can be");
    x_ = node_.inputs().at(0);
    if (texts_.empty()) x_ = node_.add("Cast", {x_}, {{"to", std::string("i64")}});
    Values counts;
    std::int64_t index = 0;  // of an n-gram in the pool
    for (std::int64_t length = 1; length <= std::ssize(starts_); ++length) {
      const std::int64_t first = starts_[static_cast<std::size_t>(length - 1)];
      const std::int64_t end =
          length < std::ssize(starts_) ? starts_[static_cast<std::size_t>(length)] : pool_size_;
      if (first < 0 || end < first || end > pool_size_ || (end - first) % length != 0)
        node_.refuse("ngram_counts does not fit the pool");
      const std::int64_t grams = (end - first) / length;
      if (length >= least_ && length <= most_ && grams > 0) {
        counts.push_back(counted(length, first, grams));
        for (std::int64_t i = 0; i < grams; ++i) chosen_.push_back(index + i);
      }
      index += grams;
    }
    if (index != std::ssize(columns_)) node_.refuse("ngram_indexes is not as long as the pool has n-grams");
    if (counts.empty()) node_.unsupported("it looks for no n-grams");
    const ValueId all =
        counts.size() == 1 ? counts[0] : node_.add("Concat", counts, {{"axis", std::int64_t{-1}}});
    const std::string mode = node_.text("mode", "TF");
    if (mode != "TF" && mode != "IDF" && mode != "TFIDF") node_.refuse("its mode is not known");
    const ValueId once = mode == "IDF" ? node_.add("Min", {all, node_.constant(1.0, Dtype::f32)}) : all;
    return {node_.add("MatMulAny", {once, placed(mode != "TF")})};
  }

 private:
  static constexpr std::int64_t kMostSkips = 1024;

  /// The rows from element `position` of an n-gram on, each [..., windows, 1].
  ValueId shifted(std::int64_t position, std::int64_t length, std::int64_t distance) {
    const std::int64_t start = position * distance;
    const std::int64_t left = (length - 1 - position) * distance;
    const std::int64_t end = left == 0 ? std::numeric_limits<std::int64_t>::max() : -left;
    const auto one = [this](std::int64_t value) { return node_.constant(std::span(&value, 1)); };
    const ValueId row = node_.add("Slice", {x_, one(start), one(end), one(-1)});
    return node_.add("Unsqueeze", {row, one(-1)});
  }

  /// Every `step`th element of the pool from `first` on: [count].
  ValueId wanted(std::int64_t first, std::int64_t step, std::int64_t count) {
    const auto taken = [&](const auto& pool) {
      std::remove_cvref_t<decltype(pool)> elements;
      for (std::int64_t i = 0; i < count; ++i)
        elements.push_back(pool[static_cast<std::size_t>(first + i * step)]);
      return elements;
    };
    return texts_.empty() ? node_.constant(taken(numbers_))
                          : node_.strings(taken(texts_), std::span(&count, 1));
  }

  /// f32 [..., n-grams]
  ValueId counted(std::int64_t length, std::int64_t first, std::int64_t grams) {
    const std::int64_t distances = length == 1 ? 1 : skips_ + 1;
    ValueId sum = -1;
    for (std::int64_t distance = 1; distance <= distances; ++distance) {
      ValueId same = -1;  // bool [..., windows, n-grams]
      for (std::int64_t position = 0; position < length; ++position) {
        const ValueId equal = node_.add(
            "Equal", {shifted(position, length, distance), wanted(first + position, length, grams)});
        same = same < 0 ? equal : node_.add("And", {same, equal});
      }
      const ValueId ones = node_.add("Cast", {same}, {{"to", std::string("f32")}});
      const ValueId count = node_.add("ReduceSumAny", {ones, node_.constant(std::array<std::int64_t, 1>{-2})},
                                      {{"keepdims", std::int64_t{0}}});
      sum = sum < 0 ? count : node_.add("AddAny", {sum, count});
    }
    return sum;
  }

  /// f32 [n-grams, columns]: each n-gram's weight in its column.
  ValueId placed(bool weighted) {
    const auto weights = node_.reals("weights");
    if (!weights.empty() && weights.size() != columns_.size())
      node_.refuse("weights is not as long as ngram_indexes");
    if (std::ranges::min(columns_) < 0) node_.refuse("ngram_indexes has a column that is negative");
    const std::int64_t width = std::ranges::max(columns_) + 1;
    if (width > kMostCells / std::ssize(chosen_)) node_.unsupported("its n-grams and columns are too many");
    const auto matrix =
        std::make_shared<std::vector<float>>(static_cast<std::size_t>(width * std::ssize(chosen_)), 0.0f);
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const auto gram = static_cast<std::size_t>(chosen_[i]);
      (*matrix)[i * static_cast<std::size_t>(width) + static_cast<std::size_t>(columns_[gram])] =
          weighted && !weights.empty() ? weights[gram] : 1.0f;
    }
    return node_.constant(
        {reinterpret_cast<const std::byte*>(matrix->data()), Dtype::f32, {std::ssize(chosen_), width}},
        matrix);
  }

  NodeImport& node_;
  ValueId x_ = -1;
  std::vector<std::int64_t> numbers_;  // the pool: of these,
  std::vector<std::string> texts_;     // or of these
  std::int64_t pool_size_ = 0;
  std::vector<std::int64_t> starts_, columns_;
  std::vector<std::int64_t> chosen_;  // n-grams that are looked for, by their place in the pool
  std::int64_t least_ = 1, most_ = 1, skips_ = 0;
};

Values lower_n_grams(NodeImport& node) { return NGrams(node).lower(); }

constexpr auto kNGrams = std::to_array<Lowering>({{"", "TfIdfVectorizer", lower_n_grams}});

}  // namespace

std::span<const Lowering> n_gram_lowerings() { return kNGrams; }

}  // namespace lathe::onnx
