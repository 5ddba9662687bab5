#include "api/load_model.h"

#include <optional>

#include "api/model_implementation.h"
#include "api/plan_cache.h"
#include "base/error.h"

namespace lathe {
namespace {

std::optional<PlanCacheEntry> cache_entry(const std::string& path, const ModelOptions& options) {
  if (!options.plan_cache || is_plan_file(path)) return std::nullopt;
  const auto folder = plan_cache_folder();
  if (!folder) return std::nullopt;
  return PlanCacheEntry::of(*folder, path, options);
}

}  // namespace

std::shared_ptr<ModelImplementation> load_model(const std::string& path, const ModelOptions& options) {
  const auto entry = cache_entry(path, options);
  if (!entry) return std::make_shared<ModelImplementation>(path, options);
  if (auto plan = entry->find()) {
    try {
      return std::make_shared<ModelImplementation>(path, options, std::move(plan));
    } catch (const Error&) {
      entry->remove();  // what is wrong with the model itself, compiling says
    }
  }
  auto model = std::make_shared<ModelImplementation>(path, options);
  model->keep_plan(*entry);
  return model;
}

}  // namespace lathe
