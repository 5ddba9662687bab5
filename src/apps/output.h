// Results to stdout, and figures as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::apps {

/// Writes and flushes; throws Error(io) where stdout takes no more.
void write_out(std::string_view text);
/// To stderr; what cannot be written there is lost.
void write_error(std::string_view text);

std::string format_bytes(std::uint64_t bytes);          // "96.4 MB"
std::string format_seconds(double seconds);             // "12.3 ms"
std::string format_rate(double count, double seconds);  // "241.2 t/s", "-" without time
std::string format_number(double value, int digits);    // fixed; for tables
std::string json_number(double value);  // shortest that reads back as the same; null where not finite

/// Columns padded to their widest cell; the first is flush left, the others flush right. Row 0 is the head.
std::string format_table(const std::vector<std::vector<std::string>>& rows, int left_columns = 1);

}  // namespace lathe::apps
