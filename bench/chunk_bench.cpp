// Cuts a file into chunks: a line of JSON for each, then one with the time that it took.
//
//     chunk_bench FILE plain|markdown|braces|indentation MOST [TARGET [VOCABULARY [ROUNDS]]]
//
// MOST and TARGET (0: none) count tokens of the WordPiece vocabulary, bytes without one. The time is the least of
// ROUNDS.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>

#include "text/chunk/chunk.h"

namespace {

using namespace attar;

[[noreturn]] void stop(std::string_view why) {
  fmt::print(stderr, "chunk_bench: {}\n", why);
  std::exit(2);
}

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) stop(fmt::format("{} cannot be read", path));
  return {std::istreambuf_iterator<char>(in), {}};
}

text::Syntax syntax_of(std::string_view name) {
  constexpr std::array<std::string_view, 4> names = {"plain", "markdown", "braces", "indentation"};
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) stop(fmt::format("'{}' is no syntax", name));
  return static_cast<text::Syntax>(found - names.begin());
}

std::size_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

}  // namespace

int main(int count, char** words) {
  if (count < 4) stop("FILE SYNTAX MOST [TARGET [VOCABULARY [ROUNDS]]]");
  const std::string document = read(words[1]);
  const text::ChunkOptions options{.most = number(words[3]), .target = count > 4 ? number(words[4]) : 0};
  std::optional<text::WordPiece> tokenizer;
  if (count > 5) {
    auto made = text::WordPiece::make(read(words[5]));
    if (!made) stop(made.error().describe());
    tokenizer = *std::move(made);
  }
  const text::Measure measure = tokenizer ? text::in_tokens(*tokenizer) : text::in_bytes();

  double seconds = std::numeric_limits<double>::max();
  std::vector<text::Chunk> chunks;
  for (std::size_t round = 0; round < (count > 6 ? number(words[6]) : 1); ++round) {
    const auto begin = std::chrono::steady_clock::now();
    auto made = text::chunk(document, syntax_of(words[2]), options, measure);
    seconds = std::min(seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    if (!made) stop(made.error().describe());
    chunks = *std::move(made);
  }
  for (const text::Chunk& chunk : chunks) {
    std::string headings;
    for (const text::Heading& heading : chunk.headings)
      headings += fmt::format("{}[{},{}]", headings.empty() ? "" : ",", heading.begin, heading.end);
    fmt::print("{{\"begin\":{},\"end\":{},\"headings\":[{}]}}\n", chunk.begin, chunk.end, headings);
  }
  fmt::print("{{\"bytes\":{},\"seconds\":{:.6f}}}\n", document.size(), seconds);
}
