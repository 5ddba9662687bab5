#include "formats/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/checked.h"
#include "base/checked_reader.h"
#include "text/utf8.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are taken as they lie in memory");

constexpr std::size_t kMostDimensions = 32;
constexpr std::uint64_t kMostHeaderBytes = 1 << 16;
constexpr std::int64_t kMostElements = std::int64_t{1} << 48;
constexpr std::uint64_t kMostCharacters = 1 << 28;  // of a text
constexpr std::string_view kString = "string";
constexpr std::size_t kRuneBytes = 4;  // of U; S has a byte

struct ElementType {
  std::string_view name;
  std::string_view descr;  // without the byte order
  std::size_t bytes;
};

constexpr std::array kElements = {
    ElementType{"f32", "f4", 4},  ElementType{"f16", "f2", 2}, ElementType{"bf16", "V2", 2},
    ElementType{"f64", "f8", 8},  ElementType{"i8", "i1", 1},  ElementType{"i16", "i2", 2},
    ElementType{"i32", "i4", 4},  ElementType{"i64", "i8", 8}, ElementType{"u8", "u1", 1},
    ElementType{"u16", "u2", 2},  ElementType{"u32", "u4", 4}, ElementType{"u64", "u8", 8},
    ElementType{"bool", "b1", 1},
};

/// The header's text, token by token.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::uint64_t start, const std::string& file)
      : text_(text), start_(start), file_(file) {}

  struct Header {
    ElementType element{};
    bool big_endian = false;
    bool columns_first = false;  // Fortran's order
    Shape shape;
  };

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const std::size_t key_at = at_;
      const std::string_view key = quoted();
      expect(':');
      skip_space();
      if (key == "descr" && !descr_) {
        descr_ = at_;
        type(quoted_type());
      } else if (key == "fortran_order" && !order_) {
        order_ = true;
        header_.columns_first = boolean();
      } else if (key == "shape" && !shape_) {
        shape_ = true;
        shape();
      } else {
        fail("the header's key " + printable(key, 40) + " is unknown or occurs twice", key_at);
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ < text_.size()) fail("text follows the header's dictionary", at_);
    if (!descr_ || !order_ || !shape_) fail("the header lacks one of descr, fortran_order and shape", 0);
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& message, std::size_t at,
                         ErrorCode code = ErrorCode::invalid_file) const {
    throw Error(code, message, {file_, start_ + at, {}});
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("the header has no ") + c + " here", at_);
  }

  std::string_view quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("the header has no quoted text here", at_);
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a quoted text in the header does not end", at_);
    const auto found = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return found;
  }

  std::string_view quoted_type() {
    if (at_ < text_.size() && text_[at_] == '[')
      fail("the elements are records of several fields, which no tensor holds", at_, ErrorCode::unsupported);
    return quoted();
  }

  /// U5 or S5, behind the byte order.
  static std::optional<ElementType> texts(std::string_view descr) {
    if (descr.size() < 2 || (descr[0] != 'U' && descr[0] != 'S')) return std::nullopt;
    std::uint64_t length = 0;
    const char* end = descr.data() + descr.size();
    const auto [rest, error] = std::from_chars(descr.data() + 1, end, length);
    if (error != std::errc() || rest != end || length < 1 || length > kMostCharacters) return std::nullopt;
    return ElementType{kString, descr.substr(0, 1), length * (descr[0] == 'U' ? kRuneBytes : 1)};
  }

  void type(std::string_view descr) {
    const char order = descr.empty() ? '\0' : descr.front();
    if (const auto text = texts(descr.substr(descr.empty() ? 0 : 1));
        text && std::string_view("<>|=").find(order) != std::string_view::npos) {
      header_.element = *text;
      header_.big_endian = order == '>';
      return;
    }
    const auto found = std::ranges::find(kElements, descr.substr(descr.empty() ? 0 : 1), &ElementType::descr);
    if (order == '\0' || std::string_view("<>|=").find(order) == std::string_view::npos ||
        found == kElements.end())
      fail("elements of type " + printable(descr, 40) + " are no numbers that tensors hold", *descr_,
           ErrorCode::unsupported);
    if (order == '|' && found->bytes > 1 && found->name != "bf16")
      fail("the elements' type has no byte order", *descr_);
    header_.element = *found;
    header_.big_endian = order == '>' && found->bytes > 1;
  }

  bool boolean() {
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail("fortran_order is neither True nor False", at_);
  }

  void shape() {
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t dim = 0;
      const char* end = text_.data() + text_.size();
      const auto [rest, error] = std::from_chars(text_.data() + at_, end, dim);
      if (error != std::errc() || dim < 0) fail("a dimension is no whole number from 0 on", at_);
      if (header_.shape.size() == kMostDimensions)
        fail("the shape has more than " + std::to_string(kMostDimensions) + " dimensions", at_);
      at_ = static_cast<std::size_t>(rest - text_.data());
      header_.shape.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  std::uint64_t start_;
  const std::string& file_;
  std::size_t at_ = 0;
  Header header_;
  std::optional<std::size_t> descr_;  // where it stands
  bool order_ = false;
  bool shape_ = false;
};

