// Memory over time: each tensor is a rectangle, from the step that writes it to the last that reads it, and
// from its first byte in the arena to its last.
#include <algorithm>
#include <vector>

#include "report/markup.h"
#include "report/sections.h"

namespace lathe::report {
namespace {

// Pixels.
constexpr double kWidth = 1100, kHeight = 320, kLeft = 70, kRight = 20, kTop = 14, kBottom = 34;

class ArenaPicture {
 public:
  ArenaPicture(const Inspection& inspection, const ProfileInspection& profile)
      : inspection_(inspection),
        profile_(profile),
        steps_(std::max<double>(1, static_cast<double>(inspection.steps.size()))),
        bytes_(static_cast<double>(std::max<std::uint64_t>(1, profile.arena_bytes)) * 1.04) {}

  std::string draw() const {
    std::string svg = "<svg width=\"" + fixed(kWidth, 0) + "\" height=\"" + fixed(kHeight, 0) +
                      "\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight, 0) + "\">\n" + axes();
    for (const auto& placement : profile_.placements) svg += rectangle(placement);
    svg += alive() + lower_bound();
    return svg + "</svg>\n";
  }

 private:
  double x(double step) const { return kLeft + (kWidth - kLeft - kRight) * step / steps_; }
  double y(double byte) const { return kHeight - kBottom - (kHeight - kTop - kBottom) * byte / bytes_; }

  std::string color(const PlacementInspection& placement) const {
    const auto step = static_cast<std::size_t>(placement.first_step);
    return step < inspection_.steps.size() ? std::string(color_of(inspection_.steps[step].op)) : "other";
  }

  std::string rectangle(const PlacementInspection& placement) const {
    const double left = x(placement.first_step);
    const double right = x(std::min<double>(placement.last_step + 1, steps_));
    const double top = y(static_cast<double>(placement.offset + placement.bytes));
    const double bottom = y(static_cast<double>(placement.offset));
    const std::string until = static_cast<std::size_t>(placement.last_step) >= inspection_.steps.size()
                                  ? "the end"
                                  : std::to_string(placement.last_step);
    return "<rect class=\"tensor " + color(placement) + (placement.in_place ? " place" : "") + "\" x=\"" +
           fixed(left, 2) + "\" y=\"" + fixed(top, 2) + "\" width=\"" + fixed(right - left, 2) +
           "\" height=\"" + fixed(std::max(0.3, bottom - top), 2) + "\"><title>" + escaped(placement.tensor) +
           "\n" + bytes_text(placement.bytes) + " at " + std::to_string(placement.offset) + ", steps " +
           std::to_string(placement.first_step) + " to " + until +
           (placement.in_place ? "\nin place of an input" : "") + "</title></rect>\n";
  }

  std::string axes() const {
    std::string svg;
    for (int i = 0; i <= 4; ++i) {
      const double byte = static_cast<double>(profile_.arena_bytes) * i / 4;
      svg += "<path class=\"axis\" d=\"M" + fixed(kLeft, 1) + " " + fixed(y(byte), 1) + "H" +
             fixed(kWidth - kRight, 1) + "\"/><text class=\"faint\" text-anchor=\"end\" x=\"" +
             fixed(kLeft - 8, 1) + "\" y=\"" + fixed(y(byte) + 4, 1) + "\">" +
             bytes_text(static_cast<std::uint64_t>(byte)) + "</text>\n";
    }
    for (int i = 0; i <= 4; ++i)
      svg += "<text class=\"faint\" text-anchor=\"middle\" x=\"" + fixed(x(steps_ * i / 4), 1) + "\" y=\"" +
             fixed(kHeight - kBottom + 18, 1) + "\">" + fixed(steps_ * i / 4, 0) + "</text>\n";
    return svg + "<text class=\"faint\" text-anchor=\"end\" x=\"" + fixed(kWidth - kRight, 1) + "\" y=\"" +
           fixed(kHeight - 4, 1) + "\">step</text>\n";
  }

  /// Bytes that are alive at each step; what takes an input's place counts once.
  std::string alive() const {
    std::vector<double> sums(inspection_.steps.size(), 0);
    for (const auto& placement : profile_.placements) {
      const auto first = static_cast<std::size_t>(placement.first_step) + (placement.in_place ? 1 : 0);
      for (std::size_t i = first; i <= static_cast<std::size_t>(placement.last_step) && i < sums.size(); ++i)
        sums[i] += static_cast<double>(placement.bytes);
    }
    std::string path;
    for (std::size_t i = 0; i < sums.size(); ++i)
      path += (path.empty() ? "M" : "L") + fixed(x(static_cast<double>(i)), 1) + " " + fixed(y(sums[i]), 1) +
              "H" + fixed(x(static_cast<double>(i) + 1), 1);
    return "<path class=\"alive\" d=\"" + path + "\"/>\n";
  }

  std::string lower_bound() const {
    const double at = y(static_cast<double>(profile_.arena_lower_bound));
    return "<path class=\"bound\" d=\"M" + fixed(kLeft, 1) + " " + fixed(at, 1) + "H" +
           fixed(kWidth - kRight, 1) + "\"/>\n";
  }

  const Inspection& inspection_;
  const ProfileInspection& profile_;
  double steps_;
  double bytes_;
};

std::string times_text(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? "–" : fixed(static_cast<double>(a) / static_cast<double>(b), 2);
}

std::string profile_text(const ProfileInspection& profile) {
  std::string text = "<p>";
  for (const auto& symbol : profile.symbols)
    text += "<code>" + escaped(symbol.name) + "</code> " + std::to_string(symbol.minimum) + "–" +
            std::to_string(symbol.maximum) + " (chosen for " + std::to_string(symbol.optimum) + ") ";
  const double in_place = profile.tensor_bytes == 0 ? 0
                                                    : static_cast<double>(profile.in_place_bytes) /
                                                          static_cast<double>(profile.tensor_bytes);
  return text + "<br>The arena has " + bytes_text(profile.arena_bytes) + ", " +
         times_text(profile.arena_bytes, profile.arena_lower_bound) + " × the " +
         bytes_text(profile.arena_lower_bound) +
         " that are alive at the fullest step (dashed). All tensors together are " +
         bytes_text(profile.tensor_bytes) + ", " + times_text(profile.tensor_bytes, profile.arena_bytes) +
         " × the arena; " + percent_text(in_place) + " of them take an input's place.</p>\n";
}

}  // namespace

std::string memory_section(const Subject& subject) {
  const auto& profiles = subject.inspection.profiles;
  std::string html =
      "<h2 id=\"memory\">Memory over time</h2>\n<p>Intermediate tensors in the arena at the profile's "
      "greatest "
      "shapes, colored by the step that writes them; the solid line is the sum of what is alive.</p>\n"
      "<div class=\"tabbed\"><div class=\"tabs\">";
  for (std::size_t i = 0; i < profiles.size(); ++i)
    html += "<button data-tab=\"" + std::to_string(i) + "\"" +
            (i + 1 == profiles.size() ? " class=\"on\"" : "") + ">" + escaped(profiles[i].name) + "</button>";
  html += "</div>\n";
  for (std::size_t i = 0; i < profiles.size(); ++i)
    html += "<div class=\"pane" + std::string(i + 1 == profiles.size() ? " on" : "") + "\" data-tab=\"" +
            std::to_string(i) + "\">" + profile_text(profiles[i]) + "<div class=\"panel\">" +
            ArenaPicture(subject.inspection, profiles[i]).draw() + "</div></div>\n";
  return html + "</div>\n";
}

}  // namespace lathe::report
