// RotaryEmbedding(k) -> KvWrite, and RotaryEmbedding(q) of the attention that reads the cache behind it, by
// the same table -> one RotaryKvWrite. Bit-equal: the same operations on the same rows.
//
// Keys are rotated on their way into the cache's pages and are never written anywhere else; q's rotation
// comes along because threads would otherwise wait for each other between the two.
#include <utility>

#include "passes/pass.h"
#include "passes/uses.h"

namespace lathe {
namespace {

bool is(const Node& node, std::string_view op) { return node.op->name == op; }

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), uses_(graph), gone_(graph.nodes.size(), false) {}

  bool run() {
    bool changed = false;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) changed |= fuse(i);
    if (!changed) return false;
    std::size_t index = 0;
    std::erase_if(graph_.nodes, [&](const Node&) { return gone_[index++]; });
    return true;
  }

 private:
  /// The rotation that computes `id` for this reader alone, or -1.
  std::ptrdiff_t rotation_of(ValueId id) const {
    const auto producer = uses_.producer(id);
    if (producer < 0 || uses_.only_reader(id) < 0) return -1;
    return is(graph_.nodes[static_cast<std::size_t>(producer)], "RotaryEmbedding") ? producer : -1;
  }

  /// The rotation of the q that attends to what `write` wrote, by the same table, and from a value that is
  /// there before `write`; or -1.
  std::ptrdiff_t query_rotation(std::size_t write, const Node& key_rotation) const {
    for (const auto reader : uses_.readers(graph_.nodes[write].outputs[0])) {
      const Node& attention = graph_.nodes[reader];
      if (!is(attention, "PagedAttention") || attention.inputs[1] != graph_.nodes[write].outputs[0]) continue;
      const auto rotation = rotation_of(attention.inputs[0]);
      if (rotation < 0) continue;
      const Node& node = graph_.nodes[static_cast<std::size_t>(rotation)];
      const bool same = node.inputs[1] == key_rotation.inputs[1] &&
                        node.integer("interleaved") == key_rotation.integer("interleaved");
      if (same && uses_.producer(node.inputs[0]) < static_cast<std::ptrdiff_t>(write)) return rotation;
    }
    return -1;
  }

  bool fuse(std::size_t index) {
    Node& write = graph_.nodes[index];
    if (!is(write, "KvWrite")) return false;
    const auto rotation = rotation_of(write.inputs[1]);
    if (rotation < 0) return false;
    const Node& of_key = graph_.nodes[static_cast<std::size_t>(rotation)];
    const auto of_query = query_rotation(index, of_key);
    write.op = find_op("RotaryKvWrite");
    write.attributes.emplace("interleaved", of_key.integer("interleaved"));
    write.inputs[1] = of_key.inputs[0];
    write.inputs.push_back(of_key.inputs[1]);
    gone_[static_cast<std::size_t>(rotation)] = true;
    if (of_query >= 0) {
      const Node& query = graph_.nodes[static_cast<std::size_t>(of_query)];
      write.inputs.push_back(query.inputs[0]);
      write.outputs.push_back(query.outputs[0]);
      gone_[static_cast<std::size_t>(of_query)] = true;
    }
    return true;
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> gone_;
};

}  // namespace

bool fuse_rotary_cache_write(Graph& graph, const PassContext&) { return Fusion(graph).run(); }

}  // namespace lathe
