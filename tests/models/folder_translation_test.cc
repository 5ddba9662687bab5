// Folders in GGUF's vocabulary: names, types, the order of rows, scales, and what is refused.
#include "models/folder_translation.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <numeric>

#include "base/half.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "quant/number_format.h"
#include "support/tiny_folder.h"

namespace lathe {
namespace {

using test::float_tensor;
using test::FolderTensorBytes;
using test::TemporaryFolder;
using test::TinyFolder;

const std::string kQuery = "model.layers.0.self_attn.q_proj.weight";
const std::string kKey = "model.layers.0.self_attn.k_proj.weight";
const std::string kDown = "model.layers.0.mlp.down_proj.weight";  // [8, 64]

struct Translated {
  TemporaryFolder folder;
  std::shared_ptr<const ModelFolder> model;
  std::shared_ptr<const Checkpoint> checkpoint;
};

std::unique_ptr<Translated> translate(const TinyFolder& tiny, const FolderOptions& options = {}) {
  auto result = std::make_unique<Translated>();
  tiny.write(result->folder);
  result->model = read_model_folder(result->folder.path());
  result->checkpoint = translate_folder(result->model, options);
  return result;
}

void expect_refused(const std::function<void(TinyFolder&)>& spoil, ErrorCode code, const std::string& part) {
  TinyFolder tiny;
  spoil(tiny);
  try {
    translate(tiny);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

/// Changes a piece of config.json.
std::function<void(TinyFolder&)> with_config(const std::string& old_text, const std::string& new_text) {
  return [=](TinyFolder& tiny) {
    const auto at = tiny.config.find(old_text);
    ASSERT_NE(at, std::string::npos) << old_text;
    tiny.config.replace(at, old_text.size(), new_text);
  };
}

std::function<void(TinyFolder&)> with_key(const std::string& member) {
  return with_config("\"model_type\"", member + ", \"model_type\"");
}

std::vector<float> floats(const TensorView& view) {
  std::vector<float> values(static_cast<std::size_t>(element_count(view.shape)));
  decode_rows(view.dtype, view.data, values.data(), view.rows(), view.columns());
  return values;
}

std::vector<float> floats(const FolderTensorBytes& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

std::string halves(const std::vector<float>& values, std::uint16_t (*round)(float)) {
  std::string bytes;
  for (const float value : values) {
    const std::uint16_t bits = round(value);
    bytes.append(reinterpret_cast<const char*>(&bits), 2);
  }
  return bytes;
}

const TensorView& tensor(const Translated& translated, const std::string& name) {
  const TensorView* view = translated.checkpoint->find_tensor(name);
  if (view == nullptr) throw std::runtime_error(name + " is missing");
  return *view;
}

bool is_mapped(const Translated& translated, const std::string& name) {
  const auto bytes = translated.model->tensors.front().file->bytes();
  const auto* data = tensor(translated, name).data;
  return data >= bytes.data() && data < bytes.data() + bytes.size();
}

TEST(FolderTranslation, KeysAndNamesOfGguf) {
  TinyFolder tiny;
  tiny.generation_config = R"({"eos_token_id": [2, 7], "bos_token_id": 1})";
  const auto translated = translate(tiny);
  const Checkpoint& checkpoint = *translated->checkpoint;
  EXPECT_EQ(checkpoint.architecture, "llama");
  EXPECT_EQ(checkpoint.text("general.architecture"), "llama");
  EXPECT_FALSE(checkpoint.text("general.name").empty());
  EXPECT_EQ(checkpoint.integer("llama.block_count", 0, 100), 2);
  EXPECT_EQ(checkpoint.integer("llama.vocab_size", 0, 100), 12);
  EXPECT_EQ(checkpoint.integer("llama.context_length", 0, 1000), 128);
  EXPECT_EQ(checkpoint.integer("tokenizer.ggml.eos_token_id", 0, 100), 2);
  EXPECT_EQ(checkpoint.integer("tokenizer.ggml.bos_token_id", 0, 100), 1);
  ASSERT_NE(checkpoint.integers(kEndIdsKey), nullptr);
  EXPECT_EQ(*checkpoint.integers(kEndIdsKey), (std::vector<std::int64_t>{2, 7}));
  EXPECT_EQ(checkpoint.tensor_names.size(), tiny.tensors.size());
  EXPECT_EQ(checkpoint.tensor_names.front(), "token_embd.weight");
  EXPECT_EQ(tensor(*translated, "blk.1.ffn_down.weight").shape, (Shape{8, 64}));
  EXPECT_TRUE(checkpoint.warnings.empty());
}

TEST(FolderTranslation, WithoutGenerationConfigTheConfigNamesTheEnds) {
  const auto translated = translate(TinyFolder());
  EXPECT_EQ(*translated->checkpoint->integers(kEndIdsKey), (std::vector<std::int64_t>{2}));
}

TEST(FolderTranslation, WhatNeedsNoEditIsMapped) {
  const auto translated = translate(TinyFolder());
  EXPECT_TRUE(is_mapped(*translated, "blk.0.ffn_down.weight"));
  EXPECT_TRUE(is_mapped(*translated, "token_embd.weight"));
  EXPECT_FALSE(is_mapped(*translated, "blk.0.attn_q.weight"));
  EXPECT_EQ(floats(tensor(*translated, "blk.0.ffn_down.weight")), floats(TinyFolder().tensors[kDown]));
}

TEST(FolderTranslation, HalvesOfHeadsBecomePairs) {
  const auto translated = translate(TinyFolder());
  const auto check = [&](const std::string& folder_name, const std::string& name, std::size_t heads) {
    const auto stored = floats(TinyFolder().tensors[folder_name]);
    const auto seen = floats(tensor(*translated, name));
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t pair = 0; pair < 2; ++pair)
        for (std::size_t half = 0; half < 2; ++half)
          for (std::size_t column = 0; column < 8; ++column)
            ASSERT_EQ(seen[(head * 4 + 2 * pair + half) * 8 + column],
                      stored[(head * 4 + 2 * half + pair) * 8 + column]);
  };
  check(kQuery, "blk.0.attn_q.weight", 2);
  check(kKey, "blk.0.attn_k.weight", 1);
}

TEST(FolderTranslation, SixteenBitTypesStayInMatricesAndWidenInVectors) {
  TinyFolder tiny;
  const auto down = floats(tiny.tensors[kDown]);
  const auto query = floats(tiny.tensors[kQuery]);
  tiny.tensors[kDown] = {"BF16", {8, 64}, halves(down, float_to_bfloat)};
  tiny.tensors[kQuery] = {"F16", {8, 8}, halves(query, float_to_half)};
  tiny.tensors["model.norm.weight"] = {"BF16", {8}, halves(std::vector<float>(8, 1.5f), float_to_bfloat)};
  const auto translated = translate(tiny);
  EXPECT_EQ(tensor(*translated, "blk.0.ffn_down.weight").dtype, Dtype::bf16);
  EXPECT_TRUE(is_mapped(*translated, "blk.0.ffn_down.weight"));
  EXPECT_EQ(tensor(*translated, "blk.0.attn_q.weight").dtype, Dtype::f16);
  EXPECT_EQ(floats(tensor(*translated, "blk.0.attn_q.weight"))[8], half_to_float(float_to_half(query[16])));
  EXPECT_EQ(tensor(*translated, "output_norm.weight").dtype, Dtype::f32);
  EXPECT_EQ(floats(tensor(*translated, "output_norm.weight")), std::vector<float>(8, 1.5f));
}

TEST(FolderTranslation, UnalignedTensorsAreCopied) {
  TinyFolder tiny;
  tiny.tensors["a"] = {"U8", {1}, "x"};  // before all others, and without a rule: only where it is asked for
  TemporaryFolder folder;
  tiny.write(folder);
  auto model = std::make_shared<ModelFolder>(*read_model_folder(folder.path()));
  std::erase_if(model->tensors, [](const StoredTensor& stored) { return stored.name == "a"; });
  const auto* down = model->find_tensor(kDown);
  ASSERT_NE(reinterpret_cast<std::uintptr_t>(down->bytes.data()) % 4, 0u);
  const auto checkpoint = translate_folder(model);
  const TensorView& view = *checkpoint->find_tensor("blk.0.ffn_down.weight");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data) % 64, 0u);
  EXPECT_EQ(floats(view), floats(TinyFolder().tensors[kDown]));
}

TEST(FolderTranslation, DoublesBecomeFloats) {
  TinyFolder tiny;
  const auto down = floats(tiny.tensors[kDown]);
  const std::vector<double> doubles(down.begin(), down.end());
  tiny.tensors[kDown] = {"F64", {8, 64}, {reinterpret_cast<const char*>(doubles.data()), doubles.size() * 8}};
  const auto translated = translate(tiny);
  EXPECT_EQ(tensor(*translated, "blk.0.ffn_down.weight").dtype, Dtype::f32);
  EXPECT_EQ(floats(tensor(*translated, "blk.0.ffn_down.weight")), down);
}

float f8_value(std::string_view format, char bits) {
  return static_cast<float>(decode(*number_format(format), static_cast<std::uint8_t>(bits)));
}

std::string f8_bytes(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 37 % 120);
  return bytes;
}

const std::string kFp8 =
    R"("quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", )"
    R"("weight_block_size": [3, 32]})";

TEST(FolderTranslation, F8WithScalesOfBlocks) {
  TinyFolder tiny;
  with_key(kFp8)(tiny);
  const std::string bytes = f8_bytes(8 * 64);
  tiny.tensors[kDown] = {"F8_E4M3", {8, 64}, bytes};
  const std::vector<float> scales = {1, 2, 3, 4, 5, 6};  // [3, 2]
  tiny.tensors[kDown + "_scale_inv"] = float_tensor({3, 2}, scales);
  const auto seen = floats(tensor(*translate(tiny), "blk.0.ffn_down.weight"));
  for (std::size_t row = 0; row < 8; ++row)
    for (std::size_t column = 0; column < 64; ++column)
      ASSERT_EQ(seen[row * 64 + column],
                f8_value("fp8_e4m3", bytes[row * 64 + column]) * scales[row / 3 * 2 + column / 32]);
}

TEST(FolderTranslation, F8WithOneScaleOrOneForEachRow) {
  const std::string bytes = f8_bytes(8 * 8);
  for (const std::size_t count : {1u, 8u}) {
    TinyFolder tiny;
    with_key(
        R"("quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups":
      {"group_0": {"targets": ["Linear"], "input_activations": {"num_bits": 8}, "weights": {"num_bits": 8, "type": "float",
      "strategy": "channel", "symmetric": true, "dynamic": false}}}, "ignore": ["lm_head"]})")(tiny);
    std::vector<float> scales(count);
    std::iota(scales.begin(), scales.end(), 2.0f);
    tiny.tensors[kQuery] = {"F8_E5M2", {8, 8}, bytes};
    tiny.tensors[kQuery + "_scale"] = {
        "BF16", count == 1 ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{8, 1},
        halves(scales, float_to_bfloat)};
    tiny.tensors["model.layers.0.self_attn.q_proj.input_scale"] = float_tensor({1}, {3});
    const auto translated = translate(tiny);
    const auto seen = floats(tensor(*translated, "blk.0.attn_q.weight"));
    EXPECT_EQ(tensor(*translated, "blk.0.attn_q.weight").dtype, Dtype::f32);
    // row 1 of the pairs is row 2 of the halves
    for (std::size_t column = 0; column < 8; ++column)
      ASSERT_EQ(seen[8 + column], f8_value("fp8_e5m2", bytes[16 + column]) * scales[count == 1 ? 0 : 2]);
    ASSERT_EQ(translated->checkpoint->warnings.size(), 1u);
    EXPECT_NE(translated->checkpoint->warnings[0].find("scales of activations"), std::string::npos);
  }
}

