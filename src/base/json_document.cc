#include "base/json_document.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace lathe {

using Kind = JsonView::Kind;

/// What the library calls while it reads.
class JsonDocument::Builder {
 public:
  explicit Builder(JsonDocument& document) : document_(document) {}

  bool null() { return add(Kind::null); }
  bool boolean(bool value) {
    add(Kind::boolean);
    document_.nodes_.back().boolean = value;
    return true;
  }
  bool number_integer(Json::number_integer_t value) {
    add(Kind::integer);
    document_.nodes_.back().integer = value;
    return true;
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    if (value > static_cast<Json::number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      return number_float(static_cast<double>(value), {});
    return number_integer(static_cast<Json::number_integer_t>(value));
  }
  bool number_float(Json::number_float_t value, const std::string&) {
    add(Kind::real);
    document_.nodes_.back().real = value;
    return true;
  }
  bool string(std::string& value) {
    add(Kind::text);
    document_.nodes_.back().begin = store(value);
    document_.nodes_.back().size = static_cast<std::uint32_t>(value.size());
    return true;
  }
  bool binary(Json::binary_t&) { return false; }
  bool key(std::string& name) {
    key_ = store(name);
    key_size_ = static_cast<std::uint32_t>(name.size());
    return true;
  }
  bool start_object(std::size_t) { return open(Kind::object); }
  bool start_array(std::size_t) { return open(Kind::array); }
  bool end_object() {
    find_duplicate();
    return problem_.empty() && close();
  }
  bool end_array() { return close(); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
    problem_ = "it is not JSON";
    offset_ = position == 0 ? 0 : position - 1;  // the library counts from 1
    return false;
  }

  const std::string& problem() const { return problem_; }
  std::optional<std::uint64_t> offset() const { return offset_; }

 private:
  std::uint32_t store(const std::string& text) {
    const auto at = static_cast<std::uint32_t>(document_.strings_.size());
    document_.strings_ += text;
    return at;
  }

  bool add(Kind kind) {
    if (!open_.empty()) ++document_.nodes_[open_.back()].size;
    Node node;
    node.kind = kind;
    node.key = key_;
    node.key_size = key_size_;
    node.end = static_cast<std::uint32_t>(document_.nodes_.size() + 1);
    node.begin = node.size = 0;
    document_.nodes_.push_back(node);
    key_ = key_size_ = 0;
    return true;
  }

  bool open(Kind kind) {
    if (open_.size() == kMostDepth) {
      problem_ = "it nests deeper than " + std::to_string(kMostDepth);
      return false;
    }
    add(kind);
    open_.push_back(static_cast<std::uint32_t>(document_.nodes_.size() - 1));
    return true;
  }

  bool close() {
    document_.nodes_[open_.back()].end = static_cast<std::uint32_t>(document_.nodes_.size());
    open_.pop_back();
    return true;
  }

  void find_duplicate() {
    using Entry = std::pair<std::size_t, std::uint32_t>;  // hash, node
    std::vector<Entry> entries;
    const auto end = static_cast<std::uint32_t>(document_.nodes_.size());
    for (std::uint32_t i = open_.back() + 1; i < end; i = document_.nodes_[i].end)
      entries.emplace_back(std::hash<std::string_view>()(document_.key_of(document_.nodes_[i])), i);
    std::sort(entries.begin(), entries.end());
    for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
      const auto name = document_.key_of(document_.nodes_[entries[i].second]);
      for (std::size_t j = i + 1; j < entries.size() && entries[j].first == entries[i].first; ++j)
        if (document_.key_of(document_.nodes_[entries[j].second]) == name) {
          problem_ = "the key '" + printable(name) + "' comes twice in one object";
          return;
        }
    }
  }

  JsonDocument& document_;
  std::vector<std::uint32_t> open_;
  std::uint32_t key_ = 0, key_size_ = 0;
  std::string problem_;
  std::optional<std::uint64_t> offset_;
};

JsonDocument::JsonDocument(std::string_view text, std::string file) : file_(std::move(file)) {
  if (text.size() > kMostBytes)
    throw Error(ErrorCode::resource_limit,
                "the file has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(kMostBytes) + " are read",
                {file_, {}, {}});
  Builder builder(*this);
  const bool read = Json::sax_parse(text, &builder);
  if (!read) throw Error(ErrorCode::invalid_file, builder.problem(), {file_, builder.offset(), {}});
}

Kind JsonView::kind() const { return document_->nodes_[index_].kind; }

void JsonView::require(Kind wanted) const {
  constexpr const char* kNames[] = {"null", "true or false", "an integer", "a number",
                                    "text", "an array",      "an object"};
  if (kind() != wanted) fail(std::string("must be ") + kNames[static_cast<std::size_t>(wanted)]);
}

bool JsonView::boolean() const {
  require(Kind::boolean);
  return document_->nodes_[index_].boolean;
}

std::int64_t JsonView::integer(std::int64_t minimum, std::int64_t maximum) const {
  require(Kind::integer);
  const std::int64_t value = document_->nodes_[index_].integer;
  if (value < minimum || value > maximum)
    fail("is " + std::to_string(value) + ", not " + std::to_string(minimum) + " to " +
         std::to_string(maximum));
  return value;
}

double JsonView::real() const {
  const auto& node = document_->nodes_[index_];
  if (node.kind == Kind::integer) return static_cast<double>(node.integer);
  require(Kind::real);
  return node.real;
}

std::string_view JsonView::text() const {
  require(Kind::text);
  const auto& node = document_->nodes_[index_];
  return std::string_view(document_->strings_).substr(node.begin, node.size);
}

std::string_view JsonView::key() const { return document_->key_of(document_->nodes_[index_]); }

std::size_t JsonView::size() const {
  return kind() == Kind::array || kind() == Kind::object ? document_->nodes_[index_].size : 0;
}

JsonView::Iterator JsonView::begin() const {
  const bool inside = kind() == Kind::array || kind() == Kind::object;
  return {document_, inside ? index_ + 1 : document_->nodes_[index_].end};
}

JsonView::Iterator JsonView::end() const { return {document_, document_->nodes_[index_].end}; }

std::optional<JsonView> JsonView::find(std::string_view name) const {
  if (is_null()) return std::nullopt;
  require(Kind::object);
  for (const JsonView member : *this)
    if (member.key() == name) return member.is_null() ? std::nullopt : std::optional(member);
  return std::nullopt;
}

JsonView JsonView::at(std::string_view name) const {
  if (const auto member = find(name)) return *member;
  fail("has no '" + std::string(name) + "'");
}

/// By walking down from the root: only errors need it.
std::string JsonView::path() const {
  std::string out;
  JsonView at = document_->root();
  while (at.index_ != index_) {
    std::size_t item = 0;
    for (const JsonView child : at) {
      if (index_ < document_->nodes_[child.index_].end) {
        if (at.is(Kind::array)) {
          out += "[" + std::to_string(item) + "]";
        } else {
          out += (out.empty() ? "" : ".") + printable(child.key(), 64);
        }
        at = child;
        break;
      }
      ++item;
    }
  }
  return out;
}

void JsonView::fail(const std::string& message) const {
  const std::string place = path();
  throw Error(ErrorCode::invalid_file, place.empty() ? message : place + " " + message,
              {document_->file(), {}, place});
}

void JsonView::refuse(const std::string& message) const {
  throw Error(ErrorCode::unsupported, message, {document_->file(), {}, path()});
}

}  // namespace lathe
