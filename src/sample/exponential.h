// exp(x) for x <= 0 in double, within 2 ulp, from additions and multiplications alone: the C library's
// differs between machines in the last bit, and a sampled text must not.
#pragma once

namespace lathe {

double exponential(double x);

}  // namespace lathe
