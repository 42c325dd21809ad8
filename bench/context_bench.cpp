// Features of units for questions: reads JSON lines {"question", "passages": [{"text", "heading", "paragraph"}]}, and
// writes a JSON line of features for each.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "text/context/relevance.h"

int main() {
  using namespace attar;
  auto table = text::embedded_encoder();
  auto splitter = text::WordSplitter::make("english");
  if (!table || !splitter) return 2;
  text::context::Relevance relevance(**table, *splitter);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto read = nlohmann::json::parse(line);
    const auto question = read.at("question").get<std::string>();
    std::vector<std::string> texts, headings;
    for (const auto& p : read.at("passages")) {
      texts.push_back(p.at("text"));
      headings.push_back(p.value("heading", ""));
    }
    std::vector<text::context::Passage> passages;
    for (std::size_t i = 0; i < texts.size(); ++i)
      passages.push_back(
          {texts[i], headings[i], read["passages"][i].value("paragraph", static_cast<std::uint32_t>(i))});
    relevance.ask(question);
    nlohmann::json out = nlohmann::json::array();
    for (const auto& features : relevance.look_at(passages)) out.push_back(features);
    std::cout << out.dump() << '\n';
  }
}
