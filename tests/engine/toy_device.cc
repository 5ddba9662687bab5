#include "engine/toy_device.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <stdexcept>

#include "backend/cache_layout.h"
#include "engine/allocation_counter.h"

namespace lathe::toy {
namespace {

constexpr std::uint64_t kSeed = 0x2545f4914f6cdd1d;

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ (value + 1)) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

void logits_of_hash(std::uint64_t hash, TokenId last, std::span<float> logits) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto noise = static_cast<double>(mixed(hash, i) >> 40) * 0x1p-24;
    logits[i] = static_cast<float>(i >= 290 ? -50.0 - noise : -4.0 * std::log(noise + 1e-9));
    if (last == kNanToken) logits[i] = std::numeric_limits<float>::quiet_NaN();
  }
}

/// One slot of a page as the toy keeps it: a key and a value of one dimension.
struct Cache {
  std::int32_t* slots;  // [pages, 2, kPageTokens]
  std::int32_t& key(std::int32_t page, std::int32_t slot) { return slots[page * 2 * kPageTokens + slot]; }
  std::int32_t& value(std::int32_t page, std::int32_t slot) {
    return slots[(page * 2 + 1) * kPageTokens + slot];
  }
};

class Context final : public ExecutionContext {
 public:
  Context(std::shared_ptr<const Plan> plan, Device& device) : plan_(std::move(plan)), device_(device) {
    bound_.resize(plan_->bindings.size());
    for (const auto& output : plan_->outputs) {
      const auto& dims = plan_->tensors[static_cast<std::size_t>(output.tensor)].type.dims;
      const auto columns = dims.size() > 1 ? static_cast<std::size_t>(dims[1].value) : 1;
      outputs_.emplace_back(static_cast<std::size_t>(limit("S")) * columns);
    }
  }

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override {
    bound_.at(static_cast<std::size_t>(binding)) = static_cast<std::byte*>(buffer.data()) + offset;
  }

  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted) override {
    const auto before = allocations_of_this_thread() - allocations_seen_;
    for (std::size_t i = 0; i < symbols.size(); ++i)
      require(
          symbols[i] <= plan_->symbols[i].maximum && symbols[i] >= (plan_->symbols[i].name == "S" ? 0 : 1),
          "a symbol is outside its range");
    tokens_ = symbol(symbols, "T");
    sequences_ = symbol(symbols, "Q");
    rows_ = symbol(symbols, "S");
    pages_ = symbol(symbols, "P");
    entries_ = symbol(symbols, "B");
    for (auto& output : outputs_) std::fill(output.begin(), output.end(), 0x7fc12345);
    compute(wanted);
    device_.record({tokens_, sequences_, rows_, pages_, wanted, before, 0});
    allocations_seen_ = allocations_of_this_thread();
  }

  void read_output(int output, std::span<std::byte> bytes) override {
    const auto& values = outputs_.at(static_cast<std::size_t>(output));
    require(bytes.size() <= values.size() * sizeof(std::int32_t), "an output is read past its end");
    std::memcpy(bytes.data(), values.data(), bytes.size());
    device_.record_read(bytes.size());
  }

 private:
  std::int64_t limit(const char* name) const {
    return plan_->symbols[static_cast<std::size_t>(plan_->symbol(name))].maximum;
  }
  std::int64_t symbol(std::span<const std::int64_t> symbols, const char* name) const {
    return symbols[static_cast<std::size_t>(plan_->symbol(name))];
  }
  template <class Item>
  std::span<const Item> input(const char* name, std::int64_t count) const {
    return {reinterpret_cast<const Item*>(bound_[static_cast<std::size_t>(plan_->binding(name))]),
            static_cast<std::size_t>(count)};
  }

  void compute(std::uint32_t wanted) {
    const auto ids = input<std::int32_t>("ids", tokens_);
    const auto positions = input<std::int32_t>("positions", tokens_);
    const auto sequences = input<SequenceEntry>("sequences", sequences_);
    const auto tables = input<std::int32_t>("block_tables", entries_);
    const bool off = plan_->bindings.size() == 5;
    if (off) scratch_.assign(static_cast<std::size_t>(pages_) * 2 * kPageTokens, -1);
    Cache cache{
        off ? scratch_.data()
            : reinterpret_cast<std::int32_t*>(bound_[static_cast<std::size_t>(plan_->binding("cache"))])};
    require(std::find(ids.begin(), ids.end(), kFailingToken) == ids.end(), "the toy was asked to fail");

    std::set<std::int32_t> written;
    std::vector<std::size_t> owner(ids.size());
    std::int32_t next_row = 0;
    for (std::size_t q = 0; q < sequences.size(); ++q) {
      const auto& entry = sequences[q];
      require(entry.first_token == next_row && entry.tokens >= 1, "sequences are not packed");
      next_row += entry.tokens;
      std::set<std::int32_t> own;
      for (std::int32_t i = 0; i < entry.tokens; ++i) {
        const auto row = static_cast<std::size_t>(entry.first_token + i);
        const auto position = entry.past + i;
        require(positions[row] == position, "positions are not those of the sequence");
        const auto page = page_of(entry, tables, position);
        cache.key(page, position % kPageTokens) = ids[row];
        cache.value(page, position % kPageTokens) = position + 1;
        own.insert(page);
        owner[row] = q;
      }
      for (const auto page : own) require(written.insert(page).second, "two sequences write one page");
    }
    require(next_row == static_cast<std::int32_t>(ids.size()), "rows are left over");
    const auto out_rows = input<std::int32_t>("out_rows", rows_);
    for (std::size_t s = 0; s < out_rows.size(); ++s) {
      const auto row = static_cast<std::size_t>(out_rows[s]);
      const auto& entry = sequences[owner.at(row)];
      std::uint64_t hash = kSeed;
      for (std::int32_t position = 0; position <= positions[row]; ++position) {
        const auto page = page_of(entry, tables, position);
        require(cache.value(page, position % kPageTokens) == position + 1, "a slot holds another position");
        hash = mixed(hash, static_cast<std::uint64_t>(cache.key(page, position % kPageTokens)));
      }
      give_row(s, hash, ids[row], wanted);
    }
  }

  std::int32_t page_of(const SequenceEntry& entry, std::span<const std::int32_t> tables,
                       std::int32_t position) const {
    const auto index = static_cast<std::size_t>(entry.first_page_entry + position / kPageTokens);
    require(index < tables.size() && tables[index] >= 0 && tables[index] < pages_,
            "a page is outside the cache");
    return tables[index];
  }

  void give_row(std::size_t row, std::uint64_t hash, TokenId last, std::uint32_t wanted) {
    std::vector<float> logits(kVocabulary);
    logits_of_hash(hash, last, logits);
    const auto give = [&](const char* name, const void* values, std::size_t count) {
      const auto output = plan_->output(name);
      if ((wanted >> output & 1) != 0)
        std::memcpy(outputs_[static_cast<std::size_t>(output)].data() + row * count, values, count * 4);
    };
    give("logits", logits.data(), kVocabulary);
    const auto order = [&](std::int32_t a, std::int32_t b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    };
    std::vector<std::int32_t> ids(kVocabulary);
    for (std::int32_t i = 0; i < kVocabulary; ++i) ids[static_cast<std::size_t>(i)] = i;
    if (last != kNanToken) std::stable_sort(ids.begin(), ids.end(), order);
    give("arg_max", ids.data(), 1);
    give("top_ids", ids.data(), kCandidates);
    std::vector<float> values;
    double sum = 0;
    for (const auto id : ids) values.push_back(logits[static_cast<std::size_t>(id)]);
    for (const auto value : values) sum += std::exp(static_cast<double>(value - values[0]));
    give("top_values", values.data(), kCandidates);
    const float log_sum_exp = values[0] + static_cast<float>(std::log(sum));
    give("log_sum_exp", &log_sum_exp, 1);
  }

  std::shared_ptr<const Plan> plan_;
  Device& device_;
  std::vector<std::byte*> bound_;
  std::vector<std::vector<std::int32_t>> outputs_;  // bits of 4-byte elements
  std::vector<std::int32_t> scratch_;
  std::int64_t tokens_ = 0, sequences_ = 0, rows_ = 0, pages_ = 0, entries_ = 0;
  std::uint64_t allocations_seen_ = 0;
};

}  // namespace

