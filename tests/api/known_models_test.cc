// Names become files, fetched once by the tool.
#include "lathe/lathe.h"

#include <gmock/gmock.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

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

  /// A tool that puts a tiny model of the known size in place.
  void fetching_tool() const {
    test::write_tiny_model((directory_ / "source").string());
    tool(
        "import os, sys\n"
        "name, word, directory = sys.argv[1:]\n"
        "assert name == 'smollm2' and word == '--dir', sys.argv\n"
        "os.truncate(directory + '/source', " +
        std::to_string(size_in_tool("smollm2")) +
        ")\n"
        "os.rename(directory + '/source', directory + '/" +
        kFile + "')\n");
  }

  /// What the real tool's table says of a model: Model("name", "file", size, ...
  static std::smatch row_in_tool(const std::string& name) {
    static const std::string program = [] {
      std::ifstream file(LATHE_SOURCE_DIR "/tools/fetch_model.py");
      return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    std::smatch row;
    if (!std::regex_search(program, row, std::regex("Model\\(\"" + name + "\", \"([^\"]+)\", (\\d+),")))
      throw std::runtime_error("tools/fetch_model.py does not know " + name);
    return row;
  }
  static std::string file_in_tool(const std::string& name) { return row_in_tool(name)[1]; }
  static std::uintmax_t size_in_tool(const std::string& name) { return std::stoull(row_in_tool(name)[2]); }

  static constexpr const char* kFile = "SmolLM2-135M-Instruct.Q4_1.gguf";
  fs::path directory_;
  ModelOptions options_;
};

TEST_F(KnownModels, AreFetchedWhereTheyAreMissing) {
  fetching_tool();
  EXPECT_EQ(Model::load("smollm2", options_).info().name, "tiny");
  tool("raise SystemExit(1)\n");
  EXPECT_EQ(Model::load("smollm2", options_).info().name, "tiny");
}

TEST_F(KnownModels, AFileOfAnotherSizeIsFetchedAgain) {
  for (const std::uintmax_t bytes :
       {std::uintmax_t{0}, size_in_tool("smollm2") - 1, size_in_tool("smollm2") + 1}) {
    std::ofstream(directory_ / kFile).close();
    fs::resize_file(directory_ / kFile, bytes);
    fetching_tool();
    EXPECT_EQ(Model::load("smollm2", options_).info().name, "tiny");
    options_.fetch = false;
    fs::resize_file(directory_ / kFile, bytes);
    try {
      Model::load("smollm2", options_);
      ADD_FAILURE() << "loaded a file of " << bytes << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::not_found);
      EXPECT_THAT(error.what(), testing::HasSubstr(std::to_string(bytes) + " bytes instead of"));
    }
    options_.fetch = true;
  }
}

TEST_F(KnownModels, ACompleteFileStartsNoTool) {
  tool("raise SystemExit(1)\n");
  for (const std::string name : {"smollm2", "gemma3-270m"}) {
    const fs::path path = directory_ / file_in_tool(name);
    test::write_tiny_model(path.string());
    fs::resize_file(path, size_in_tool(name));
    EXPECT_EQ(Model::load(name, options_).info().name, "tiny");
  }
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
  EXPECT_THAT(known_models(), testing::ElementsAre("smollm2", "gemma3-270m", "minilm"));
}

/// What the tool's table says of a folder: its name, and File("path", size, ...
struct FolderInTool {
  std::string name;
  std::vector<std::pair<std::string, std::uintmax_t>> files;
};

FolderInTool folder_in_tool(const std::string& model) {
  std::ifstream file(LATHE_SOURCE_DIR "/tools/fetch_model.py");
  const std::string program(std::istreambuf_iterator<char>(file), {});
  std::smatch row;
  if (!std::regex_search(program, row, std::regex("FolderModel\\(\"" + model + "\", \"([^\"]+)\",")))
    throw std::runtime_error("tools/fetch_model.py does not know " + model);
  FolderInTool folder{row[1], {}};
  const std::string rest = row.suffix();
  const std::regex pattern("File\\(\"([^\"]+)\", (\\d+),");
  for (std::sregex_iterator next(rest.begin(), rest.end(), pattern), end; next != end; ++next)
    folder.files.emplace_back((*next)[1], std::stoull((*next)[2]));
  return folder;
}

TEST_F(KnownModels, AFolderIsCompleteWhenEachFileHasItsSize) {
  tool("import sys\nprint('the tool was asked', file=sys.stderr)\nsys.exit(1)\n");
  const auto refusal = [this] {
    try {
      Model::load("minilm", options_);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(), testing::HasSubstr("the tool was asked"));
  const FolderInTool folder = folder_in_tool("minilm");
  ASSERT_EQ(folder.files.size(), 12u);
  for (const auto& [name, bytes] : folder.files) {
    const fs::path path = directory_ / folder.name / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path).close();
    fs::resize_file(path, bytes);
  }
  EXPECT_THAT(refusal(), testing::Not(testing::HasSubstr("the tool was asked")));
  EXPECT_THAT(refusal(), testing::HasSubstr("config.json"));  // 612 zeros
  for (const auto& [name, bytes] : folder.files) {
    fs::resize_file(directory_ / folder.name / name, bytes + 1);
    EXPECT_THAT(refusal(), testing::HasSubstr("the tool was asked")) << name;
    fs::resize_file(directory_ / folder.name / name, bytes);
  }
  fs::remove(directory_ / folder.name / "1_Pooling" / "config.json");
  options_.fetch = false;
  EXPECT_THAT(refusal(), testing::HasSubstr("has not been fetched"));
}

TEST_F(KnownModels, ADirectoryIsNoModel) { EXPECT_THROW(Model::load(directory_.string(), options_), Error); }

}  // namespace
}  // namespace lathe
