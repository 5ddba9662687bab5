// AttentionAny: ONNX's attention in full. q, k and v are [batch, heads, rows, columns], or [batch, rows,
// heads * columns]; inputs 3 to 6 are the mask (boolean: what is seen; floats: added), past keys and values
// [batch, kv heads, rows, columns], and how many keys each sequence has.
// A score is (q * s) . (k * s) with s = sqrt(scale), capped, then masked. Scores, probabilities and what
// becomes of them are rounded to T at each step, as ONNX's own definition has it. A row that sees nothing is
// zero.
#include "cpu/portable/strided.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

enum Attribute : std::uint8_t {
  kIsCausal,
  kKvHeads,
  kLeftWindow,
  kQHeads,
  kScoreMode,
  kRightWindow,
  kScale,
  kSoftcap,
  kPrecision,
  kOutputs
};

/// Rows of heads in a tensor of either layout.
struct HeadRows {
  std::int64_t heads = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  bool flat = false;  // [batch, rows, heads * columns]

  HeadRows() = default;
  HeadRows(const TensorArg& tensor, std::int64_t given_heads) : flat(tensor.rank == 3) {
    heads = flat ? given_heads : tensor.dims[1];
    rows = tensor.dims[flat ? 1 : 2];
    columns = flat ? tensor.dims[2] / heads : tensor.dims[3];
  }
  std::int64_t place(std::int64_t batch, std::int64_t head, std::int64_t row) const {
    return flat ? ((batch * rows + row) * heads + head) * columns
                : ((batch * heads + head) * rows + row) * columns;
  }
};

/// Keys or values, those of the past first.
template <class T>
struct Cache {
  const T* past = nullptr;
  const T* own = nullptr;
  std::int64_t past_rows = 0;
  HeadRows layout;

  Cache(const KernelCall& call, int input, int past_input)
      : own(data_of<const T>(call.inputs[input])),
        layout(call.inputs[input], call.attributes[kKvHeads].integer) {
    if (!has_input(call, past_input)) return;
    past = data_of<const T>(call.inputs[past_input]);
    past_rows = call.inputs[past_input].dims[2];
  }
  std::int64_t total() const { return past_rows + layout.rows; }
  const T* row(std::int64_t batch, std::int64_t head, std::int64_t index) const {
    if (index < past_rows) return past + ((batch * layout.heads + head) * past_rows + index) * layout.columns;
    return own + layout.place(batch, head, index - past_rows);
  }
};

template <class T>
void write_present(const KernelCall& call, const Cache<T>& cache, const TensorArg& present) {
  const std::int64_t columns = cache.layout.columns;
  const Share share = share_of(call, columns == 0 ? 0 : element_count(present) / columns);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t matrix = i / cache.total();
    const T* row = cache.row(matrix / cache.layout.heads, matrix % cache.layout.heads, i % cache.total());
    std::copy_n(row, columns, data_of<T>(present) + i * columns);
  }
}

/// What may be seen from a row, beside the mask.
struct Sight {
  std::int64_t first;
  std::int64_t end;

  Sight(const KernelCall& call, std::int64_t batch, std::int64_t row, std::int64_t rows, std::int64_t past,
        std::int64_t total)
      : first(0), end(total) {
    std::int64_t position = past + row;
    if (has_input(call, 6)) {
      const std::int64_t length = std::clamp<std::int64_t>(integer_at(call.inputs[6], batch), 0, total);
      position = length - rows + row;
      end = length;
    }
    const std::int64_t left = call.attributes[kLeftWindow].integer;
    const std::int64_t right = call.attributes[kRightWindow].integer;
    if (call.attributes[kIsCausal].integer != 0) end = std::min(end, position + 1);
    if (left >= 0) first = std::max(first, position - left);
    if (right >= 0) end = std::min(end, position + right + 1);
  }
  bool sees(std::int64_t column) const { return column >= first && column < end; }
};

