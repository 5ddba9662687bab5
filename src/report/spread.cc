// Figures of a spread by their share, for whoever shows them.
#include <algorithm>
#include <limits>

#include "lathe/quantization.h"

namespace lathe {

Figure Spread::at(double share) const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto found = std::ranges::find(quantiles, share, &Quantile::share);
  return found == quantiles.end() ? Figure{kNone, kNone} : found->at;
}

}  // namespace lathe