TEST(FolderTranslation, F8AsItIsWhereNothingSpeaksOfScales) {
  TinyFolder tiny;
  tiny.tensors[kDown] = {"F8_E4M3", {8, 64}, f8_bytes(8 * 64)};
  EXPECT_EQ(floats(tensor(*translate(tiny), "blk.0.ffn_down.weight"))[1], f8_value("fp8_e4m3", 37));
}

TEST(FolderTranslation, ScalesThatDoNotFit) {
  const auto with_scales = [](const std::vector<std::int64_t>& shape, std::size_t count) {
    return [=](TinyFolder& tiny) {
      with_key(kFp8)(tiny);
      tiny.tensors[kDown] = {"F8_E4M3", {8, 64}, f8_bytes(8 * 64)};
      if (count > 0)
        tiny.tensors[kDown + "_scale_inv"] = float_tensor(shape, std::vector<float>(count, 1.0f));
    };
  };
  expect_refused(with_scales({}, 0), ErrorCode::invalid_model, "has no scales");
  expect_refused(with_scales({2, 3}, 6), ErrorCode::invalid_model, "the scales fit neither");
  expect_refused(with_scales({3, 3}, 9), ErrorCode::invalid_model, "the scales fit neither");
  expect_refused(with_scales({0}, 0), ErrorCode::invalid_model, "has no scales");
  expect_refused(
      [&](TinyFolder& tiny) {
        with_scales({3, 2}, 6)(tiny);
        tiny.tensors[kDown + "_scale_inv"] = {"I32", {3, 2}, std::string(24, '\1')};
      },
      ErrorCode::invalid_model, "not floats");
}

