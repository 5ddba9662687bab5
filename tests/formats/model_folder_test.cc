// Folders: what is read of them, and what must not be.
#include "formats/model_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "lathe/error.h"
#include "support/safetensors_builder.h"
#include "support/temporary_folder.h"

namespace lathe {
namespace {

using test::SafetensorsBuilder;
using test::TemporaryFolder;

const std::string kShard = "model-00001-of-00002.safetensors";
const std::string kOtherShard = "model-00002-of-00002.safetensors";

std::string one_tensor(const std::string& name) {
  return SafetensorsBuilder().floats(name, {2}, {1, 2}).bytes();
}

std::string index_of(const std::string& entries) {
  return "{\"metadata\":{\"total_size\":16},\"weight_map\":{" + entries + "}}";
}

/// "a" and "b" in two shards.
void write_sharded(const TemporaryFolder& folder) {
  folder.write("config.json", "{}");
  folder.write(kShard, one_tensor("b"));
  folder.write(kOtherShard, one_tensor("a"));
  folder.write("model.safetensors.index.json",
               index_of("\"b\":\"" + kShard + "\",\"a\":\"" + kOtherShard + "\""));
}

void expect_refused(const TemporaryFolder& folder, ErrorCode code, const std::string& part) {
  try {
    read_model_folder(folder.path());
    ADD_FAILURE() << "read, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_TRUE(error.place().file.starts_with(folder.path())) << error.what();
  }
}

void expect_shard_name_refused(const std::string& name, const std::string& part) {
  TemporaryFolder folder;
  write_sharded(folder);
  folder.write("elsewhere/" + kShard, one_tensor("b"));
  folder.write("model.safetensors.index.json",
               index_of("\"b\":\"" + name + "\",\"a\":\"" + kOtherShard + "\""));
  expect_refused(folder, ErrorCode::invalid_file, part);
}

TEST(ModelFolder, OneFileOfTensors) {
  TemporaryFolder folder;
  folder.write("config.json", R"({"model_type": "llama"})");
  folder.write("generation_config.json", R"({"eos_token_id": [1, 2]})");
  folder.write("model.safetensors",
               SafetensorsBuilder().floats("z", {1}, {1}).floats("b", {2}, {2, 3}).bytes());
  const auto model = read_model_folder(folder.path() + "/");
  EXPECT_EQ(model->path, folder.path());
  EXPECT_EQ(model->config["model_type"], "llama");
  EXPECT_EQ(model->generation_config["eos_token_id"].size(), 2u);
  ASSERT_EQ(model->tensors.size(), 2u);
  EXPECT_EQ(model->tensors[0].name, "b");
  ASSERT_NE(model->find_tensor("z"), nullptr);
  EXPECT_EQ(model->find_tensor("z")->shape, Shape{1});
  EXPECT_EQ(model->find_tensor("y"), nullptr);
  EXPECT_TRUE(model->warnings.empty());
}

TEST(ModelFolder, Shards) {
  TemporaryFolder folder;
  write_sharded(folder);
  const auto model = read_model_folder(folder.path());
  ASSERT_EQ(model->tensors.size(), 2u);
  EXPECT_TRUE(model->find_tensor("a")->file->path().ends_with(kOtherShard));
  EXPECT_TRUE(model->generation_config.is_null());
}

TEST(ModelFolder, TensorsThatTheIndexDoesNotListAreAWarning) {
  TemporaryFolder folder;
  write_sharded(folder);
  folder.write(kShard, SafetensorsBuilder().floats("b", {1}, {1}).floats("c", {1}, {1}).bytes());
  const auto model = read_model_folder(folder.path());
  EXPECT_EQ(model->tensors.size(), 3u);
  ASSERT_EQ(model->warnings.size(), 1u);
  EXPECT_NE(model->warnings[0].find("1 tensor"), std::string::npos);
}

TEST(ModelFolder, ShardsThatLieElsewhere) {
  expect_shard_name_refused("../" + kShard, "is not the name of a file in the folder");
  expect_shard_name_refused("elsewhere/" + kShard, "is not the name of a file in the folder");
  expect_shard_name_refused("./" + kShard, "is not the name of a file in the folder");
  expect_shard_name_refused("/etc/x.safetensors", "is not the name of a file in the folder");
  expect_shard_name_refused("elsewhere\\\\x.safetensors", "is not the name of a file in the folder");
  expect_shard_name_refused("x\\u0000.safetensors", "is not the name of a file in the folder");
  expect_shard_name_refused(std::string(300, 'x') + ".safetensors",
                            "is not the name of a file in the folder");
  expect_shard_name_refused("", "is not the name of a safetensors file");
  expect_shard_name_refused("..", "is not the name of a safetensors file");
  expect_shard_name_refused("config.json", "is not the name of a safetensors file");
}

TEST(ModelFolder, LinkedShards) {
  TemporaryFolder folder;
  write_sharded(folder);
  folder.write("elsewhere/x.safetensors", one_tensor("b"));
  const auto link = [&](const std::string& target) {
    std::filesystem::remove(folder.path_of(kShard));
    std::filesystem::create_symlink(target, folder.path_of(kShard));
    expect_refused(folder, ErrorCode::invalid_file, "symbolic link");
  };
  link("elsewhere/x.safetensors");
  link(kOtherShard);
  link("/etc/passwd");
  link(kShard);
  link("../../blobs/" + std::string(64, 'a'));
}

// Hugging Face's own cache is made of links, all of one form.
TEST(ModelFolder, TheDownloadCacheIsRead) {
  TemporaryFolder cache;
  const std::string hash(64, 'b');
  cache.write("blobs/" + hash, one_tensor("a"));
  cache.write("blobs/secret", one_tensor("a"));
  cache.write("snapshots/main/config.json", "{}");
  const std::string folder = cache.path_of("snapshots/main");
  const auto link = [&](const std::string& target) {
    std::filesystem::remove(folder + "/model.safetensors");
    std::filesystem::create_symlink(target, folder + "/model.safetensors");
  };
  link("../../blobs/" + hash);
  std::filesystem::create_symlink("snapshots/main", cache.path_of("short_name"));
  for (const auto& path : {folder, folder + "/", folder + "/.", cache.path_of("short_name")})
    EXPECT_EQ(read_model_folder(path)->tensors.size(), 1u) << path;
  for (const auto& target : {std::string("../../blobs/secret"), "../../blobs/../blobs/" + hash,
                             cache.path_of("blobs/" + hash), "../../blobs/" + hash + "/"}) {
    link(target);
    EXPECT_THROW(read_model_folder(folder), Error) << target;
  }
  // a link that leads on to another one
  std::filesystem::create_symlink(cache.path_of("blobs/secret"),
                                  cache.path_of("blobs/" + std::string(64, 'c')));
  link("../../blobs/" + std::string(64, 'c'));
  EXPECT_THROW(read_model_folder(folder), Error);
}

TEST(ModelFolder, ShardsThatAreMissingOrLackATensor) {
  TemporaryFolder folder;
  write_sharded(folder);
  std::filesystem::remove(folder.path_of(kShard));
  expect_refused(folder, ErrorCode::not_found, kShard);
  folder.write(kShard, one_tensor("c"));
  expect_refused(folder, ErrorCode::invalid_file, "the index says that the tensor is here");
  folder.write(kShard, SafetensorsBuilder().floats("a", {1}, {1}).floats("b", {1}, {1}).bytes());
  expect_refused(folder, ErrorCode::invalid_file, "in two shards");
  folder.write(kShard, "short");
  expect_refused(folder, ErrorCode::invalid_file, kShard);
  std::filesystem::remove(folder.path_of(kShard));
  std::filesystem::create_directory(folder.path_of(kShard));
  expect_refused(folder, ErrorCode::io, "not a regular file");
  std::filesystem::remove(folder.path_of(kShard));
  ASSERT_EQ(::mkfifo(folder.path_of(kShard).c_str(), 0600), 0);
  expect_refused(folder, ErrorCode::io, "not a regular file");
}

TEST(ModelFolder, BrokenIndexes) {
  TemporaryFolder folder;
  write_sharded(folder);
  const auto refused = [&](const std::string& index, const std::string& part) {
    folder.write("model.safetensors.index.json", index);
    expect_refused(folder, ErrorCode::invalid_file, part);
  };
  refused("", "not valid JSON");
  refused("[]", "no JSON object");
  refused("{}", "weight_map");
  refused(R"({"weight_map": []})", "weight_map");
  refused(R"({"weight_map": {"a": 1}})", "is not the name of a safetensors file");
  refused(R"({"weight_map": {"a": null}})", "is not the name of a safetensors file");
  refused(index_of("\"a\":\"" + kShard + "\",\"a\":\"" + kOtherShard + "\""), "a key twice");
  refused(std::string(100'000, '['), "nested deeper");
}

TEST(ModelFolder, BrokenConfigs) {
  TemporaryFolder folder;
  folder.write("model.safetensors", one_tensor("a"));
  expect_refused(folder, ErrorCode::not_found, "config.json");
  for (const char* config :
       {"", "[]", "1", "null", "{\"a\":}", "{\"a\": 1e999}", "{\"a\": NaN}", "\xef\xbb\xbf"}) {
    folder.write("config.json", config);
    expect_refused(folder, ErrorCode::invalid_file, "config.json");
  }
  folder.write("config.json", R"({"a": 1, "a": 2})");
  expect_refused(folder, ErrorCode::invalid_file, "a key twice");
  folder.write("config.json", "{}");
  folder.write("generation_config.json", "[]");
  expect_refused(folder, ErrorCode::invalid_file, "generation_config.json");
}

TEST(ModelFolder, PickledWeightsAreNamedAndNeverRead) {
  for (const char* name :
       {"pytorch_model.bin", "model.pt", "consolidated.00.pth", "model.ckpt", "data.pkl"}) {
    TemporaryFolder folder;
    folder.write("config.json", "{}");
    ASSERT_EQ(::mkfifo(folder.path_of(name).c_str(), 0600), 0);  // opening it would hang
    expect_refused(folder, ErrorCode::unsupported, std::string(name) + " are not in a supported format");
    folder.write("model.safetensors", one_tensor("a"));
    EXPECT_EQ(read_model_folder(folder.path())->tensors.size(), 1u);
  }
  TemporaryFolder empty;
  empty.write("config.json", "{}");
  expect_refused(empty, ErrorCode::not_found, "neither model.safetensors nor");
}

TEST(ModelFolder, PathsThatAreNoFolder) {
  TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_THROW(read_model_folder(folder.path_of("file")), Error);
  EXPECT_THROW(read_model_folder(folder.path_of("missing")), Error);
  EXPECT_THROW(read_model_folder(std::string("x\0y", 3)), Error);
  // What the user named may be a link; what lies in it may not.
  folder.write("model/config.json", "{}");
  folder.write("model/model.safetensors", one_tensor("a"));
  std::filesystem::create_symlink("model", folder.path_of("link"));
  EXPECT_EQ(read_model_folder(folder.path_of("link"))->tensors.size(), 1u);
}

}  // namespace
}  // namespace lathe
