#include "formats/onnx_checkpoint.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/folder.h"
#include "base/json.h"
#include "formats/model_folder.h"
#include "formats/onnx_functions.h"
#include "formats/onnx_lower.h"
#include "formats/onnx_weights.h"

namespace lathe::onnx {
namespace {

constexpr std::int64_t kMostContext = 1 << 27;
constexpr std::string_view kTransposed = ".transposed";

std::int64_t integer(const Node& node, std::string_view name, std::int64_t otherwise) {
  const Attribute* attribute = node.find(name);
  return attribute == nullptr || attribute->integers.empty() ? otherwise : attribute->integers.front();
}

std::string_view input(const Node& node, std::size_t index) {
  return index < node.inputs.size() ? std::string_view(node.inputs[index]) : std::string_view();
}

bool is_rotation(const Node& node) {
  return node.op_type == "RotaryEmbedding" || node.op_type == "GroupQueryAttention";
}

class CheckpointReader {
 public:
  CheckpointReader(std::shared_ptr<const Model> model, bool scan)
      : model_(std::move(model)), constants_(find_constants(model_->graph)), scan_(scan) {}

  std::shared_ptr<const Checkpoint> run(const std::string& folder) {
    checkpoint_->file = model_->file;
    checkpoint_->architecture = "onnx";
    checkpoint_->network = model_;
    read_sizes();
    read_context(folder);
    for (const Node& node : model_->graph.nodes) read_weights(node);
    if (widened_ > 0)
      checkpoint_->warnings.push_back(
          std::to_string(widened_) +
          " matrices of codes have factors that blocks of 16-bit factors do not hold; "
          "they became f32");
    checkpoint_->owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(owners_));
    return checkpoint_;
  }

 private:
  void set(const char* key, std::int64_t value) {
    checkpoint_->metadata.insert_or_assign("onnx." + std::string(key), value);
  }

  const ValueInfo* find_input(std::string_view name) const {
    const auto& inputs = model_->graph.inputs;
    const auto found = std::ranges::find(inputs, name, &ValueInfo::name);
    return found == inputs.end() ? nullptr : &*found;
  }

  /// Of the cache: every layer's [batch, kv_heads, tokens, head_dim].
  void read_sizes() {
    std::int64_t layers = 0;
    for (const Node& node : model_->graph.nodes) {
      if (!is_cached_attention(node)) continue;
      ++layers;
      const std::string_view name = input(node, node.op_type == "Attention" ? 4 : 3);
      const ValueInfo* past = find_input(name);
      const std::string shown = printable(name);
      if (past == nullptr || past->type.dims.size() != 4)
        checkpoint_->fail("the keys of earlier steps are no input of 4 dimensions", shown);
      const auto heads = past->type.dims[1].value, columns = past->type.dims[3].value;
      if (!heads || !columns || *heads < 1 || *columns < 1)
        checkpoint_->fail("the file does not tell how many heads and columns the cache has", shown);
      if (layers > 1 && (*heads != kv_heads_ || *columns != head_dim_))
        throw Error(ErrorCode::unsupported,
                    "layers whose caches differ in heads or columns are not supported",
                    {model_->file, {}, shown});
      kv_heads_ = *heads;
      head_dim_ = *columns;
    }
    if (layers == 0)
      throw Error(ErrorCode::unsupported,
                  "the network has no attention over keys and values of earlier steps: no decoder that the "
                  "engine knows; lathe exec runs it",
                  {model_->file, {}, {}});
    set("block_count", layers);
    set("attention.head_count_kv", kv_heads_);
    set("attention.key_length", head_dim_);
    const auto& outputs = model_->graph.outputs;
    const auto logits = std::ranges::find(outputs, "logits", &ValueInfo::name);
    if (logits == outputs.end()) checkpoint_->fail("the network has no output of this name", "logits");
    if (logits->type.dims.empty() || !logits->type.dims.back().value)
      checkpoint_->fail("the file does not tell how many logits there are", "logits");
    set("vocab_size", *logits->type.dims.back().value);
  }

  /// As config.json says, and no more than the rotation's cosines are given for.
  void read_context(const std::string& folder) {
    std::int64_t context = 0;
    const auto files = Folder::open(folder);
    const Json config = files->has("config.json") ? read_folder_json(*files, "config.json") : Json();
    if (config.is_object() && config.contains("max_position_embeddings")) {
      const Json& stored = config["max_position_embeddings"];
      context = stored.is_number_integer() ? stored.get<std::int64_t>() : 0;
      if (context < 1 || context > kMostContext)
        throw Error(ErrorCode::invalid_model,
                    "must be a whole number from 1 to " + std::to_string(kMostContext),
                    {folder + "/config.json", {}, "max_position_embeddings"});
    }
    for (const Node& node : model_->graph.nodes) {
      if (!is_rotation(node)) continue;
      for (const auto& name : node.inputs) {
        const auto found = constants_.find(name);
        if (found == constants_.end() || found->second->dims.size() != 2) continue;
        const std::int64_t rows = found->second->dims[0];
        if (rows > 0) context = context == 0 ? rows : std::min(context, rows);
      }
    }
    if (context == 0)
      checkpoint_->fail("config.json beside the network must say how many tokens a context has",
                        "max_position_embeddings");
    set("context_length", std::min(context, kMostContext));
  }

