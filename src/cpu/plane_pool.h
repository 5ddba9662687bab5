// The driver of MaxPool and AveragePool in float32 over one or two axes, over a vector type V of 16 floats.
// Plain data and functions of internal linkage, so that ISA files may include it.
//
// For a row of outputs the rows of its windows are joined into one line, in ascending order; then the line is
// cut into as many parts as the stride is long (elements 0, stride, 2 stride, ..., then 1, stride + 1, ...),
// so that neighbouring outputs read neighbouring numbers, and the elements of each window are joined in
// ascending order. What lies outside is the number that joining begins with. Each of these is done for some
// rows before the next: a load over the edge of two stores waits until both, and all before them, are in the
// cache.
#pragma once

#include "cpu/pool_windows.h"

namespace lathe::plane_pool {
namespace {

constexpr std::int64_t kLanes = 16;

struct Pool : pool::Windows {
  std::int64_t width;  // of the padded line
  std::int64_t phase;  // from one part of the line to the next
  const float* x;
  float* y;
};

[[maybe_unused]] Pool pool_of(const KernelCall& call) {
  Pool pool{pool::windows_of(call), 0, 0, nullptr, nullptr};
  const WindowAxis& columns = pool.columns;
  pool.width = (columns.output - 1) * columns.stride + window_extent(columns);
  // whole vectors are read from each element of the window on
  pool.phase =
      (columns.output + kLanes - 1) / kLanes * kLanes + (window_extent(columns) - 1) / columns.stride + 1;
  pool.x = static_cast<const float*>(call.inputs[0].data);
  pool.y = static_cast<float*>(call.outputs[0].data);
  return pool;
}

/// Floats of the line, with room for what vectors read behind it.
[[maybe_unused]] std::int64_t line_size(const Pool& pool) {
  const std::int64_t parts = pool.phase * pool.columns.stride;
  return (pool.width > parts ? pool.width : parts) + 2 * kLanes;
}

/// Rows of outputs that are joined at once.
[[maybe_unused]] std::int64_t rows_together(const Pool& pool) {
  constexpr std::int64_t kMostRows = 16;
  constexpr std::int64_t kFloats = 2048;  // of their lines, a part of the first-level cache
  const std::int64_t fit = kFloats / line_size(pool);
  return fit < 1 ? 1 : fit < kMostRows ? fit : kMostRows;
}

/// Of scratch: the lines of the rows, their parts, and a number for each output of a row.
[[maybe_unused]] std::int64_t scratch_floats(const Pool& pool) {
  return 2 * rows_together(pool) * line_size(pool) + pool.phase;
}

[[maybe_unused]] std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(scratch_floats(pool_of(call))) * sizeof(float);
}

template <class V>
struct Greatest {
  static constexpr float kStart = -__builtin_inff();
  /// Of equal ones the first; NaN is passed over.
  static V join(V so_far, V next) { return greater(next, so_far); }
};

template <class V>
struct Sum {
  static constexpr float kStart = 0.0f;
  static V join(V so_far, V next) { return so_far + next; }
};

template <class V>
void fill(float* target, float number, std::int64_t count) {
  const V numbers = broadcast(V{}, number);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(target + i, numbers);
  if (i < count) store_first(target + i, numbers, count - i);
}

/// The rows of the windows of output row `row`, joined into a line of the padded width.
template <class V, class Join>
void join_rows(const Pool& pool, const float* plane, std::int64_t row, float* line, std::int64_t size) {
  const WindowAxis& rows = pool.lines;
  const WindowAxis& columns = pool.columns;
  const std::int64_t room = pool.width - columns.pad_begin;
  const std::int64_t inside = columns.input < room ? columns.input : room > 0 ? room : 0;
  const std::int64_t before = columns.pad_begin < size ? columns.pad_begin : size;
  fill<V>(line, Join::kStart, before);
  fill<V>(line + before + inside, Join::kStart, size - before - inside);
  const std::int64_t first = first_kernel(rows, row);
  const std::int64_t last = last_kernel(rows, row);
  const float* source = plane + first_input(rows, row) * columns.input;
  const std::int64_t step = rows.dilation * columns.input;
  for (std::int64_t i = 0; i < inside; i += kLanes) {
    const std::int64_t count = inside - i;
    V joined = broadcast(V{}, Join::kStart);
    for (std::int64_t k = first; k < last; ++k) {
      const float* numbers = source + k * step + i;
      const V next = count >= kLanes ? load(V{}, numbers) : load_first(joined, numbers, count);
      joined = Join::join(joined, next);
    }
    if (count >= kLanes)
      store(line + before + i, joined);
    else
      store_first(line + before + i, joined, count);
  }
}

/// The line in its parts.
template <class V>
void cut_line(const Pool& pool, const float* line, float* parts) {
  const std::int64_t stride = pool.columns.stride;
  if (stride == 2) {
    for (std::int64_t i = 0; i < pool.phase; i += kLanes) {
      const V low = load(V{}, line + 2 * i);
      const V high = load(V{}, line + 2 * i + kLanes);
      const std::int64_t count = pool.phase - i;
      if (count >= kLanes) {
        store(parts + i, even_lanes(low, high));
        store(parts + pool.phase + i, odd_lanes(low, high));
      } else {
        store_first(parts + i, even_lanes(low, high), count);
        store_first(parts + pool.phase + i, odd_lanes(low, high), count);
      }
    }
    return;
  }
  for (std::int64_t i = 0; i < pool.phase; ++i)
    for (std::int64_t part = 0; part < stride; ++part) parts[part * pool.phase + i] = line[i * stride + part];
}

/// A row of outputs in whole vectors: finish(vector, first output) gives what is stored.
template <class V, class Join, class Finish>
void join_columns(const Pool& pool, const float* parts, float* y, Finish finish) {
  const WindowAxis& columns = pool.columns;
  const std::int64_t parts_further = columns.dilation % columns.stride;
  const std::int64_t further = columns.dilation / columns.stride;
  for (std::int64_t i = 0; i < columns.output; i += kLanes) {
    V joined = broadcast(V{}, Join::kStart);
    std::int64_t part = 0;
    const float* numbers = parts + i;
    for (std::int64_t k = 0; k < columns.kernel; ++k) {
      joined = Join::join(joined, load(V{}, numbers + part * pool.phase));
      part += parts_further;
      numbers += further;
      if (part < columns.stride) continue;
      part -= columns.stride;
      ++numbers;
    }
    const std::int64_t count = columns.output - i;
    if (count >= kLanes)
      store(y + i, finish(joined, i));
    else
      store_first(y + i, finish(joined, i), count);
  }
}

/// A row of outputs that is wanted.
struct RowPlace {
  const float* plane;
  std::int64_t row;  // of the windows over the plane
  std::int64_t out;  // of the result, which may have more rows than the windows
  float* y;
};

/// Calls row(place, joined parts of the line) for `count` rows of outputs, where place(i) says.
template <class V, class Join, class Place, class Row>
void for_each_row(const Pool& pool, float* lines, std::int64_t count, Place place, Row row) {
  const std::int64_t size = line_size(pool);
  const std::int64_t together = rows_together(pool);
  float* parts = pool.columns.stride == 1 ? lines : lines + together * size;
  for (std::int64_t first = 0; first < count; first += together) {
    const std::int64_t rows = count - first < together ? count - first : together;
    for (std::int64_t i = 0; i < rows; ++i) {
      const RowPlace at = place(first + i);
      join_rows<V, Join>(pool, at.plane, at.row, lines + i * size, size);
    }
    if (parts != lines)
      for (std::int64_t i = 0; i < rows; ++i) cut_line<V>(pool, lines + i * size, parts + i * size);
    for (std::int64_t i = 0; i < rows; ++i) row(place(first + i), parts + i * size);
  }
}

/// Elements of a window that count: inside, or in the padding too, but not behind it.
[[maybe_unused]] std::int64_t counted(WindowAxis axis, std::int64_t out, bool with_padding) {
  if (with_padding) axis.input += axis.pad_end;
  return last_kernel(axis, out) - (with_padding ? 0 : first_kernel(axis, out));
}

/// MaxPool of rows; its windows' lines may be other ones than the whole pool's.
template <class V>
struct MaxRows {
  MaxRows(const Pool& whole, const KernelCall&, float* lines) : pool(whole), scratch(lines) {}

