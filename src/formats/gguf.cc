// GGUF, versions 2 and 3, little-endian:
//
//   0    "GGUF"
//   4    u32 version
//   8    u64 number of tensors
//   16   u64 number of metadata keys
//   24   metadata: keys with values          gguf_metadata.cc
//        tensor table: name, shape, type     gguf_tensors.cc
//        padding to general.alignment (32 where the key is missing)
//        data section: the tensors in the table's order, each padded to the alignment
//
// The file is mapped, and tensors are used where they lie. Everything above the data section is read through
// CheckedReader; of the data section, the extent of every tensor is checked here and its factors in
// gguf_scan.cc.
#include "formats/gguf.h"

#include <bit>
#include <new>

#include "base/checked.h"
#include "base/mapped_file.h"
#include "formats/gguf_reader.h"

namespace lathe {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::int64_t kMaxAlignment = 1 << 20;

void read_version(CheckedReader& reader) {
  const auto magic = reader.take(4, "the magic number");
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), 4) != "GGUF")
    reader.fail("this is not a GGUF file: it starts with '" +
                printable({reinterpret_cast<const char*>(magic.data()), 4}) + "'");
  const auto version = reader.read<std::uint32_t>("the version");
  if (version == 2 || version == 3) return;
  if (const auto swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= 3)
    reader.fail("the file has the byte order of big-endian machines, which is not supported");
  reader.fail("GGUF version " + std::to_string(version) + " is not supported; versions 2 and 3 are");
}

std::uint64_t alignment_of(const Checkpoint& checkpoint) {
  const auto alignment = static_cast<std::uint64_t>(
      checkpoint.integer_or("general.alignment", kDefaultAlignment, 1, kMaxAlignment));
  if (!std::has_single_bit(alignment))
    checkpoint.fail("the alignment " + std::to_string(alignment) + " is no power of two",
                    "general.alignment");
  return alignment;
}

void refuse_parts(const Checkpoint& checkpoint) {
  if (checkpoint.integer_or("split.count", 1, 1, 65'535) == 1) return;
  throw Error(ErrorCode::unsupported,
              "the file is one of several parts of a model; merge them into one file first",
              {checkpoint.file, std::nullopt, "split.count"});
}

void refuse_unoffered_types(const std::vector<GgufTensor>& tensors, const std::string& file) {
  for (const GgufTensor& tensor : tensors)
    if (!tensor.type->dtype)
      throw Error(ErrorCode::unsupported,
                  "tensor type " + std::string(tensor.type->name) + " is not supported",
                  {file, tensor.table_offset, tensor.name});
}

std::shared_ptr<const Checkpoint> read(const std::string& path, const GgufOptions& options) {
  const auto mapped = MappedFile::open(path);
  const auto bytes = mapped->bytes();
  CheckedReader reader(bytes, path);
  read_version(reader);
  const auto tensor_count = reader.read<std::uint64_t>("the number of tensors");
  const auto key_count = reader.read<std::uint64_t>("the number of keys");

  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->file = path;
  checkpoint->owner = mapped;
  checkpoint->metadata = read_gguf_metadata(reader, key_count);
  checkpoint->architecture = checkpoint->optional_text("general.architecture").value_or("");
  refuse_parts(*checkpoint);
  const std::uint64_t alignment = alignment_of(*checkpoint);

  const auto tensors = read_gguf_tensors(reader, tensor_count);
  const auto data_start = checked_align(reader.offset(), alignment).value_or(bytes.size());
  const auto end = check_gguf_layout(tensors, data_start, alignment, bytes.size(), path);
  refuse_unoffered_types(tensors, path);
  if (bytes.size() > end) {
    const std::string message = std::to_string(bytes.size() - end) + " bytes follow the last tensor";
    if (options.strict) throw Error(ErrorCode::invalid_file, message, {path, end, {}});
    checkpoint->warnings.push_back(message);
  }

  for (const GgufTensor& tensor : tensors) {
    const std::uint64_t offset = data_start + tensor.offset;
    // An empty tensor may start at the end of a file that lacks its last padding.
    const std::byte* data = tensor.bytes == 0 ? bytes.data() : bytes.data() + offset;
    const TensorView view{data, *tensor.type->dtype, tensor.shape};
    if (options.scan_factors) scan_gguf_factors(view, tensor.name, offset, path);
    checkpoint->tensor_names.push_back(tensor.name);
    checkpoint->tensors.emplace(tensor.name, view);
  }
  return checkpoint;
}

}  // namespace

std::shared_ptr<const Checkpoint> read_gguf(const std::string& path, const GgufOptions& options) {
  try {
    return read(path, options);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_limit, "not enough memory to read the file", {path, std::nullopt, {}});
  }
}

}  // namespace lathe
