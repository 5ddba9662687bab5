#include "formats/calibration_cache.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lathe {
namespace {

CalibrationCache sample() {
  return {"0123456789abcdef0123456789abcdef",
          "percentile 99.99",
          {{"a b\n\"c\"", 0.1F, -0.17F, 3.125F}, {"x", 1e-45F, 0, 3.4e38F}}};
}

TEST(CalibrationCache, WhatIsWrittenIsReadAgain) {
  const std::string text = write_calibration_cache(sample());
  EXPECT_EQ(text,
            "lathe calibration 1\n"
            "network 0123456789abcdef0123456789abcdef\n"
            "calibrator percentile 99.99\n"
            "tensor 0.1 -0.17 3.125 \"a b\\n\\\"c\\\"\"\n"
            "tensor 1e-45 0 3.4e+38 \"x\"\n"
            "end 2\n");
  EXPECT_EQ(read_calibration_cache(text, "f"), sample());
}

TEST(CalibrationCache, EveryCutAndEveryDamagedLineIsRefusedWithItsNumber) {
  const std::string text = write_calibration_cache(sample());
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes)
    EXPECT_THROW(read_calibration_cache(std::string_view(text).substr(0, bytes), "f"), Error) << bytes;
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    std::string damaged = text;
    damaged.replace(damaged.find(from), from.size(), to);
    try {
      read_calibration_cache(damaged, "cache.txt");
      ADD_FAILURE() << to;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_file);
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("cache.txt"), std::string::npos) << error.what();
    }
  };
  refused("calibration 1", "calibration 2", "line 1: this version is not known");
  refused("lathe", "other", "line 1: this is no calibration cache");
  refused("0123", "xyz0", "line 2");
  refused("calibrator ", "calibration ", "line 3");
  refused("0.1", "nan", "line 4: a number is wrong");
  refused("0.1", "-0.1", "line 4: the numbers are no range");
  refused("-0.17", "5", "line 4: the numbers are no range");
  refused("\"x\"", "x", "line 5: the tensor's name");
  refused("end 2", "end 3", "line 6");
  refused("end 2\n", "end 2\nend 2\n", "more behind the end");
}

/// The bits of 1 / 127 and of 2.5.
constexpr std::string_view kTensorRt =
    "TRT-8601-EntropyCalibration2\ndata: 3c010204\nscope/a: b: 40200000\nnothing: 00000000\n";

TEST(CalibrationCache, TensorRtsScalesAreThresholdsOver127) {
  const auto cache = read_calibration_cache(kTensorRt, "f");
  EXPECT_EQ(cache.network, "");
  EXPECT_EQ(cache.calibrator, "TRT-8601-EntropyCalibration2");
  ASSERT_EQ(cache.tensors.size(), 3);
  EXPECT_EQ(cache.tensors[0].name, "data");
  EXPECT_NEAR(cache.tensors[0].threshold, 1, 1e-6);
  EXPECT_EQ(cache.tensors[1], (CalibratedTensor{"scope/a: b", 317.5F, -317.5F, 317.5F}));
  EXPECT_EQ(cache.tensors[2].threshold, 0);
}

TEST(CalibrationCache, DamagedLinesOfTensorRtsAreRefusedWithTheirNumbers) {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& message) {
    std::string damaged(kTensorRt);
    damaged.replace(damaged.find(from), from.size(), to);
    try {
      read_calibration_cache(damaged, "cache.txt");
      ADD_FAILURE() << to;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_file);
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  };
  refused("8601-", "8601", "line 1: \"TRT-\", a version");
  refused("8601", "v8", "line 1: \"TRT-\", a version");
  refused("EntropyCalibration2", "", "line 1: \"TRT-\", a version");
  refused("data: ", "data ", "line 2: a name");
  refused("data: ", ": ", "line 2: a name");
  refused("3c010204", "3c01020", "line 2: the scale is not 8");
  refused("3c010204", "3c0102045", "line 2: the scale is not 8");
  refused("3c010204", "0x010204", "line 2: the scale is not 8");
  refused("3c010204", "+3c01020", "line 2: the scale is not 8");
  refused("40200000", "7f800000", "line 3: the scale is no number");
  refused("40200000", "7fc00000", "line 3: the scale is no number");
  refused("40200000", "c0200000", "line 3: the scale is no number");
  refused("nothing: ", "data: ", "line 4: the tensor data occurs twice");
  refused("00000000\n", "00000000", "line 4: the file ends inside of it");
  refused(std::string(kTensorRt.substr(29)), "", "line 1: there are no tensors");
}

}  // namespace
}  // namespace lathe
