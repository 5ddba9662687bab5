// NumPy files: what is read, and what is refused.
#include "formats/npy.h"

#include <gtest/gtest.h>

#include <cstring>

#include "allocation_probe.h"
#include "lathe/error.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using namespace std::string_literals;

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 255);
  return text;
}

std::string npy(const std::string& header, const std::string& data, int version = 1) {
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         little(header.size(), version == 1 ? 2 : 4) + header + data;
}

std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

NpyArray read(const std::string& bytes) {
  const test::TemporaryFile file(bytes, ".npy");
  return read_npy(*MappedFile::open(file.path()));
}

template <class Element>
std::vector<Element> elements(const NpyArray& array) {
  std::vector<Element> result(array.bytes.size() / sizeof(Element));
  if (!result.empty()) std::memcpy(result.data(), array.bytes.data(), array.bytes.size());
  return result;
}

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& message) {
  const test::TemporaryFile file(bytes, ".npy");
  try {
    read_npy(*MappedFile::open(file.path()));
    ADD_FAILURE() << "read, and should be refused: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    EXPECT_EQ(error.place().file, file.path());
    EXPECT_TRUE(error.place().offset.has_value()) << error.what();
  }
}

TEST(Npy, ReadsTexts) {
  const std::u32string characters = U"a\u00e4\U0001f600\0b\0\0\0\0"s.substr(0, 9);
  const std::string data(reinterpret_cast<const char*>(characters.data()), 9 * 4);
  const auto array = read(npy(header("<U3", "(3,)"), data));
  EXPECT_EQ(array.element, "string");
  EXPECT_EQ(array.shape, Shape{3});
  EXPECT_TRUE(array.bytes.empty());
  EXPECT_EQ(array.texts, (std::vector<std::string>{"a\u00e4\U0001f600", std::string("\0b", 2), ""}));
  std::string swapped;
  for (std::size_t at = 0; at < data.size(); at += 4)
    for (std::size_t i = 4; i-- > 0;) swapped += data[at + i];
  EXPECT_EQ(read(npy(header(">U3", "(3,)"), swapped)).texts, array.texts);
  EXPECT_EQ(read(npy(header("|S2", "(2, 2)", "True"), std::string("ab\0\0c\0\xc3\xa4", 8))).texts,
            (std::vector<std::string>{"ab", "c", "", "\u00e4"}));
  EXPECT_TRUE(read(npy(header("<U1", "(0, 5)"), "")).texts.empty());
}

TEST(Npy, WritesTextsThatItReads) {
  const std::vector<std::string> texts = {"", "\u00e4bc", "\U0001f600"};
  const auto array = read(npy_texts(texts, Shape{3, 1}));
  EXPECT_EQ(array.texts, texts);
  EXPECT_EQ(array.shape, (Shape{3, 1}));
  EXPECT_EQ(read(npy_texts({}, Shape{0})).shape, Shape{0});
}

TEST(Npy, RefusesTextsThatAreNone) {
  const auto runes = [](std::vector<std::uint32_t> values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4);
  };
  expect_refused(npy(header("<U1", "(1,)"), runes({0xd800})), ErrorCode::invalid_file, "a character that");
  expect_refused(npy(header("<U1", "(1,)"), runes({0x110000})), ErrorCode::invalid_file, "a character that");
  expect_refused(npy(header("|S1", "(1,)"), "\xff"), ErrorCode::invalid_file, "not UTF-8");
  for (const char* descr : {"<U0", "<U", "<Ux", "<U99999999999999999999", "|O"})
    expect_refused(npy(header(descr, "(1,)"), "abcd"), ErrorCode::unsupported,
                   "no numbers that tensors hold");
  expect_refused(npy(header("<U200000000", "(99999999, 99999999)"), "abcd"), ErrorCode::invalid_file,
                 "elements");
}

TEST(Npy, ReadsEveryTypeInBothByteOrders) {
  struct Case {
    const char* descr;
    const char* element;
    std::size_t bytes;
  };
  for (const Case& each :
       {Case{"<f4", "f32", 4}, Case{"<f2", "f16", 2}, Case{"<V2", "bf16", 2}, Case{"<f8", "f64", 8},
        Case{"|i1", "i8", 1}, Case{"<i2", "i16", 2}, Case{"<i4", "i32", 4}, Case{"<i8", "i64", 8},
        Case{"|u1", "u8", 1}, Case{"<u2", "u16", 2}, Case{"<u4", "u32", 4}, Case{"<u8", "u64", 8}}) {
    std::string data;
    for (std::size_t i = 0; i < 3 * each.bytes; ++i) data += static_cast<char>(i + 1);
    const auto array = read(npy(header(each.descr, "(3,)"), data));
    EXPECT_EQ(array.element, each.element);
    EXPECT_EQ(array.shape, Shape{3});
    EXPECT_EQ(std::memcmp(array.bytes.data(), data.data(), data.size()), 0) << each.descr;
    if (each.bytes == 1) continue;
    std::string swapped;
    for (std::size_t at = 0; at < data.size(); at += each.bytes)
      for (std::size_t i = each.bytes; i-- > 0;) swapped += data[at + i];
    std::string big = each.descr;
    big[0] = '>';
    EXPECT_EQ(read(npy(header(big, "(3,)"), swapped)).bytes, array.bytes) << big;
  }
}

TEST(Npy, BooleansAreZeroOrOne) {
  EXPECT_EQ(read(npy(header("|b1", "(3,)"), std::string("\0\1\1", 3))).element, "bool");
  expect_refused(npy(header("|b1", "(2,)"), "\1\2"), ErrorCode::invalid_file, "neither 0 nor 1");
}

