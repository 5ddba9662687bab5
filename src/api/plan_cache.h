// Compiled plans of models that are run without building, in a folder of the user's:
//   <XXH3-128 of what decides about the plan>.<engine version>.plan
// The folder holds at most LATHE_PLAN_CACHE_BYTES, a tenth of what its filesystem has free, and 64 plans;
// those that were not used for the longest go first. No other file is touched.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backend/plan_file.h"
#include "lathe/options.h"

namespace lathe {

struct PlanCacheFolder {
  std::string path;
  std::uint64_t most_bytes = 0;
};

/// As the environment says: LATHE_PLAN_CACHE_DIR, or in XDG_CACHE_HOME or HOME. Nothing where it switches the
/// cache off or names no folder; throws Error(invalid_argument) for a LATHE_PLAN_CACHE_BYTES that is no
/// number.
std::optional<PlanCacheFolder> plan_cache_folder();

/// The place of one model's plan. Neither function lets the model fail: what goes wrong is a plan less.
class PlanCacheEntry {
 public:
  /// Of the model's file or folder as it is now. Nothing where it cannot be looked at, which loading reports,
  /// or where the options ask for what a stored plan cannot give.
  static std::optional<PlanCacheEntry> of(const PlanCacheFolder& folder, const std::string& model,
                                          const ModelOptions& options);

  /// The stored plan, now the one used last; null where there is none. A damaged one is removed.
  std::shared_ptr<const PlanFile> find() const;
  void remove() const;

  using Write = std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>;
  /// `make` gives the plan's bytes in order to what it is called with, which never throws. Others make room
  /// first. Nothing is stored where the plan is too large, the model has changed since, or anything throws.
  void store(const std::function<void(const Write&)>& make) const;

 private:
  PlanCacheEntry(PlanCacheFolder folder, std::string model, ModelOptions options, std::string name)
      : folder_(std::move(folder)),
        model_(std::move(model)),
        options_(std::move(options)),
        name_(std::move(name)) {}
  std::string path() const { return folder_.path + "/" + name_; }
  void make_room(std::uint64_t bytes) const;

  PlanCacheFolder folder_;
  std::string model_;
  ModelOptions options_;
  std::string name_;
};

}  // namespace lathe
