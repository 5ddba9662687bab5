#include "api/network_profiles.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, "profiles"});
}

std::string text_of(const SizeRange& range) {
  return printable(range.name) + " = " + std::to_string(range.least) + ":" + std::to_string(range.typical) +
         ":" + std::to_string(range.most);
}

void add_range(SizeProfile& profile, const SizeRange& range) {
  if (range.least < 1 || range.least > range.typical || range.typical > range.most || range.most > kMaxDim)
    refuse(text_of(range) +
           " must be the least, the typical and the greatest size, in that order and from 1 on");
  const auto known = std::ranges::find(profile.sizes, range.name, &SizeRange::name);
  if (known == profile.sizes.end())
    profile.sizes.push_back(range);
  else if (known->least != range.least || known->typical != range.typical || known->most != range.most)
    refuse("a profile has both " + text_of(*known) + " and " + text_of(range));
}

void add_shapes(SizeProfile& profile, const ShapeRange& range, std::span<const InputSpec> inputs) {
  const auto& dims = find_input(inputs, range.input).type.dims;
  if (range.least.size() != dims.size() || range.typical.size() != dims.size() ||
      range.most.size() != dims.size())
    refuse("the shapes of " + printable(range.input) + " must have " + std::to_string(dims.size()) +
           " numbers each");
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::int64_t size = range.most[i];
    if (dims[i].is_symbolic())
      add_range(profile, {dims[i].symbol, range.least[i], range.typical[i], size});
    else if (range.least[i] != dims[i].value || range.typical[i] != dims[i].value || size != dims[i].value)
      refuse("dimension " + std::to_string(i) + " of " + printable(range.input) + " is always " +
             std::to_string(dims[i].value));
  }
}

/// How many elements a tensor of all dimensions would have, as a logarithm.
double volume(const ProfileRanges& profile) {
  double sum = 0;
  for (const auto& range : profile.symbols)
    sum += std::log(static_cast<double>(std::max<std::int64_t>(range.maximum, 1)));
  return sum;
}

}  // namespace

Sizes typical_sizes(const std::vector<SizeProfile>& profiles) {
  Sizes result;
  if (profiles.empty()) return result;
  for (const auto& range : profiles.back().sizes) result[range.name] = range.typical;
  return result;
}

Sizes greatest_sizes(const std::vector<SizeProfile>& profiles) {
  Sizes result;
  for (const auto& profile : profiles)
    for (const auto& range : profile.sizes) {
      auto& greatest = result[range.name];
      greatest = std::max(greatest, range.most);
    }
  return result;
}

std::map<std::string, Shape> greatest_shapes(const std::vector<SizeProfile>& profiles) {
  std::map<std::string, Shape> result;
  for (const auto& profile : profiles)
    for (const auto& range : profile.shapes) {
      Shape& greatest = result[range.input];
      greatest.resize(std::max(greatest.size(), range.most.size()), 0);
      for (std::size_t i = 0; i < range.most.size(); ++i) greatest[i] = std::max(greatest[i], range.most[i]);
    }
  return result;
}

std::vector<SizeProfile> named_profiles(const std::vector<SizeProfile>& profiles,
                                        std::span<const InputSpec> inputs) {
  std::vector<SizeProfile> result;
  for (const auto& profile : profiles) {
    SizeProfile& named = result.emplace_back();
    for (const auto& range : profile.sizes) add_range(named, range);
    for (const auto& range : profile.shapes) add_shapes(named, range, inputs);
  }
  return result;
}

std::vector<ProfileRanges> network_profiles(const std::vector<SizeProfile>& profiles,
                                            std::span<const SymbolLimit> limits) {
  std::vector<ProfileRanges> result;
  for (const auto& profile : profiles.empty() ? std::vector<SizeProfile>(1) : profiles) {
    ProfileRanges& ranges = result.emplace_back();
    for (const auto& limit : limits) {
      const auto named = std::ranges::find(profile.sizes, limit.name, &SizeRange::name);
      if (named == profile.sizes.end())
        ranges.symbols.push_back({std::min<std::int64_t>(1, limit.maximum), limit.maximum, limit.maximum});
      else
        ranges.symbols.push_back({named->least, named->typical, named->most});
    }
  }
  std::ranges::stable_sort(result, {}, volume);
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i].name = result.size() == 1 ? "all" : std::to_string(i + 1);
  return result;
}

}  // namespace lathe