/// The mask's row: what is added to each score.
class Mask {
 public:
  Mask(const KernelCall& call, const TensorArg& scores) : given_(has_input(call, 3)) {
    if (!given_) return;
    mask_ = call.inputs[3];
    columns_ = column_count(mask_);
    is_boolean_ = mask_.dtype == static_cast<std::int32_t>(Dtype::boolean);
    strides_ = broadcast_strides(mask_, scores);
  }
  double at(std::int64_t batch, std::int64_t head, std::int64_t row, std::int64_t column) const {
    if (!given_) return 0;
    if (column >= columns_) return -kInfinity;
    const double value =
        real_at(mask_, batch * strides_[0] + head * strides_[1] + row * strides_[2] + column);
    if (is_boolean_) return value != 0 ? 0 : -kInfinity;
    return value;
  }

 private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  bool given_;
  bool is_boolean_ = false;
  std::int64_t columns_ = 0;
  TensorArg mask_{};
  Strides strides_{};
};

/// Softmax in the precision of P; zeros where nothing is seen.
template <class P, class Value>
void softmax(Value* x, std::int64_t count) {
  using Inner = Computed<P>;
  Inner greatest = -std::numeric_limits<Inner>::infinity();
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<Value>(rounded<P>(static_cast<Inner>(x[i])));
    greatest = std::max(greatest, static_cast<Inner>(x[i]));
  }
  if (greatest == -std::numeric_limits<Inner>::infinity()) {
    std::fill_n(x, count, Value{});
    return;
  }
  Inner sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Inner e = rounded<P>(std::exp(rounded<P>(static_cast<Inner>(x[i]) - greatest)));
    x[i] = static_cast<Value>(e);
    sum += e;
  }
  sum = rounded<P>(sum);
  for (std::int64_t i = 0; i < count; ++i)
    x[i] = static_cast<Value>(rounded<P>(static_cast<Inner>(x[i]) / sum));
}

template <class T>
void softmax_in(std::int64_t precision, Computed<T>* x, std::int64_t count) {
  switch (precision) {  // an ONNX data type; 0: T
    case 1:
      return softmax<float>(x, count);
    case 10:
      return softmax<Half>(x, count);
    case 11:
      return softmax<double>(x, count);
    case 16:
      return softmax<Bfloat>(x, count);
    default:
      return softmax<T>(x, count);
  }
}

struct Attention {
  template <class T>
  static void run(const KernelCall& call) {
    const HeadRows q(call.inputs[0], call.attributes[kQHeads].integer);
    const Cache<T> keys(call, 1, 4);
    const Cache<T> values(call, 2, 5);
    const std::int64_t outputs = call.attributes[kOutputs].integer;
    if (outputs > 1) write_present(call, keys, call.outputs[1]);
    if (outputs > 2) write_present(call, values, call.outputs[2]);
    const Share share = share_of(call, call.inputs[0].dims[0] * q.heads * q.rows);
    for (std::int64_t i = share.begin; i < share.end; ++i)
      attend(call, q, keys, values, i / (q.heads * q.rows), i / q.rows % q.heads, i % q.rows);
  }

