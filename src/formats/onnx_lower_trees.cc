// TreeEnsemble of ai.onnx.ml without a walk: every node's comparison for every row, then every leaf, which is
// reached where the comparisons on its way come out as the way needs them. What is a way is found while
// reading.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "formats/onnx_lower_element.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

// Of what is compared with everything: leaves are at most one more than nodes in each tree.
constexpr std::int64_t kMostNodes = 1 << 12;  // and leaves
constexpr std::size_t kMostDepth = 512;
constexpr std::int64_t kMostCells = std::int64_t{1} << 26;  // of leaves by targets

enum class Mode : std::uint8_t { less_or_equal, less, greater_or_equal, greater, equal, not_equal, member };

struct Leaf {
  std::int64_t index = 0;                                 // into leaf_*
  std::vector<std::pair<std::int64_t, bool>> conditions;  // node, and how its comparison comes out
};

class TreeEnsemble {
 public:
  explicit TreeEnsemble(NodeImport& node) : node_(node), dtype_(node.type(0).dtype) {}

  Values lower() {
    read();
    const auto roots = node_.integers("tree_roots");
    if (roots.empty()) node_.refuse("it has no trees");
    for (const std::int64_t root : roots) {
      visited_.assign(static_cast<std::size_t>(nodes_), false);
      walk(root, {});
    }
    const ValueId reached = node_.add("Cast", {leaves_reached()}, {{"to", std::string(info(dtype_).name)}});
    ValueId sum = node_.add("MatMulAny", {reached, weights()});  // [N, targets]
    if (node_.integer("aggregate_function", 1) == 0) {
      const auto trees = static_cast<double>(roots.size());
      sum = node_.add("DivAny", {sum, node_.constant(trees, dtype_)});
    }
    return {sum};
  }

 private:
  std::vector<std::int64_t> list(std::string_view name) const {
    auto result = node_.integers(name);
    if (std::ssize(result) != nodes_) node_.refuse(std::string(name) + " is not as long as nodes_modes");
    return result;
  }

