// What is written is what is read: values, types that readers insist on, bytes; and what GGUF has no place
// for.
#include "formats/gguf_writer.h"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "formats/gguf.h"
#include "lathe/error.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using test::TemporaryFile;
using testing::HasSubstr;

class GgufWriterTest : public testing::Test {
 protected:
  GgufWriterTest() {
    checkpoint_.file = "folder";
    checkpoint_.architecture = "llama";
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::byte>(i % 60);
  }

  void add(const std::string& name, Dtype dtype, Shape shape, std::size_t at = 0) {
    checkpoint_.tensor_names.push_back(name);
    checkpoint_.tensors[name] = {bytes_.data() + at, dtype, std::move(shape)};
  }

  std::string written() const {
    std::string all;
    const GgufWriter writer(checkpoint_);
    writer.write([&](std::span<const std::byte> part) {
      all.append(reinterpret_cast<const char*>(part.data()), part.size());
    });
    EXPECT_EQ(all.size(), writer.file_bytes());
    return all;
  }

  void expect_refused(const std::string& part, const std::string& field) const {
    try {
      GgufWriter{checkpoint_};
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_THAT(error.what(), HasSubstr(part));
      EXPECT_EQ(error.place().field, field);
    }
  }

  std::vector<std::byte> bytes_ = std::vector<std::byte>(1 << 16);
  Checkpoint checkpoint_;
};

TEST_F(GgufWriterTest, ValuesComeBack) {
  checkpoint_.metadata = {
      {"a.integer", std::int64_t{7}},
      {"a.unsigned", std::uint64_t{4'000'000'000}},
      {"a.negative", std::int64_t{-5}},
      {"a.large", std::uint64_t{1} << 40},
      {"a.low", std::numeric_limits<std::int64_t>::min()},
      {"a.real", 0.1},
      {"a.yes", true},
      {"a.text", std::string("grün\n\0x", 9)},
      {"a.integers", std::vector<std::int64_t>{-1, 0, 5}},
      {"a.far", std::vector<std::int64_t>{std::int64_t{1} << 40}},
      {"a.reals", std::vector<double>{1e-5, -2}},
      {"a.flags", std::vector<bool>{true, false, true}},
      {"a.texts", std::vector<std::string>{"", "x y"}},
      {"a.none", std::vector<std::string>{}},
      {"tokenizer.ggml.precompiled_charsmap", std::vector<std::int64_t>{0, 255, 128}},
  };
  const TemporaryFile file(written());
  const auto read = read_gguf(file.path(), {.strict = true});
  EXPECT_EQ(read->architecture, "llama");
  auto expected = checkpoint_.metadata;
  expected["general.architecture"] = std::string("llama");
  // The reader keeps numbers by their sign in the file, and reals are float32.
  expected["a.integer"] = std::uint64_t{7};
  expected["a.real"] = static_cast<double>(0.1f);
  expected["a.reals"] = std::vector<double>{static_cast<double>(1e-5f), -2};
  EXPECT_EQ(read->metadata, expected);
}

TEST_F(GgufWriterTest, TensorsOfEveryTypeComeBackByteForByte) {
  add("f32", Dtype::f32, {3, 5});
  add("f16", Dtype::f16, {2, 3, 7}, 100);
  add("bf16", Dtype::bf16, {9}, 200);
  add("q4_1", Dtype::q4_1, {2, 64}, 300);
  add("q8_0", Dtype::q8_0, {3, 32}, 400);
  add("q6_k", Dtype::q6_k, {1, 2, 2, 256}, 500);
  add("mxfp4", Dtype::mxfp4, {2, 32}, 600);
  add("scalar", Dtype::f32, {}, 704);
  const TemporaryFile file(written());
  const auto read = read_gguf(file.path(), {.strict = true});
  EXPECT_EQ(read->tensor_names, checkpoint_.tensor_names);
  for (const auto& [name, tensor] : checkpoint_.tensors) {
    const TensorView* other = read->find_tensor(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(other->dtype, tensor.dtype) << name;
    EXPECT_EQ(other->shape, tensor.shape.empty() ? Shape{1} : tensor.shape) << name;
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(other->data), other->bytes()),
              std::string(reinterpret_cast<const char*>(tensor.data), tensor.bytes()))
        << name;
  }
}

TEST_F(GgufWriterTest, PiecesAreBounded) {
  std::vector<std::byte> large(10u << 20);
  checkpoint_.tensor_names = {"w"};
  checkpoint_.tensors["w"] = {large.data(), Dtype::i8, {10, 1 << 20}};
  std::size_t most = 0;
  GgufWriter(checkpoint_).write([&](std::span<const std::byte> part) { most = std::max(most, part.size()); });
  EXPECT_LE(most, 4u << 20);
}

TEST_F(GgufWriterTest, WhatGgufHasNoPlaceForIsRefusedByName) {
  add("w", Dtype::packed8, {16, 32});
  expect_refused("no type for packed8", "w");
  checkpoint_.tensors["w"] = {bytes_.data(), Dtype::f32, {1, 1, 1, 1, 2}};
  expect_refused("5 dimensions", "w");
  const std::string name(64, 'n');
  checkpoint_.tensor_names = {name};
  checkpoint_.tensors[name] = {bytes_.data(), Dtype::f32, {1}};
  expect_refused("64 bytes", name);
  checkpoint_.tensor_names.clear();
  checkpoint_.metadata["a.real"] = 1e300;
  expect_refused("no float32", "a.real");
}

TEST_F(GgufWriterTest, WhatTheSinkThrowsComesThrough) {
  add("w", Dtype::f32, {4});
  int calls = 0;
  EXPECT_THROW(GgufWriter(checkpoint_).write([&](std::span<const std::byte>) {
    if (++calls == 2) throw Error(ErrorCode::io, "full");
  }),
               Error);
}

}  // namespace
}  // namespace lathe
