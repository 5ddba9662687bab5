#include "api/onnx_test.h"

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <new>

#include "api/onnx_difference.h"
#include "base/error.h"
#include "base/folder.h"
#include "base/json.h"
#include "formats/onnx_model.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::unsupported, message); }

struct DtypeRow {
  onnx::DataType type;
  std::string_view dtype;
};

constexpr std::array kDtypes = {
    DtypeRow{onnx::DataType::float32, "f32"},
    DtypeRow{onnx::DataType::float64, "f64"},
    DtypeRow{onnx::DataType::float16, "f16"},
    DtypeRow{onnx::DataType::bfloat16, "bf16"},
    DtypeRow{onnx::DataType::boolean, "bool"},
    DtypeRow{onnx::DataType::int8, "i8"},
    DtypeRow{onnx::DataType::int16, "i16"},
    DtypeRow{onnx::DataType::int32, "i32"},
    DtypeRow{onnx::DataType::int64, "i64"},
    DtypeRow{onnx::DataType::uint8, "u8"},
    DtypeRow{onnx::DataType::uint16, "u16"},
    DtypeRow{onnx::DataType::uint32, "u32"},
    DtypeRow{onnx::DataType::uint64, "u64"},
    DtypeRow{onnx::DataType::int4, "i4"},
    DtypeRow{onnx::DataType::uint4, "u4"},
    DtypeRow{onnx::DataType::int2, "i2"},
    DtypeRow{onnx::DataType::uint2, "u2"},
    DtypeRow{onnx::DataType::float8e4m3fn, "f8e4m3fn"},
    DtypeRow{onnx::DataType::float8e4m3fnuz, "f8e4m3fnuz"},
    DtypeRow{onnx::DataType::float8e5m2, "f8e5m2"},
    DtypeRow{onnx::DataType::float8e5m2fnuz, "f8e5m2fnuz"},
    DtypeRow{onnx::DataType::float8e8m0, "f8e8m0"},
    DtypeRow{onnx::DataType::float4e2m1, "f4e2m1"},
};

/// Elements below a byte get a byte each.
Tensor host_tensor(const onnx::Tensor& stored) {
  const auto row = std::ranges::find(kDtypes, stored.data_type, &DtypeRow::type);
  if (row == kDtypes.end())
    refuse("tensors of type " + std::string(onnx::data_type_name(stored.data_type)) + " are not supported");
  Tensor tensor{std::string(row->dtype), stored.dims, {}};
  const std::uint32_t bits = onnx::data_type_bits(stored.data_type);
  if (bits >= 8) {
    tensor.bytes.assign(stored.bytes.begin(), stored.bytes.end());
    return tensor;
  }
  const bool is_signed = row->dtype.front() == 'i';
  const std::uint32_t per_byte = 8 / bits;
  tensor.bytes.reserve(stored.elements());
  for (std::uint64_t i = 0; i < stored.elements(); ++i) {
    const auto byte = std::to_integer<std::uint32_t>(stored.bytes[i / per_byte]);
    std::uint32_t code = byte >> (i % per_byte * bits) & ((1U << bits) - 1);
    if (is_signed && (code >> (bits - 1)) != 0) code |= 0xffU << bits & 0xff;
    tensor.bytes.push_back(static_cast<std::byte>(code));
  }
  return tensor;
}

Tensor read_tensor(const std::string& file, const onnx::ValueInfo& info) {
  const onnx::TypeKind kind = info.type.kind;
  if (kind == onnx::TypeKind::sequence) refuse("sequences are not supported");
  if (kind == onnx::TypeKind::optional) refuse("optionals are not supported");
  if (kind != onnx::TypeKind::tensor && kind != onnx::TypeKind::none)
    refuse("values that are no tensors are not supported");
  return host_tensor(onnx::read_tensor_file(MappedFile::open(file)));
}

