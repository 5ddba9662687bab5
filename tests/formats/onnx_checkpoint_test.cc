// ONNX decoders as checkpoints: sizes from the network, codes in blocks without loss, and files that lie.
#include "formats/onnx_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "formats/onnx_weights.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "support/onnx_builder.h"
#include "support/temporary_folder.h"

namespace lathe::onnx {
namespace {

using test::Message;
using test::onnx_float_tensor;
using test::onnx_integer;
using test::onnx_node;
using test::onnx_tensor;
using test::onnx_value;
using test::OnnxGraph;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Pointwise;

constexpr int kUint8 = 2, kInt64 = 7;
constexpr std::int64_t kRows = 2, kColumns = 64, kBlocks = 2;  // of the matrix of codes

std::vector<float> decoded(const TensorView& view) {
  std::vector<float> values(static_cast<std::size_t>(element_count(view.shape)));
  decode_rows(view.dtype, view.data, values.data(), view.shape[0], view.shape[1]);
  return values;
}

/// A network with one layer and a product by codes: nothing more is looked at by the reader.
struct Decoder {
  std::vector<float> scales = {0.5F, 0.25F, 1, 2};
  std::vector<float> zeros = {8, 8, 8, 8};
  std::string codes = std::string(kRows * kColumns / 2, '\x5a');
  std::vector<Message> product = {onnx_integer("K", kColumns), onnx_integer("N", kRows),
                                  onnx_integer("bits", 4), onnx_integer("block_size", 32)};
  std::vector<std::int64_t> past = {1, 1, -1, 4};
  std::vector<std::int64_t> logits = {1, -1, kRows};
  std::string attention = "past_k";
  std::string config = R"({"max_position_embeddings": 16})";

