// What libFuzzer calls with bytes of its own: an ONNX file is refused with an Error, or read and its
// functions expanded. The tests beside it call it with files of theirs; by itself it is built with
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Isrc -Iinclude -Itests -o onnx_fuzzer
//     tests/fuzz/onnx_fuzzer.cc src/formats/onnx_{wire,types,tensor,external,graph,model,check,functions}.cc
//     src/base/{error,folder,mapped_file}.cc src/text/utf8.cc -lutf8proc
#include "fuzz/onnx_fuzzer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "base/descriptor.h"
#include "formats/onnx_functions.h"
#include "lathe/error.h"

namespace lathe::test {
namespace {

/// The bytes as a file in memory, since networks are read where files are mapped.
std::shared_ptr<const MappedFile> file_of(std::span<const std::byte> bytes) {
  const Descriptor file(::memfd_create("onnx", MFD_CLOEXEC));
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return nullptr;
  return MappedFile::of_descriptor(file.get(), "/nowhere/fuzzed.onnx");
}

void touch(const onnx::Graph& graph, std::uint64_t& sum) {
  for (const auto& tensor : graph.initializers)
    if (!tensor.bytes.empty()) sum += std::to_integer<std::uint64_t>(tensor.bytes.back());
  for (const auto& node : graph.nodes)
    for (const auto& attribute : node.attributes)
      for (const auto& inner : attribute.graphs) touch(inner, sum);
}

}  // namespace

std::optional<std::uint64_t> read_onnx_bytes(std::span<const std::byte> bytes) {
  const auto file = file_of(bytes);
  if (file == nullptr) return std::nullopt;
  try {
    const onnx::Model model = onnx::expand_functions(onnx::read_onnx(file));
    std::uint64_t sum = 0;
    touch(model.graph, sum);
    return sum;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw;
    return std::nullopt;
  }
}

}  // namespace lathe::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lathe::test::read_onnx_bytes(std::as_bytes(std::span(data, size)));
  return 0;
}
