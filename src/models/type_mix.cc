#include "models/type_mix.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace lathe {
namespace {

constexpr std::array kMixes = {
    TypeMix{"q2_k", Dtype::q2_k, 10},      TypeMix{"q3_k_s", Dtype::q3_k, 11},
    TypeMix{"q3_k_m", Dtype::q3_k, 12},    TypeMix{"q3_k_l", Dtype::q3_k, 13},
    TypeMix{"iq4_xs", Dtype::iq4_xs, 30},  TypeMix{"mxfp4", Dtype::mxfp4, 38},
    TypeMix{"mxfp4_moe", Dtype::q8_0, 38}, TypeMix{"iq4_nl", Dtype::iq4_nl, 25},
    TypeMix{"q4_0", Dtype::q4_0, 2},       TypeMix{"q4_k_s", Dtype::q4_k, 14},
    TypeMix{"q4_k_m", Dtype::q4_k, 15},    TypeMix{"q4_1", Dtype::q4_1, 3},
    TypeMix{"q5_0", Dtype::q5_0, 8},       TypeMix{"q5_k_s", Dtype::q5_k, 16},
    TypeMix{"q5_k_m", Dtype::q5_k, 17},    TypeMix{"q5_1", Dtype::q5_1, 9},
    TypeMix{"q6_k", Dtype::q6_k, 18},      TypeMix{"q8_0", Dtype::q8_0, 7},
    TypeMix{"f16", Dtype::f16, 1},         TypeMix{"bf16", Dtype::bf16, 32},
    TypeMix{"f32", Dtype::f32, 0},
};

struct Alias {
  std::string_view name;
  std::string_view mix;
};
constexpr std::array kAliases = {Alias{"q3_k", "q3_k_m"}, Alias{"q4_k", "q4_k_m"}, Alias{"q5_k", "q5_k_m"}};

/// What a matrix does, as far as rules tell matrices apart.
enum class Role : std::uint8_t { other, value, key, attention_output, down };

struct RoleName {
  std::string_view part;
  Role role;
};
// Fused projections count as values, which suffer most.
constexpr std::array kRoles = {RoleName{"attn_v.weight", Role::value},
                               RoleName{"attn_qkv.weight", Role::value},
                               RoleName{"attn_kv_b.weight", Role::value},
                               RoleName{"attn_k.weight", Role::key},
                               RoleName{"attn_output.weight", Role::attention_output},
                               RoleName{"ffn_down", Role::down}};

Role role_of(std::string_view name) {
  const auto found = std::ranges::find_if(
      kRoles, [&](const RoleName& row) { return name.find(row.part) != std::string_view::npos; });
  return found == kRoles.end() ? Role::other : found->role;
}

/// Of "blk.N."; 0 for others.
std::int64_t layer_of(std::string_view name) {
  constexpr std::string_view kStart = "blk.";
  std::int64_t layer = 0;
  if (name.starts_with(kStart))
    std::from_chars(name.data() + kStart.size(), name.data() + name.size(), layer);
  return layer;
}

using Model = TypeRules::Model;
using When = bool (*)(const Model& model, std::int64_t layer);

bool always(const Model&, std::int64_t) { return true; }
bool first_two(const Model&, std::int64_t layer) { return layer < 2; }
bool first_four(const Model&, std::int64_t layer) { return layer < 4; }
bool first_sixteenth(const Model& model, std::int64_t layer) { return layer < model.layers / 16; }
bool first_eighth(const Model& model, std::int64_t layer) { return layer < model.layers / 8; }
/// The first and last eighth, and every third of those between.
bool some_layers(const Model& model, std::int64_t layer) {
  const std::int64_t eighth = model.layers / 8;
  return layer < eighth || layer >= 7 * model.layers / 8 || (layer - eighth) % 3 == 2;
}
bool shared_keys(const Model& model, std::int64_t) { return model.queries_per_key >= 4; }
bool first_eighth_if_informed(const Model& model, std::int64_t layer) {
  return model.importance && first_eighth(model, layer);
}
bool first_eighth_if_blind(const Model& model, std::int64_t layer) {
  return !model.importance && first_eighth(model, layer);
}
bool eight_experts(const Model& model, std::int64_t) { return model.experts == 8; }
bool not_eight_experts(const Model& model, std::int64_t) { return model.experts != 8; }

struct Rule {
  std::string_view mix;
  Role role;
  When when;
  Dtype dtype;
};

// The first that holds counts.
constexpr std::array kRules = {
    Rule{"q2_k", Role::value, shared_keys, Dtype::q4_k},
    Rule{"q2_k", Role::value, always, Dtype::q3_k},
    Rule{"q3_k_m", Role::value, first_two, Dtype::q5_k},
    Rule{"q3_k_m", Role::value, always, Dtype::q4_k},
    Rule{"q3_k_l", Role::value, always, Dtype::q5_k},
    Rule{"iq4_nl", Role::value, shared_keys, Dtype::q5_k},
    Rule{"iq4_xs", Role::value, shared_keys, Dtype::q5_k},
    Rule{"q4_k_s", Role::value, first_four, Dtype::q5_k},
    Rule{"q4_k_m", Role::value, some_layers, Dtype::q6_k},
    Rule{"q5_k_m", Role::value, some_layers, Dtype::q6_k},

    Rule{"q2_k", Role::down, always, Dtype::q3_k},
    Rule{"q3_k_m", Role::down, first_sixteenth, Dtype::q5_k},
    Rule{"q3_k_m", Role::down, always, Dtype::q4_k},
    Rule{"q3_k_l", Role::down, always, Dtype::q5_k},
    Rule{"iq4_nl", Role::down, first_eighth_if_blind, Dtype::q5_k},
    Rule{"iq4_xs", Role::down, first_eighth_if_blind, Dtype::q5_k},
    Rule{"q4_0", Role::down, first_eighth_if_informed, Dtype::q4_1},
    Rule{"q4_k_s", Role::down, first_eighth, Dtype::q5_k},
    Rule{"q4_k_m", Role::down, some_layers, Dtype::q6_k},
    Rule{"q5_0", Role::down, first_eighth_if_informed, Dtype::q5_1},
    Rule{"q5_k_m", Role::down, some_layers, Dtype::q6_k},

    Rule{"q2_k", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"q3_k_s", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"q3_k_m", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"iq4_nl", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"iq4_xs", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"q4_k_s", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"q4_k_m", Role::attention_output, eight_experts, Dtype::q5_k},
    Rule{"q2_k", Role::attention_output, always, Dtype::q3_k},
    Rule{"q3_k_m", Role::attention_output, always, Dtype::q4_k},
    Rule{"q3_k_l", Role::attention_output, not_eight_experts, Dtype::q5_k},
};

std::int64_t whole_number(const Checkpoint& checkpoint, std::string_view key) {
  const MetadataValue* value = checkpoint.value(checkpoint.architecture + "." + std::string(key));
  if (value == nullptr) return 0;
  if (const auto* number = std::get_if<std::uint64_t>(value)) return static_cast<std::int64_t>(*number);
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(value))
    return numbers->empty() ? 0 : numbers->front();  // one for each layer
  return 0;
}

