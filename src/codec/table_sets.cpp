#include "codec/table_sets.h"

#include <cmath>
#include <utility>

#include "base/leb128.h"

namespace attar::codec {
namespace {

constexpr std::uint64_t most_sets = 256, most_contexts = 64;
// A table of 256 symbols is some 200 bytes a context in a file.
constexpr double bits_of_a_context = 8 * 200.0;

math::RansModel fitted(const TableSets::Counts& counts, double escape_bits) {
  std::vector<math::RansFrequencies> contexts;
  contexts.reserve(counts.size());
  for (const math::RansCounts& own : counts) contexts.push_back(math::fit_frequencies(own, escape_bits));
  return math::RansModel(std::move(contexts));
}

double bits(const math::RansModel& model, const TableSets::Counts& counts, double escape_bits) {
  double sum = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) sum += model.bits(c, counts[c], escape_bits);
  return sum;
}

void add(TableSets::Counts& to, const TableSets::Counts& from, double scale) {
  for (std::size_t c = 0; c < from.size(); ++c)
    for (std::size_t s = 0; s < from[c].size(); ++s)
      to[c][s] += static_cast<std::uint64_t>(std::llround(static_cast<double>(from[c][s]) * scale));
}

}  // namespace

std::uint32_t TableSets::place(const Counts& counts, double scale, double escape_bits) {
  const math::RansModel own = fitted(counts, escape_bits);
  double least = HUGE_VAL;
  std::size_t best = sets_.size();
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    if (sets_[i].counts.size() != counts.size()) continue;
    const double theirs = scale * bits(*sets_[i].model, counts, escape_bits);
    if (theirs < least) least = theirs, best = i;
  }
  // One more table must pay for itself; the last place is kept for counts that no set can code.
  const double alone = scale * bits(own, counts, escape_bits) + bits_of_a_context * static_cast<double>(counts.size());
  if (best == sets_.size() || (alone < least && sets_.size() + 1 < most_sets)) {
    best = sets_.size();
    sets_.push_back({.counts = Counts(counts.size()), .escape_bits = escape_bits});
  }
  Set& set = sets_[best];
  add(set.counts, counts, scale);
  set.model = std::make_shared<const math::RansModel>(fitted(set.counts, set.escape_bits));
  return static_cast<std::uint32_t>(best);
}

void TableSets::finish() {
  for (Set& set : sets_) set.counts = Counts();
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
  for (std::uint64_t i = 0; i < sets; ++i) {
    ATTAR_ASSIGN(const std::uint64_t contexts, base::read_leb128(in, 2));
    if (contexts == 0 || contexts > most_contexts)
      return fail(ErrorCode::over_limit, "a table has no contexts, or more than 64");
    std::vector<math::RansFrequencies> read;
    for (std::uint64_t c = 0; c < contexts; ++c) {
      ATTAR_ASSIGN(const math::RansFrequencies own, math::read_frequencies(in));
      read.push_back(own);
    }
    out.sets_.push_back({.counts = {}, .model = std::make_shared<const math::RansModel>(std::move(read))});
  }
  return out;
}

}  // namespace attar::codec
