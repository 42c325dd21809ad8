// Counts the tokens of texts: one line of JSON with the counts and the time.
//
//     tokenizer_bench TOKENIZER TEXTS [ROUNDS]
//
// TEXTS: of each text its length in bytes, as u32, and the bytes. The time is the least of ROUNDS, on one thread.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "text/tokenizer/tokenizer.h"

namespace {

using namespace attar;
using Clock = std::chrono::steady_clock;

[[noreturn]] void stop(std::string_view why) {
  fmt::print(stderr, "tokenizer_bench: {}\n", why);
  std::exit(2);
}

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::vector<std::string_view> texts_of(std::string_view all) {
  std::vector<std::string_view> out;
  base::ByteReader in(std::as_bytes(std::span(all.data(), all.size())));
  while (in.remaining() != 0) {
    const auto size = in.read<std::uint32_t>();
    const auto bytes = size ? in.take(*size) : Result<base::ByteView>(std::unexpected(size.error()));
    if (!bytes) stop(bytes.error().describe());
    out.push_back(base::as_text(*bytes));
  }
  return out;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) stop("TOKENIZER TEXTS [ROUNDS]");
  std::ifstream file(words[2], std::ios::binary);
  if (!file) stop(fmt::format("{} cannot be read", words[2]));
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  const std::vector<std::string_view> texts = texts_of(all);

  const auto opening = Clock::now();
  const auto tokenizer = text::open_tokenizer(words[1]);
  const double opened = since(opening);
  if (!tokenizer) stop(tokenizer.error().describe());

  std::vector<std::size_t> counts(texts.size());
  double seconds = std::numeric_limits<double>::max();
  for (int round = 0; round < (count > 3 ? std::atoi(words[3]) : 1); ++round) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < texts.size(); ++i) counts[i] = (*tokenizer)->count(texts[i]);
    seconds = std::min(seconds, since(begin));
  }
  fmt::print("{{\"open_seconds\":{:.4f},\"seconds\":{:.6f},\"counts\":[{}]}}\n", opened, seconds,
             fmt::join(counts, ","));
}