Dtype type_of_head(const TypeMix& mix, std::int64_t columns) {
  if (mix.name == "mxfp4" || mix.dtype == Dtype::q8_0 || columns % info(mix.dtype).block_elements != 0)
    return Dtype::q8_0;
  return Dtype::q6_k;
}

}  // namespace

std::span<const TypeMix> type_mixes() { return kMixes; }

const TypeMix* find_type_mix(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto alias = std::ranges::find(kAliases, lower, &Alias::name);
  const std::string_view wanted = alias == kAliases.end() ? std::string_view(lower) : alias->mix;
  const auto* found = std::ranges::find(kMixes, wanted, &TypeMix::name);
  return found == kMixes.end() ? nullptr : found;
}

TypeRules::TypeRules(const Checkpoint& checkpoint, const TypeMix& mix, bool importance) : mix_(mix) {
  const std::int64_t heads = whole_number(checkpoint, "attention.head_count");
  const std::int64_t key_heads = whole_number(checkpoint, "attention.head_count_kv");
  constexpr std::int64_t kLayersOfLarge = 80;
  model_.layers = whole_number(checkpoint, "block_count");
  model_.experts = whole_number(checkpoint, "expert_count");
  model_.queries_per_key = key_heads > 0 ? heads / key_heads : 1;
  model_.tied = checkpoint.find_tensor("output.weight") == nullptr;
  model_.large = model_.layers == kLayersOfLarge && model_.queries_per_key > 1;
  model_.importance = importance;
}

Dtype TypeRules::type_of(std::string_view name, const Shape& shape) const {
  if (!is_block_quantized(mix_.dtype)) return mix_.dtype;
  if (name == "output.weight" || (model_.tied && name == "token_embd.weight"))
    return type_of_head(mix_, shape.back());
  if (mix_.name == "mxfp4_moe") return shape.size() > 2 ? Dtype::mxfp4 : Dtype::q8_0;
  const Role role = role_of(name);
  if (model_.experts == 8 && (role == Role::value || role == Role::key)) return Dtype::q8_0;
  const std::int64_t layer = layer_of(name);
  const auto* rule = std::ranges::find_if(kRules, [&](const Rule& row) {
    return row.mix == mix_.name && row.role == role && row.when(model_, layer);
  });
  const Dtype dtype = rule == kRules.end() ? mix_.dtype : rule->dtype;
  const bool bumped = model_.large && role == Role::value;
  return bumped && (dtype == Dtype::q3_k || dtype == Dtype::q4_k) ? Dtype::q5_k : dtype;
}

Dtype fitting_type(Dtype wanted, std::int64_t columns) {
  struct Instead {
    Dtype wanted;
    Dtype used;
  };
  constexpr std::array kInstead = {
      Instead{Dtype::q2_k, Dtype::q4_0},     Instead{Dtype::q3_k, Dtype::q4_0},
      Instead{Dtype::iq4_xs, Dtype::iq4_nl}, Instead{Dtype::q4_k, Dtype::q5_0},
      Instead{Dtype::q5_k, Dtype::q5_1},     Instead{Dtype::q6_k, Dtype::q8_0},
  };
  const auto fits = [columns](Dtype dtype) { return columns % info(dtype).block_elements == 0; };
  if (fits(wanted)) return wanted;
  const auto* row = std::ranges::find(kInstead, wanted, &Instead::wanted);
  return row != kInstead.end() && fits(row->used) ? row->used : Dtype::f16;
}

std::int64_t file_type_of(Dtype dtype) {
  std::int64_t file_type = 0;
  for (const TypeMix& mix : kMixes)
    if (mix.dtype == dtype && mix.name != "mxfp4_moe") file_type = mix.file_type;
  return file_type;
}

}  // namespace lathe
