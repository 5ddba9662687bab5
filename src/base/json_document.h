// JSON of any size in one pass: values in a flat array, in the order of the file. For large files of which
// little is kept; smaller ones go through base/json.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

class JsonDocument;

/// A value in a document, which must outlive it. Failed expectations are Error(invalid_file) with the file
/// and the value's path, such as "model.vocab".
class JsonView {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, real, text, array, object };

  Kind kind() const;
  bool is_null() const { return kind() == Kind::null; }
  bool is(Kind other) const { return kind() == other; }

  bool boolean() const;
  std::int64_t integer(std::int64_t minimum, std::int64_t maximum) const;
  double real() const;  // an integer will do
  std::string_view text() const;
  std::string_view key() const;  // of a member

  std::size_t size() const;  // of an array or object
  /// Items or members; none of any other kind.
  class Iterator {
   public:
    Iterator(const JsonDocument* document, std::uint32_t index) : document_(document), index_(index) {}
    JsonView operator*() const { return {document_, index_}; }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const JsonDocument* document_;
    std::uint32_t index_;
  };
  Iterator begin() const;
  Iterator end() const;

  /// A member; nothing where it is missing or null, and for null itself.
  std::optional<JsonView> find(std::string_view name) const;
  JsonView at(std::string_view name) const;

  void require(Kind kind) const;
  std::string path() const;
  [[noreturn]] void fail(const std::string& message) const;
  /// As fail, but Error(unsupported).
  [[noreturn]] void refuse(const std::string& message) const;

 private:
  friend class JsonDocument;
  JsonView(const JsonDocument* document, std::uint32_t index) : document_(document), index_(index) {}

  const JsonDocument* document_;
  std::uint32_t index_;
};

class JsonDocument {
 public:
  static constexpr std::size_t kMostBytes = 1u << 27;
  static constexpr std::size_t kMostDepth = 64;

  /// Throws Error(invalid_file) with the offset where `text` is not JSON, nests too deep or has a key twice
  /// in one object; Error(resource_limit) over kMostBytes.
  JsonDocument(std::string_view text, std::string file);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  JsonView root() const { return {this, 0}; }
  const std::string& file() const { return file_; }

 private:
  friend class JsonView;
  friend class JsonView::Iterator;
  class Builder;

  struct Node {
    JsonView::Kind kind = JsonView::Kind::null;
    std::uint32_t key_size = 0;
    std::uint32_t key = 0;  // position of the member's name in strings_
    std::uint32_t end = 0;  // the node behind the last inside
    union {
      bool boolean;
      std::int64_t integer;
      double real;
      struct {
        std::uint32_t begin, size;  // of text in strings_; size: also items
      };
    };
  };
  std::string_view key_of(const Node& node) const {
    return std::string_view(strings_).substr(node.key, node.key_size);
  }

  std::string file_;
  std::vector<Node> nodes_;
  std::string strings_;
};

inline JsonView::Iterator& JsonView::Iterator::operator++() {
  index_ = document_->nodes_[index_].end;
  return *this;
}

}  // namespace lathe
