// Counts what operator new hands out on the calling thread.
#pragma once

#include <cstdint>

namespace lathe::toy {

std::uint64_t allocations_of_this_thread();

}  // namespace lathe::toy
