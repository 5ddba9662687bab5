// A plan with all that is needed to run it, in one file: data alone. docs/plan-format.md draws the bytes.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "backend/plan.h"
#include "backend/plan_section.h"
#include "base/cpu_features.h"
#include "base/hash.h"
#include "base/mapped_file.h"

namespace lathe {

inline constexpr std::uint32_t kPlanFormat = 2;
inline constexpr std::uint64_t kWeightAlignment = 4096;

/// What a plan is bound to.
struct PlanBinding {
  std::string engine;  // of this library, with a hash of what decides about results
  IsaLevel isa = IsaLevel::portable;
  Hash128 model{};  // of the graph as the architecture makes it: names, shapes and types
  bool operator==(const PlanBinding&) const = default;
};

/// The sections that a file may have beside "plan", "weights" and "data". There is none for code or paths,
/// and a file with any other is refused.
inline constexpr std::array<std::string_view, 8> kTextSections = {
    "options", "metadata", "tokenizer", "graph.before", "graph.after", "passes", "activations", "precision"};

struct NamedSection {
  std::string name;
  std::string bytes;
};

/// `write` gets the file's bytes in order. Weights whose buffers the host cannot read go through `backend`.
/// With `strip`, weights are left out.
void write_plan_file(const Plan& plan, const PlanBinding& binding, const std::vector<NamedSection>& sections,
                     bool strip, Backend& backend,
                     const std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>& write);

/// True where the file begins as a plan does; false where it cannot be read.
bool is_plan_file(const std::string& path);

/// An open plan file whose header and metadata are whole.
class PlanFile {
 public:
  /// Throws Error(not_found or io), Error(invalid_file) for what is damaged, Error(unsupported) naming the
  /// field for a file that is whole and not for this engine.
  static std::shared_ptr<const PlanFile> open(const std::string& path);

  const PlanBinding& binding() const { return binding_; }
  const std::string& path() const { return file_->path(); }
  std::uint64_t bytes() const { return file_->bytes().size(); }
  bool stripped() const { return stripped_; }
  /// Empty where the file lacks it.
  std::span<const std::byte> section(std::string_view name) const;
  std::string_view text(std::string_view name) const;

  /// Throws Error(unsupported) where the plan is for another engine version or needs more than `isa`.
  void require_runnable(std::string_view engine, IsaLevel isa) const;
  /// Holds every weight to its checksum; throws Error(invalid_file) naming it.
  void verify_weights() const;
  /// The plan with its weights where they lie, or copied where `backend` cannot read them there; without
  /// weights where the file is stripped.
  std::shared_ptr<Plan> plan(Backend& backend) const;
  const std::vector<WeightRecord>& weights() const { return weights_; }

 private:
  struct Section {
    std::string_view name;
    std::span<const std::byte> bytes;
  };
  explicit PlanFile(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}
  void read_header();
  void read_sections(std::uint64_t count, std::uint64_t data_start);
  void check_weights() const;

  std::shared_ptr<const MappedFile> file_;
  PlanBinding binding_;
  bool stripped_ = false;
  std::vector<Section> sections_;
  std::span<const std::byte> data_;  // from the first weight to the file's end
  std::vector<WeightRecord> weights_;
};

}  // namespace lathe