HeaderParser::Header read_header(CheckedReader& reader) {
  const auto magic = reader.take(6, "the signature");
  if (std::memcmp(magic.data(), "\x93NUMPY", 6) != 0) {
    reader.seek(0, "the signature");
    reader.fail("the file is no NumPy array: it does not start with \\x93NUMPY");
  }
  const auto major = reader.read<std::uint8_t>("the version");
  const auto minor = reader.read<std::uint8_t>("the version");
  if (major < 1 || major > 3 || minor != 0)
    reader.fail("version " + std::to_string(major) + "." + std::to_string(minor) +
                " of the format is not known; 1.0, 2.0 and 3.0 are");
  const std::uint64_t length = major == 1 ? reader.read<std::uint16_t>("the header's length")
                                          : reader.read<std::uint32_t>("the header's length");
  if (length > kMostHeaderBytes) reader.fail("the header's length is over the limit of 65536 bytes");
  const std::uint64_t start = reader.offset();
  const auto text = reader.take(length, "the header");
  return HeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}, start, reader.file())
      .parse();
}

std::uint64_t size_of(const HeaderParser::Header& header, const CheckedReader& reader) {
  std::uint64_t count = 1;
  for (const auto dim : header.shape) {
    const auto product = checked_multiply(count, static_cast<std::uint64_t>(dim));
    if (!product || *product > std::uint64_t{kMostElements}) reader.fail("the shape has too many elements");
    count = *product;
  }
  const auto bytes = checked_multiply(count, header.element.bytes);
  if (!bytes) reader.fail("the elements have more bytes than 64 bits can count");
  return *bytes;
}

