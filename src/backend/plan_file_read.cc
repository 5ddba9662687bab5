#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include "backend/check_plan.h"
#include "backend/plan_file.h"
#include "backend/plan_file_layout.h"
#include "base/byte_archive.h"
#include "base/checked.h"
#include "base/descriptor.h"

namespace lathe {
namespace {

using namespace plan_layout;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A text in a field of its own, with zeros behind it.
std::string_view padded_text(CheckedReader& reader, std::size_t bytes, std::string_view what) {
  const std::string_view field = text_of(reader.take(bytes, what));
  const std::size_t end = std::min(field.find('\0'), field.size());
  if (field.find_first_not_of('\0', end) != std::string_view::npos)
    reader.fail(std::string(what) + " goes on behind its end");
  return field.substr(0, end);
}

bool is_known_section(std::string_view name) {
  return name == "plan" || name == "weights" || std::ranges::find(kTextSections, name) != kTextSections.end();
}

[[noreturn]] void not_supported(const std::string& message, const std::string& file, const char* field) {
  throw Error(ErrorCode::unsupported, message, {file, std::nullopt, field});
}

}  // namespace

bool is_plan_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, kMagic.size()> start{};
  return file.get() >= 0 &&
         ::read(file.get(), start.data(), start.size()) == static_cast<ssize_t>(start.size()) &&
         std::string_view(start.data(), start.size()) == kMagic;
}

std::shared_ptr<const PlanFile> PlanFile::open(const std::string& path) {
  const std::shared_ptr<PlanFile> plan(new PlanFile(MappedFile::open(path)));
  plan->read_header();
  return plan;
}

void PlanFile::read_header() {
  const auto bytes = file_->bytes();
  CheckedReader reader(bytes, path());
  reader.set_field("header");
  if (text_of(reader.take(kMagic.size(), "the magic number")) != kMagic)
    reader.fail("this is not a plan file", "magic");
  const auto order = reader.read<std::uint32_t>("the byte order");
  if (order != kByteOrder)
    not_supported(order == __builtin_bswap32(kByteOrder)
                      ? "the plan has the byte order of big-endian machines"
                      : "the plan has a byte order that is not known",
                  path(), "byte_order");
  const auto format = reader.read<std::uint32_t>("the format version");
  if (format != kPlanFormat)
    not_supported("the plan has format version " + std::to_string(format) + ", this program reads version " +
                      std::to_string(kPlanFormat) + "; build it again",
                  path(), "format_version");
  const auto file_bytes = reader.read<std::uint64_t>("the file's size");
  const auto data_start = reader.read<std::uint64_t>("the start of the data");
  const auto isa = reader.read<std::uint32_t>("the instruction set");
  const auto flags = reader.read<std::uint32_t>("the flags");
  binding_.model[0] = reader.read<std::uint64_t>("the model's hash");
  binding_.model[1] = reader.read<std::uint64_t>("the model's hash");
  binding_.engine = padded_text(reader, kEngineBytes, "the engine's version");
  const auto sections = reader.read<std::uint64_t>("the number of sections");
  const auto metadata_hash = reader.read<std::uint64_t>("the metadata's checksum");
  const auto header_hash = reader.read<std::uint64_t>("the header's checksum");
  if (hash64(bytes.first(kHeaderHashAt)) != header_hash)
    reader.fail("the header is damaged: its checksum is another", "header_checksum");
  if (file_bytes != bytes.size())
    reader.fail(
        "the file has " + std::to_string(bytes.size()) + " bytes, and says " + std::to_string(file_bytes),
        "file_bytes");
  if (isa > static_cast<std::uint32_t>(kHighestIsa))
    reader.fail("the instruction set " + std::to_string(isa) + " is not known", "isa");
  if ((flags & ~kStripped) != 0)
    reader.fail("the flags " + std::to_string(flags) + " are not known", "flags");
  if (data_start < kHeaderBytes || data_start > bytes.size() || data_start % kWeightAlignment != 0)
    reader.fail("the data cannot start at " + std::to_string(data_start), "data_start");
  if (hash64(bytes.subspan(kHeaderBytes, data_start - kHeaderBytes)) != metadata_hash)
    reader.fail("the metadata is damaged: its checksum is another", "metadata_checksum");
  binding_.isa = static_cast<IsaLevel>(isa);
  data_ = bytes.subspan(data_start);
  stripped_ = (flags & kStripped) != 0;
  read_sections(sections, data_start);
}

