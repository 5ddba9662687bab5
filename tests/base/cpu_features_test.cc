#include "base/cpu_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/error.h"

namespace lathe {
namespace {

/// LATHE_ISA for the time of one test.
class IsaWord {
 public:
  explicit IsaWord(const char* word) {
    if (const char* old = std::getenv("LATHE_ISA")) old_ = old;
    if (word != nullptr)
      ::setenv("LATHE_ISA", word, 1);
    else
      ::unsetenv("LATHE_ISA");
  }
  ~IsaWord() {
    if (old_.empty())
      ::unsetenv("LATHE_ISA");
    else
      ::setenv("LATHE_ISA", old_.c_str(), 1);
  }
  IsaWord(const IsaWord&) = delete;
  IsaWord& operator=(const IsaWord&) = delete;

 private:
  std::string old_;
};

TEST(CpuFeatures, DetectsWhatTheSystemLists) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {
  }
  line += ' ';
  const auto all = [&line](std::initializer_list<const char*> flags) {
    for (const auto* flag : flags)
      if (line.find(' ' + std::string(flag) + ' ') == std::string::npos) return false;
    return true;
  };
  auto expected = IsaLevel::portable;
  if (all({"avx2", "fma", "f16c"})) {
    expected = IsaLevel::avx2;
    if (all({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", "avx512_vnni"}))
      expected = all({"avx512_bf16"}) ? IsaLevel::avx512bf16 : IsaLevel::avx512;
  }
  EXPECT_EQ(detected_isa(), expected) << line;
}

TEST(CpuFeatures, ChoosesWhatIsDetectedOrAskedFor) {
  for (const char* word : {static_cast<const char*>(nullptr), ""}) {
    const IsaWord set(word);
    EXPECT_EQ(chosen_isa(), detected_isa());
  }
  for (const auto level : {IsaLevel::portable, IsaLevel::avx2, IsaLevel::avx512, IsaLevel::avx512bf16}) {
    const IsaWord set(std::string(isa_name(level)).c_str());
    if (level <= detected_isa()) {
      EXPECT_EQ(chosen_isa(), level);
      continue;
    }
    try {
      (void)chosen_isa();
      ADD_FAILURE() << "nothing was thrown for " << isa_name(level);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(isa_name(detected_isa()))));
    }
  }
}

TEST(CpuFeatures, RefusesOtherWords) {
  for (const char* word : {"AVX2", "avx", "avx5120", " avx2", "avx2 ", "sse", "1", "portable,avx2"}) {
    const IsaWord set(word);
    try {
      (void)chosen_isa();
      ADD_FAILURE() << "nothing was thrown for " << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(word));
    }
  }
}

}  // namespace
}  // namespace lathe