TEST(FolderTranslation, OtherQuantizationsAreRefusedWithKeyAndValue) {
  expect_refused(with_key(R"("quantization_config": {"quant_method": "gptq", "bits": 4})"),
                 ErrorCode::unsupported, "\"gptq\" is not supported (quantization_config.quant_method)");
  expect_refused(
      with_key(
          R"("quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"})"),
      ErrorCode::unsupported, "\"pack-quantized\" is not supported (quantization_config.format)");
  expect_refused(with_key(R"("quantization_config": {"quant_method": "compressed-tensors", "config_groups":
                          {"g": {"weights": {"num_bits": 4, "type": "int"}}}})"),
                 ErrorCode::unsupported,
                 "4 is not supported (quantization_config.config_groups.g.weights.num_bits)");
  expect_refused(with_key(R"("quantization_config": {"bits": 4})"), ErrorCode::invalid_model,
                 "quantization_config.quant_method");
  expect_refused(with_key(R"("quantization_config": [])"), ErrorCode::invalid_model, "quantization_config");
  expect_refused(with_key(R"("quantization_config": {"quant_method": "fp8", "weight_block_size": [128]})"),
                 ErrorCode::invalid_model, "weight_block_size");
  expect_refused(with_key(R"("quantization_config": {"quant_method": "fp8", "weight_block_size": [0, 128]})"),
                 ErrorCode::invalid_model, "weight_block_size");
}