  /// A tensor attribute's elements; empty where it is not given.
  std::vector<double> tensor(std::string_view name) const {
    const auto* found = node_.node().find(name);
    if (found == nullptr) return {};
    if (found->kind != AttributeKind::tensor) node_.refuse(std::string(name) + " must be a tensor");
    const auto [view, owner] = tensor_data(found->tensors.at(0));
    std::vector<double> result(static_cast<std::size_t>(element_count(view.shape)));
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (view.dtype == Dtype::u8) {
        result[i] = std::to_integer<int>(view.data[i]);
      } else if (view.dtype == Dtype::f32) {
        float value = 0;
        std::memcpy(&value, view.data + i * sizeof value, sizeof value);
        result[i] = static_cast<double>(value);
      } else if (view.dtype == Dtype::f64) {
        std::memcpy(&result[i], view.data + i * sizeof(double), sizeof(double));
      } else {
        node_.unsupported(std::string(name) + " is neither of f32 nor of f64");
      }
    }
    return result;
  }

  void read() {
    if (dtype_ != Dtype::f32 && dtype_ != Dtype::f64) node_.unsupported("rows must be f32 or f64");
    const std::int64_t aggregate = node_.integer("aggregate_function", 1);
    if (aggregate != 0 && aggregate != 1)
      node_.unsupported("the least and the greatest of leaves are not computed");
    if (node_.integer("post_transform", 0) != 0) node_.unsupported("post_transform is not computed");
    for (const double mode : tensor("nodes_modes")) {
      if (mode > static_cast<double>(Mode::member)) node_.refuse("nodes_modes has one that is not known");
      modes_.push_back(static_cast<Mode>(static_cast<int>(mode)));
    }
    nodes_ = std::ssize(modes_);
    if (nodes_ > kMostNodes)
      node_.unsupported("it has " + std::to_string(nodes_) + " nodes, over the limit of " +
                        std::to_string(kMostNodes));
    true_ids_ = list("nodes_truenodeids");
    false_ids_ = list("nodes_falsenodeids");
    true_leaf_ = list("nodes_trueleafs");
    false_leaf_ = list("nodes_falseleafs");
    features_ = list("nodes_featureids");
    splits_ = tensor("nodes_splits");
    if (std::ssize(splits_) != nodes_) node_.refuse("nodes_splits is not as long as nodes_modes");
    targets_ = node_.integers("leaf_targetids");
    leaf_weights_ = tensor("leaf_weights");
    if (targets_.size() != leaf_weights_.size())
      node_.refuse("leaf_targetids is not as long as leaf_weights");
  }

  void walk(std::int64_t at, std::vector<std::pair<std::int64_t, bool>> way) {
    if (at < 0 || at >= nodes_) node_.refuse("a node " + std::to_string(at) + " is not there");
    if (visited_[static_cast<std::size_t>(at)])
      node_.refuse("two ways lead to the node " + std::to_string(at));
    if (way.size() >= kMostDepth)
      node_.unsupported("a leaf lies more than " + std::to_string(kMostDepth) + " deep");
    visited_[static_cast<std::size_t>(at)] = true;
    const auto i = static_cast<std::size_t>(at);
    if (true_leaf_[i] != 0 && false_leaf_[i] != 0 && true_ids_[i] == false_ids_[i])
      return add_leaf(true_ids_[i], way);
    for (const bool outcome : {true, false}) {
      way.emplace_back(at, outcome);
      const std::int64_t next = outcome ? true_ids_[i] : false_ids_[i];
      if ((outcome ? true_leaf_[i] : false_leaf_[i]) != 0)
        add_leaf(next, way);
      else
        walk(next, way);
      way.pop_back();
    }
  }

  void add_leaf(std::int64_t index, const std::vector<std::pair<std::int64_t, bool>>& way) {
    if (index < 0 || index >= std::ssize(targets_))
      node_.refuse("a leaf " + std::to_string(index) + " is not there");
    if (std::ssize(leaves_) == kMostNodes)
      node_.unsupported("it has more leaves than the limit of " + std::to_string(kMostNodes));
    leaves_.push_back({index, way});
  }

  template <class Element>
  ValueId constant(const std::vector<Element>& elements, Dtype dtype, Shape shape) {
    const auto kept = std::make_shared<std::vector<Element>>(elements);
    kept->reserve(1);
    return node_.constant({reinterpret_cast<const std::byte*>(kept->data()), dtype, std::move(shape)}, kept);
  }

  /// Of the rows' type.
  ValueId numbers(const std::vector<double>& values) {
    const Shape shape{std::ssize(values)};
    if (dtype_ == Dtype::f64) return constant(values, dtype_, shape);
    std::vector<float> narrow;
    for (const double value : values) narrow.push_back(static_cast<float>(value));
    return constant(narrow, dtype_, shape);
  }

  ValueId features(const std::vector<std::int64_t>& nodes) {  // [N, nodes]
    std::vector<std::int64_t> columns;
    for (const auto at : nodes) columns.push_back(features_[static_cast<std::size_t>(at)]);
    return node_.add("GatherAny", {node_.inputs().at(0), node_.constant(columns)},
                     {{"axis", std::int64_t{1}}});
  }

  /// Bool [N, nodes], of nodes of one mode; NaN fulfils nothing but "not equal", or what tracks it.
  ValueId compared(Mode mode, const std::vector<std::int64_t>& nodes) {
    constexpr std::array kOps = {"LessOrEqual", "Less", "GreaterOrEqual", "Greater", "Equal", "Equal"};
    std::vector<double> splits;
    for (const auto at : nodes) splits.push_back(splits_[static_cast<std::size_t>(at)]);
    const ValueId result =
        node_.add(kOps.at(static_cast<std::size_t>(mode)), {features(nodes), numbers(splits)});
    return mode == Mode::not_equal ? node_.add("Not", {result}) : result;
  }

  /// Bool [N, 1]: whether the feature is one of the node's set.
  ValueId is_member(std::int64_t at, const std::vector<double>& members) {
    const ValueId equal = node_.add("Equal", {features({at}), numbers(members)});  // [N, members]
    const ValueId counts = node_.add("Cast", {equal}, {{"to", std::string("i32")}});
    const ValueId any = node_.add("ReduceMaxAny", {counts, node_.constant(std::array<std::int64_t, 1>{1})});
    return node_.add("Cast", {any}, {{"to", std::string("bool")}});
  }

  /// The sets of nodes that ask for members, in the order of those nodes; NaN stands behind each.
  std::vector<std::vector<double>> member_sets() const {
    std::vector<std::vector<double>> sets(1);
    for (const double value : tensor("membership_values")) {
      if (std::isnan(value))
        sets.emplace_back();
      else
        sets.back().push_back(value);
    }
    if (sets.back().empty()) sets.pop_back();
    if (std::ssize(sets) != std::ranges::count(modes_, Mode::member) ||
        std::ranges::any_of(sets, &std::vector<double>::empty))
      node_.refuse("membership_values has not one set for each node that asks for one");
    return sets;
  }

  /// Bool [N, nodes]; `columns_` says where each node's comparison stands.
  ValueId comparisons() {
    Values parts;
    columns_.assign(static_cast<std::size_t>(nodes_), 0);
    std::int64_t column = 0;
    const auto add = [&](const std::vector<std::int64_t>& nodes, ValueId part) {
      for (const auto at : nodes) columns_[static_cast<std::size_t>(at)] = column++;
      parts.push_back(part);
    };
    for (int mode = 0; mode < static_cast<int>(Mode::member); ++mode) {
      std::vector<std::int64_t> nodes;
      for (std::int64_t at = 0; at < nodes_; ++at)
        if (modes_[static_cast<std::size_t>(at)] == static_cast<Mode>(mode)) nodes.push_back(at);
      if (!nodes.empty()) add(nodes, compared(static_cast<Mode>(mode), nodes));
    }
    const auto sets =
        std::ranges::count(modes_, Mode::member) > 0 ? member_sets() : std::vector<std::vector<double>>{};
    std::size_t set = 0;
    for (std::int64_t at = 0; at < nodes_; ++at)
      if (modes_[static_cast<std::size_t>(at)] == Mode::member) add({at}, is_member(at, sets[set++]));
    const ValueId all =
        parts.size() == 1 ? parts[0] : node_.add("Concat", parts, {{"axis", std::int64_t{1}}});
    return with_missing(all);
  }

  ValueId with_missing(ValueId outcomes) {
    if (!node_.has_attribute("nodes_missing_value_tracks_true")) return outcomes;
    const auto tracks = list("nodes_missing_value_tracks_true");
    std::vector<std::int64_t> nodes(static_cast<std::size_t>(nodes_));
    std::vector<std::uint8_t> flags(nodes.size());
    for (std::size_t at = 0; at < nodes.size(); ++at) {
      nodes[static_cast<std::size_t>(columns_[at])] = static_cast<std::int64_t>(at);
      flags[static_cast<std::size_t>(columns_[at])] = tracks[at] != 0;
    }
    const ValueId missing = node_.add("IsNaN", {features(nodes)});
    const ValueId tracked = node_.add("And", {missing, constant(flags, Dtype::boolean, {nodes_})});
    return node_.add("Or", {outcomes, tracked});
  }

  /// Bool [N, leaves]: as many comparisons on the way come out true as must, and none that must not.
  ValueId leaves_reached() {
    const ValueId outcomes = node_.add("Cast", {comparisons()}, {{"to", std::string("f32")}});
    const auto leaves = std::ssize(leaves_);
    std::vector<float> signs(static_cast<std::size_t>(nodes_ * leaves), 0.0f);  // [nodes, leaves]
    std::vector<float> needed(leaves_.size(), 0.0f);
    for (std::int64_t leaf = 0; leaf < leaves; ++leaf)
      for (const auto& [at, outcome] : leaves_[static_cast<std::size_t>(leaf)].conditions) {
        signs[static_cast<std::size_t>(columns_[static_cast<std::size_t>(at)] * leaves + leaf)] =
            outcome ? 1.0f : -1.0f;
        needed[static_cast<std::size_t>(leaf)] += outcome ? 1.0f : 0.0f;
      }
    const ValueId found = node_.add("MatMulAny", {outcomes, constant(signs, Dtype::f32, {nodes_, leaves})});
    return node_.add("Equal", {found, constant(needed, Dtype::f32, {leaves})});
  }

  /// [leaves, targets]
  ValueId weights() {
    const std::int64_t targets = node_.integer("n_targets", 1);
    if (targets < 1 || targets * std::ssize(leaves_) > kMostCells)
      node_.refuse("n_targets is none that can be");
    std::vector<double> matrix(static_cast<std::size_t>(targets * std::ssize(leaves_)), 0.0);
    for (std::size_t leaf = 0; leaf < leaves_.size(); ++leaf) {
      const auto index = static_cast<std::size_t>(leaves_[leaf].index);
      if (targets_[index] < 0 || targets_[index] >= targets)
        node_.refuse("leaf_targetids has one that is not there");
      matrix[leaf * static_cast<std::size_t>(targets) + static_cast<std::size_t>(targets_[index])] =
          leaf_weights_[index];
    }
    const std::array<std::int64_t, 2> shape{std::ssize(leaves_), targets};
    return node_.add("ReshapeAny", {numbers(matrix), node_.constant(shape)});
  }

  NodeImport& node_;
  Dtype dtype_;
  std::int64_t nodes_ = 0;
  std::vector<Mode> modes_;
  std::vector<std::int64_t> true_ids_, false_ids_, true_leaf_, false_leaf_, features_, targets_;
  std::vector<double> splits_, leaf_weights_;
  std::vector<bool> visited_;
  std::vector<Leaf> leaves_;
  std::vector<std::int64_t> columns_;  // of each node in comparisons()
};

Values lower_trees(NodeImport& node) { return TreeEnsemble(node).lower(); }

constexpr auto kTrees = std::to_array<Lowering>({{"ai.onnx.ml", "TreeEnsemble", lower_trees}});

}  // namespace

std::span<const Lowering> tree_lowerings() { return kTrees; }

}  // namespace lathe::onnx
