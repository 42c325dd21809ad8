#include "index/lexical/search.h"

#include <algorithm>
#include <array>

namespace attar::index::lexical {
namespace {

constexpr float largest_impact = 255;

struct Weighted {
  List list;
  float weight = 0;
};

// A query's terms without repeats, in their first order.
struct Wanted {
  std::string_view term;
  std::uint32_t times = 1;
};
std::vector<Wanted> counted(std::span<const std::string_view> terms) {
  std::vector<Wanted> out;
  for (const std::string_view term : terms) {
    const auto same = std::ranges::find(out, term, &Wanted::term);
    if (same == out.end())
      out.push_back({term});
    else
      ++same->times;
  }
  return out;
}

Result<std::vector<Weighted>> read_lists(const LexicalIndex& index, std::span<const std::string_view> terms) {
  std::vector<Weighted> out;
  const Header& header = index.header();
  for (const Wanted& wanted : counted(terms)) {
    ATTAR_ASSIGN(const auto term, index.find(wanted.term));
    if (!term) continue;
    Weighted& own = out.emplace_back();
    ATTAR_TRY(index.read(*term, own.list));
    const float many = idf(header.documents, term->holding) * static_cast<float>(wanted.times);
    own.weight = many * (header.parameters.k1 + 1.0f) / largest_impact;
  }
  return out;
}

// A block and the most that a document in it may score. The largest first, of equal ones the lower block: a heap's
// order.
struct Bound {
  float most = 0;
  std::uint32_t block = 0;

  friend bool operator<(const Bound& a, const Bound& b) noexcept {
    return a.most != b.most ? a.most < b.most : a.block > b.block;
  }
};

// Sums in the order of the lists, as scores are summed: rounding is monotone, so no score passes its block's bound.
std::vector<Bound> bounds_of(std::span<const Weighted> lists, std::uint32_t documents) {
  std::vector<float> most((documents - 1) / block_documents + 1);
  for (const Weighted& own : lists)
    for (const ListBlock& block : own.list.blocks())
      most[block.block] += own.weight * static_cast<float>(block.largest);
  std::vector<Bound> out;
  for (std::uint32_t block = 0; block < most.size(); ++block)
    if (most[block] > 0) out.push_back({most[block], block});
  return out;
}

class Scoring {
 public:
  Scoring(std::span<const Weighted> lists, const LexicalIndex::Lengths& lengths, std::span<const std::uint64_t> allowed)
      : lists_(lists), lengths_(lengths), allowed_(allowed) {}

  // Scores a block's documents; false where they contradict themselves.
  bool score(std::uint32_t block) {
    scores_.fill(0);
    const std::uint32_t first = block * block_documents;
    for (const Weighted& own : lists_) {
      const auto blocks = own.list.blocks();
      const auto at = std::ranges::lower_bound(blocks, block, {}, &ListBlock::block);
      if (at == blocks.end() || at->block != block) continue;
      const bool sound =
          own.list.each(static_cast<std::size_t>(at - blocks.begin()), [&](std::uint32_t place, std::uint32_t count) {
            scores_[place] +=
                own.weight * static_cast<float>(lengths_.impacts.of(lengths_.codes[first + place], count));
          });
      if (!sound) return false;
    }
    return true;
  }

  // Of the block scored last.
  void offer(std::uint32_t block, codec::TopK& top) const {
    const std::uint32_t first = block * block_documents;
    const float threshold = std::max(top.threshold(), 0.0f);
    for (std::uint32_t place = 0; place < block_documents; ++place)
      if (scores_[place] > 0 && scores_[place] >= threshold && may_be(first + place))
        top.push(scores_[place], first + place);
  }

  // Of the block scored last, the documents that are wanted in any case.
  void keep(std::span<const std::uint32_t> wanted, std::uint32_t block, std::vector<codec::Hit>& to) const {
    const std::uint32_t first = block * block_documents;
    for (auto at = std::ranges::lower_bound(wanted, first); at != wanted.end() && *at < first + block_documents; ++at)
      if (scores_[*at - first] > 0) to.push_back({scores_[*at - first], *at});
  }