TEST(FolderTranslation, WeightsInAnotherType) {
  const TinyFolder tiny;
  const auto dtypes = [&](WeightType weights) {
    FolderOptions options;
    options.weights = weights;
    const auto translated = translate(tiny, options);
    EXPECT_EQ(tensor(*translated, "output_norm.weight").dtype, Dtype::f32);
    if (weights == WeightType::q8 || weights == WeightType::q4) {
      // Rows of 8 elements are no blocks: all matrices but the two of 64 columns stay, and that is said.
      EXPECT_EQ(tensor(*translated, "blk.0.attn_v.weight").dtype, Dtype::f32);
      EXPECT_EQ(translated->checkpoint->warnings.size(), 1u);
    }
    return tensor(*translated, "blk.0.ffn_down.weight").dtype;
  };
  EXPECT_EQ(dtypes(WeightType::as_stored), Dtype::f32);
  EXPECT_EQ(dtypes(WeightType::q8), Dtype::q8_0);
  EXPECT_EQ(dtypes(WeightType::q4), Dtype::q4_1);
  EXPECT_EQ(dtypes(WeightType::bf16), Dtype::bf16);
  EXPECT_EQ(dtypes(WeightType::f32), Dtype::f32);

  FolderOptions options;
  options.weights = WeightType::q8;
  options.threads = 3;
  const auto down = floats(TinyFolder().tensors[kDown]);
  std::vector<std::byte> expected(8 * 2 * 34);
  block_format(Dtype::q8_0)->encode(down.data(), expected.data(), 16);
  const auto translated = translate(tiny, options);
  EXPECT_EQ(std::memcmp(tensor(*translated, "blk.0.ffn_down.weight").data, expected.data(), expected.size()),
            0);
}

