// The ONNX suite: its folders, each run by one of several threads.
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "api/onnx_test.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "text/regex.h"

namespace lathe {
namespace {

/// Random numbers of NumPy's, or training that takes some: no two libraries agree on them.
constexpr std::array<std::string_view, 6> kRandomTests = {
    "test_gradient_of_add",          "test_gradient_of_add_and_mul", "test_training_dropout",
    "test_training_dropout_default", "test_training_dropout_mask",   "test_training_dropout_default_mask",
};

bool is_deterministic(std::string_view name) {
  return !name.starts_with("test_bernoulli") &&
         std::find(kRandomTests.begin(), kRandomTests.end(), name) == kRandomTests.end();
}

/// Folders with a model.onnx two below `folder`, sorted.
std::vector<std::string> find_tests(const std::string& folder) {
  std::vector<std::string> tests;
  std::error_code error;
  const auto each_folder = [&](const std::filesystem::path& parent, const auto& take) {
    for (const auto& entry : std::filesystem::directory_iterator(parent, error))
      if (entry.is_directory()) take(entry.path());
    if (error)
      throw Error(ErrorCode::not_found, "the folder cannot be read: " + error.message(), {parent, {}, {}});
  };
  each_folder(folder, [&](const std::filesystem::path& kind) {
    each_folder(kind, [&](const std::filesystem::path& test) {
      if (std::filesystem::exists(test / "model.onnx")) tests.push_back(test);
    });
  });
  std::sort(tests.begin(), tests.end());
  return tests;
}

bool matches(const Regex& filter, const std::string& name) {
  std::vector<TextRange> found;
  filter.find(name, found);
  return std::ranges::any_of(found, &TextRange::match);
}

}  // namespace

std::vector<OnnxTestResult> run_onnx_suite(const std::string& folder, const OnnxSuiteOptions& options) {
  std::vector<std::string> tests = find_tests(folder);
  if (tests.empty())
    throw Error(ErrorCode::not_found, "holds no tests: <kind>/<test>/model.onnx", {folder, {}, {}});
  if (!options.filter.empty()) {
    const Regex filter(options.filter);
    std::erase_if(tests, [&](const std::string& test) {
      return !matches(filter, std::filesystem::path(test).filename());
    });
  }
  std::vector<OnnxTestResult> results(tests.size());
  std::atomic<std::size_t> next{0};
  std::mutex progress;
  std::size_t done = 0;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool pool(options.threads > 0 ? options.threads : cores);
  pool.run([&](int) {
    for (std::size_t i = next++; i < tests.size(); i = next++) {
      const std::filesystem::path path(tests[i]);
      if (is_deterministic(path.filename().native()))
        results[i] = run_onnx_test(tests[i]);
      else
        results[i] = {path.parent_path().filename(), path.filename(), OnnxOutcome::not_deterministic, {}};
      const std::scoped_lock lock(progress);
      if (options.progress) options.progress(++done, tests.size());
    }
  });
  return results;
}

}  // namespace lathe
