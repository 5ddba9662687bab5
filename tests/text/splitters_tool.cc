// Cuts texts for splitters_test.py: one JSON object a line on stdin, {"pattern", "texts"}; for each a line
// {"pieces": [[...], ...]} on stdout, or {"pieces": null} for a pattern that is not known.
#include <iostream>
#include <string>

#include "base/json.h"
#include "text/pre_tokenizer.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const lathe::Json request = lathe::parse_json(line, "request");
    lathe::Json answer = {{"pieces", nullptr}};
    if (const lathe::Splitter splitter = lathe::find_splitter(request.at("pattern").get<std::string>())) {
      answer["pieces"] = lathe::Json::array();
      for (const lathe::Json& item : request.at("texts")) {
        const auto text = item.get<std::string>();
        std::vector<lathe::TextRange> pieces;
        splitter(text, pieces);
        lathe::Json parts = lathe::Json::array();
        std::size_t begin = 0;
        for (const lathe::TextRange& piece : pieces) {
          parts.push_back(text.substr(begin, piece.end - begin));
          begin = piece.end;
        }
        answer["pieces"].push_back(std::move(parts));
      }
    }
    std::cout << lathe::dump_json(answer) << "\n";
  }
}
