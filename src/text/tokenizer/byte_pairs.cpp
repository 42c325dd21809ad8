#include "text/tokenizer/byte_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <queue>
#include <utility>

#include "text/unicode.h"
#include "text/word_memory.h"

namespace attar::text {
namespace {

constexpr std::size_t most_pairs = std::size_t{1} << 22;
constexpr std::uint32_t none = Vocabulary::none;
constexpr std::size_t few_units = 64;  // up to here a look along the row is quicker than a heap

constexpr std::uint64_t key_of(std::uint32_t left, std::uint32_t right) noexcept {
  return std::uint64_t{left} << 32 | right;
}

constexpr std::size_t hash_of_pair(std::uint64_t pair) noexcept {
  pair *= 0x9E37'79B9'7F4A'7C15u;
  return static_cast<std::size_t>(pair ^ pair >> 32);
}

}  // namespace

// The tokens that a part is cut into so far. Kept by each thread, so that parts cost no allocation.
struct BytePairs::Row {
  std::vector<std::uint32_t> units;          // numbers of tokens
  std::vector<std::uint32_t> ranks;          // of the pair of a unit and the next
  std::vector<std::uint32_t> before, after;  // the neighbours that are left

  static Row& of_this_thread() {
    thread_local Row row;
    return row;
  }
};

Result<std::unique_ptr<BytePairs>> BytePairs::make(Vocabulary tokens, std::span<const Merge> merges,
                                                   const PairOptions& options) {
  static std::atomic<std::uint64_t> made{0};
  if (merges.size() > most_pairs)
    return fail(ErrorCode::over_limit, fmt::format("has {} pairs; Attar reads {}", merges.size(), most_pairs));
  std::unique_ptr<BytePairs> out(new BytePairs(std::move(tokens), options));
  out->identity_ = ++made;
  out->slots_.resize(std::bit_ceil(merges.size() * 2 + 2));
  for (const Merge& merge : merges) out->put(merge);
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    out->byte_units_[byte] = out->tokens_.find({&c, 1});
    out->byte_fallback_[byte] = options.byte_fallback ? out->tokens_.find(fmt::format("<0x{:02X}>", byte)) : none;
  }
  return out;
}

Result<std::vector<Merge>> BytePairs::pairs_of(const Vocabulary& tokens, std::span<const std::uint32_t> ranks) {
  std::vector<Merge> out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens.token(i);
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const std::uint32_t left = tokens.find(token.substr(0, cut));
      if (left == none) continue;
      const std::uint32_t right = tokens.find(token.substr(cut));
      if (right != none) out.push_back({left, right, ranks[i], tokens.number(i)});
    }
    if (out.size() > most_pairs)
      return fail(ErrorCode::over_limit, fmt::format("joins more than {} pairs of tokens", most_pairs));
  }
  return out;
}

void BytePairs::put(const Merge& merge) {
  const std::uint64_t pair = key_of(merge.left, merge.right);
  std::size_t at = hash_of_pair(pair) & (slots_.size() - 1);
  while (slots_[at].made != none && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {pair, merge.rank, merge.made};
}

const BytePairs::Slot* BytePairs::find(std::uint32_t left, std::uint32_t right) const noexcept {
  const std::uint64_t pair = key_of(left, right);
  for (std::size_t at = hash_of_pair(pair) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].made == none) return nullptr;
    if (slots_[at].pair == pair) return &slots_[at];
  }
}

std::uint32_t BytePairs::rank_of(std::uint32_t left, std::uint32_t right) const noexcept {
  const Slot* slot = find(left, right);
  return slot == nullptr ? none : slot->rank;
}

std::size_t BytePairs::count(std::string_view part) const {
  using Memory = WordMemory<std::uint32_t, 27, 1 << 14>;
  if (part.size() > Memory::longest) return count_anew(part);
  Memory::Entry& known = Memory::of(identity_).at(part);
  if (!known.holds(part)) {
    known.value = static_cast<std::uint32_t>(count_anew(part));
    known.take(part);
  }
  return known.value;
}

