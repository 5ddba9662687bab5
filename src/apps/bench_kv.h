// lathe bench kv: what the cache saves, step by step.
#pragma once

#include "apps/command.h"

namespace lathe::apps {

void add_bench_kv(CLI::App& bench, Context& context);

}  // namespace lathe::apps
