#include "compile/timing_cache.h"

#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"

namespace lathe {
namespace {

constexpr int kFormat = 1;

[[noreturn]] void refuse(const std::string& place, const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_file, "timing cache: " + field + " " + message,
              {place, std::nullopt, field});
}

/// Reads members of one object, naming them in errors as "entries[3].level".
class Members {
 public:
  Members(const Json& object, std::string field, const std::string& place)
      : object_(object), field_(std::move(field)), place_(place) {
    if (!object.is_object()) refuse(place, field_, "is not an object");
  }

  std::string text(const char* name) const {
    const Json& value = member(name);
    if (!value.is_string()) fail(name, "is not a string");
    return value.get<std::string>();
  }
  std::int32_t whole(const char* name, std::int32_t most) const {
    const Json& value = member(name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(most))
      fail(name, "is not a whole number from 0 to " + std::to_string(most));
    return value.get<std::int32_t>();
  }
  double seconds(const char* name) const {
    const Json& value = member(name);
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0)
      fail(name, "is not a time in seconds");
    return value.get<double>();
  }
  bool truth(const char* name) const {
    const Json& value = member(name);
    if (!value.is_boolean()) fail(name, "is not true or false");
    return value.get<bool>();
  }
  const Json& list(const char* name) const {
    const Json& value = member(name);
    if (!value.is_array()) fail(name, "is not a list");
    return value;
  }
  std::string path(const char* name) const { return field_.empty() ? name : field_ + "." + name; }

 private:
  const Json& member(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) fail(name, "is missing");
    return *found;
  }
  [[noreturn]] void fail(const char* name, const std::string& message) const {
    refuse(place_, path(name), message);
  }

  const Json& object_;
  std::string field_;
  const std::string& place_;
};

TimingEntry read_entry(const Members& members, const std::string& place) {
  TimingEntry entry;
  entry.level = members.whole("level", 5);
  entry.forced = members.truth("forced");
  const Json& list = members.list("measured");
  if (list.empty()) refuse(place, members.path("measured"), "is empty");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Members item(list[i], members.path("measured") + "[" + std::to_string(i) + "]", place);
    entry.measured.push_back({item.text("kernel"), item.text("variant"), item.whole("threads", 1024),
                              item.text("layout"), item.seconds("seconds")});
  }
  return entry;
}

/// Whether `a` says more than `b`.
bool outweighs(const TimingEntry& a, const TimingEntry& b) {
  if (a.forced != b.forced) return a.forced;
  if (a.level != b.level) return a.level > b.level;
  return a.measured.front().seconds < b.measured.front().seconds;
}

}  // namespace

TimingCache TimingCache::parse(std::string_view text, const std::string& place) {
  Json document;
  try {
    document = parse_large_json(text, "timing cache");
  } catch (const Error& error) {
    throw json_file_error(error, place);
  }
  const Members whole(document, "", place);
  const auto format = whole.whole("format", 1 << 30);
  if (format != kFormat)
    throw Error(ErrorCode::unsupported,
                "timing cache: its format is " + std::to_string(format) + ", this program reads " +
                    std::to_string(kFormat),
                {place, std::nullopt, "format"});
  TimingCache cache;
  const Json& list = whole.list("entries");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Members members(list[i], "entries[" + std::to_string(i) + "]", place);
    cache.entries_[{members.text("key"), members.text("machine")}] = read_entry(members, place);
  }
  return cache;
}

TimingCache TimingCache::load(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

TimingCache TimingCache::load_or_empty(const std::string& path) {
  std::error_code none;
  return std::filesystem::exists(path, none) ? load(path) : TimingCache();
}

Json to_json(const TimingCache& cache) {
  Json list = Json::array();
  for (const auto& [id, entry] : cache.entries()) {
    Json measured = Json::array();
    for (const auto& item : entry.measured)
      measured.push_back({{"kernel", item.kernel},
                          {"variant", item.variant},
                          {"threads", item.threads},
                          {"layout", item.layout},
                          {"seconds", item.seconds}});
    list.push_back({{"key", id.first},
                    {"machine", id.second},
                    {"level", entry.level},
                    {"forced", entry.forced},
                    {"measured", std::move(measured)}});
  }
  return {{"format", kFormat}, {"entries", std::move(list)}};
}

std::string TimingCache::text() const { return dump_json(to_json(*this), 1) + "\n"; }

void TimingCache::save(const std::string& path) const {
  const std::string bytes = text();
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.flush();
  file.finish();
}

const TimingEntry* TimingCache::find(std::string_view key, std::string_view machine) const {
  const auto found = entries_.find({std::string(key), std::string(machine)});
  return found == entries_.end() ? nullptr : &found->second;
}

void TimingCache::update(const std::string& key, const std::string& machine, TimingEntry entry) {
  CHECK(!entry.measured.empty());
  entries_[{key, machine}] = std::move(entry);
}

bool TimingCache::remove(std::string_view key, std::string_view machine) {
  return entries_.erase({std::string(key), std::string(machine)}) != 0;
}

void TimingCache::merge(const TimingCache& other) {
  for (const auto& [id, entry] : other.entries_) {
    const auto [place, added] = entries_.try_emplace(id, entry);
    if (!added && outweighs(entry, place->second)) place->second = entry;
  }
}

}  // namespace lathe