std::vector<float> logits_behind(std::span<const TokenId> history) {
  std::uint64_t hash = kSeed;
  for (const auto token : history) hash = mixed(hash, static_cast<std::uint64_t>(token));
  std::vector<float> logits(kVocabulary);
  logits_of_hash(hash, history.back(), logits);
  return logits;
}

Answer answer_alone(const GenerationRequest& request, std::int32_t context) {
  Sampler sampler(request.sampling);
  Answer answer;
  auto history = request.prompt;
  while (answer.finish == FinishReason::none) {
    if (static_cast<std::int32_t>(history.size()) == context) {
      answer.finish = FinishReason::context_full;
      break;
    }
    const auto token = sampler.sample(logits_behind(history), history);
    history.push_back(token);
    answer.tokens.push_back(token);
    const auto& ends = request.end_ids;
    if (std::find(ends.begin(), ends.end(), token) != ends.end())
      answer.finish = FinishReason::end_token;
    else if (request.max_tokens > 0 && static_cast<std::int32_t>(answer.tokens.size()) == request.max_tokens)
      answer.finish = FinishReason::length;
  }
  return answer;
}

Answer collect(Generation& generation) {
  Answer answer;
  while (answer.finish == FinishReason::none) {
    const auto event = generation.next();
    if (event.id >= 0) answer.tokens.push_back(event.id);
    answer.finish = event.finish;
  }
  return answer;
}

