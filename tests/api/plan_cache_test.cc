// The cache of plans, on a tiny model: what is found there, what is made anew, what is thrown out.
#include "api/plan_cache.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "lathe/lathe.h"
#include "support/temporary_file.h"
#include "support/temporary_folder.h"
#include "support/tiny_folder.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

namespace files = std::filesystem;
using testing::Contains;
using testing::Not;
using testing::SizeIs;

/// An environment variable for one test.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) {
    if (const char* before = ::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Setting() {
    if (before_)
      ::setenv(name_, before_->c_str(), 1);
    else
      ::unsetenv(name_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string name(int number) {
  std::string digits = std::to_string(number);
  return std::string(32 - digits.size(), '0') + digits + ".0.0.1.plan";
}

class PlanCacheTest : public testing::Test {
 protected:
  PlanCacheTest()
      : place_("LATHE_PLAN_CACHE_DIR", folder_.path_of("plans")), size_("LATHE_PLAN_CACHE_BYTES", "") {
    test::write_tiny_model(model_.path());
    options_.plan_cache = true;
    options_.threads = 2;
  }

  std::vector<std::string> plans() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : files::directory_iterator(folder_.path_of("plans"), error))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string path_of(const std::string& plan) const { return folder_.path_of("plans/" + plan); }

  /// A plan of another model, used so many hours ago.
  void add_plan(int number, int hours, std::size_t bytes = 1) const {
    folder_.write("plans/" + name(number), std::string(bytes, 'x'));
    files::last_write_time(path_of(name(number)),
                           files::file_time_type::clock::now() - std::chrono::hours(hours));
  }

  /// What the model answers; its plan has been stored when this returns.
  std::vector<std::int32_t> answer() const {
    Model model = Model::load(model_.path(), options_);
    Request request;
    request.ids = {1, 5, 9, 40};
    request.max_tokens = 8;
    request.ignore_end = true;
    std::vector<std::int32_t> ids;
    Answer answer = model.answer(request);
    for (Piece piece; answer.next(piece);) ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
    return ids;
  }

  std::vector<float> logits() const {
    Model model = Model::load(model_.path(), options_);
    std::vector<float> all;
    model.logits(std::vector<std::int32_t>{1, 5, 9, 40, 17, 3, 120}, 3,
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
    return all;
  }

  /// Whether the plan came from the cache: all of its weights lie in the file.
  bool found() const {
    return Model::load(model_.path(), options_).inspect().memory.weight_bytes_copied == 0;
  }

  test::TemporaryFolder folder_;
  test::TemporaryFile model_;
  ModelOptions options_;
  Setting place_;
  Setting size_;
};

TEST_F(PlanCacheTest, GivesTheBitsOfTheModel) {
  EXPECT_FALSE(found());
  ASSERT_THAT(plans(), SizeIs(1));
  EXPECT_TRUE(found());
  for (const std::string math : {"int8", "f32"}) {
    for (const int threads : {0, 1}) {
      options_.math = math;
      options_.threads = threads;
      options_.plan_cache = false;
      const auto expected = logits();
      const auto ids = answer();
      options_.plan_cache = true;
      for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(logits() == expected);
        EXPECT_EQ(answer(), ids);
      }
      EXPECT_TRUE(found());
    }
  }
}

TEST_F(PlanCacheTest, TellsOfTheModelWhatItsFileTells) {
  const Model compiled = Model::load(model_.path(), options_);
  logits();
  ASSERT_TRUE(found());
  const Model cached = Model::load(model_.path(), options_);
  EXPECT_EQ(cached.info().file, model_.path());
  EXPECT_EQ(cached.info().name, compiled.info().name);
  EXPECT_EQ(cached.info().tensor_bytes, compiled.info().tensor_bytes);
  EXPECT_EQ(cached.info().parameters, compiled.info().parameters);
  EXPECT_EQ(cached.info().warnings, compiled.info().warnings);
  EXPECT_EQ(cached.info().context_tokens, compiled.info().context_tokens);
  EXPECT_EQ(cached.info().has_chat_template, compiled.info().has_chat_template);
  EXPECT_EQ(cached.options().cache_tokens, compiled.options().cache_tokens);
  EXPECT_EQ(cached.options().sequences, compiled.options().sequences);
  EXPECT_EQ(cached.graph_text(), compiled.graph_text());
}

TEST_F(PlanCacheTest, StoresWhileTheModelLivesOnceItHasAnswered) {
  Model model = Model::load(model_.path(), options_);
  EXPECT_THAT(plans(), SizeIs(0));
  Request request;
  request.ids = {1, 5};
  request.max_tokens = 1;
  model.answer(request).text();
  for (int i = 0; i < 2000 && plans().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(plans(), SizeIs(1));
}

TEST_F(PlanCacheTest, MissesAModelThatChanged) {
  answer();
  test::write_tiny_model(model_.path(), {.seed = 7});
  options_.plan_cache = false;
  const auto expected = logits();
  options_.plan_cache = true;
  EXPECT_TRUE(logits() == expected);
  EXPECT_THAT(plans(), SizeIs(2));
  files::last_write_time(model_.path(), files::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_FALSE(found());
}

TEST_F(PlanCacheTest, MissesOtherOptions) {
  answer();
  const auto misses = [&](auto change) {
    const ModelOptions before = options_;
    change(options_);
    const bool missed = !found();
    options_ = before;
    return missed;
  };
  EXPECT_TRUE(misses([](ModelOptions& o) { o.math = "f32"; }));
  EXPECT_TRUE(misses([](ModelOptions& o) { o.kv = "f32"; }));
  EXPECT_TRUE(misses([](ModelOptions& o) { o.context_tokens = 64; }));
  EXPECT_TRUE(misses([](ModelOptions& o) { o.threads = 1; }));
  EXPECT_TRUE(misses([](ModelOptions& o) { o.check_weights = false; }));
  EXPECT_TRUE(misses([](ModelOptions& o) { o.disabled_passes = {"fuse_gated_linear"}; }));
  EXPECT_THAT(plans(), SizeIs(7));
  EXPECT_TRUE(found());
}

TEST_F(PlanCacheTest, HoldsModelsOfFolders) {
  const test::TemporaryFolder model;
  test::TinyFolder().write(model);
  const auto copied = [&] {
    const Model loaded = Model::load(model.path() + "/", options_);
    EXPECT_EQ(loaded.info().file, model.path());
    return loaded.inspect().memory.weight_bytes_copied;
  };
  EXPECT_GT(copied(), 0u);
  EXPECT_EQ(copied(), 0u);
  model.write("1_Pooling/config.json", "{}");
  EXPECT_GT(copied(), 0u);
  EXPECT_THAT(plans(), SizeIs(2));
}

TEST_F(PlanCacheTest, ReplacesWhatIsDamaged) {
  const auto expected = logits();
  ASSERT_THAT(plans(), SizeIs(1));
  const std::string path = path_of(plans().front());
  const std::string whole = read_all(path);
  std::string flipped = whole;
  flipped[300] = static_cast<char>(flipped[300] ^ 1);
  for (const auto& bytes : {flipped, whole.substr(0, whole.size() / 2), std::string(), std::string("GGUF")}) {
    folder_.write("plans/" + plans().front(), bytes);
    EXPECT_TRUE(logits() == expected);
    EXPECT_TRUE(read_all(path) == whole);
    EXPECT_TRUE(found());
  }
}

TEST_F(PlanCacheTest, ThrowsOutWhatWasNotUsedForTheLongest) {
  answer();
  const std::string own = plans().front();
  const auto bytes = files::file_size(path_of(own));
  add_plan(1, 3, bytes);
  add_plan(2, 9, bytes);
  files::last_write_time(path_of(own), files::file_time_type::clock::now() - std::chrono::hours(20));
  ASSERT_TRUE(found());  // which is a use
  folder_.write("plans/mine.plan", "kept");
  const Setting size("LATHE_PLAN_CACHE_BYTES", std::to_string(bytes * 3 + bytes / 2));
  options_.check_weights = false;
  answer();
  EXPECT_THAT(plans(), SizeIs(4));
  EXPECT_THAT(plans(), Contains(own));
  EXPECT_THAT(plans(), Contains(name(1)));
  EXPECT_THAT(plans(), Not(Contains(name(2))));
  EXPECT_THAT(plans(), Contains("mine.plan"));
}

TEST_F(PlanCacheTest, HoldsNoMoreThan64Plans) {
  for (int i = 0; i < 70; ++i) add_plan(i, i + 1);
  answer();
  EXPECT_THAT(plans(), SizeIs(64));
  EXPECT_THAT(plans(), Contains(name(62)));
  EXPECT_THAT(plans(), Not(Contains(name(63))));
  EXPECT_TRUE(found());
}

TEST_F(PlanCacheTest, KeepsTheOthersWhereAPlanIsTooLarge) {
  add_plan(1, 1);
  const Setting size("LATHE_PLAN_CACHE_BYTES", "1000");
  EXPECT_FALSE(answer().empty());
  EXPECT_THAT(plans(), testing::ElementsAre(name(1)));
}

TEST_F(PlanCacheTest, RemovesWhatKilledWritersLeft) {
  folder_.write("plans/" + name(1) + ".12345.0.partial", "half");
  folder_.write("plans/notes.1.0.partial", "kept");
  answer();
  EXPECT_THAT(plans(), SizeIs(2));
  EXPECT_THAT(plans(), Contains("notes.1.0.partial"));
}

TEST_F(PlanCacheTest, RunsWithoutAFolder) {
  folder_.write("file", "no folder");
  for (const std::string& path :
       {folder_.path_of("file"), folder_.path_of("file/below"), std::string("/proc/plans")}) {
    const Setting place("LATHE_PLAN_CACHE_DIR", path);
    EXPECT_FALSE(answer().empty());
    EXPECT_TRUE(Model::load(model_.path(), options_).info().warnings.empty());
  }
}

TEST_F(PlanCacheTest, IsSwitchedOff) {
  options_.plan_cache = false;
  answer();
  options_.plan_cache = true;
  const Setting none("LATHE_PLAN_CACHE_BYTES", "0");
  answer();
  EXPECT_THAT(plans(), SizeIs(0));
  const Setting wrong("LATHE_PLAN_CACHE_BYTES", "8G");
  EXPECT_THROW(answer(), Error);
}

TEST_F(PlanCacheTest, StoresNoModelThatChangedMeanwhile) {
  const auto folder = plan_cache_folder();
  ASSERT_TRUE(folder);
  const auto entry = PlanCacheEntry::of(*folder, model_.path(), options_);
  ASSERT_TRUE(entry);
  const std::string bytes = "a plan";
  const auto store = [&] {
    entry->store(
        [&](const PlanCacheEntry::Write& write) { write(std::as_bytes(std::span(bytes)), bytes.size()); });
  };
  store();
  EXPECT_THAT(plans(), SizeIs(1));
  entry->remove();
  test::write_tiny_model(model_.path(), {.seed = 7});
  store();
  EXPECT_THAT(plans(), SizeIs(0));
}

}  // namespace
}  // namespace lathe