Tolerance read_tolerance(const std::string& file) {
  const auto mapped = MappedFile::open(file);
  const auto bytes = mapped->bytes();
  const Json data = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "data.json");
  if (!data.is_object()) fail("data.json is no object");
  const auto number = [&](const char* key) {
    const auto found = data.find(key);
    if (found == data.end() || !found->is_number()) fail(std::string("data.json has no number ") + key);
    return found->get<double>();
  };
  return {number("atol"), number("rtol")};
}

/// Graph inputs that no initializer stands behind.
std::vector<onnx::ValueInfo> inputs_to_give(const onnx::Graph& graph) {
  std::vector<onnx::ValueInfo> inputs;
  for (const auto& input : graph.inputs) {
    const auto is_it = [&](const onnx::Tensor& tensor) { return tensor.name == input.name; };
    const bool has_default =
        std::ranges::any_of(graph.initializers, is_it) ||
        std::ranges::any_of(graph.sparse_initializers, is_it, &onnx::SparseTensor::values);
    if (!has_default) inputs.push_back(input);
  }
  return inputs;
}

/// The file of the i-th value of a data set; empty where there is none.
std::string value_file(const std::filesystem::path& set, const char* kind, std::size_t i) {
  const auto path = set / (std::string(kind) + "_" + std::to_string(i) + ".pb");
  return std::filesystem::exists(path) ? path.string() : std::string();
}

void run_data_set(const std::string& model_file, const onnx::Graph& graph, const std::filesystem::path& set,
                  const Tolerance& tolerance) {
  ProgramOptions options;
  options.file = model_file;
  options.model_options.threads = 1;
  options.model_options.math = "f32";
  const auto inputs = inputs_to_give(graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string file = value_file(set, "input", i);
    if (file.empty()) fail("the data set has no input " + std::to_string(i));
    options.inputs.emplace_back(inputs[i].name, read_tensor(file, inputs[i]));
  }
  NamedTensors expected;
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const std::string file = value_file(set, "output", i);
    if (file.empty()) fail("the data set has no output " + std::to_string(i));
    expected.emplace_back(graph.outputs[i].name, read_tensor(file, graph.outputs[i]));
  }
  if (expected.empty()) fail("the network has no outputs");

  const Program program = Program::load(options);
  Execution execution = program.execution();
  execution.run();
  for (const auto& [name, tensor] : expected) {
    const std::string difference = onnx_difference(execution.output(name), tensor, tolerance);
    if (!difference.empty()) fail("the output " + printable(name) + " " + difference);
  }
}

void run_data_sets(const std::filesystem::path& folder) {
  const std::string model_file = folder / "model.onnx";
  const Tolerance tolerance = read_tolerance(folder / "data.json");
  const onnx::Model model = onnx::read_onnx(model_file);
  std::size_t set = 0;
  for (;; ++set) {
    const auto path = folder / ("test_data_set_" + std::to_string(set));
    if (!std::filesystem::is_directory(path)) break;
    run_data_set(model_file, model.graph, path, tolerance);
  }
  if (set == 0) fail("the test has no data sets");
}

}  // namespace

OnnxTestResult run_onnx_test(const std::string& folder) {
  OnnxTestResult result;
  const std::filesystem::path path(folder);
  result.name = path.filename();
  result.kind = path.parent_path().filename();
  result.outcome = OnnxOutcome::failed;
  try {
    run_data_sets(path);
    result.outcome = OnnxOutcome::passed;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported) result.outcome = OnnxOutcome::unsupported;
    result.reason = error.what();
    // The folder is known; its path would only make reasons long and different.
    const std::string shown = printable(folder) + "/";
    for (auto at = result.reason.find(shown); at != std::string::npos; at = result.reason.find(shown))
      result.reason.erase(at, shown.size());
  } catch (const std::bad_alloc&) {
    result.reason = "out of memory";
  } catch (const std::exception& error) {  // of the standard library's file system
    result.reason = error.what();
  }
  return result;
}

}  // namespace lathe
