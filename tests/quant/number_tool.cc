// number_tool formats             "NAME BITS" of each number format, a line each
// number_tool FORMAT decode       uint32 patterns from stdin; their numbers as float64 on stdout
// number_tool FORMAT encode       float64 from stdin; their patterns as uint32, ffffffff: none
// number_tool FORMAT neighbours   uint32 patterns from stdin; for each the next below and above, ffffffff:
// none
#include <cstdio>
#include <string>
#include <vector>

#include "quant/number_format.h"

namespace {

using namespace lathe;

constexpr std::uint32_t kNone = 0xffffffffu;

template <class Item>
std::vector<Item> read_all() {
  std::vector<Item> items;
  std::vector<Item> buffer(65536);
  std::size_t count = 0;
  while ((count = std::fread(buffer.data(), sizeof(Item), buffer.size(), stdin)) > 0)
    items.insert(items.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  return items;
}

template <class Item>
int write_all(const std::vector<Item>& items) {
  return std::fwrite(items.data(), sizeof(Item), items.size(), stdout) == items.size() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "formats") {
    for (const NumberFormat* format : number_formats())
      std::printf("%s %d\n", std::string(format->name).c_str(), format->bits());
    return 0;
  }
  const NumberFormat* format = number_format(name);
  const std::string way = argc > 2 ? argv[2] : "";
  if (format == nullptr) return 2;
  std::vector<std::uint32_t> patterns;
  if (way == "decode") {
    std::vector<double> values;
    for (const std::uint32_t bits : read_all<std::uint32_t>()) values.push_back(decode(*format, bits));
    return write_all(values);
  }
  if (way == "encode") {
    for (const double value : read_all<double>())
      patterns.push_back(encode(*format, value).bits.value_or(kNone));
    return write_all(patterns);
  }
  if (way == "neighbours") {
    for (const std::uint32_t bits : read_all<std::uint32_t>()) {
      patterns.push_back(next_below(*format, bits).value_or(kNone));
      patterns.push_back(next_above(*format, bits).value_or(kNone));
    }
    return write_all(patterns);
  }
  return 2;
}
