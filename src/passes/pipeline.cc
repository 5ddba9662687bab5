#include "passes/pipeline.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.h"
#include "passes/compute_sizes.h"

namespace lathe {
namespace {

constexpr std::array kPasses = {
    Pass{"fold_constants", "compute ahead what depends on constants alone", fold_constants},
    Pass{"compute_sizes", "compute shapes from the inputs' dimensions, and not from one another",
         compute_sizes},
    Pass{"remove_identities", "drop what computes nothing, as x + 0; bit-equal but for -0 + 0",
         remove_identities},
    Pass{"transposed_convolutions",
         "compute transposed convolutions as ones with a row for each phase; within 1e-6 of the sums of "
         "magnitudes",
         transposed_convolutions},
    Pass{"fold_pads", "pad where the convolution or pooling behind pads itself; bit-equal", fold_pads},
    Pass{"fold_channel_factors",
         "scale the weights of convolutions ahead, and their channels not at all; within 1e-6 of the sums of "
         "magnitudes",
         fold_channel_factors},
    Pass{"propagate_quantization",
         "move QuantizeLinear up and DequantizeLinear down through what moves elements, and drop pairs; "
         "bit-equal",
         propagate_quantization},
    Pass{"fuse_codes",
         "multiply codes that are dequantized, with what is behind until they are codes again; within one "
         "code",
         fuse_codes},
    Pass{"fuse_integer_products", "multiply codes whose sums become float32, with what is behind; bit-equal",
         fuse_integer_products},
    Pass{"lower_quantized_products",
         "multiply the codes of QLinearConv and QLinearMatMul as other codes; bit-equal",
         lower_quantized_products},
    Pass{"tabulate_codes",
         "look up what functions make of dequantized codes until they are codes again; bit-equal",
         tabulate_codes},
    Pass{"fuse_code_functions",
         "add and multiply codes that are dequantized until they are codes again; bit-equal",
         fuse_code_functions},
    Pass{"fold_weights", "compute ahead the weights whose codes no product took", fold_weights},
    Pass{
        "recognize_reductions",
        "know Gelu, Swish, norms and sums of squares or exponentials where they are written out; within 1e-5",
        recognize_reductions},
    Pass{"recognize_attention", "know attention where it is written out; within 1e-5 of the greatest value",
         recognize_attention},
    Pass{"recognize_pooling", "know means over the axes of an image as pooling; within 1e-6 of magnitudes",
         recognize_pooling},
    Pass{"matmul_to_linear", "read constant factors as packed weights; within 1e-6 of the magnitudes' sum",
         matmul_to_linear},
    Pass{"merge_shuffles", "join transpositions and reshapes that follow each other; bit-equal",
         merge_shuffles},
    Pass{"quantize_activations", "run matrix products with block-quantized weights in 8-bit integers",
         quantize_activations},
    Pass{"merge_common_subexpressions", "compute once what is asked for twice", merge_common_subexpressions},
    Pass{"scale_with_convolutions",
         "normalize channels by convolutions where these take the function behind; within 1e-6 of magnitudes",
         scale_with_convolutions},
    Pass{"fuse_conv_epilogues",
         "apply functions to the outputs of convolutions and add residuals as they come; bit-equal",
         fuse_conv_epilogues},
    Pass{"winograd_convolutions",
         "convolve with kernels of 3 x 3 in a quarter of the products; within 1e-5 of the sums of magnitudes",
         winograd_convolutions},
    Pass{"fuse_conv_pooling", "pool the outputs of convolutions while they are in the cache; bit-equal",
         fuse_conv_pooling},
    Pass{"fuse_softmax_top_k", "take the greatest of a softmax where it is made; bit-equal",
         fuse_softmax_top_k},
    Pass{"fuse_gated_linear",
         "multiply, gate and quantize a feed-forward block's input in one node; bit-equal",
         fuse_gated_linear},
    Pass{"fuse_epilogues",
         "add biases to matrix products, scale them and apply functions as they come; bit-equal",
         fuse_epilogues},
    Pass{"fuse_residuals", "add matrix products to what they are added to as they come; bit-equal",
         fuse_residuals},
    Pass{"fuse_shared_inputs", "multiply an activation with all its matrices in one node; bit-equal",
         fuse_shared_inputs},
    Pass{"fuse_rotary_cache_write", "rotate keys on their way into the cache, and q with them; bit-equal",
         fuse_rotary_cache_write},
    Pass{"fuse_pointwise", "sums, products and activations that follow each other as one node; bit-equal",
         fuse_pointwise},
    Pass{"fuse_normalization", "norms in one node with what is computed before and behind them; bit-equal",
         fuse_normalization},
    Pass{"fuse_quantization", "make the codes of a row where the row is made; bit-equal", fuse_quantization},
    Pass{"remove_dead_nodes", "drop nodes and constants whose results nobody uses", remove_dead_nodes},
};

void require_known(const PipelineOptions& options) {
  if (options.context.math != "int8" && options.context.math != "f32")
    throw Error(ErrorCode::invalid_argument,
                "math is int8 or f32, not \"" + printable(options.context.math) + "\"",
                {{}, std::nullopt, "math"});
  for (const auto& name : options.disabled) {
    if (std::ranges::any_of(kPasses, [&name](const Pass& pass) { return pass.name == name; })) continue;
    std::string known;
    for (const auto& pass : kPasses) known += (known.empty() ? "" : ", ") + std::string(pass.name);
    throw Error(ErrorCode::invalid_argument,
                "there is no pass \"" + printable(name) + "\"; there are " + known,
                {{}, std::nullopt, "disabled_passes"});
  }
}

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

std::vector<PassReport> run_pipeline(Graph& graph, const PipelineOptions& options) {
  require_known(options);
  verify(graph, "import");
  std::vector<PassReport> reports;
  for (const auto& pass : kPasses) {
    PassReport report;
    report.name = pass.name;
    report.nodes_before = graph.nodes.size();
    report.skipped = std::ranges::find(options.disabled, pass.name) != options.disabled.end();
    if (!report.skipped) {
      const auto start = std::chrono::steady_clock::now();
      report.changed = pass.run(graph, options.context);
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      verify(graph, pass.name);
    }
    report.nodes_after = graph.nodes.size();
    reports.push_back(report);
  }
  return reports;
}

}  // namespace lathe
