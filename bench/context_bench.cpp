// The relevance model on questions and passages: reads JSON lines {"question", "passages": [{"text", "heading",
// "paragraph"}]}, and writes a JSON line for each: by passage its features, or its probability.
//
//     context_bench features|scores <questions.jsonl
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "text/context/relevance.h"
#include "text/context/relevance_model.h"

namespace {

using namespace attar;
using Json = nlohmann::json;
using text::context::Passage;

// The strings outlive the passages.
std::vector<Passage> passages_of(const Json& read, std::vector<std::string>& strings) {
  const Json& given = read.at("passages");
  strings.clear();
  for (const Json& passage : given) {
    strings.push_back(passage.at("text"));
    strings.push_back(passage.value("heading", ""));
  }
  std::vector<Passage> out;
  for (std::size_t i = 0; i < given.size(); ++i)
    out.push_back({.text = strings[2 * i],
                   .heading = strings[2 * i + 1],
                   .paragraph = given[i].value("paragraph", static_cast<std::uint32_t>(i))});
  return out;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view mode = count == 2 ? words[1] : "";
  const auto table = text::embedded_encoder();
  auto splitter = text::WordSplitter::make("english");
  if ((mode != "features" && mode != "scores") || !table || !splitter) {
    fmt::print(stderr, "usage: context_bench features|scores <questions.jsonl\n");
    return 2;
  }
  text::context::Relevance relevance(**table, *splitter);
  std::vector<std::string> strings;
  for (std::string line; std::getline(std::cin, line);) {
    const Json read = Json::parse(line);
    const auto question = read.at("question").get<std::string>();
    const std::vector<Passage> passages = passages_of(read, strings);
    relevance.ask(question);
    Json out = Json::array();
    for (const auto& features : relevance.look_at(passages)) {
      if (mode == "features")
        out.push_back(features);
      else
        out.push_back(text::context::probability(features));
    }
    std::cout << out.dump() << '\n';
  }
}
