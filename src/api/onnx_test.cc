#include "api/onnx_test.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <new>

#include "api/onnx_difference.h"
#include "base/error.h"
#include "base/folder.h"
#include "base/json.h"
#include "formats/onnx_lower.h"
#include "formats/onnx_model.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::unsupported, message); }

Tensor host_tensor(const onnx::Tensor& stored) {
  if (stored.data_type == onnx::DataType::string) {
    Tensor result{std::string(info(Dtype::string).name), stored.dims, {}};
    result.texts = stored.strings;
    return result;
  }
  const auto [view, owner] = onnx::tensor_data(stored);
  return {std::string(info(view.dtype).name), view.shape, {view.data, view.data + view.bytes()}};
}

/// The dtype of the tensors that the type is made of.
std::string element_dtype(const onnx::Type& type) {
  if (type.element != nullptr) return element_dtype(*type.element);
  const auto dtype = onnx::dtype_of(type.data_type);
  if (!dtype) refuse("elements of type " + std::string(onnx::data_type_name(type.data_type)));
  return std::string(info(*dtype).name);
}

Tensor host_value(const onnx::Value& value, const onnx::Type& type) {
  if (type.kind == onnx::TypeKind::tensor) return host_tensor(value.tensor);
  if (type.element == nullptr) refuse("values that are no tensors are not supported");
  const bool list = type.kind == onnx::TypeKind::sequence;
  const bool holds_list = type.element->kind == onnx::TypeKind::sequence;
  Tensor result{element_dtype(type), {}, {}};
  result.container = list ? "sequence" : holds_list ? "optional sequence" : "optional";
  for (const auto& element : value.elements) result.elements.push_back(host_value(element, *type.element));
  return result;
}

Tensor read_tensor(const std::string& file, const onnx::ValueInfo& info) {
  const onnx::TypeKind kind = info.type.kind;
  if (kind == onnx::TypeKind::sequence)
    return host_value(onnx::read_sequence_file(MappedFile::open(file)), info.type);
  if (kind == onnx::TypeKind::optional)
    return host_value(onnx::read_optional_file(MappedFile::open(file)), info.type);
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
