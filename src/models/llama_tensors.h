// Tensor names of Llama's folders and those of models that GGUF counts to Llama.
#pragma once

#include "models/decoder_tensors.h"

namespace lathe {

inline constexpr DecoderEdits kLlamaEdits{TensorEdit::query_pairs, TensorEdit::key_pairs,
                                          TensorEdit::as_stored};
inline constexpr auto kLlamaTensors = decoder_tensors(kLlamaEdits, kPreNorms);

}  // namespace lathe
