// One folder of the ONNX suite:
//
//   model.onnx
//   data.json                                      {"rtol": 1e-3, "atol": 1e-7, "kind": "node"}
//   test_data_set_<n>/input_<i>.pb, output_<i>.pb  in the order of the graph's, inputs without initializers
#pragma once

#include <string>

#include "lathe/execute.h"

namespace lathe {

/// Loads and runs the network on each data set, on the caller's thread alone. Nothing that goes wrong is
/// thrown: Error(unsupported) is "unsupported", and everything else, also a wrong result, is "failed".
OnnxTestResult run_onnx_test(const std::string& folder);

}  // namespace lathe