TEST(FolderTranslation, TiedEmbeddings) {
  TinyFolder tiny;
  with_config("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")(tiny);
  EXPECT_EQ(translate(tiny)->checkpoint->find_tensor("output.weight"),
            nullptr);  // a head in the folder is not used
  tiny.tensors.erase("lm_head.weight");
  EXPECT_EQ(translate(tiny)->checkpoint->find_tensor("output.weight"), nullptr);
  expect_refused([](TinyFolder& untied) { untied.tensors.erase("lm_head.weight"); }, ErrorCode::invalid_model,
                 "no output head");
}

TEST(FolderTranslation, ThePrefixMayBeMissing) {
  TinyFolder tiny;
  std::map<std::string, FolderTensorBytes> bare;
  for (const auto& [name, bytes] : tiny.tensors)
    bare[name.starts_with("model.") ? name.substr(6) : name] = bytes;
  tiny.tensors = bare;
  EXPECT_EQ(translate(tiny)->checkpoint->tensor_names.size(), bare.size());
  expect_refused([](TinyFolder& both) { both.tensors["norm.weight"] = both.tensors["model.norm.weight"]; },
                 ErrorCode::invalid_model, "under two names");
}

TEST(FolderTranslation, TensorsWithoutARuleAreListed) {
  expect_refused(
      [](TinyFolder& tiny) {
        for (int i = 0; i < 7; ++i)
          tiny.tensors["model.layers.0.extra" + std::to_string(i)] = float_tensor({1}, {1});
      },
      ErrorCode::invalid_model,
      "7 tensors are not part of a model of type llama: model.layers.0.extra0, model.layers.0.extra1, "
      "model.layers.0.extra2, model.layers.0.extra3, model.layers.0.extra4, ...");
  for (const char* name :
       {"model.layers.00.input_layernorm.weight", "model.layers..input_layernorm.weight",
        "model.layers.-1.input_layernorm.weight", "model.layers.9999999.input_layernorm.weight",
        "model.layers.0.input_layernorm.weight.", "model.layers.0.self_attn.q_proj.weight_scale"})
    expect_refused([&](TinyFolder& tiny) { tiny.tensors[name] = float_tensor({1}, {1}); },
                   ErrorCode::invalid_model, "1 tensor is not part");
}

TEST(FolderTranslation, BuffersThatAreComputedAnewAreNotNeeded) {
  TinyFolder tiny;
  tiny.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = float_tensor({2}, {1, 0.01f});
  EXPECT_EQ(translate(tiny)->checkpoint->tensor_names.size(), tiny.tensors.size() - 1);
}

TEST(FolderTranslation, TypesThatNoWeightMayHave) {
  for (const char* dtype : {"I8", "U8", "BOOL", "F8_E8M0", "F8_E4M3FNUZ"})
    expect_refused(
        [&](TinyFolder& tiny) {
          tiny.tensors[kDown] = {dtype, {8, 64}, std::string(8 * 64, '\0')};
        },
        ErrorCode::invalid_model, std::string("the tensor is ") + dtype);
  expect_refused(
      [&](TinyFolder& tiny) {
        tiny.tensors[kDown] = {"I64", {8, 64}, std::string(8 * 64 * 8, '\0')};
      },
      ErrorCode::invalid_model, "the tensor is I64");
}