  template <class T>
  static void attend(const KernelCall& call, const HeadRows& q, const Cache<T>& keys, const Cache<T>& values,
                     std::int64_t batch, std::int64_t head, std::int64_t row) {
    using Value = Computed<T>;
    const std::int64_t total = keys.total();
    auto* scores = static_cast<Value*>(call.scratch);  // [total]
    auto* scaled = scores + std::max(total, values.layout.columns);
    const TensorArg score_shape{nullptr, {call.inputs[0].dims[0], q.heads, q.rows, total}, 4, 0};
    const Mask mask(call, score_shape);
    const Sight sight(call, batch, row, q.rows, keys.past_rows, total);
    const std::int64_t kv_head = head / (q.heads / keys.layout.heads);
    const std::int64_t mode = call.attributes[kScoreMode].integer;
    T* kept = call.attributes[kOutputs].integer > 3
                  ? data_of<T>(call.outputs[3]) + ((batch * q.heads + head) * q.rows + row) * total
                  : nullptr;

    const double given = call.attributes[kScale].real;
    const double scale = given < 0 ? 1.0 / std::sqrt(static_cast<double>(q.columns)) : given;
    const Value factor = rounded<T>(static_cast<Value>(std::sqrt(scale)));
    const T* query = data_of<const T>(call.inputs[0]) + q.place(batch, head, row);
    for (std::int64_t d = 0; d < q.columns; ++d) scaled[d] = rounded<T>(load(query[d]) * factor);
    const auto cap = static_cast<Value>(call.attributes[kSoftcap].real);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < total; ++j) {
      const double bias = sight.sees(j) ? mask.at(batch, head, row, j) : -kInfinity;
      const bool is_seen = !(bias == -kInfinity);
      Value score = 0;
      if (is_seen || (kept != nullptr && mode < 2)) {
        const T* key = keys.row(batch, kv_head, j);
        for (std::int64_t d = 0; d < q.columns; ++d) score += scaled[d] * rounded<T>(load(key[d]) * factor);
        score = rounded<T>(score);
        if (kept != nullptr && mode == 0) kept[j] = static_cast<T>(score);
        if (cap > 0) score = rounded<T>(rounded<T>(std::tanh(rounded<T>(score / cap))) * cap);
        if (kept != nullptr && mode == 1) kept[j] = static_cast<T>(score);
      }
      score = is_seen ? rounded<T>(score + static_cast<Value>(bias)) : static_cast<Value>(-kInfinity);
      if (kept != nullptr && mode == 2) kept[j] = static_cast<T>(score);
      scores[j] = score;
    }
    softmax_in<T>(call.attributes[kPrecision].integer, scores, total);
    for (std::int64_t j = 0; j < total; ++j) scores[j] = rounded<T>(scores[j]);
    if (kept != nullptr && mode == 3)
      for (std::int64_t j = 0; j < total; ++j) kept[j] = static_cast<T>(scores[j]);
    sum_values(call, q, values, scores, scaled, batch, head, row);
  }

  /// The sum of the values by their probabilities; `sums` has room for a row.
  template <class T>
  static void sum_values(const KernelCall& call, const HeadRows& q, const Cache<T>& values,
                         const Computed<T>* probabilities, Computed<T>* sums, std::int64_t batch,
                         std::int64_t head, std::int64_t row) {
    const std::int64_t columns = values.layout.columns;
    const std::int64_t kv_head = head / (q.heads / values.layout.heads);
    std::fill_n(sums, columns, Computed<T>{});
    for (std::int64_t j = 0; j < values.total(); ++j) {
      const T* value = values.row(batch, kv_head, j);
      if (probabilities[j] == Computed<T>{}) continue;  // what is not seen may hold anything
      for (std::int64_t d = 0; d < columns; ++d) sums[d] += probabilities[j] * load(value[d]);
    }
    HeadRows y = q;
    y.columns = columns;
    T* result = data_of<T>(call.outputs[0]) + y.place(batch, head, row);
    for (std::int64_t d = 0; d < columns; ++d) result[d] = static_cast<T>(sums[d]);
  }
};

/// A row of scores, and one of q or of the result.
std::size_t scratch_bytes(const KernelCall& call) {
  const HeadRows q(call.inputs[0], call.attributes[kQHeads].integer);
  const Cache<float> keys(call, 1, 4);
  const HeadRows v(call.inputs[2], call.attributes[kKvHeads].integer);
  return static_cast<std::size_t>(std::max(keys.total(), v.columns) + std::max(q.columns, v.columns)) *
         sizeof(double);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 256); }

}  // namespace

std::span<const Kernel> attention_any_kernels() {
  using Function = Typed<Attention, FloatTypes>;
  static const Kernel kKernels[] = {{.name = "portable.attention_any",
                                     .op = "AttentionAny",
                                     .arithmetic = "any",
                                     .accepts = Function::accepts,
                                     .run = Function::run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
