#include "apps/calibration_words.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/whole_number.h"
#include "lathe/error.h"

namespace lathe::apps {

CLI::Option* CalibrationWords::add(CLI::App& command) {
  command
      .add_option(
          "--ctx", context_tokens,
          "the calibration text is cut into contexts of so many tokens; 0: 512, or what the model has")
      ->transform(whole_number<int>())
      ->capture_default_str();
  return command.add_option("--calibration", file,
                            "a text file that the model is watched on: what its columns are important for");
}

CalibrationText CalibrationWords::read() const {
  CalibrationText text;
  text.context_tokens = context_tokens;
  if (file.empty()) return text;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file))
    throw Error(ErrorCode::not_found, "the calibration text cannot be read", {file, {}, {}});
  text.text.assign(std::istreambuf_iterator<char>(stream), {});
  text.name = file;
  if (text.text.empty())
    throw Error(ErrorCode::invalid_argument, "the calibration text is empty", {file, {}, {}});
  return text;
}

}  // namespace lathe::apps
