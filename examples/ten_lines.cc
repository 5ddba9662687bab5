// A whole program on the library: asks a model, prints its answer as it comes.
#include <iostream>

#include "lathe/lathe.h"

int main() {
  lathe::Model model = lathe::Model::load("smollm2");
  lathe::Request request;
  request.messages = {{"user", "What color is the sky?"}};
  lathe::Answer answer = model.answer(request);
  for (lathe::Piece piece; answer.next(piece);) std::cout << piece.text << std::flush;
  std::cout << '\n';
}
