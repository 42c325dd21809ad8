#include "text/snippet/snippet.h"

#include <algorithm>
#include <optional>

namespace attar::text {
namespace {

// A word of the query where it stands in the text.
struct Match {
  std::size_t word = 0;  // number of the word in the text
  std::size_t term = 0;
};

std::vector<Match> matches_of(const std::vector<Word>& words, std::span<const WeighedTerm> terms) {
  std::vector<Match> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = std::ranges::find(terms, words[i].term, &WeighedTerm::term);
    if (found != terms.end()) out.push_back({i, static_cast<std::size_t>(found - terms.begin())});
  }
  return out;
}

// The matches [first, last) that weigh most of those which fit together; slides over them once.
struct Run {
  std::size_t first = 0, last = 0;
};
Run heaviest(std::span<const Match> matches, const std::vector<Word>& words, std::span<const WeighedTerm> terms,
             std::uint32_t most_bytes) {
  Run best;
  float best_weight = 0, weight = 0;
  std::vector<std::uint32_t> held(terms.size());
  std::size_t first = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (held[matches[i].term]++ == 0) weight += terms[matches[i].term].weight;
    while (words[matches[i].word].end - words[matches[first].word].begin > most_bytes && first < i) {
      if (--held[matches[first].term] == 0) weight -= terms[matches[first].term].weight;
      ++first;
    }
    if (weight <= best_weight) continue;
    best_weight = weight;
    best = {first, i + 1};
  }
  return best;
}

// Grows [first, last) by whole words on both sides, a third of what is left before and the rest after, as far as the
// text and the bytes allow.
Stretch grown(const std::vector<Word>& words, std::size_t first, std::size_t last, std::uint32_t most_bytes) {
  const auto bytes = [&](std::size_t from, std::size_t to) { return words[to - 1].end - words[from].begin; };
  const std::uint32_t own = bytes(first, last);
  const std::uint32_t before = own >= most_bytes ? 0 : (most_bytes - own) / 3;
  std::size_t begin = first, end = last;
  while (begin > 0 && words[first].begin - words[begin - 1].begin <= before) --begin;
  while (end < words.size() && bytes(begin, end + 1) <= most_bytes) ++end;
  while (begin > 0 && bytes(begin - 1, end) <= most_bytes) --begin;
  return {words[begin].begin, words[end - 1].end};
}

}  // namespace

Snippet snippet(std::string_view text, std::span<const WeighedTerm> terms, std::uint32_t most_bytes,
                WordSplitter& splitter) {
  const std::vector<Word>& words = splitter.split(text);
  if (words.empty()) return {};
  const std::vector<Match> matches = matches_of(words, terms);
  const Run run = heaviest(matches, words, terms, most_bytes);
  Snippet out;
  if (run.first == run.last) {
    out.shown = grown(words, 0, 1, most_bytes);
  } else {
    out.shown = grown(words, matches[run.first].word, matches[run.last - 1].word + 1, most_bytes);
  }
  // Punctuation that closes the last word belongs to it.
  std::size_t end = out.shown.end;
  while (end < text.size() && std::string_view(".,;:!?)]").find(text[end]) != std::string_view::npos) ++end;
  out.shown.end = static_cast<std::uint32_t>(end);
  for (const Match& match : matches)
    if (words[match.word].begin >= out.shown.begin && words[match.word].end <= out.shown.end)
      out.marks.push_back({words[match.word].begin, words[match.word].end});
  return out;
}

}  // namespace attar::text