  void keep(const std::string& name, OwnedWeights weights) {
    checkpoint_->tensor_names.push_back(name);
    checkpoint_->tensors.emplace(name, std::move(weights.view));
    owners_.push_back(std::move(weights.owner));
  }

  void read_weights(const Node& node) {
    const auto matrix = matrix_use(node, constants_);
    if (matrix && !checkpoint_->tensors.contains(matrix->tensor))
      keep(matrix->tensor, matrix->quantized ? read_quantized(node)
                                             : read_floats(*constants_.at(node.inputs[matrix->input]),
                                                           matrix->transposed, model_->file, scan_));
    if (is_rotation(node)) return;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (matrix && (i == matrix->input || matrix->quantized)) continue;
      read_vector_of(node.inputs[i]);
    }
    if (node.op_type == "MatMulNBits") read_vector_of(std::string(input(node, 5)));
  }

  void read_vector_of(const std::string& name) {
    const auto found = constants_.find(name);
    if (found == constants_.end() || checkpoint_->tensors.contains(name)) return;
    const Tensor& tensor = *found->second;
    const auto dtype = dtype_of(tensor.data_type);
    if (!dtype || *dtype > Dtype::f64 || tensor.elements() == 0) return;
    keep(name, read_vector(tensor, model_->file, scan_));
  }

  const Tensor* constant(const Node& node, std::size_t index) const {
    const auto found = constants_.find(input(node, index));
    return found == constants_.end() ? nullptr : found->second;
  }

  OwnedWeights read_quantized(const Node& node) {
    const CodeMatrix matrix = code_matrix(
        node, [&](std::size_t index) { return constant(node, index); }, model_->file);
    OwnedWeights result = read_codes(matrix, model_->file, scan_);
    widened_ += result.view.dtype == Dtype::f32 ? 1 : 0;
    return result;
  }

  std::shared_ptr<const Model> model_;
  Constants constants_;
  bool scan_;
  std::shared_ptr<Checkpoint> checkpoint_ = std::make_shared<Checkpoint>();
  std::vector<std::shared_ptr<const void>> owners_;
  std::int64_t kv_heads_ = 0, head_dim_ = 0;
  std::size_t widened_ = 0;
};

}  // namespace

Constants find_constants(const Graph& graph) {
  Constants result;
  for (const Tensor& tensor : graph.initializers) result.emplace(tensor.name, &tensor);
  for (const Node& node : graph.nodes) {
    if (!node.domain.empty() || node.outputs.empty()) continue;
    if (node.op_type == "Constant") {
      const Attribute* value = node.find("value");
      if (value != nullptr && !value->tensors.empty()) result.emplace(node.outputs[0], &value->tensors[0]);
    } else if (node.op_type == "Identity" && !node.inputs.empty()) {
      const auto from = result.find(node.inputs[0]);
      if (from != result.end()) result.emplace(node.outputs[0], from->second);
    }
  }
  return result;
}

std::optional<MatrixUse> matrix_use(const Node& node, const Constants& constants) {
  const auto constant = [&](std::size_t index) {
    return index < node.inputs.size() && constants.contains(node.inputs[index]);
  };
  const auto is_matrix = [&](std::size_t index) {
    return constant(index) && constants.at(node.inputs[index])->dims.size() == 2;
  };
  if (node.op_type == "MatMulNBits" && constant(1)) return MatrixUse{node.inputs[1], 1, false, true};
  if (node.op_type == "GatherBlockQuantized" && constant(0)) return MatrixUse{node.inputs[0], 0, false, true};
  if (!node.domain.empty()) return std::nullopt;
  if (node.op_type == "Gather" && is_matrix(0) && !constant(1))
    return MatrixUse{node.inputs[0], 0, false, false};
  if (node.op_type != "MatMul" && node.op_type != "Gemm") return std::nullopt;
  if (!is_matrix(1)) return std::nullopt;
  const bool transposed = node.op_type == "MatMul" || integer(node, "transB", 0) == 0;
  return MatrixUse{node.inputs[1] + std::string(transposed ? kTransposed : ""), 1, transposed, false};
}

bool is_cached_attention(const Node& node) {
  if (node.op_type == "Attention") return node.domain.empty() && !input(node, 4).empty();
  return node.op_type == "GroupQueryAttention" && !input(node, 3).empty();
}

std::shared_ptr<const Checkpoint> read_onnx_checkpoint(const std::string& path, const std::string& folder,
                                                       bool scan) {
  auto model = std::make_shared<const Model>(expand_functions(read_onnx(path)));
  return CheckpointReader(std::move(model), scan).run(folder);
}

}  // namespace lathe::onnx