  template <class Place>
  void run(const WindowAxis& lines, std::int64_t count, Place place) {
    pool.lines = lines;
    for_each_row<V, Greatest<V>>(pool, scratch, count, place, [this](const RowPlace& at, const float* parts) {
      join_columns<V, Greatest<V>>(pool, parts, at.y, [](V joined, std::int64_t) { return joined; });
    });
  }

  Pool pool;
  float* scratch;
};

/// AveragePool of rows, likewise.
template <class V>
struct AverageRows {
  AverageRows(const Pool& whole, const KernelCall& call, float* lines)
      : pool(whole),
        all_lines(whole.lines),
        with_padding(call.attributes[6].integer != 0),
        scratch(lines),
        counts(lines + 2 * rows_together(pool) * line_size(pool)) {
    for (std::int64_t i = 0; i < pool.phase; ++i)
      counts[i] = i < pool.columns.output ? static_cast<float>(counted(pool.columns, i, with_padding)) : 1.0f;
  }

  template <class Place>
  void run(const WindowAxis& lines, std::int64_t count, Place place) {
    pool.lines = lines;
    for_each_row<V, Sum<V>>(pool, scratch, count, place, [this](const RowPlace& at, const float* parts) {
      const V rows = broadcast(V{}, static_cast<float>(counted(all_lines, at.out, with_padding)));
      join_columns<V, Sum<V>>(pool, parts, at.y, [this, rows](V joined, std::int64_t i) {
        return joined / (rows * load(V{}, counts + i));
      });
    });
  }