/// Row-major from an array whose first index is the fastest.
std::vector<std::byte> rows_first(const std::vector<std::byte>& source, const Shape& shape,
                                  std::size_t bytes) {
  std::vector<std::byte> result(source.size());
  std::vector<std::size_t> strides;  // of the source, in bytes
  std::size_t stride = bytes;
  for (const auto dim : shape) {
    strides.push_back(stride);
    stride *= static_cast<std::size_t>(dim);
  }
  Shape index(shape.size(), 0);
  std::size_t from = 0;
  for (std::size_t to = 0; to < result.size(); to += bytes) {
    std::memcpy(result.data() + to, source.data() + from, bytes);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * static_cast<std::size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
  return result;
}

/// One element: up to the NULs that fill it.
std::string text_in(std::span<const std::byte> element, bool runes, const CheckedReader& reader) {
  std::string text;
  if (!runes) {
    text.assign(reinterpret_cast<const char*>(element.data()), element.size());
    text.resize(text.find_last_not_of('\0') + 1);
    if (!is_utf8(text)) reader.fail("a text is not UTF-8");
    return text;
  }
  std::vector<std::uint32_t> characters(element.size() / kRuneBytes);
  std::memcpy(characters.data(), element.data(), element.size());
  while (!characters.empty() && characters.back() == 0) characters.pop_back();
  for (const auto character : characters) {
    if (character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
      reader.fail("a text has a character that Unicode does not");
    append_rune(text, static_cast<char32_t>(character));
  }
  return text;
}

/// The header of version 1 around a type and a shape, padded so that elements begin at a multiple of 64.
std::string header_of(std::string_view descr, std::span<const std::int64_t> shape) {
  std::string header = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (";
  for (const auto dim : shape) header += std::to_string(dim) + ",";
  header += "), }";
  constexpr std::size_t kPrefixBytes = 10;
  header.append(63 - (kPrefixBytes + header.size()) % 64, ' ');
  header += '\n';
  if (header.size() > 0xffff)
    throw Error(ErrorCode::invalid_argument, "the shape has too many dimensions",
                {{}, std::nullopt, "shape"});
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

}  // namespace

NpyArray read_npy(const MappedFile& file) {
  CheckedReader reader(file.bytes(), file.path());
  auto header = read_header(reader);
  const std::uint64_t bytes = size_of(header, reader);
  if (bytes < reader.left())
    reader.fail(std::to_string(reader.left() - bytes) + " bytes follow the array's last element");
  const auto data = reader.take(bytes, "the elements");
  NpyArray array{std::string(header.element.name), std::move(header.shape), {data.begin(), data.end()}, {}};
  const bool texts = header.element.name == kString;
  const bool runes = texts && header.element.descr == "U";
  const std::size_t unit = !texts ? header.element.bytes : runes ? kRuneBytes : 1;
  if (header.big_endian)
    for (std::size_t at = 0; at < array.bytes.size(); at += unit)
      std::reverse(array.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                   array.bytes.begin() + static_cast<std::ptrdiff_t>(at + unit));
  if (header.element.name == "bool" &&
      std::ranges::any_of(array.bytes, [](std::byte value) { return value > std::byte{1}; }))
    reader.fail("an element of type bool is neither 0 nor 1");
  if (header.columns_first && array.shape.size() > 1)
    array.bytes = rows_first(array.bytes, array.shape, header.element.bytes);
  if (texts) {
    const std::span<const std::byte> elements(array.bytes);
    for (std::size_t at = 0; at < elements.size(); at += header.element.bytes)
      array.texts.push_back(text_in(elements.subspan(at, header.element.bytes), runes, reader));
    array.bytes.clear();
  }
  return array;
}

std::string npy_header(std::string_view element, std::span<const std::int64_t> shape) {
  const auto found = std::ranges::find(kElements, element, &ElementType::name);
  if (found == kElements.end())
    throw Error(ErrorCode::invalid_argument, "NumPy files hold no " + printable(element),
                {{}, std::nullopt, "dtype"});
  return header_of(std::string(found->bytes > 1 ? "<" : "|") + std::string(found->descr), shape);
}

std::string npy_texts(std::span<const std::string> texts, std::span<const std::int64_t> shape) {
  std::vector<std::u32string> elements;
  std::size_t longest = 1;
  for (const auto& text : texts) {
    auto& element = elements.emplace_back();
    for (std::size_t at = 0; at < text.size();) {
      const Rune rune = rune_at(text, at);
      element += rune.value;
      at += rune.length;
    }
    longest = std::max(longest, element.size());
  }
  std::string file = header_of("<U" + std::to_string(longest), shape);
  for (auto& element : elements) {
    element.resize(longest, U'\0');
    file.append(reinterpret_cast<const char*>(element.data()), longest * kRuneBytes);
  }
  return file;
}

}  // namespace lathe