std::size_t BytePairs::count_anew(std::string_view part) const {
  if (options_.whole_first && tokens_.find(part) != none) return 1;
  Row& row = Row::of_this_thread();
  row.units.clear();
  read_units(part, row);
  if (row.units.size() < 2) return row.units.size();
  row.ranks.resize(row.units.size());
  for (std::size_t i = 0; i + 1 < row.units.size(); ++i) row.ranks[i] = rank_of(row.units[i], row.units[i + 1]);
  row.ranks.back() = none;
  return row.units.size() <= few_units ? merge_in_a_row(row) : merge_by_heap(row);
}

void BytePairs::read_units(std::string_view part, Row& row) const {
  bool in_unknown = false;
  for (std::size_t at = 0; at < part.size();) {
    const std::size_t begin = at;
    if (options_.bytes)
      ++at;
    else
      (void)next_code_point(part, at);
    const std::string_view unit = part.substr(begin, at - begin);
    const std::uint32_t number =
        unit.size() == 1 ? byte_units_[static_cast<unsigned char>(unit[0])] : tokens_.find(unit);
    if (number == none) {
      read_fallback(unit, row, in_unknown);
      continue;
    }
    row.units.push_back(number);
    in_unknown = false;
  }
}

void BytePairs::read_fallback(std::string_view unit, Row& row, bool& in_unknown) const {
  const auto number = [&](char c) { return byte_fallback_[static_cast<unsigned char>(c)]; };
  if (options_.byte_fallback && std::ranges::none_of(unit, [&](char c) { return number(c) == none; })) {
    for (const char c : unit) row.units.push_back(number(c));
    in_unknown = false;
    return;
  }
  if (options_.unknown == none) return;
  if (!in_unknown || !options_.fuse_unknown) row.units.push_back(options_.unknown);
  in_unknown = true;
}

std::size_t BytePairs::merge_in_a_row(Row& row) const {
  auto& [units, ranks, before, after] = row;
  while (units.size() > 1) {
    const auto best = std::ranges::min_element(ranks);
    if (*best == none) break;
    const std::size_t at = static_cast<std::size_t>(best - ranks.begin());
    units[at] = find(units[at], units[at + 1])->made;
    units.erase(units.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    ranks.erase(best);
    ranks[at] = at + 1 < units.size() ? rank_of(units[at], units[at + 1]) : none;
    if (at > 0) ranks[at - 1] = rank_of(units[at - 1], units[at]);
  }
  return units.size();
}

std::size_t BytePairs::merge_by_heap(Row& row) const {
  auto& [units, ranks, before, after] = row;
  const std::size_t size = units.size();
  before.resize(size);
  after.resize(size);
  // The least rank first, the leftmost of equals. A pair that is gone by its turn has another rank by then, or none.
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> queue;
  const auto offer = [&](std::size_t at) {
    if (ranks[at] != none) queue.push(std::uint64_t{ranks[at]} << 32 | at);
  };
  for (std::size_t i = 0; i < size; ++i) {
    before[i] = i == 0 ? none : static_cast<std::uint32_t>(i - 1);
    after[i] = i + 1 == size ? none : static_cast<std::uint32_t>(i + 1);
    offer(i);
  }
  std::size_t left = size;
  while (!queue.empty()) {
    const auto rank = static_cast<std::uint32_t>(queue.top() >> 32), at = static_cast<std::uint32_t>(queue.top());
    queue.pop();
    if (ranks[at] != rank) continue;
    const std::uint32_t gone = after[at];
    units[at] = find(units[at], units[gone])->made;
    ranks[gone] = none;
    after[at] = after[gone];
    if (after[at] != none) before[after[at]] = at;
    --left;
    ranks[at] = after[at] == none ? none : rank_of(units[at], units[after[at]]);
    offer(at);
    if (before[at] == none) continue;
    ranks[before[at]] = rank_of(units[before[at]], units[at]);
    offer(before[at]);
  }
  return left;
}

}  // namespace attar::text
