// The step of ImageDecoder: the bytes of an image's file become pixels, as many as the file says.
#pragma once

#include "backend/host_step.h"

namespace lathe {

std::vector<RunValue> run_image_decoder(HostStepCall& call);

}  // namespace lathe