Buffer Device::allocate(std::size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  std::memset(memory, 0xee, bytes);  // more than the seam promises would hide reads of what was never written
  return Buffer(memory, bytes, false, [](void* data, std::size_t) { std::free(data); });
}

void Device::write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) {
  require(offset + host.size() <= buffer.bytes(), "a write behind the buffer");
  std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  traffic_.to_device += host.size();
}

void Device::read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) {
  require(offset + host.size() <= buffer.bytes(), "a read behind the buffer");
  std::memcpy(host.data(), static_cast<std::byte*>(buffer.data()) + offset, host.size());
  traffic_.to_host += host.size();
}

std::unique_ptr<ExecutionContext> Device::create_context(std::shared_ptr<const Plan> plan, ContextOptions) {
  return std::make_unique<Context>(std::move(plan), *this);
}

std::vector<StepRecord> Device::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

void Device::record(const StepRecord& step) {
  const std::lock_guard lock(mutex_);
  steps_.push_back(step);
}

void Device::record_read(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  steps_.back().bytes_read += bytes;
}

EngineOptions small_options() {
  EngineOptions options;
  options.vocabulary = kVocabulary;
  options.context_tokens = 1000;
  options.cache_tokens = 2000;
  options.step_tokens = 100;
  options.sequences = 4;
  options.out_rows = 16;
  options.cache = {1, 1, 1, Dtype::f32, false};
  return options;
}

std::shared_ptr<Plan> make_plan(const EngineOptions& options) {
  auto plan = std::make_shared<Plan>();
  const std::int64_t entries = std::int64_t{options.context_tokens / kPageTokens + 1} * options.sequences;
  const std::int64_t pages = std::max<std::int64_t>(entries, options.cache_tokens / kPageTokens + 1);
  // Not in the order of the documents: nothing may lean on it.
  plan->symbols = {{"S", options.out_rows}, {"T", options.step_tokens}, {"P", pages}, {"B", entries}};
  plan->symbols.push_back({"Q", options.sequences});
  const auto add = [&](const char* name, Dtype dtype, Dims dims) {
    plan->tensors.push_back({name, {dtype, std::move(dims)}, Place::bound, 0, 0, 0});
    return static_cast<std::int32_t>(plan->tensors.size()) - 1;
  };
  if (!options.cache.off) plan->bindings.push_back(add("cache", Dtype::f32, {1, "P", 2, 1, kPageTokens}));
  plan->bindings.push_back(add("out_rows", Dtype::i32, {"S"}));
  plan->bindings.push_back(add("ids", Dtype::i32, {"T"}));
  plan->bindings.push_back(add("positions", Dtype::i32, {"T"}));
  plan->bindings.push_back(add("sequences", Dtype::i32, {"Q", 4}));
  plan->bindings.push_back(add("block_tables", Dtype::i32, {"B"}));
  plan->outputs = {{"arg_max", add("arg_max", Dtype::i32, {"S"})},
                   {"logits", add("logits", Dtype::f32, {"S", options.vocabulary})},
                   {"top_values", add("top_values", Dtype::f32, {"S", kCandidates})},
                   {"top_ids", add("top_ids", Dtype::i32, {"S", kCandidates})},
                   {"log_sum_exp", add("log_sum_exp", Dtype::f32, {"S"})}};
  return plan;
}

}  // namespace lathe::toy