  [[nodiscard]] bool any_allowed(std::uint32_t block) const noexcept {
    static_assert(block_documents == 2 * 64);
    if (allowed_.empty()) return true;
    const std::size_t word = std::size_t{block} * 2;
    return allowed_[word] != 0 || (word + 1 < allowed_.size() && allowed_[word + 1] != 0);
  }

 private:
  [[nodiscard]] bool may_be(std::uint32_t document) const noexcept {
    return allowed_.empty() || (allowed_[document / 64] >> (document % 64) & 1) != 0;
  }

  std::span<const Weighted> lists_;
  const LexicalIndex::Lengths& lengths_;
  std::span<const std::uint64_t> allowed_;
  std::array<float, block_documents> scores_{};
};

bool holds_any(std::span<const std::uint32_t> documents, std::uint32_t block) noexcept {
  const auto at = std::ranges::lower_bound(documents, block * block_documents);
  return at != documents.end() && *at / block_documents == block;
}

// Appends those of `also` that are not there yet.
void append_others(std::vector<codec::Hit>& hits, std::span<const codec::Hit> also) {
  if (also.empty()) return;
  std::vector<std::uint32_t> known;
  known.reserve(hits.size());
  for (const codec::Hit& hit : hits) known.push_back(hit.row);
  std::ranges::sort(known);
  for (const codec::Hit& hit : also)
    if (!std::ranges::binary_search(known, hit.row)) hits.push_back(hit);
}

}  // namespace

Result<std::vector<codec::Hit>> search(const LexicalIndex& index, std::span<const std::string_view> terms,
                                       const SearchOptions& options, SearchTimes* times) {
  ATTAR_ASSIGN(const auto lists, read_lists(index, terms));
  ATTAR_ASSIGN(const auto* const lengths, index.lengths());
  std::vector<Bound> bounds = bounds_of(lists, index.header().documents);
  const std::size_t all = bounds.size();
  codec::TopK top(options.k);
  Scoring scoring(lists, *lengths, options.allowed);
  std::uint64_t scored = 0;
  std::vector<codec::Hit> also;
  std::make_heap(bounds.begin(), bounds.end());
  // Blocks without a document that may be among the best are scored where one of them is wanted in any case.
  for (; !bounds.empty(); bounds.pop_back()) {
    const auto [most, block] = bounds.front();
    std::pop_heap(bounds.begin(), bounds.end());
    const bool may_hold_best = most >= top.threshold() && scoring.any_allowed(block);
    if (!may_hold_best && most < top.threshold() && options.also.empty()) break;
    if (!may_hold_best && !holds_any(options.also, block)) continue;
    ++scored;
    if (!scoring.score(block)) return fail(ErrorCode::corrupt, "the list of a term contradicts itself");
    if (may_hold_best) scoring.offer(block, top);
    scoring.keep(options.also, block, also);
  }
  if (times != nullptr) *times = {.blocks = all, .scored = scored};
  std::vector<codec::Hit> out = top.sorted();
  append_others(out, also);
  return out;
}

Result<std::vector<std::uint64_t>> documents_with_all(const LexicalIndex& index,
                                                      std::span<const std::string_view> terms) {
  const std::uint32_t documents = index.header().documents;
  std::vector<std::uint64_t> out((std::size_t{documents} + 63) / 64, ~std::uint64_t{0});
  if (documents % 64 != 0) out.back() = (std::uint64_t{1} << (documents % 64)) - 1;
  for (const std::string_view term : terms) {
    std::vector<std::uint64_t> own(out.size());
    ATTAR_ASSIGN(const auto found, index.find(term));
    List list;
    if (found) ATTAR_TRY(index.read(*found, list));
    for (std::size_t block = 0; block < list.blocks().size(); ++block) {
      const std::uint32_t first = list.blocks()[block].block * block_documents;
      const bool sound = list.each(block, [&](std::uint32_t place, std::uint32_t) {
        const std::uint32_t document = first + place;
        own[document / 64] |= std::uint64_t{1} << (document % 64);
      });
      if (!sound) return fail(ErrorCode::corrupt, "the list of a term contradicts itself");
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] &= own[i];
  }
  return out;
}

}  // namespace attar::index::lexical