TEST(FolderTranslation, RowsThatAreNotWholeHeads) {
  expect_refused(
      [](TinyFolder& tiny) {
        tiny.tensors[kQuery] = float_tensor({7, 8}, std::vector<float>(56));
      },
      ErrorCode::invalid_model, "not the same number for each of 2 heads");
  expect_refused(
      [](TinyFolder& tiny) {
        tiny.tensors[kQuery] = float_tensor({2, 8}, std::vector<float>(16));
      },
      ErrorCode::invalid_model, "cannot be rotated in pairs");
  expect_refused(
      [](TinyFolder& tiny) {
        tiny.tensors[kQuery] = float_tensor({2, 2, 4}, std::vector<float>(16));
      },
      ErrorCode::invalid_model, "heads");
}

TEST(FolderTranslation, WeightsThatAreNotFinite) {
  for (const char* name : {"model.norm.weight", "model.layers.0.self_attn.q_proj.weight",
                           "model.layers.1.mlp.down_proj.weight"}) {
    const auto spoil = [&](TinyFolder& tiny) {
      auto& bytes = tiny.tensors[name].bytes;
      const float nan = std::numeric_limits<float>::quiet_NaN();
      std::memcpy(bytes.data() + bytes.size() - 4, &nan, 4);
    };
    expect_refused(spoil, ErrorCode::invalid_file, name);
    TinyFolder tiny;
    spoil(tiny);
    FolderOptions options;
    options.scan_weights = false;
    EXPECT_NO_THROW(translate(tiny, options));
    options = {};
    options.weights = WeightType::q8;
    EXPECT_THROW(translate(tiny, options), Error);
  }
}

TEST(FolderTranslation, TokenIdsOfAnyFormAreRead) {
  expect_refused(with_config("\"eos_token_id\": 2", "\"eos_token_id\": -1"), ErrorCode::invalid_model,
                 "eos_token_id");
  expect_refused(with_config("\"eos_token_id\": 2", "\"eos_token_id\": \"2\""), ErrorCode::invalid_model,
                 "eos_token_id");
  expect_refused(with_config("\"eos_token_id\": 2", "\"eos_token_id\": [2, 2.5]"), ErrorCode::invalid_model,
                 "2.5 is no token id");
  expect_refused(with_config("\"eos_token_id\": 2", "\"eos_token_id\": 99999999999"),
                 ErrorCode::invalid_model, "eos_token_id");
  TinyFolder none;
  with_config("\"eos_token_id\": 2", "\"eos_token_id\": null")(none);
  EXPECT_EQ(translate(none)->checkpoint->integers(kEndIdsKey), nullptr);
}

TEST(FolderTranslation, KeysOfTheConfig) {
  expect_refused(with_config("\"model_type\": \"llama\"", "\"model_type\": \"unheard\""),
                 ErrorCode::unsupported, "unheard");
  expect_refused(with_config("\"model_type\": \"llama\"", "\"model_type\": 3"), ErrorCode::invalid_model,
                 "model_type");
  expect_refused(with_config("\"hidden_size\": 8", "\"hidden_size\": \"8\""), ErrorCode::invalid_model,
                 "hidden_size");
  expect_refused(with_config("\"hidden_size\": 8", "\"hidden_size\": 99999999999999999999"),
                 ErrorCode::invalid_model, "hidden_size");
  expect_refused(with_config("\"hidden_size\": 8,", ""), ErrorCode::invalid_model, "hidden_size");
  expect_refused(with_config("\"silu\"", "\"relu\""), ErrorCode::unsupported,
                 "\"relu\" is not supported (hidden_act)");
  expect_refused(with_key("\"logit_shift\": 0.5"), ErrorCode::unsupported, "logit_shift");
  TinyFolder tiny;
  with_key(R"("auto_map": {"AutoModel": "run.me"}, "my_note": "hello", "logit_shift": null)")(tiny);
  const auto unused = translate(tiny)->checkpoint->unused_keys;
  EXPECT_NE(std::find(unused.begin(), unused.end(), "my_note"), unused.end());
}

}  // namespace
}  // namespace lathe
