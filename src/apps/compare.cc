// lathe compare: where two runs part. Two models or networks, one with two settings, a network and what it
// should give, or two folders of .npy files.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/program_words.h"
#include "apps/whole_number.h"
#include "lathe/execute.h"
#include "lathe/inspection.h"

namespace lathe::apps {
namespace {

constexpr int kSides = 2;

struct CompareWords {
  std::string a, b;
  std::array<ComparedSide, kSides> sides;
  /// Of both sides first, of one side behind that.
  std::vector<std::function<void()>> settings, side_settings;
  std::string ids, prompt;
  ProgramWords given;  // to networks
  Tolerance tolerance;
  std::size_t worst = 10;
  bool json = false;
};

/// Adds --name for both sides, --name-a and --name-b for one.
void add_side_option(CLI::App& command, CompareWords& words, const std::string& name,
                     const std::string& description, bool number,
                     const std::function<void(ComparedSide&, const std::string&)>& set) {
  for (const char* suffix : {"", "-a", "-b"}) {
    const std::string side = suffix;
    CLI::Option* option = command.add_option_function<std::vector<std::string>>(
        name + side,
        [&words, side, set](const std::vector<std::string>& values) {
          auto& settings = side.empty() ? words.settings : words.side_settings;
          for (const auto& value : values) {
            if (side != "-b") settings.push_back([&words, set, value] { set(words.sides[0], value); });
            if (side != "-a") settings.push_back([&words, set, value] { set(words.sides[1], value); });
          }
        },
        side.empty() ? description + " (" + name + "-a, " + name + "-b: of one side)" : "of one side");
    option->allow_extra_args(false);
    if (number) option->transform(whole_number<int>());
    if (!side.empty()) option->group("");
  }
}

std::string first_index(const TensorDifference& tensor) {
  std::string text = "[";
  for (std::size_t i = 0; i < tensor.first.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.first[i]);
  return text + "]";
}

std::string scientific(double value) {
  std::array<char, 32> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.2e", value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string type_of(const TensorDifference& tensor) {
  std::string text = tensor.dtype_a;
  if (tensor.dtype_b != tensor.dtype_a) text += "|" + tensor.dtype_b;
  text += "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

std::string table(const std::vector<const TensorDifference*>& tensors, bool tolerant) {
  std::vector<std::vector<std::string>> rows = {
      {"tensor", "op", "type", "max abs", "RMS / RMS of A", "cosine", "differ", "first at"}};
  if (tolerant) rows[0].insert(rows[0].end() - 1, "outside");
  for (const auto* tensor : tensors) {
    const double share = 100 * static_cast<double>(tensor->different) / static_cast<double>(tensor->elements);
    rows.push_back({tensor->name, tensor->op.empty() ? "-" : tensor->op, type_of(*tensor),
                    scientific(tensor->max_abs), scientific(tensor->relative_rms),
                    format_number(tensor->cosine, 7), format_number(share, 1) + " %", first_index(*tensor)});
    if (tolerant) rows.back().insert(rows.back().end() - 1, std::to_string(tensor->outside));
  }
  return format_table(rows, 3);
}

std::string name_list(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kShown ? text + ", ..." : text;
}

std::string to_text(const CompareWords& words, const Comparison& comparison) {
  const bool tolerant = words.tolerance.absolute > 0 || words.tolerance.relative > 0;
  std::vector<const TensorDifference*> parted;
  std::size_t equal = 0;
  for (const auto& tensor : comparison.tensors) {
    if (tensor.equal)
      ++equal;
    else
      parted.push_back(&tensor);
  }
  std::string text = std::to_string(comparison.tensors.size()) +
                     " tensors matched: " + std::to_string(equal) + " equal bit for bit, " +
                     std::to_string(parted.size()) + " different\n";
  for (const auto& [side, names] : {std::pair{"A", &comparison.only_a}, std::pair{"B", &comparison.only_b}})
    if (!names->empty())
      text += std::to_string(names->size()) + " only in " + side + ": " + name_list(*names) + "\n";
  for (const auto& note : comparison.notes) text += "not compared: " + note + "\n";
  if (parted.empty()) return text;
  if (tolerant)
    text += comparison.within ? "all are within the tolerance\n" : "some are outside the tolerance\n";
  text += "first to part: " + parted.front()->name + " at " + first_index(*parted.front()) + "\n";
  auto worst = parted;
  std::ranges::stable_sort(worst, std::ranges::greater{}, &TensorDifference::relative_rms);
  worst.resize(std::min(worst.size(), words.worst));
  text += "\nworst first\n" + table(worst, tolerant);
  return text + "\nin order\n" + table(parted, tolerant);
}

std::string number_list(const std::vector<std::int64_t>& numbers) {
  std::string text = "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return text + "]";
}

std::string text_list(const std::vector<std::string>& texts) {
  std::string text = "[";
  for (std::size_t i = 0; i < texts.size(); ++i) text += (i == 0 ? "" : ", ") + json_string(texts[i]);
  return text + "]";
}

/// What is not finite is null.
std::string to_json(const Comparison& comparison) {
  std::string first = "null";
  std::string worst = "null";
  double most = 0;
  std::string list;
  for (const auto& tensor : comparison.tensors) {
    if (!tensor.equal && first == "null") first = json_string(tensor.name);
    if (!tensor.equal && (worst == "null" || tensor.relative_rms > most)) {
      worst = json_string(tensor.name);
      most = tensor.relative_rms;
    }
    list += (list.empty() ? "\n  {" : ",\n  {");
    list +=
        "\"name\": " + json_string(tensor.name) + ", \"op\": " + json_string(tensor.op) +
        ", \"dtype_a\": " + json_string(tensor.dtype_a) + ", \"dtype_b\": " + json_string(tensor.dtype_b) +
        ", \"shape\": " + number_list(tensor.shape) + ", \"equal\": " + (tensor.equal ? "true" : "false") +
        ", \"max_abs\": " + json_number(tensor.max_abs) + ", \"rms\": " + json_number(tensor.rms) +
        ", \"relative_rms\": " + json_number(tensor.relative_rms) +
        ", \"cosine\": " + json_number(tensor.cosine) + ", \"elements\": " + std::to_string(tensor.elements) +
        ", \"different\": " + std::to_string(tensor.different) +
        ", \"outside\": " + std::to_string(tensor.outside) +
        ", \"first\": " + (tensor.equal ? "null" : number_list(tensor.first)) + "}";
  }
  return std::string("{\"within\": ") + (comparison.within ? "true" : "false") + ", \"first\": " + first +
         ", \"worst\": " + worst + ", \"only_a\": " + text_list(comparison.only_a) +
         ", \"only_b\": " + text_list(comparison.only_b) + ", \"notes\": " + text_list(comparison.notes) +
         ", \"tensors\": [" + list + "\n]}\n";
}

/// The .npy files of a folder by their names; none where it is a model's.
NamedTensors read_folder(const std::string& path) {
  namespace fs = std::filesystem;
  NamedTensors tensors;
  std::error_code error;
  if (!fs::is_directory(path, error) || fs::exists(fs::path(path) / "config.json", error)) return tensors;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path, error))
    if (entry.path().extension() == ".npy") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) tensors.emplace_back(file.stem().string(), read_npy(file.string()));
  return tensors;
}

