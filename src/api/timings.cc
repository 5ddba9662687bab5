// Timing caches as callers see them.
#include <algorithm>
#include <thread>

#include "base/error.h"
#include "compile/node_key.h"
#include "compile/timing_cache.h"
#include "lathe/build.h"

namespace lathe {

struct TimingsData {
  TimingCache cache;
};

Timings::Timings() : data_(std::make_unique<TimingsData>()) {}
Timings::~Timings() = default;
Timings::Timings(Timings&&) noexcept = default;
Timings& Timings::operator=(Timings&&) noexcept = default;

Timings Timings::load(const std::string& path) {
  Timings timings;
  timings.data_->cache = TimingCache::load(path);
  return timings;
}

void Timings::save(const std::string& path) const { data_->cache.save(path); }

void Timings::merge(const Timings& other) { data_->cache.merge(other.data_->cache); }

std::vector<Timing> Timings::entries() const {
  std::vector<Timing> list;
  for (const auto& [id, entry] : data_->cache.entries()) {
    Timing timing{id.first, id.second, entry.level, entry.forced, {}};
    for (const auto& item : entry.measured)
      timing.measured.push_back({item.kernel, item.variant, item.threads, item.layout, item.seconds});
    list.push_back(std::move(timing));
  }
  return list;
}

std::string Timings::json() const { return data_->cache.text(); }

void Timings::force(const std::string& key, const std::string& kernel, const std::string& variant) {
  std::vector<std::string> machines;
  for (const auto& [id, entry] : data_->cache.entries())
    if (id.first == key) machines.push_back(id.second);
  if (machines.empty())
    machines.push_back(machine_key(std::max(1, static_cast<int>(std::thread::hardware_concurrency()))));
  for (const auto& machine : machines) {
    TimingEntry entry{0, true, {{kernel, variant, 0, "", 0}}};
    // What was measured of it is kept, its layout and threads above all.
    if (const TimingEntry* known = data_->cache.find(key, machine)) {
      const auto found = std::ranges::find_if(known->measured, [&](const TimedCandidate& item) {
        return item.kernel == kernel && (variant.empty() || item.variant == variant);
      });
      if (found != known->measured.end()) entry.measured.front() = *found;
    }
    data_->cache.update(key, machine, std::move(entry));
  }
}

void Timings::remove(const std::string& key) {
  std::vector<std::string> machines;
  for (const auto& [id, entry] : data_->cache.entries())
    if (id.first == key) machines.push_back(id.second);
  if (machines.empty())
    throw Error(ErrorCode::not_found, "the timing cache has no entry for " + printable(key, 400),
                {{}, std::nullopt, "key"});
  for (const auto& machine : machines) data_->cache.remove(key, machine);
}

}  // namespace lathe
