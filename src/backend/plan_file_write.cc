#include <algorithm>

#include "backend/check_plan.h"
#include "backend/plan_file.h"
#include "backend/plan_file_layout.h"
#include "base/byte_archive.h"
#include "base/checked.h"

namespace lathe {
namespace {

using namespace plan_layout;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

std::uint64_t aligned(std::uint64_t value, std::uint64_t alignment) {
  const auto result = checked_align(value, alignment);
  if (!result) throw Error(ErrorCode::resource_limit, "the plan has more bytes than 64 bits can count");
  return *result;
}

/// A weight's bytes on the host.
class HostBytes {
 public:
  HostBytes(const Buffer& buffer, Backend& backend) {
    if (buffer.host_visible()) {
      bytes_ = {static_cast<const std::byte*>(buffer.data()), buffer.bytes()};
      return;
    }
    copy_.resize(buffer.bytes());
    backend.read(buffer, 0, copy_);
    bytes_ = copy_;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> copy_;
  std::span<const std::byte> bytes_;
};

std::vector<WeightRecord> weight_table(const Plan& plan, bool strip, Backend& backend) {
  std::vector<WeightRecord> table;
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < plan.weights.size(); ++i) {
    WeightRecord weight{plan.weight_sources[i], 0, weight_bytes(plan.weight_sources[i]), 0};
    CHECK(weight.bytes == plan.weights[i].bytes());
    if (!strip) {
      weight.offset = offset;
      weight.checksum = hash64(HostBytes(plan.weights[i], backend).bytes());
      offset = aligned(offset + weight.bytes, kWeightAlignment);
    }
    table.push_back(std::move(weight));
  }
  return table;
}

struct Head {
  std::string bytes;  // all before the data
  std::uint64_t file_bytes = 0;
};

void append_padded(ArchiveWriter& archive, std::string_view text, std::size_t bytes) {
  CHECK(text.size() < bytes);
  archive.raw(bytes_of(text));
  archive.raw(bytes_of(std::string(bytes - text.size(), '\0')));
}

Head make_head(const PlanBinding& binding, const std::vector<NamedSection>& sections,
               const std::vector<WeightRecord>& weights, bool strip) {
  std::uint64_t at = kHeaderBytes + sections.size() * kSectionEntryBytes;
  ArchiveWriter table;
  for (const auto& section : sections) {
    at = aligned(at, kSectionAlignment);
    append_padded(table, section.name, kSectionNameBytes);
    table.number(at, "offset");
    table.number(std::uint64_t{section.bytes.size()}, "bytes");
    at += section.bytes.size();
  }
  ArchiveWriter metadata;
  metadata.raw(bytes_of(std::string(kHeaderBytes, '\0')));
  metadata.raw(bytes_of(table.take()));
  for (const auto& section : sections) {
    metadata.align(kSectionAlignment);
    metadata.raw(bytes_of(section.bytes));
  }
  metadata.align(kWeightAlignment);
  Head head{metadata.take(), 0};
  head.file_bytes = head.bytes.size();
  if (!strip && !weights.empty()) head.file_bytes += weights.back().offset + weights.back().bytes;

  ArchiveWriter header;
  header.raw(bytes_of(kMagic));
  header.number(kByteOrder, "byte order");
  header.number(kPlanFormat, "format");
  header.number(head.file_bytes, "file bytes");
  header.number(std::uint64_t{head.bytes.size()}, "data start");
  header.number(static_cast<std::uint32_t>(binding.isa), "ISA");
  header.number(strip ? kStripped : 0u, "flags");
  header.number(binding.model[0], "model");
  header.number(binding.model[1], "model");
  append_padded(header, binding.engine, kEngineBytes);
  header.number(std::uint64_t{sections.size()}, "sections");
  header.number(hash64(std::string_view(head.bytes).substr(kHeaderBytes)), "metadata's checksum");
  std::string bytes = header.take();
  CHECK(bytes.size() == kHeaderHashAt);
  const std::uint64_t hash = hash64(bytes);
  bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  head.bytes.replace(0, kHeaderBytes, bytes);
  return head;
}

}  // namespace

void write_plan_file(const Plan& plan, const PlanBinding& binding, const std::vector<NamedSection>& sections,
                     bool strip, Backend& backend,
                     const std::function<void(std::span<const std::byte>, std::uint64_t)>& write) {
  const auto weights = weight_table(plan, strip, backend);
  std::vector<NamedSection> all = {{"plan", write_plan_section(plan)},
                                   {"weights", write_weight_section(weights)}};
  for (const auto& section : sections) {
    CHECK(std::ranges::find(kTextSections, section.name) != kTextSections.end());
    all.push_back(section);
  }
  const Head head = make_head(binding, all, weights, strip);
  write(bytes_of(head.bytes), head.file_bytes);
  if (strip) return;
  const std::vector<std::byte> zeros(kWeightAlignment);
  std::uint64_t written = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    write(std::span(zeros).first(weights[i].offset - written), head.file_bytes);
    write(HostBytes(plan.weights[i], backend).bytes(), head.file_bytes);
    written = weights[i].offset + weights[i].bytes;
  }
}

}  // namespace lathe