/// Decoders in an .onnx file are models where there is a text for them.
bool takes_tensors(const CompareWords& words, const std::string& file) {
  return words.ids.empty() && words.prompt.empty() && is_network(file);
}

void require_words_of(const CompareWords& words, bool network) {
  const auto chunked = [](const ComparedSide& side) { return side.chunk != 0; };
  if (network && std::ranges::any_of(words.sides, chunked))
    throw Error(ErrorCode::invalid_argument, "--chunk is for models: a network runs once on its inputs");
  if (!network && words.given.any())
    throw Error(ErrorCode::invalid_argument,
                "inputs, sizes and constants are for networks: a model has --ids");
}

ProgramOptions program_options(const CompareWords& words, const std::string& file, std::size_t side) {
  ProgramOptions options;
  options.file = file;
  options.model_options = words.sides[side].options;
  words.given.fill(options);
  return options;
}

Comparison compare_words(CompareWords& words) {
  const auto folder_a = read_folder(words.a);
  const auto folder_b = read_folder(words.b);
  if (!folder_a.empty() && !folder_b.empty()) return compare(folder_a, folder_b, words.tolerance);
  for (const auto& set : words.settings) set();
  for (const auto& set : words.side_settings) set();
  const bool network_a = takes_tensors(words, words.a);
  const bool network_b = takes_tensors(words, words.b);
  if (network_a && !folder_b.empty()) {
    require_words_of(words, true);
    return compare(program_options(words, words.a, 0), folder_b, words.tolerance);
  }
  if (!folder_a.empty() || !folder_b.empty())
    throw Error(ErrorCode::invalid_argument,
                "a folder of .npy files is compared with another one, or stands behind a network as what it "
                "should give");
  if (network_a != network_b)
    throw Error(ErrorCode::invalid_argument,
                "a network is compared with a network, and a model with a model");
  require_words_of(words, network_a);
  if (network_a)
    return compare(program_options(words, words.a, 0), program_options(words, words.b, 1), words.tolerance);
  words.sides[0].model = words.a;
  words.sides[1].model = words.b;
  for (auto& side : words.sides) side.options.show_fetch = true;
  const auto ids = words.ids.empty() ? std::vector<std::int32_t>{} : parse_ids(words.ids);
  if (!words.ids.empty() && ids.empty())
    throw Error(ErrorCode::invalid_argument, "there are no ids to compute", {{}, std::nullopt, "ids"});
  return compare(words.sides[0], words.sides[1], ids, text_or_stdin(words.prompt), words.tolerance);
}

