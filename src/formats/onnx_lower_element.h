// What the lowerings of ops that work element by element share.
#pragma once

#include "formats/onnx_lower.h"

namespace lathe::onnx {

/// The row `op` where it takes the inputs, which must be float32 for it; else the one of its name and "Any",
/// where there is one.
ValueId add_general(NodeImport& node, const std::string& op, const std::vector<ValueId>& inputs);

/// The value with `count` dimensions of one element behind its own.
ValueId with_trailing_ones(NodeImport& node, ValueId value, std::size_t count);

/// Optimizers' steps: Adagrad, Adam, Momentum.
std::span<const Lowering> training_lowerings();
/// Tables of ai.onnx.ml: ArrayFeatureExtractor, Binarizer, LabelEncoder.
std::span<const Lowering> label_lowerings();
/// TfIdfVectorizer.
std::span<const Lowering> n_gram_lowerings();
/// TreeEnsemble of ai.onnx.ml.
std::span<const Lowering> tree_lowerings();

}  // namespace lathe::onnx
