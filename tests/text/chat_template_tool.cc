// Renders templates for chat_template_test.py: one JSON object a line on stdin, {"template", "context",
// "now"}; for each a line {"text"} or {"error", "code"} on stdout.
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "text/chat_template.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const lathe::Json request = lathe::parse_json(line, "request", 300);
    lathe::Json answer;
    try {
      const lathe::ChatTemplate chat(request.at("template").get<std::string>());
      answer["text"] = chat.render(request.at("context"), request.at("now").get<std::time_t>());
    } catch (const lathe::Error& error) {
      answer = {{"error", error.what()}, {"code", static_cast<int>(error.code())}};
    }
    std::cout << lathe::dump_json(answer) << "\n";
  }
}
