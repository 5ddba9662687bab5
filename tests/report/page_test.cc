// The page and the JSON of an inspection made by hand: folding, fusion, escaping.
#include <gmock/gmock.h>

#include "base/json.h"
#include "lathe/model.h"
#include "report/graph_segments.h"

namespace lathe {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</script><img src=x onerror=\"alert('&')\">";

OperandInspection operand(const std::string& name) { return {name, "f32", {"T", "8"}, "arena"}; }

/// Layers of a norm and a product, which become one step each.
Inspection layered(int layers) {
  Inspection inspection;
  ProfileInspection profile;
  profile.name = "all";
  profile.symbols = {{"T", 1, 4, 16}};
  profile.arena_bytes = profile.arena_lower_bound = 4096;
  std::string last = "ids";
  const auto node = [&](const std::string& name, const std::string& op) {
    inspection.before.push_back(
        {name, op, {operand(last)}, {operand(name)}, static_cast<std::int32_t>(inspection.steps.size())});
    last = name;
  };
  const auto step = [&](const std::string& name, const std::string& kind, const std::string& op) {
    StepInspection shown;
    shown.name = name;
    shown.kind = kind;
    shown.op = op;
    shown.kernel = "portable.fused";
    shown.outputs = {operand(last)};
    inspection.steps.push_back(shown);
    ChoiceInspection choice;
    choice.chosen = {"portable.fused", "wide", 2, 1e-6};
    choice.measured = {choice.chosen, {"portable.slow", "", 1, 3e-6}};
    profile.choices.push_back(choice);
    const auto index = static_cast<std::int32_t>(profile.choices.size()) - 1;
    profile.placements.push_back({last, 0, 512, index, index + 1, false});
  };
  node("token_embd", "Gather");
  step("token_embd", "token_embd", "Gather");
  for (int i = 0; i < layers; ++i) {
    const std::string block = "blk." + std::to_string(i);
    node(block + ".norm", "RMSNormalization");
    node(block + ".product", "Linear");
    step(block + ".norm + " + block + ".product", "blk.*.norm + blk.*.product", "FusedLinear");
  }
  node("output", "Linear");
  step("output", "output", "Linear");
  inspection.profiles = {profile};
  inspection.bindings = {{{"ids", "i32", {"T"}, "input"}, "input"}};
  return inspection;
}

std::string page_of(const Inspection& inspection, const std::string& name = "a model") {
  ModelInfo info;
  info.name = name;
  return to_html(info, inspection, {}, {});
}

TEST(Page, SaysWhichInputsAreKeptFinerAndWhy) {
  Inspection inspection = layered(2);
  EXPECT_THAT(page_of(inspection), Not(HasSubstr("activations")));
  inspection.activations = {
      {"norm",
       {"blk.0.q.weight", kHostile},
       576,
       "8 bits per 32",
       {7, 70},
       0.0068,
       0.0045,
       0.005,
       "fits now"},
      {"up", {"blk.0.down.weight"}, 1536, "8 bits per 32", {}, 0.004, 0.004, 0, "within the limit"}};
  const std::string page = page_of(inspection);
  for (const char* part : {"#activations", "blk.0.q.weight", "0.45 %", "0.68 %", "0.50 %", "fits now"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, Not(HasSubstr(kHostile)));
  const auto json = parse_json(to_json({}, inspection), "the inspection").at("activations");
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0].at("fine_columns"), Json({7, 70}));
  EXPECT_EQ(json[0].at("reason"), "fits now");
  EXPECT_TRUE(json[1].at("limit").is_null());
}

TEST(GraphSegments, EqualLayersAreOne) {
  const auto segments = report::segments_of(layered(30));
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].title, "before the layers");
  EXPECT_EQ(segments[1].title, "blk.0");
  EXPECT_EQ(segments[1].count, 30);
  EXPECT_EQ(segments[1].nodes.size(), 2u);
  EXPECT_EQ(segments[1].steps.size(), 1u);
  EXPECT_EQ(segments[2].nodes.size(), 1u);
}

TEST(GraphSegments, ALayerWithAnotherKernelStandsForItself) {
  Inspection inspection = layered(4);
  inspection.steps[3].kernel = "portable.other";
  const auto segments = report::segments_of(inspection);
  std::vector<int> counts;
  for (const auto& segment : segments) counts.push_back(segment.count);
  EXPECT_EQ(counts, (std::vector{1, 2, 1, 1, 1}));
}

TEST(GraphSegments, GraphsWithoutLayersAreOneBlock) {
  Inspection inspection = layered(0);
  EXPECT_EQ(report::segments_of(inspection).size(), 1u);
}

TEST(Page, ShowsFoldedLayersAndAlternatives) {
  const std::string page = page_of(layered(30));
  EXPECT_THAT(page, HasSubstr("<b>blk.0</b> <b>× 30</b>"));
  EXPECT_THAT(page, HasSubstr("portable.slow on 1"));
  EXPECT_THAT(page, HasSubstr("3.00 ×"));
  EXPECT_THAT(page, HasSubstr("62 → 32"));
}

TEST(Page, NamesFromFilesAreText) {
  Inspection inspection = layered(2);
  inspection.before[1].name = inspection.steps[1].name = inspection.steps[1].kind = kHostile;
  inspection.steps[1].attributes = {{kHostile, kHostile}};
  inspection.profiles[0].name = inspection.profiles[0].placements[0].tensor = kHostile;
  inspection.profiles[0].choices[0].measured[1].kernel = kHostile;
  inspection.bindings[0].operand.name = kHostile;
  inspection.weights = {{kHostile, kHostile, kHostile, {1}, 4, true}};
  const std::string page = page_of(inspection, kHostile);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("alert('")));
  EXPECT_THAT(page, HasSubstr("&lt;img"));
}

TEST(Json, HasTheInspectorsNamesAndTheAlternatives) {
  const Json json = parse_json(to_json({}, layered(2)), "inspection");
  ASSERT_EQ(json["Layers"].size(), 4u);
  const Json& layer = json["Layers"][1];
  EXPECT_EQ(layer["LayerType"], "FusedLinear");
  EXPECT_EQ(layer["TacticName"], "portable.fused");
  EXPECT_EQ(layer["Outputs"][0]["Dimensions"], Json({-1, 8}));
  EXPECT_EQ(layer["Choices"][0]["Variant"], "wide");
  EXPECT_EQ(layer["Choices"][0]["Measured"][1]["TacticName"], "portable.slow");
  const Json& tensor = json["I/O Tensors"][0];
  EXPECT_EQ(tensor["ProfileInfo"][0]["Min"], Json::array({1}));
  EXPECT_EQ(tensor["ProfileInfo"][0]["MaxShape"], Json::array({16}));
}

TEST(ShareOfLimit, IsOfWhateverTakesLonger) {
  const MachineLimits limits{100, 1000};
  StepWork work;
  work.weight_bytes = 30;
  work.cache_bytes = 20;
  work.activation_bytes = 1000;  // need not come from memory
  EXPECT_DOUBLE_EQ(share_of_limit(work, 1, limits), 0.5);
  work.int8_operations = 800;
  EXPECT_DOUBLE_EQ(share_of_limit(work, 1, limits), 0.8);
  EXPECT_DOUBLE_EQ(share_of_limit(work, 0, limits), 0);
  EXPECT_DOUBLE_EQ(share_of_limit(work, 1, {}), 0);
}

}  // namespace
}  // namespace lathe
