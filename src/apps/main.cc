// The program: finds the command in the words, runs it, and turns errors into messages and exit statuses.
//   0 done, 1 failed, 2 wrong words, 130 interrupted
#include <exception>
#include <new>

#include "apps/command.h"
#include "apps/error_text.h"
#include "apps/output.h"
#include "lathe/inspection.h"

namespace lathe::apps {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongWords = 2;

int complain(const std::string& message, int status) {
  write_error("lathe: " + message + "\n");
  return status;
}

int run(int argc, char** argv) {
  Interrupt interrupt;
  Context context{interrupt, nullptr};
  CLI::App program("Runs language models on this machine.", "lathe");
  program.require_subcommand(1);
  program.set_version_flag("--version", "lathe " + std::string(version()), "print the version");
  add_run(program, context);
  add_chat(program, context);
  add_tokens(program, context);
  add_embed(program, context);
  add_logits(program, context);
  add_inspect(program, context);
  add_convert(program, context);
  add_quantize(program, context);
  add_imatrix(program, context);
  add_build(program, context);
  add_refit(program, context);
  add_timings(program, context);
  add_bench(program, context);
  add_exec(program, context);
  add_compare(program, context);
  add_number(program, context);
  add_eval(program, context);
  add_onnx_suite(program, context);
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    write_out(program.help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    write_out("lathe " + std::string(version()) + "\n");
    return 0;
  } catch (const CLI::ParseError& error) {
    const auto unknown = program.remaining();
    std::string message = error.what();
    if (program.get_subcommands().empty() && !unknown.empty())
      message = (unknown.front().starts_with('-') ? "there is no option " : "there is no command ") +
                json_string(unknown.front());
    return complain(message + " (lathe --help shows the words)", kWrongWords);
  }
  return context.chosen();
}

}  // namespace
}  // namespace lathe::apps

int main(int argc, char** argv) {
  using namespace lathe::apps;
  try {
    return run(argc, argv);
  } catch (const lathe::Error& error) {
    return complain(error_text(error),
                    error.code() == lathe::ErrorCode::invalid_argument ? kWrongWords : kFailed);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", kFailed);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}