int run(CompareWords& words) {
  if (words.b.empty()) words.b = words.a;
  const auto tolerance = [](double value) { return value >= 0 && std::isfinite(value); };
  if (!tolerance(words.tolerance.absolute) || !tolerance(words.tolerance.relative))
    throw Error(ErrorCode::invalid_argument, "--atol and --rtol must be 0 or more");
  const Comparison comparison = compare_words(words);
  for (const auto& remark : comparison.remarks) write_error("lathe: " + remark + "\n");
  write_out(words.json ? to_json(comparison) : to_text(words, comparison));
  return comparison.within ? 0 : 1;
}

void add_settings(CLI::App& command, CompareWords& words) {
  const auto add = [&](const std::string& name, const std::string& description, auto set,
                       bool number = false) {
    add_side_option(command, words, name, description, number, set);
  };
  const auto number = [&](const std::string& name, const std::string& description, auto set) {
    add(
        name, description,
        [set](ComparedSide& side, const std::string& value) { set(side) = std::stoi(value); }, true);
  };
  add("--math", "int8 or f32",
      [](ComparedSide& side, const std::string& value) { side.options.math = value; });
  add("--weights", "matrices become q8, q4, bf16 or f32 (default: as stored)",
      [](ComparedSide& side, const std::string& value) { side.options.weight_type = value; });
  add("--kv", "keys and values of earlier tokens: f32, f16, bf16 or off",
      [](ComparedSide& side, const std::string& value) { side.options.kv = value; });
  add("--disable-pass", "leave out a pass of the compiler (again for more)",
      [](ComparedSide& side, const std::string& value) { side.options.disabled_passes.push_back(value); });
  number("--threads", "threads that compute; 0: one per core",
         [](ComparedSide& side) -> int& { return side.options.threads; });
  number("--ctx", "tokens that the context holds; 0: chosen",
         [](ComparedSide& side) -> int& { return side.options.context_tokens; });
  number("--tuning", "how kernels are chosen: 0 the first, to 5 all, measured",
         [](ComparedSide& side) -> int& { return side.options.tuning; });
  number("--chunk", "tokens of a step; 0: all in one, 1: token by token",
         [](ComparedSide& side) -> int& { return side.chunk; });
}

}  // namespace

void add_compare(CLI::App& program, Context& context) {
  auto words = std::make_shared<CompareWords>();
  CLI::App* command = program.add_subcommand(
      "compare", "find where two runs on the same input part; exit status 1 if they do");
  command->add_option("A", words->a, "a model, a network, or a folder of .npy files")->required();
  command->add_option(
      "B", words->b,
      "the other one (default: A, with other settings); of a network also a folder of what it "
      "should give");
  CLI::Option* ids = command->add_option("--ids", words->ids, "token ids: 1,2,3 or [1, 2, 3]");
  command->add_option("--prompt", words->prompt, "a text, in A's tokens; - reads stdin (default: a sentence)")
      ->excludes(ids);
  words->given.add(*command);
  add_settings(*command, *words);
  command->add_option("--atol", words->tolerance.absolute, "absolute difference that is allowed")
      ->capture_default_str();
  command->add_option("--rtol", words->tolerance.relative, "the same, relative to A's element")
      ->capture_default_str();
  command->add_option("--worst", words->worst, "rows of the first table")
      ->transform(whole_number<std::size_t>())
      ->capture_default_str();
  command->add_flag("--json", words->json, "print one JSON object, with every tensor");
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
