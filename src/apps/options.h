// Words that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lathe/lathe.h"

namespace lathe::apps {

struct ModelWords {
  std::string model = "smollm2";
  ModelOptions options;
  bool verify = false;  // a plan's weights are held to their checksums

  void add_model(CLI::App& command);      // -m alone
  void add_weights(CLI::App& command);    // threads, and how weights are stored
  void add_computing(CLI::App& command);  // and how it is computed
  void add_plan_cache(CLI::App& command);
  Model load() const;
};

/// --temp and its companions, with the values of `sampling` as defaults.
void add_sampling(CLI::App& command, Sampling& sampling);

/// `text`, or all of stdin where it is "-".
std::string text_or_stdin(const std::string& text);

/// Ids as "1,2,3" or "[1, 2, 3]". Throws Error(invalid_argument).
std::vector<std::int32_t> parse_ids(const std::string& text);

/// [1, 2, 3]
std::string ids_json(const std::vector<std::int32_t>& ids);

}  // namespace lathe::apps
