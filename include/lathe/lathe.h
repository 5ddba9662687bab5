// The whole public API.
//
//   lathe::Model model = lathe::Model::load("smollm2");
//   lathe::Request request;
//   request.messages = {{"user", "What color is the sky?"}};
//   lathe::Answer answer = model.answer(request);
//   for (lathe::Piece piece; answer.next(piece);) std::cout << piece.text << std::flush;
#pragma once

#include "lathe/build.h"
#include "lathe/error.h"
#include "lathe/execute.h"
#include "lathe/inspection.h"
#include "lathe/model.h"
#include "lathe/options.h"
#include "lathe/quantization.h"
