// Graph before and after, block by block: nodes on the left, the steps that compute them on the right, a
// ribbon from each node to its step. Arcs on the outer sides are the values that go from one to another.
#include <algorithm>
#include <map>

#include "report/graph_segments.h"
#include "report/markup.h"
#include "report/sections.h"

namespace lathe::report {
namespace {

// Pixels.
constexpr double kRow = 24, kBox = 18, kTop = 26;
constexpr double kArcs = 90, kNodeWidth = 250, kGap = 130, kStepWidth = 500;
constexpr double kNodeLeft = kArcs, kNodeRight = kNodeLeft + kNodeWidth;
constexpr double kStepLeft = kNodeRight + kGap, kStepRight = kStepLeft + kStepWidth;
constexpr double kWidth = kStepRight + kArcs;
constexpr std::size_t kNodeLetters = 36, kStepLetters = 72;

std::string shortened(std::string text, std::size_t letters) {
  if (text.size() <= letters) return text;
  while (letters > 0 && (static_cast<unsigned char>(text[letters]) & 0xC0) == 0x80) --letters;
  return text.substr(0, letters) + "…";
}

/// Without the block's name, which stands above.
std::string local_name(const std::string& name, const std::string& block) {
  std::string text = name;
  for (std::size_t at = text.find(block + "."); !block.empty() && at != std::string::npos;
       at = text.find(block + "."))
    text.erase(at, block.size() + 1);
  return text;
}

class BlockPicture {
 public:
  BlockPicture(const Inspection& inspection, const Segment& segment)
      : inspection_(inspection), segment_(segment) {
    for (std::size_t i = 0; i < segment.nodes.size(); ++i) node_rows_[segment.nodes[i]] = row_y(i);
    place_steps();
  }

  std::string draw() const {
    const double height = std::max(row_y(segment_.nodes.size()),
                                   segment_.steps.empty() ? 0 : step_rows_.rbegin()->second + kRow);
    std::string svg = "<svg width=\"" + fixed(kWidth, 0) + "\" height=\"" + fixed(height, 0) +
                      "\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(height, 0) + "\">\n";
    svg += text_at(kNodeLeft, 14, "the architecture's graph", "faint");
    svg += text_at(kStepLeft, 14, "steps of the plan", "faint");
    svg += node_edges() + step_edges() + ribbons();
    for (const auto index : segment_.nodes) svg += node_box(index);
    for (const auto index : segment_.steps) svg += step_box(index);
    return svg + "</svg>\n";
  }

 private:
  static double row_y(std::size_t row) { return kTop + kRow * static_cast<double>(row); }

  static std::string text_at(double x, double y, const std::string& text, const std::string& style) {
    return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" class=\"" + style + "\">" +
           escaped(text) + "</text>\n";
  }

  /// Each step beside the middle of its nodes, pushed down where another is there already.
  void place_steps() {
    double next = kTop;
    for (const auto index : segment_.steps) {
      double sum = 0;
      int count = 0;
      for (const auto node : segment_.nodes)
        if (inspection_.before[node].step == static_cast<std::int32_t>(index)) {
          sum += node_rows_.at(node);
          ++count;
        }
      const double y = count > 0 ? std::max(next, sum / count) : next;
      step_rows_[index] = y;
      next = y + kRow;
    }
  }

  std::string node_box(std::size_t index) const {
    const NodeInspection& node = inspection_.before[index];
    const double y = node_rows_.at(index);
    const bool gone = node.step < 0;
    std::string label = local_name(node.name, segment_.title);
    if (label != node.op) label += "  " + node.op;
    return "<g><title>" + escaped(title_of(node)) + "</title><rect class=\"box\" rx=\"3\" x=\"" +
           fixed(kNodeLeft, 1) + "\" y=\"" + fixed(y, 1) + "\" width=\"" + fixed(kNodeWidth, 0) +
           "\" height=\"" + fixed(kBox, 0) + "\"/>" +
           text_at(kNodeLeft + 8, y + 13, shortened(label, kNodeLetters), gone ? "faint" : "ink") + "</g>\n";
  }

  std::string step_box(std::size_t index) const {
    const StepInspection& step = inspection_.steps[index];
    const double y = step_rows_.at(index);
    std::string label = step.op + "  " + local_name(step.name, segment_.title);
    return "<g><title>" + escaped(title_of(step)) + "</title><rect class=\"" +
           std::string(color_of(step.op)) + "\" rx=\"3\" x=\"" + fixed(kStepLeft, 1) + "\" y=\"" +
           fixed(y, 1) + "\" width=\"" + fixed(kStepWidth, 0) + "\" height=\"" + fixed(kBox, 0) + "\"/>" +
           text_at(kStepLeft + 8, y + 13, shortened(label, kStepLetters), "on") + "</g>\n";
  }

  template <class Item>
  static std::string operands_text(const Item& item) {
    std::string text;
    for (const auto& input : item.inputs) text += "\n  reads " + input.name + " " + input.text();
    for (const auto& output : item.outputs) text += "\n  makes " + output.name + " " + output.text();
    return text;
  }

  std::string title_of(const NodeInspection& node) const {
    const std::string where = node.step < 0 ? "\n  computed ahead, or another view of the same bytes"
                                            : "\n  in step " + std::to_string(node.step);
    return node.op + " " + node.name + operands_text(node) + where;
  }