void PlanFile::read_sections(std::uint64_t count, std::uint64_t data_start) {
  const auto metadata = file_->bytes().first(data_start);
  CheckedReader reader(metadata, path());
  reader.set_field("sections");
  reader.seek(kHeaderBytes, "the section table");
  if (count > kMostSections) reader.fail(std::to_string(count) + " sections are too many");
  reader.require_records(count, kSectionEntryBytes, "sections");
  std::uint64_t free = kHeaderBytes + count * kSectionEntryBytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto name = padded_text(reader, kSectionNameBytes, "a section's name");
    if (!is_known_section(name)) reader.fail("there is no section \"" + printable(name) + "\"");
    if (!section(name).empty()) reader.fail("the section \"" + printable(name) + "\" is there twice");
    const auto offset = reader.read<std::uint64_t>("a section's offset");
    const auto bytes = reader.read<std::uint64_t>("a section's size");
    const auto end = checked_add(offset, bytes);
    if (offset < free || offset % kSectionAlignment != 0 || !end || *end > data_start)
      reader.fail("the section \"" + printable(name) + "\" does not lie within the metadata");
    sections_.push_back({name, metadata.subspan(offset, bytes)});
    free = *end;
  }
  weights_ = read_weight_section(section("weights"), path());
  check_weights();
}

void PlanFile::check_weights() const {
  const std::uint64_t data_start = file_->bytes().size() - data_.size();
  const auto fail = [&](const WeightRecord& weight, const std::string& message) {
    throw Error(ErrorCode::invalid_file, message, {path(), data_start, weight.source.name});
  };
  std::uint64_t free = 0;
  for (const auto& weight : weights_) {
    std::uint64_t needed = 0;
    try {
      needed = weight_bytes(weight.source);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::internal) throw;
      fail(weight, error.what());
    }
    if (weight.bytes != needed) fail(weight, "the weight's size is not that of its shape and type");
    if (stripped_) {
      if (weight.offset != 0 || weight.checksum != 0) fail(weight, "a stripped plan has no weights");
      continue;
    }
    const auto end = checked_add(weight.offset, weight.bytes);
    if (weight.offset < free || weight.offset % kWeightAlignment != 0 || !end || *end > data_.size())
      fail(weight, "the weight does not lie within the data");
    free = *end;
  }
  if (free != data_.size())
    throw Error(ErrorCode::invalid_file,
                std::to_string(data_.size() - free) + " bytes follow the last weight",
                {path(), data_start + free, "data"});
}

std::span<const std::byte> PlanFile::section(std::string_view name) const {
  for (const auto& section : sections_)
    if (section.name == name) return section.bytes;
  return {};
}

std::string_view PlanFile::text(std::string_view name) const { return text_of(section(name)); }

void PlanFile::require_runnable(std::string_view engine, IsaLevel isa) const {
  if (binding_.engine != engine)
    not_supported("the plan was built by version " + printable(binding_.engine) + ", this is " +
                      std::string(engine) + "; build it again",
                  path(), "engine");
  if (binding_.isa > isa)
    not_supported("the plan was built for " + std::string(isa_name(binding_.isa)) + ", this processor has " +
                      std::string(isa_name(isa)) + "; build it here",
                  path(), "isa");
}

void PlanFile::verify_weights() const {
  std::uint64_t written = 0;
  const auto require_zeros = [&](std::uint64_t end) {
    for (const auto byte : data_.subspan(written, end - written))
      if (byte != std::byte{0})
        throw Error(ErrorCode::invalid_file, "bytes between two weights are not zero",
                    {path(), file_->bytes().size() - data_.size() + written, "data"});
  };
  for (const auto& weight : weights_) {
    if (stripped_) break;
    require_zeros(weight.offset);
    if (hash64(data_.subspan(weight.offset, weight.bytes)) != weight.checksum)
      throw Error(ErrorCode::invalid_file, "the weight is damaged: its checksum is another",
                  {path(), file_->bytes().size() - data_.size() + weight.offset, weight.source.name});
    written = weight.offset + weight.bytes;
  }
}

std::shared_ptr<Plan> PlanFile::plan(Backend& backend) const {
  auto plan = std::make_shared<Plan>(read_plan_section(section("plan"), path(), backend.kernels()));
  for (const auto& weight : weights_) plan->weight_sources.push_back(weight.source);
  check_plan(*plan, path());
  if (stripped_) return plan;
  for (const auto& weight : weights_) {
    const auto bytes = data_.subspan(weight.offset, weight.bytes);
    if (auto shared = backend.share(bytes, file_)) {
      plan->weights.push_back(*std::move(shared));
      plan->weight_report.mapped_bytes += bytes.size();
      continue;
    }
    plan->weights.push_back(backend.allocate_weight(bytes.size()));
    backend.write(plan->weights.back(), 0, bytes);
    plan->weight_report.copied_bytes += bytes.size();
  }
  return plan;
}

}  // namespace lathe
