// Constants that are made of others, kept so that compilations of one network's variants make each of them
// once: transposed and transformed weights, codes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "graph/graph.h"

namespace lathe {

struct ConstantData {
  TensorView data;
  std::shared_ptr<const void> owner;  // keeps `data` alive
};

class DerivedConstants {
 public:
  using Make = std::function<std::vector<ConstantData>()>;

  /// What `make` gives. It is called once for the bytes and shape of `source` and each word of `what`, which
  /// must say all that the result depends on besides them. Keeps the source alive too.
  const std::vector<ConstantData>& get(const Value& source, const std::string& what, const Make& make);

 private:
  using Key = std::tuple<const std::byte*, Dtype, Shape, std::string>;
  struct Made {
    std::vector<ConstantData> constants;
    std::shared_ptr<const void> source;
  };
  std::map<Key, Made> made_;
};

/// From `known`, or made anew where that is null.
std::vector<ConstantData> derive(DerivedConstants* known, const Value& source, const std::string& what,
                                 const DerivedConstants::Make& make);

}  // namespace lathe
