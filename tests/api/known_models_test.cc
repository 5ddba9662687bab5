// Names become files, fetched once by the tool.
#include "lathe/lathe.h"

#include <gmock/gmock.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

class KnownModels : public testing::Test {
 protected:
  KnownModels() {
    directory_ = fs::path(testing::TempDir()) / ("lathe_models_" + std::to_string(::getpid()));
    fs::create_directories(directory_);
    setenv("LATHE_MODEL_DIR", directory_.c_str(), 1);
    setenv("LATHE_FETCH_TOOL", (directory_ / "fetch.py").c_str(), 1);
    options_.weights = false;
  }
  ~KnownModels() override {
    fs::remove_all(directory_);
    unsetenv("LATHE_MODEL_DIR");
    unsetenv("LATHE_FETCH_TOOL");
  }

  void tool(const std::string& program) const { std::ofstream(directory_ / "fetch.py") << program; }

  fs::path directory_;
  ModelOptions options_;
};

TEST_F(KnownModels, AreFetchedWhereTheyAreMissing) {
  test::write_tiny_model((directory_ / "source").string());
  tool(
      "import os, sys\n"
      "name, word, directory = sys.argv[1:]\n"
      "assert name == 'smollm2' and word == '--dir', sys.argv\n"
      "os.rename(directory + '/source', directory + '/SmolLM2-135M-Instruct.Q4_1.gguf')\n");
  EXPECT_EQ(Model::load("smollm2", options_).info().name, "tiny");
  tool("raise SystemExit(1)\n");
  EXPECT_EQ(Model::load("smollm2", options_).info().name, "tiny");
}

TEST_F(KnownModels, AFailedFetchSaysWhatTheToolSaid) {
  tool("import sys\nprint('the index is; on fire $(touch x)', file=sys.stderr)\nsys.exit(1)\n");
  try {
    Model::load("gemma3-270m", options_);
    FAIL() << "loaded what was never fetched";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::network);
    EXPECT_THAT(error.what(), testing::HasSubstr("the index is; on fire"));
  }
}

TEST_F(KnownModels, NothingIsFetchedUnasked) {
  tool("raise SystemExit(0)\n");
  options_.fetch = false;
  try {
    Model::load("smollm2", options_);
    FAIL() << "loaded what was never fetched";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST_F(KnownModels, OtherNamesAreFilesAndTheErrorNamesTheKnownOnes) {
  try {
    Model::load("no-such-model", options_);
    FAIL() << "loaded a file that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("no-such-model"), testing::HasSubstr("smollm2"),
                               testing::HasSubstr("gemma3-270m")));
  }
  EXPECT_THAT(known_models(), testing::ElementsAre("smollm2", "gemma3-270m"));
}

TEST_F(KnownModels, ADirectoryIsNoModel) { EXPECT_THROW(Model::load(directory_.string(), options_), Error); }

}  // namespace
}  // namespace lathe
