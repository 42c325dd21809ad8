#include "index/graph/reservoir.h"

#include <algorithm>
#include <limits>

#include "simd/clones.h"

namespace attar::index::graph {
namespace {

constexpr std::size_t queries_together = 64;
// Distances that are looked over at once: few of them matter to either row.
constexpr std::size_t looked_over = 32;

// Which groups of `looked_over` hold a distance below `limit` or below their own of `limits`: a bit each.
ATTAR_VECTOR_CLONES void mark_near(const std::uint32_t* values, const std::uint32_t* limits, std::uint32_t limit,
                                   std::size_t groups, std::uint8_t* out) noexcept {
  for (std::size_t group = 0; group < groups; ++group, values += looked_over, limits += looked_over) {
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < looked_over; ++i) any |= values[i] < std::max(limits[i], limit) ? 1u : 0u;
    out[group] = static_cast<std::uint8_t>(any);
  }
}

}  // namespace

Reservoirs::Reservoirs(std::uint32_t rows, std::uint32_t places)
    : places_(places),
      kept_(std::size_t{rows} * places),
      counts_(rows),
      locks_(std::make_unique<std::mutex[]>(locks)) {}

std::uint64_t Reservoirs::bytes_a_row(std::uint32_t places) noexcept {
  return std::uint64_t{places} * sizeof(Candidate) + sizeof(std::uint16_t);
}

void Reservoirs::offer(std::uint32_t row, Candidate offered) noexcept {
  const std::lock_guard lock(locks_[row % locks]);
  Candidate* const own = kept_.data() + std::size_t{row} * places_;
  std::uint16_t& count = counts_[row];
  if (count == places_ && offered >= own[count - 1]) return;
  Candidate* const place = std::lower_bound(own, own + count, offered);
  if (place != own + count && *place == offered) return;
  if (count < places_) ++count;
  std::copy_backward(place, own + count - 1, own + count);
  *place = offered;
}

void LeafJoin::join(const RowBytes& rows, std::span<const std::uint32_t> leaf, std::size_t nearest,
                    Reservoirs& reservoirs) {
  nearest_ = nearest;
  gathered_.gather(rows, leaf);
  best_.assign(leaf.size() * nearest, ~Candidate{0});
  farthest_.assign(leaf.size(), std::numeric_limits<std::uint32_t>::max());
  const ByteRows all = gathered_.all();
  for (std::size_t first = 0; first < leaf.size(); first += queries_together) {
    const std::size_t queries = std::min(queries_together, leaf.size() - first), others = leaf.size() - first;
    found_.resize(queries * others);
    distances(all.part(first, queries), all.part(first, others), found_.data());
    for (std::size_t q = 0; q < queries; ++q)
      compare(first + q, first + q + 1, std::span(found_).subspan(q * others + q + 1, others - q - 1));
  }
  for (std::size_t i = 0; i < leaf.size(); ++i)
    for (const Candidate found : std::span(best_).subspan(i * nearest, nearest)) {
      if (found == ~Candidate{0}) break;
      const std::uint32_t other = row_of(found);
      reservoirs.offer(leaf[i], candidate(distance_of(found), leaf[other]));
      reservoirs.offer(leaf[other], candidate(distance_of(found), leaf[i]));
    }
}

// Of the row `query` with those from `first` on.
void LeafJoin::compare(std::size_t query, std::size_t first, std::span<const std::uint32_t> found) {
  std::uint8_t near[64];
  const auto look = [&](std::size_t i) {
    if (found[i] < farthest_[query]) insert(query, candidate(found[i], static_cast<std::uint32_t>(first + i)));
    if (found[i] < farthest_[first + i]) insert(first + i, candidate(found[i], static_cast<std::uint32_t>(query)));
  };
  std::size_t i = 0;
  while (i + looked_over <= found.size()) {
    const std::size_t groups = std::min(std::size(near), (found.size() - i) / looked_over);
    mark_near(found.data() + i, farthest_.data() + first + i, farthest_[query], groups, near);
    for (std::size_t group = 0; group < groups; ++group)
      if (near[group] != 0)
        for (std::size_t j = 0; j < looked_over; ++j) look(i + group * looked_over + j);
    i += groups * looked_over;
  }
  for (; i < found.size(); ++i) look(i);
}

void LeafJoin::insert(std::size_t row, Candidate found) noexcept {
  Candidate* const own = best_.data() + row * nearest_;
  std::size_t place = nearest_ - 1;
  for (; place > 0 && own[place - 1] > found; --place) own[place] = own[place - 1];
  own[place] = found;
  farthest_[row] = distance_of(own[nearest_ - 1]);
}

}  // namespace attar::index::graph
