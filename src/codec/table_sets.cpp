#include "codec/table_sets.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/leb128.h"

namespace attar::codec {
namespace {

constexpr std::uint64_t most_sets = 256, most_contexts = 128;
// A context takes 16 KiB to decode with.
constexpr std::uint64_t most_contexts_in_all = 1u << 14;
// A table of 256 symbols is some 200 bytes a context in a file.
constexpr double bits_of_a_context = 8 * 200.0;

math::RansModel fitted(const TableSets::Counts& counts, double escape_bits) {
  return math::RansModel(math::fit_frequencies(counts, escape_bits));
}

// The symbols between the first and the last that stand in any context: few of the 256.
math::SymbolRange used_symbols(const TableSets::Counts& counts) {
  math::SymbolRange out{.first = 0, .last = simd::rans_symbols - 1};
  const auto none = [&](std::size_t s) {
    return std::ranges::all_of(counts, [s](const auto& own) { return own[s] == 0; });
  };
  while (out.first < out.last && none(out.first)) ++out.first;
  while (out.first < out.last && none(out.last)) --out.last;
  return out;
}

// Bits of counts in a set, were it fitted as it is: every symbol counts half a time more than it was seen.
double bits(const std::vector<float>& logarithms, const TableSets::Counts& counts, math::SymbolRange range) {
  double sum = 0;
  for (std::size_t c = 0; c < counts.size(); ++c)
    for (std::size_t s = range.first; s <= range.last; ++s)
      sum += static_cast<double>(counts[c][s]) * static_cast<double>(logarithms[c * counts[c].size() + s]);
  return sum;
}

std::vector<float> logarithms_of(const TableSets::Counts& counts) {
  std::vector<float> out;
  for (const math::RansCounts& own : counts) {
    double total = 0;
    for (const std::uint64_t count : own) total += static_cast<double>(count) + 0.5;
    const auto logarithm = [total](std::uint64_t count) {
      return std::log2(static_cast<float>(total / (static_cast<double>(count) + 0.5)));
    };
    const float unseen = logarithm(0);
    for (const std::uint64_t count : own) out.push_back(count == 0 ? unseen : logarithm(count));
  }
  return out;
}

void add_counts(TableSets::Counts& to, const TableSets::Counts& from, double scale) {
  for (std::size_t c = 0; c < from.size(); ++c)
    for (std::size_t s = 0; s < from[c].size(); ++s)
      to[c][s] += static_cast<std::uint64_t>(static_cast<double>(from[c][s]) * scale + 0.5);
}

}  // namespace

std::uint32_t TableSets::place(const Counts& counts, double scale, double escape_bits) {
  double least = HUGE_VAL;
  std::size_t best = sets_.size();
  const math::SymbolRange range = used_symbols(counts);
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    if (sets_[i].counts.size() != counts.size()) continue;
    const double theirs = scale * bits(sets_[i].logarithms, counts, range);
    if (theirs < least) least = theirs, best = i;
  }
  // One more table must pay for itself, entropy being what it can reach at best; the last place is kept for counts that
  // no set can code.
  double alone = bits_of_a_context * static_cast<double>(counts.size());
  for (const math::RansCounts& own : counts) alone += scale * math::entropy_bits(own);
  if (best == sets_.size() || (alone < least && sets_.size() + 1 < most_sets)) {
    best = sets_.size();
    sets_.push_back({.counts = Counts(counts.size()), .escape_bits = escape_bits, .logarithms = {}, .model = {}});
  }
  Set& set = sets_[best];
  add_counts(set.counts, counts, scale);
  set.logarithms = logarithms_of(set.counts);
  return static_cast<std::uint32_t>(best);
}

Result<std::uint32_t> TableSets::add(math::RansModel model) {
  if (sets_.size() >= most_sets) return fail(ErrorCode::over_limit, "there are 256 tables already; share some of them");
  sets_.push_back({.counts = {}, .logarithms = {}, .model = std::make_shared<const math::RansModel>(std::move(model))});
  return static_cast<std::uint32_t>(sets_.size() - 1);
}

void TableSets::finish() {
  for (Set& set : sets_) {
    if (set.counts.empty()) continue;
    set.logarithms = {};
    set.model = std::make_shared<const math::RansModel>(fitted(std::exchange(set.counts, {}), set.escape_bits));
  }
}

void TableSets::save(base::ByteWriter& out) const {
  base::write_leb128(out, sets_.size());
  for (const Set& set : sets_) {
    const auto contexts = set.model->contexts();
    base::write_leb128(out, contexts.size());
    for (const math::RansFrequencies& own : contexts) math::write_frequencies(out, own);
  }
}

Result<TableSets> TableSets::load(base::ByteReader& in) {
  TableSets out;
  ATTAR_ASSIGN(const std::uint64_t sets, base::read_leb128(in, 2));
  if (sets > most_sets) return fail(ErrorCode::over_limit, "there are more than 256 tables");
  std::uint64_t in_all = 0;
  for (std::uint64_t i = 0; i < sets; ++i) {
    ATTAR_ASSIGN(const std::uint64_t contexts, base::read_leb128(in, 2));
    if (contexts == 0 || contexts > most_contexts)
      return fail(ErrorCode::over_limit, "a table has no contexts, or more than 128");
    in_all += contexts;
    if (in_all > most_contexts_in_all) return fail(ErrorCode::over_limit, "tables have more than 16384 contexts");
    std::vector<math::RansFrequencies> read;
    for (std::uint64_t c = 0; c < contexts; ++c) {
      ATTAR_ASSIGN(const math::RansFrequencies own, math::read_frequencies(in));
      read.push_back(own);
    }
    out.sets_.push_back(
        {.counts = {}, .logarithms = {}, .model = std::make_shared<const math::RansModel>(std::move(read))});
  }
  return out;
}

}  // namespace attar::codec
