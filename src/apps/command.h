// The commands of the program, one file each. Every add_ function describes its words to the parser; where
// the command was given, `chosen` becomes what is to be run, which returns the exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "apps/interrupt.h"

namespace lathe::apps {

struct Context {
  Interrupt& interrupt;
  std::function<int()> chosen;
};

void add_run(CLI::App& program, Context& context);
void add_chat(CLI::App& program, Context& context);
void add_tokens(CLI::App& program, Context& context);
void add_embed(CLI::App& program, Context& context);
void add_logits(CLI::App& program, Context& context);
void add_inspect(CLI::App& program, Context& context);
void add_convert(CLI::App& program, Context& context);
void add_quantize(CLI::App& program, Context& context);
void add_imatrix(CLI::App& program, Context& context);
void add_build(CLI::App& program, Context& context);
void add_refit(CLI::App& program, Context& context);
void add_timings(CLI::App& program, Context& context);
void add_bench(CLI::App& program, Context& context);
void add_exec(CLI::App& program, Context& context);
void add_compare(CLI::App& program, Context& context);
void add_number(CLI::App& program, Context& context);
void add_eval(CLI::App& program, Context& context);
void add_onnx_suite(CLI::App& program, Context& context);

}  // namespace lathe::apps