TEST(Npy, ReadsVersionsAndSpellings) {
  const std::string data = little(7, 4) + little(8, 4);
  for (const int version : {1, 2, 3})
    EXPECT_EQ(elements<std::int32_t>(read(npy(header("<i4", "(2,)"), data, version))),
              (std::vector<std::int32_t>{7, 8}));
  for (const char* text : {"{'descr':'<i4','fortran_order':False,'shape':(2,)}",
                           "{ \"shape\" : ( 1 , 2 ), 'fortran_order': False, \"descr\": '<i4' }  \n",
                           "{'fortran_order': True, 'shape': (2, 1), 'descr': '=i4', }"})
    EXPECT_EQ(elements<std::int32_t>(read(npy(text, data))), (std::vector<std::int32_t>{7, 8})) << text;
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(read(npy(header("<i4", "()"), little(5, 4))).shape, Shape{});
  EXPECT_EQ(read(npy(header("<i4", "(0, 4)"), "")).shape, (Shape{0, 4}));
}

TEST(Npy, TurnsColumnsFirstIntoRowsFirst) {
  std::string data;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) data += little(static_cast<std::uint64_t>(100 * i + 10 * j + k), 2);
  const auto array = read(npy(header("<i2", "(2, 3, 4)", "True"), data));
  std::vector<std::int16_t> expected;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k) expected.push_back(static_cast<std::int16_t>(100 * i + 10 * j + k));
  EXPECT_EQ(elements<std::int16_t>(array), expected);
}

TEST(Npy, WritesWhatItReads) {
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 5}, Shape{1, 2, 3, 4, 5, 6}}) {
    const std::string start = npy_header("f64", shape);
    EXPECT_EQ(start.size() % 64, 0u);
    const auto array = read(start + std::string(static_cast<std::size_t>(element_count(shape)) * 8, 'x'));
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(array.element, "f64");
  }
  EXPECT_THROW(npy_header("a8", Shape{1}), Error);
}

TEST(Npy, EveryCutFileIsRefused) {
  const std::string whole = npy(header("<f4", "(2, 3)"), std::string(24, 'x'));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(read(whole.substr(0, size)), Error) << size;
  EXPECT_NO_THROW(read(whole));
}

TEST(Npy, BrokenFilesAreRefusedWithTheirPlace) {
  constexpr auto kInvalid = ErrorCode::invalid_file;
  constexpr auto kUnsupported = ErrorCode::unsupported;
  expect_refused("PK\x03\x04zipped", kInvalid, "no NumPy array");
  expect_refused(npy(header("<f4", "(1,)"), "four", 4), kInvalid, "version 4.0");
  expect_refused(npy(header("<f4", "(1,)"), "more than four"), kInvalid, "follow the array's last element");
  expect_refused(npy(header("<f4", "(2,)"), "four"), kInvalid, "the file ends inside the elements");
  expect_refused(npy(header("|O", "(1,)"), "12345678"), kUnsupported, "no numbers that tensors hold");
  for (const char* descr : {"<c8", "<U0", "<f16", "<M8[s]", "|b2", "", "f4"})
    expect_refused(npy(header(descr, "(1,)"), "12345678"), kUnsupported, "no numbers");
  expect_refused(npy(header("|f4", "(1,)"), "four"), kInvalid, "no byte order");
  expect_refused(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "four"),
                 kUnsupported, "several fields");
  for (const char* shape : {"(-1,)", "(1.5,)", "(99999999999999999999,)", "('1',)", "(True,)", "(1 2)"})
    expect_refused(npy(header("<f4", shape), "four"), kInvalid, "");
  expect_refused(npy(header("<f4", "(1"), "four"), kInvalid, "");
  expect_refused(npy(header("<f4", "(1,)", "Maybe"), "four"), kInvalid, "neither True nor False");
  expect_refused(npy("{'descr': '<f4', 'shape': (1,)}", "four"), kInvalid, "lacks one of");
  expect_refused(npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", "four"),
                 kInvalid, "occurs twice");
  expect_refused(npy("{'evil': __import__('os').system('true')}", "four"), kInvalid, "unknown");
  expect_refused(npy("{'descr': '<f4", "four"), kInvalid, "does not end");
  expect_refused(npy("", "four"), kInvalid, "has no {");
  expect_refused(npy(header("<f4", "(1,)") + "1", "four"), kInvalid, "follows the header's dictionary");
}

TEST(Npy, NothingIsAllocatedOnTheWordOfAFile) {
  std::string many = "(";
  for (int i = 0; i < 33; ++i) many += "1,";
  const std::vector<std::string> files = {
      npy(header("<f8", "(1099511627776,)"), "12345678"),
      npy(header("<f8", "(4294967296, 4294967296)"), "12345678"),
      npy(header("<f8", many + ")"), "12345678"),
      std::string("\x93NUMPY\x02\0", 8) + little(0xffffffff, 4) + "{",
      std::string("\x93NUMPY\x01\0", 8) + little(0xffff, 2) + "{",
  };
  for (const auto& bytes : files) {
    const test::TemporaryFile file(bytes, ".npy");
    const auto mapped = MappedFile::open(file.path());
    const test::AllocationProbe probe;
    EXPECT_THROW(read_npy(*mapped), Error);
    EXPECT_LT(probe.allocated_bytes(), 10000u);
  }
}

}  // namespace
}  // namespace lathe
