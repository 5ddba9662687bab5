#include "api/program_source.h"

#include <filesystem>

#include "api/known_models.h"
#include "api/load_checkpoint.h"
#include "api/model_implementation.h"
#include "api/network_profiles.h"
#include "api/request_check.h"
#include "base/error.h"
#include "base/folder.h"
#include "formats/npy.h"
#include "formats/onnx_functions.h"
#include "formats/onnx_import.h"

namespace lathe {
namespace {

using ConstantBytes = std::pair<TensorView, std::shared_ptr<const void>>;

constexpr std::byte kNoBytes{};  // where tensors without elements lie

[[noreturn]] void refuse_constant(const std::string& name, const std::string& message,
                                  const std::string& file = {}) {
  throw Error(ErrorCode::invalid_argument, "the constant " + printable(name) + " " + message,
              {file, std::nullopt, printable(name)});
}

std::string type_text(std::string_view dtype, const Shape& shape) {
  std::string text(dtype);
  text += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

/// Finds a graph's constants: those given one by one, then a folder's files, then a model's tensors.
class ConstantFinder {
 public:
  explicit ConstantFinder(const ProgramOptions& options) : options_(options) {
    if (!options.constants_folder.empty()) folder_ = Folder::open(options.constants_folder);
    if (options.model.empty()) return;
    checkpoint_ = load_checkpoint(resolve_model(options.model, options.model_options), options.model_options);
  }

  /// What is absent has no bytes, and nobody has to give it.
  ConstantBytes find(const std::string& name, const ValueType& type) const {
    Shape shape;
    for (const auto& dim : type.dims) {
      if (dim.is_symbolic()) refuse_constant(name, "has a dimension that is no number: " + to_string(type));
      shape.push_back(dim.value);
    }
    if (type.dtype == Dtype::none) return {{&kNoBytes, type.dtype, shape}, nullptr};
    if (type.dtype == Dtype::string)
      refuse_constant(
          name, "is " + to_string(type) + ": texts are no constants, the op Strings makes them of bytes");
    for (const auto& [given, tensor] : options_.constants)
      if (given == name) return from_tensor(name, type, shape, tensor, {});
    if (folder_ != nullptr && folder_->has(name + ".npy")) {
      const auto file = folder_->map(name + ".npy");
      auto array = lathe::read_npy(*file);
      return from_tensor(name, type, shape,
                         {std::move(array.element), std::move(array.shape), std::move(array.bytes)},
                         file->path());
    }
    const TensorView* stored = checkpoint_ == nullptr ? nullptr : checkpoint_->find_tensor(name);
    if (stored == nullptr)
      throw Error(ErrorCode::not_found,
                  "the graph's constant " + printable(name) + " " + to_string(type) + " was not given",
                  {options_.file, std::nullopt, printable(name)});
    if (stored->dtype != type.dtype || stored->shape != shape)
      refuse_constant(name,
                      "is " + to_string(type) + ", and the model has " +
                          type_text(info(stored->dtype).name, stored->shape),
                      checkpoint_->file);
    return {*stored, checkpoint_};
  }

 private:
  static ConstantBytes from_tensor(const std::string& name, const ValueType& type, const Shape& shape,
                                   Tensor tensor, const std::string& file) {
    const bool as_bytes = tensor.dtype == "u8" && !is_element(type.dtype);
    const bool fits = as_bytes || (tensor.dtype == info(type.dtype).name && tensor.shape == shape);
    if (!fits || tensor.bytes.size() != dense_bytes(type.dtype, shape))
      refuse_constant(
          name, "is " + to_string(type) + ", and " + type_text(tensor.dtype, tensor.shape) + " was given",
          file);
    const auto kept = std::make_shared<const Tensor>(std::move(tensor));
    return {{kept->bytes.empty() ? &kNoBytes : kept->bytes.data(), type.dtype, shape}, kept};
  }

  const ProgramOptions& options_;
  std::shared_ptr<const Folder> folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

ProgramSource read_graph_text(const ProgramOptions& options) {
  const auto file = MappedFile::open(options.file);
  const auto bytes = file->bytes();
  const ConstantFinder constants(options);
  ProgramSource source;
  source.options = options.model_options;
  try {
    source.graph = parse_graph(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
        [&](const std::string& name, const ValueType& type) { return constants.find(name, type); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument || !error.place().field.empty()) throw;
    throw Error(ErrorCode::invalid_file, error.what(), {options.file, std::nullopt, {}});
  }
  return source;
}

ProgramSource read_network(const ProgramOptions& options, const onnx::NamedDims& exact) {
  onnx::ImportSizes sizes;
  sizes.exact = exact;
  for (const auto& [name, tensor] : options.inputs) sizes.shapes[name] = tensor.shape;
  ProgramSource source;
  source.options = options.model_options;
  sizes.shapes.merge(greatest_shapes(options.profiles));
  sizes.limits = greatest_sizes(options.profiles);
  sizes.limits.insert(options.sizes.begin(), options.sizes.end());
  source.graph =
      onnx::import_graph(onnx::expand_functions(onnx::read_onnx(options.file)), sizes, &source.value_names);
  return source;
}

ProgramSource read_model_graph(const ProgramOptions& options, const std::string& path) {
  const auto checkpoint = load_checkpoint(path, options.model_options);
  const Architecture& architecture = find_architecture(checkpoint->architecture);
  ProgramSource source;
  const ModelShape shape = architecture.shape(*checkpoint);
  source.options = complete(options.model_options, shape);
  source.graph = architecture.build(checkpoint, graph_options(source.options, shape));
  return source;
}

}  // namespace

ProgramSource read_program(const ProgramOptions& options, const std::map<std::string, std::int64_t>& exact) {
  if (options.file.ends_with(".onnx")) return read_network(options, exact);
  if (!options.file.empty()) return read_graph_text(options);
  return read_model_graph(options, resolve_model(options.model, options.model_options));
}

}  // namespace lathe