  std::shared_ptr<const Checkpoint> read() const {
    OnnxGraph graph;
    graph.inputs = {onnx_value("input_ids", {1, -1}, kInt64), onnx_value("past_k", past),
                    onnx_value("past_v", past), onnx_value("x", {1, -1, kColumns}),
                    onnx_value("q", {1, 1, -1, 4})};
    graph.outputs = {onnx_value("logits", logits)};
    graph.initializers = {onnx_tensor("codes", kUint8, {kRows, kBlocks, 16}, codes),
                          onnx_float_tensor("scales", {static_cast<std::int64_t>(scales.size())}, scales),
                          onnx_float_tensor("zeros", {static_cast<std::int64_t>(zeros.size())}, zeros)};
    graph.nodes = {onnx_node("Attention", {"q", "q", "q", "", attention, "past_v"}, {"y", "k", "v"},
                             {onnx_integer("is_causal", 1)}, "attention"),
                   onnx_node("MatMulNBits", {"x", "codes", "scales", "zeros"}, {"logits"}, product, "head",
                             "com.microsoft")};
    Message model = test::onnx_model(graph.message(), 23);
    model.message(8, Message().text(1, "com.microsoft").integer(2, 1));
    const test::TemporaryFolder folder;
    folder.write("model.onnx", model.bytes());
    if (!config.empty()) folder.write("config.json", config);
    return read_onnx_checkpoint(folder.path_of("model.onnx"), folder.path());
  }
};

void expect_refused(const Decoder& decoder, ErrorCode code, const std::string& message) {
  try {
    decoder.read();
    ADD_FAILURE() << "was read, without: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(OnnxCheckpoint, HasTheSizesOfTheNetwork) {
  const auto checkpoint = Decoder().read();
  EXPECT_EQ(checkpoint->architecture, "onnx");
  EXPECT_EQ(checkpoint->integer("onnx.block_count", 0, 9), 1);
  EXPECT_EQ(checkpoint->integer("onnx.attention.head_count_kv", 0, 9), 1);
  EXPECT_EQ(checkpoint->integer("onnx.attention.key_length", 0, 9), 4);
  EXPECT_EQ(checkpoint->integer("onnx.vocab_size", 0, 9), kRows);
  EXPECT_EQ(checkpoint->integer("onnx.context_length", 0, 99), 16);
  ASSERT_NE(checkpoint->network, nullptr);
}

TEST(OnnxCheckpoint, PutsCodesIntoBlocksThatHoldThem) {
  Decoder decoder;
  const std::vector<float> halves = {2, -3};  // 0xa and 0x5 less 8
  const auto expect = [&](Dtype dtype, float low, float high) {
    const auto checkpoint = decoder.read();
    const TensorView& matrix = *checkpoint->find_tensor("codes");
    EXPECT_EQ(matrix.dtype, dtype);
    const auto values = decoded(matrix);
    EXPECT_FLOAT_EQ(values[0], low);
    EXPECT_FLOAT_EQ(values[1], high);
    EXPECT_FLOAT_EQ(values[126], low * decoder.scales[3] / decoder.scales[0]);
  };
  expect(Dtype::q4_0, 0.5F * halves[0], 0.5F * halves[1]);
  decoder.zeros = {4, 4, 4, 4};
  expect(Dtype::q4_1, 0.5F * 6, 0.5F * 1);
  decoder.scales = {0.1F, 0.2F, 0.3F, 0.4F};  // of 24 bits
  expect(Dtype::f32, 0.1F * 6, 0.1F * 1);
}

TEST(OnnxCheckpoint, RefusesWhatDoesNotFit) {
  const auto with = [](const std::function<void(Decoder&)>& change) {
    Decoder decoder;
    change(decoder);
    return decoder;
  };
  using enum ErrorCode;
  expect_refused(with([](Decoder& d) { d.attention = ""; }), unsupported, "lathe exec runs it");
  expect_refused(with([](Decoder& d) {
                   d.past = {1, 1, -1, -1};
                 }),
                 invalid_model, "how many heads and columns");
  expect_refused(with([](Decoder& d) { d.past = {1, 1, 4}; }), invalid_model, "no input of 4 dimensions");
  expect_refused(with([](Decoder& d) { d.logits = {1, -1, -1}; }), invalid_model, "how many logits");
  expect_refused(with([](Decoder& d) { d.config.clear(); }), invalid_model, "how many tokens a context has");
  expect_refused(with([](Decoder& d) { d.config = R"({"max_position_embeddings": -4})"; }), invalid_model,
                 "whole number");
  expect_refused(with([](Decoder& d) { d.scales.pop_back(); }), invalid_file, "has 3 scales, not 4");
  expect_refused(with([](Decoder& d) { d.zeros.pop_back(); }), invalid_file, "one zero for each scale");
  expect_refused(with([](Decoder& d) { d.scales[2] = NAN; }), invalid_file, "not finite");
  expect_refused(with([](Decoder& d) { d.product[1] = onnx_integer("N", std::int64_t{1} << 27); }),
                 invalid_file, "which are not");
  expect_refused(with([](Decoder& d) { d.product[0] = onnx_integer("K", -1); }), invalid_file,
                 "no size that can be");
  expect_refused(with([](Decoder& d) { d.product[2] = onnx_integer("bits", 5); }), invalid_file,
                 "2, 4 or 8 bits");
  expect_refused(with([](Decoder& d) { d.product[3] = onnx_integer("block_size", 0); }), invalid_file,
                 "block_size");
}

TEST(OnnxCheckpoint, TurnsMatricesOfFloats) {
  constexpr std::int64_t kInner = 3, kOuter = 2;
  std::vector<float> values = {1, 2, 3, 4, 5, 6};  // [kInner, kOuter]
  Tensor tensor;
  tensor.name = "w";
  tensor.data_type = DataType::float32;
  tensor.dims = {kInner, kOuter};
  tensor.bytes = std::as_bytes(std::span(values));
  const OwnedWeights turned = read_floats(tensor, true, "file", true);
  EXPECT_EQ(turned.view.shape, (Shape{kOuter, kInner}));
  EXPECT_THAT(decoded(turned.view), Pointwise(FloatEq(), {1.F, 3.F, 5.F, 2.F, 4.F, 6.F}));
  values[4] = INFINITY;
  EXPECT_THROW(read_floats(tensor, true, "file", true), Error);
  EXPECT_NO_THROW(read_floats(tensor, true, "file", false));
}

}  // namespace
}  // namespace lathe::onnx
