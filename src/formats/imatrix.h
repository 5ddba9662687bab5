// Files of importance: how large the inputs of each matrix's columns were on a calibration text. Those of
// llama.cpp, which write_imatrix() writes, are GGUF files without a model:
//
//   general.type          "imatrix"
//   imatrix.datasets      names of the texts
//   imatrix.chunk_count   chunks that were computed
//   imatrix.chunk_size    tokens of each
//   NAME.in_sum2          f32 [matrices, columns], sums of squared inputs of the matrix NAME
//   NAME.counts           f32 [matrices, 1], input rows that were added up
//
// and the older ones, all numbers i32 or f32:
//
//   entries | entries x (length | name | calls | values | values x f32, means times calls)
//   | calls of the whole | length | name of the text
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/gguf_writer.h"

namespace lathe {

struct ImportanceEntry {
  std::vector<float> sums;           // [matrices, columns]
  std::vector<std::int64_t> counts;  // [matrices]

  /// Mean of the squares [matrices, columns]; 1 for a matrix without any input, as others have it.
  std::vector<float> means() const;
};

struct ImportanceMatrix {
  std::map<std::string, ImportanceEntry> entries;  // by tensor
  std::vector<std::string> datasets;
  std::int64_t chunks = 0;
  std::int64_t chunk_tokens = 0;
};

/// Of either kind. Throws Error(not_found, io, invalid_file).
ImportanceMatrix read_imatrix(const std::string& path);
void write_imatrix(const ImportanceMatrix& importance, const WriteBytes& write);

}  // namespace lathe
