// FAULTS row 66: the wire format. Messages here have fields of the test's own.
#include "formats/onnx_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "lathe/error.h"
#include "support/onnx_builder.h"

namespace lathe::onnx {
namespace {

using test::Message;
using test::varint;

/// A file of these bytes that the test keeps.
struct Bytes {
  explicit Bytes(std::string text) : bytes(std::move(text)) {
    file = {"x.onnx", {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}};
  }
  explicit Bytes(const Message& message) : Bytes(message.bytes()) {}
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  WireMessage message() const { return WireMessage(file); }

  std::string bytes;
  WireFile file;
};

/// Reads past all fields; the error's text, empty where there was none.
template <class Take>
std::string error_of(const Bytes& bytes, const Take& take) {
  try {
    WireMessage message = bytes.message();
    while (message.next()) take(message);
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
    EXPECT_EQ(error.place().file, "x.onnx");
    EXPECT_LE(error.place().offset.value_or(bytes.bytes.size() + 1), bytes.bytes.size());
    return error.what();
  }
}

std::string skip_error(const std::string& bytes) {
  return error_of(Bytes(bytes), [](WireMessage&) {});
}

TEST(OnnxWire, ReadsEveryKindOfField) {
  const Bytes bytes(Message()
                        .integer(1, -5)
                        .real(2, 0.25f)
                        .text(3, "h\xc3\xa9")
                        .message(4, Message().integer(1, 7))
                        .text(5, "\xff"));
  WireMessage message = bytes.message();
  ASSERT_TRUE(message.next());
  EXPECT_EQ(message.field(), 1u);
  EXPECT_EQ(message.integer("a"), -5);
  ASSERT_TRUE(message.next());
  EXPECT_EQ(message.real("b"), 0.25f);
  ASSERT_TRUE(message.next());
  EXPECT_EQ(message.text("c"), "h\xc3\xa9");
  ASSERT_TRUE(message.next());
  WireMessage inner = message.message("d");
  EXPECT_EQ(inner.offset(), 23u);
  ASSERT_TRUE(inner.next());
  EXPECT_EQ(inner.integer("a"), 7);
  EXPECT_FALSE(inner.next());
  ASSERT_TRUE(message.next());
  EXPECT_EQ(message.bytes("e").size(), 1u);
  EXPECT_FALSE(message.next());
}

RC_GTEST_PROP(OnnxWire, ReadsIntegersPackedAndOneByOne, (const std::vector<std::int64_t>& values)) {
  Message single;
  for (const std::int64_t value : values) single.integer(3, value);
  for (const Message& message : {single, Message().integers(3, values)}) {
    const Bytes bytes(message);
    WireMessage reader = bytes.message();
    std::vector<std::int64_t> read;
    while (reader.next()) reader.append_integers(read, "list");
    RC_ASSERT(read == values);
  }
}

TEST(OnnxWire, ReadsRealsPackedAndOneByOne) {
  const Bytes bytes(Message().reals(3, {1, 2}).real(3, 3).reals(3, {}).reals(3, {4}));
  WireMessage reader = bytes.message();
  std::vector<float> read;
  while (reader.next()) reader.append_reals(read, "list");
  EXPECT_THAT(read, testing::ElementsAre(1, 2, 3, 4));
}

TEST(OnnxWire, SkipsWhatIsNotRead) {
  const Bytes bytes(
      Message().integer(1, 300).real(9, 1).text(500, "abc").raw("\x51xxxxxxxx").integer(1000, 1));
  WireMessage reader = bytes.message();
  std::vector<std::uint32_t> fields;
  while (reader.next()) fields.push_back(reader.field());
  EXPECT_THAT(fields, testing::ElementsAre(1, 9, 500, 10, 1000));
  EXPECT_EQ(bytes.message().count(500), 1u);
}

TEST(OnnxWire, RefusesBrokenVarints) {
  EXPECT_THAT(skip_error("\x80"), testing::HasSubstr("ends inside a number"));
  EXPECT_THAT(skip_error(std::string("\x08") + std::string(9, '\xff')),
              testing::HasSubstr("ends inside a number"));
  EXPECT_EQ(skip_error(std::string("\x08") + std::string(9, '\xff') + '\x01'), "");
  EXPECT_THAT(skip_error(std::string("\x08") + std::string(9, '\xff') + '\x02'),
              testing::HasSubstr("more than 64 bits"));
  EXPECT_THAT(skip_error(std::string("\x08") + std::string(10, '\xff') + '\x01'),
              testing::HasSubstr("more than 64 bits"));
  const Bytes packed(Message().text(3, "\x80"));
  std::vector<std::int64_t> values;
  EXPECT_THAT(error_of(packed, [&](WireMessage& message) { message.append_integers(values, "ints"); }),
              testing::HasSubstr("ends inside a number of ints"));
}

TEST(OnnxWire, RefusesLengthsBehindTheEnd) {
  for (const std::uint64_t length : {3ull, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull}) {
    const std::string error = skip_error("\x0a" + varint(length) + "xx");
    EXPECT_THAT(error,
                testing::HasSubstr("field 1 has " + std::to_string(length) + " bytes, and 2 are left"));
  }
  EXPECT_THAT(skip_error("\x0dxxx"), testing::HasSubstr("has 4 bytes, and 3"));
  EXPECT_THAT(skip_error("\x09xxx"), testing::HasSubstr("has 8 bytes, and 3"));
}

TEST(OnnxWire, RefusesUnknownWireTypesAndFieldZero) {
  for (const int type : {3, 4, 6, 7})
    EXPECT_THAT(skip_error(std::string(1, static_cast<char>(8 + type)) + "xxxxxxxx"),
                testing::HasSubstr("wire type " + std::to_string(type)));
  EXPECT_THAT(skip_error(std::string("\x00\x01", 2)), testing::HasSubstr("field number 0"));
  EXPECT_THAT(skip_error(varint(std::uint64_t{1} << 32 | 8) + "x"), testing::HasSubstr("field number"));
}

TEST(OnnxWire, RefusesFieldsOfAnotherType) {
  const auto text = [](WireMessage& message) { message.text("the name"); };
  const auto number = [](WireMessage& message) { message.integer("the version"); };
  EXPECT_THAT(error_of(Bytes(Message().integer(1, 1)), text),
              testing::HasSubstr("the name has the wire type 0 and not 2"));
  EXPECT_THAT(error_of(Bytes(Message().text(1, "x")), number),
              testing::HasSubstr("the version has the wire type 2 and not 0"));
  EXPECT_THAT(error_of(Bytes(Message().text(1, "xxx")), [](WireMessage& m) { m.fixed_item(4, "reals"); }),
              testing::HasSubstr("reals has 3 bytes"));
}

TEST(OnnxWire, RefusesFieldsThatOccurTwice) {
  const auto number = [](WireMessage& message) { message.integer("the version"); };
  EXPECT_THAT(error_of(Bytes(Message().integer(1, 1).integer(1, 1)), number),
              testing::HasSubstr("the version occurs twice"));
  EXPECT_EQ(error_of(Bytes(Message().integer(1, 1).integer(2, 1)), number), "");
}

TEST(OnnxWire, RefusesTextsThatAreNoTextOrTooLong) {
  const auto text = [](WireMessage& message) { message.text_item("a name"); };
  EXPECT_THAT(error_of(Bytes(Message().text(1, "a\xff")), text), testing::HasSubstr("is not UTF-8"));
  const std::string most(WireMessage::kMaxTextBytes, 'x');
  EXPECT_EQ(error_of(Bytes(Message().text(1, most)), text), "");
  EXPECT_THAT(error_of(Bytes(Message().text(1, most + 'x')), text), testing::HasSubstr("over the limit"));
}

TEST(OnnxWire, RefusesMessagesTooDeep) {
  Message message;
  for (int i = 0; i < 1000; ++i) message = Message().message(1, message);
  const Bytes bytes(message);
  int depth = 0;
  const auto descend = [&](WireMessage reader, const auto& again) -> void {
    while (reader.next()) {
      ++depth;
      again(reader.message("inner"), again);
    }
  };
  EXPECT_THROW(descend(bytes.message(), descend), Error);
  EXPECT_EQ(depth, WireMessage::kMaxDepth + 1);
}

}  // namespace
}  // namespace lathe::onnx
