// Chunks. Four bytes choose the syntax, the measure, and how long chunks may be; the rest is the text. Chunks must
// follow one another, hold every byte, and be no longer than they may, but for single code points.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "text/chunk/chunk.h"
#include "text/chunk/cuts.h"

namespace {

using namespace attar;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::array<text::Measure, 4>& measures() {
  static const text::WordPiece tokenizer =
      text::WordPiece::make("[UNK]\na\nb\ne\nthe\n##a\n##b\n##e\n##the\nab\nbe\n,\n.\n#\n|\n\u00df\n\u6f22\n").value();
  static const text::Measure grows = {
      [](std::string_view text) { return text.size() + text.size() * text.size() / 32; }, text::Joins::nowhere};
  static const std::array<text::Measure, 4> out = {text::in_bytes(), text::in_code_points(), text::in_tokens(tokenizer),
                                                   grows};
  return out;
}

void check(std::string_view input, const std::vector<text::Chunk>& chunks, std::size_t most,
           const text::Measure& measure) {
  std::uint64_t at = 0;
  for (const text::Chunk& chunk : chunks) {
    require(chunk.begin == at && chunk.end > at && chunk.end <= input.size());
    at = chunk.end;
    const std::string_view own = input.substr(chunk.begin, chunk.end - chunk.begin);
    require(measure.length(own) <= most || text::chunking::code_point_end(own, 0) == own.size());
    for (const text::Heading& heading : chunk.headings)
      require(heading.begin <= heading.end && heading.end <= input.size());
  }
  require(at == input.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 4, size - 4);
  const auto syntax = static_cast<text::Syntax>(data[0] % 4);
  const text::Measure& measure = measures()[data[1] % 4];
  const std::size_t most = 1 + data[2];
  const auto chunks = text::chunk(input, syntax, {.most = most, .target = data[3] % (most + 1)}, measure);
  require(chunks.has_value());
  check(input, *chunks, most, measure);
  return 0;
}
