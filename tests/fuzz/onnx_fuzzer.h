// The entry of the fuzzer of ONNX files, for tests too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lathe::test {

/// A sum over what the file holds, so that all of it is touched; nothing where it was refused with an Error.
/// Error(internal) and everything else is thrown on.
std::optional<std::uint64_t> read_onnx_bytes(std::span<const std::byte> bytes);

}  // namespace lathe::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