  static std::string title_of(const StepInspection& step) {
    std::string text = step.op + " " + step.name + "\n  " + step.kernel + operands_text(step);
    for (const auto& [name, value] : step.attributes) text += "\n  " + name + " = " + value;
    return text;
  }

  /// Where the step of a node is that another block's nodes went into, too.
  std::string elsewhere(std::int32_t step) const {
    const bool above = !segment_.steps.empty() && static_cast<std::size_t>(step) < segment_.steps.front();
    return above ? "in a step above" : "in a step below";
  }

  std::string ribbons() const {
    std::string svg;
    for (const auto node : segment_.nodes) {
      const auto step = inspection_.before[node].step;
      const double a = node_rows_.at(node);
      const auto row = step < 0 ? step_rows_.end() : step_rows_.find(static_cast<std::size_t>(step));
      if (row == step_rows_.end()) {
        if (step >= 0) svg += text_at(kNodeRight + 10, a + 13, elsewhere(step), "faint");
        continue;
      }
      const double b = row->second;
      const double middle = (kNodeRight + kStepLeft) / 2;
      svg += "<path class=\"ribbon " +
             std::string(color_of(inspection_.steps[static_cast<std::size_t>(step)].op)) + "\" d=\"M" +
             fixed(kNodeRight, 1) + " " + fixed(a, 1) + "C" + fixed(middle, 1) + " " + fixed(a, 1) + " " +
             fixed(middle, 1) + " " + fixed(b, 1) + " " + fixed(kStepLeft, 1) + " " + fixed(b, 1) + "v" +
             fixed(kBox, 1) + "C" + fixed(middle, 1) + " " + fixed(b + kBox, 1) + " " + fixed(middle, 1) +
             " " + fixed(a + kBox, 1) + " " + fixed(kNodeRight, 1) + " " + fixed(a + kBox, 1) + "Z\"/>\n";
    }
    return svg;
  }

  /// Arcs between rows at `x`, bulging to `side` (-1: left).
  static std::string arc(double x, double from, double to, double side) {
    const double bulge = x + side * std::min(kArcs - 6, 8 + (to - from) * 0.35);
    return "<path class=\"edge\" d=\"M" + fixed(x, 1) + " " + fixed(from + kBox / 2, 1) + "C" +
           fixed(bulge, 1) + " " + fixed(from + kBox / 2, 1) + " " + fixed(bulge, 1) + " " +
           fixed(to + kBox / 2, 1) + " " + fixed(x, 1) + " " + fixed(to + kBox / 2, 1) + "\"/>\n";
  }

  template <class Items>
  std::string edges(const std::vector<std::size_t>& indices, const Items& items,
                    const std::map<std::size_t, double>& rows, double x, double side) const {
    std::string svg;
    std::map<std::string, double> makers;
    for (const auto index : indices) {
      const double y = rows.at(index);
      for (const auto& input : items[index].inputs)
        if (const auto maker = makers.find(input.name); maker != makers.end() && maker->second < y)
          svg += arc(x, maker->second, y, side);
      for (const auto& output : items[index].outputs) makers[output.name] = y;
    }
    return svg;
  }

  std::string node_edges() const {
    return edges(segment_.nodes, inspection_.before, node_rows_, kNodeLeft, -1);
  }
  std::string step_edges() const {
    return edges(segment_.steps, inspection_.steps, step_rows_, kStepRight, 1);
  }

  const Inspection& inspection_;
  const Segment& segment_;
  std::map<std::size_t, double> node_rows_;  // index: y
  std::map<std::size_t, double> step_rows_;
};

std::string summary_of(const Segment& segment) {
  std::string text = "<summary><b>" + escaped(segment.title) + "</b>";
  if (segment.count > 1) text += " <b>× " + std::to_string(segment.count) + "</b>";
  text += " <span>" + std::to_string(segment.nodes.size()) + " nodes → " +
          std::to_string(segment.steps.size()) + " steps" + (segment.count > 1 ? " each" : "") + "</span>";
  return text + "</summary>\n";
}

}  // namespace

std::string graph_section(const Subject& subject) {
  const auto segments = segments_of(subject.inspection);
  std::string html =
      "<h2 id=\"graph\">Graph before and after</h2>\n<p>Each ribbon leads from a node as the architecture "
      "made it to the step that computes it; several into one step are fused. Blocks that are equal are "
      "shown once. Arcs are values; hover for names, types and kernels.</p>\n"
      "<div class=\"key\"><span><i class=\"product\"></i>matrix products</span><span><i class=\"attention\">"
      "</i>attention and cache</span><span><i class=\"rows\"></i>rows and elements</span><span><i "
      "class=\"other\"></i>others</span></div>\n";
  const auto largest = std::max_element(segments.begin(), segments.end(),
                                        [](const auto& a, const auto& b) { return a.count < b.count; });
  for (auto segment = segments.begin(); segment != segments.end(); ++segment)
    html += std::string("<details") + (segment == largest ? " open" : "") + ">" + summary_of(*segment) +
            BlockPicture(subject.inspection, *segment).draw() + "</details>\n";
  return html;
}

}  // namespace lathe::report
