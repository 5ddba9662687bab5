// Plots and the page of an evaluation made by hand: places of marks, ticks, escaping, degenerate figures.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <regex>

#include "lathe/quantization.h"
#include "report/evaluation_plots.h"
#include "report/plot.h"

namespace lathe {
namespace {

using report::Plot;
using report::PlotAxis;
using testing::AllOf;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::Not;

std::vector<double> attributes(const std::string& svg, const std::string& name) {
  const std::regex pattern("\\b" + name + "=\"(-?[0-9.]+)\"");
  std::vector<double> values;
  for (std::sregex_iterator match(svg.begin(), svg.end(), pattern), end; match != end; ++match)
    values.push_back(std::stod((*match)[1]));
  return values;
}

TEST(Ticks, AreRoundNumbersInsideTheAxis) {
  EXPECT_THAT(report::ticks({"", 0, 1, false}),
              ElementsAre(0, DoubleNear(0.2, 1e-12), DoubleNear(0.4, 1e-12), DoubleNear(0.6, 1e-12),
                          DoubleNear(0.8, 1e-12), 1));
  EXPECT_THAT(report::ticks({"", 256, 512, false}), ElementsAre(300, 350, 400, 450, 500));
  EXPECT_THAT(report::ticks({"", 0, 3, false, true}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(report::ticks({"", 1e-3, 2, true}),
              ElementsAre(DoubleNear(1e-3, 1e-12), DoubleNear(1e-2, 1e-12), DoubleNear(0.1, 1e-12), 1));
  EXPECT_FALSE(std::signbit(report::ticks({"", 0, 7, false}).front()));
}

TEST(Plots, PutMarksWhereTheirNumbersAre) {
  Plot plot({"x", 0, 10, false}, {"y", 1e-4, 1, true});
  plot.dots({{0, 1e-4, ""}, {10, 1, ""}, {5, 1e-2, ""}}, "product");
  const std::string svg = plot.draw();
  const auto x = attributes(svg, "cx"), y = attributes(svg, "cy");
  ASSERT_EQ(x.size(), 3u);
  EXPECT_NEAR(x[2], (x[0] + x[1]) / 2, 0.1);
  EXPECT_NEAR(y[2], (y[0] + y[1]) / 2, 0.1);
  EXPECT_LT(y[1], y[0]);  // downwards on the screen
}

TEST(Plots, LeaveOutWhatIsNotFiniteAndStayInside) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Plot plot({"x", 0, 1, false}, {"y", 1e-4, 1, true});
  plot.dots({{0.5, kInfinity, ""}, {std::nan(""), 0.5, ""}, {2, 5, ""}, {0.5, 0, ""}}, "product");
  plot.bars({{0.5, -1, ""}, {-3, 0.5, ""}}, 0.1, "rows");
  const std::string svg = plot.draw();
  EXPECT_THAT(attributes(svg, "cx"), testing::SizeIs(2));
  for (const char* name : {"cx", "cy", "x", "y", "width", "height"})
    for (const double value : attributes(svg, name)) EXPECT_THAT(value, AllOf(Ge(0), Le(900))) << name;
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

Evaluation evaluation(std::size_t chunks, std::size_t positions, double kl) {
  Evaluation of;
  of.model.file = "m.gguf";
  of.model.parameters = 100;
  of.model.tensor_bytes = 50;
  of.file_bytes = 1000000;
  of.context = 2 * static_cast<int>(positions);
  of.first_position = static_cast<int>(positions);
  of.chunks = chunks;
  of.positions_of_chunk = positions;
  of.scored = chunks * positions;
  of.perplexity = {12.5, 0.5};
  TextDivergence divergence;
  divergence.kl.mean = {kl, kl / 10};
  divergence.kl.quantiles = {{0.5, {kl, 0}}, {0.99, {9 * kl, kl}}};
  for (std::size_t i = 0; i < chunks * positions; ++i)
    divergence.kl_at.push_back(kl * static_cast<double>(1 + i % positions));
  of.divergence = divergence;
  return of;
}

TensorDifference tensor(const std::string& name, double error) {
  TensorDifference of;
  of.name = name;
  of.op = "Linear";
  of.relative_rms = error;
  return of;
}

TEST(EvaluationPage, HasAPlotOfEachKindAndNothingFromOutside) {
  EvaluationPart part{"a <b> & c", evaluation(3, 100, 1e-3), {}};
  part.tensors.tensors = {tensor("blk.0.attn", 0.01), tensor("blk.0.ffn", 0.02), tensor("blk.1.ffn", 0.5),
                          tensor("output", std::numeric_limits<double>::infinity())};
  EvaluationPart other = part;
  other.evaluation = evaluation(3, 100, 1e-2);
  other.evaluation.file_bytes = 3000000;
  const std::string html = to_html("text \"x\"", "the <reference>", {part, other});
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt; &amp; c"));
  EXPECT_THAT(html, HasSubstr("the &lt;reference&gt;"));
  for (const char* outside : {"src=", "href=", "<b> &", "nan\"", "inf\""})
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  std::size_t plots = 0;
  for (auto at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at + 1)) ++plots;
  EXPECT_EQ(plots, 1u + 2 * 4);  // size; and of each: histogram, positions, chunks, layers
  EXPECT_LT(html.find("blk.1.ffn</td>"), html.find("blk.0.attn</td>"));  // the worst first
}

TEST(EvaluationPage, TakesEqualDistributions) {
  EvaluationPart part{"same", evaluation(1, 10, 0), {}};
  part.tensors.tensors = {tensor("blk.0.attn", 0)};
  part.tensors.tensors.front().equal = true;
  const std::string html = to_html("text", "reference", {part, part});
  EXPECT_THAT(html, HasSubstr("the same at every position"));
  EXPECT_THAT(html, HasSubstr("equal bit for bit"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(EvaluationPlots, HistogramHasEveryPositionOnce) {
  const std::string svg = report::kl_histogram(evaluation(2, 50, 1e-4));
  const std::regex pattern("<title>([0-9]+) positions");
  int sum = 0;
  for (std::sregex_iterator match(svg.begin(), svg.end(), pattern), end; match != end; ++match)
    sum += std::stoi((*match)[1]);
  EXPECT_EQ(sum, 100);
}

TEST(EvaluationPlots, BarsAreMeansOfTheirPositions) {
  const std::string svg = report::kl_by_position(evaluation(4, 10, 0.5));
  EXPECT_THAT(svg, HasSubstr("from position 10: 0.5<"));
  EXPECT_THAT(svg, HasSubstr("from position 19: 5<"));
}

TEST(EvaluationPlots, LayersAreFoundByName) {
  EXPECT_EQ(report::layer_of("blk.12.attn_q"), 12);
  for (const char* name : {"output", "blk.x", "blk.", "blk.3", "xblk.3.a"})
    EXPECT_EQ(report::layer_of(name), -1);
}

}  // namespace
}  // namespace lathe
