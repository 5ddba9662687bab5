#include "api/engine_version.h"

#include "lathe/inspection.h"

namespace lathe {

std::string engine_version() { return std::string(version()) + "+" + std::string(kEngineStamp); }

}  // namespace lathe