  Pool pool;
  WindowAxis all_lines;
  bool with_padding;
  float* scratch;
  float* counts;  // of each output of a row
};

/// A thread's rows of outputs: the same of every plane, or all rows of some planes.
struct OwnRows {
  std::int64_t first_plane;
  std::int64_t planes;
  std::int64_t first_row;
  std::int64_t rows;

  struct Place {
    std::int64_t plane;
    std::int64_t row;
  };
  Place at(std::int64_t index) const { return {first_plane + index / rows, first_row + index % rows}; }
};

/// Where planes have many rows threads share these, as convolutions do: what a core has written it reads
/// again.
[[maybe_unused]] OwnRows own_rows(const KernelCall& call, const Pool& pool) {
  constexpr std::int64_t kLeastRows = 6;  // of a thread
  const auto begin = [&call](std::int64_t count) { return count * call.thread / call.threads; };
  const auto end = [&call](std::int64_t count) { return count * (call.thread + 1) / call.threads; };
  const std::int64_t rows = pool.lines.output;
  if (rows >= kLeastRows * call.threads) return {0, pool.planes, begin(rows), end(rows) - begin(rows)};
  return {begin(pool.planes), end(pool.planes) - begin(pool.planes), 0, rows};
}

/// MaxPool or AveragePool by its rows.
template <class Rows>
void run(const KernelCall& call) {
  const Pool pool = pool_of(call);
  const OwnRows own = own_rows(call, pool);
  Rows rows(pool, call, static_cast<float*>(call.scratch));
  rows.run(pool.lines, own.planes * own.rows, [&pool, &own](std::int64_t i) {
    const auto [plane, out] = own.at(i);
    return RowPlace{pool.x + plane * pool.lines.input * pool.columns.input, out, out,
                    pool.y + (plane * pool.lines.output + out) * pool.columns.output};
  });
}

template <class V>
void run_max(const KernelCall& call) {
  run<MaxRows<V>>(call);
}

template <class V>
void run_average(const KernelCall& call) {
  run<AverageRows<V>>(call);
}

}  // namespace
}  // namespace lathe::plane_pool
