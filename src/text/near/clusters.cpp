#include "text/near/clusters.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/progress.h"
#include "text/near/shingles.h"

namespace attar::text {
namespace {

constexpr std::size_t entries_a_piece = 4096;
constexpr std::size_t most_failed = 1 << 14;  // noted of a piece

using Pair = std::pair<std::uint32_t, std::uint32_t>;

/// Pairs that were compared in vain: the next band that offers one need not compare it again. A pair may be forgotten.
class FailedPairs {
 public:
  [[nodiscard]] bool hold(Pair pair) const noexcept { return slots_[slot_of(pair)] == pair; }
  void add(Pair pair) noexcept { slots_[slot_of(pair)] = pair; }

 private:
  static constexpr unsigned bits = 18;
  static std::size_t slot_of(Pair pair) noexcept {
    return ((std::uint64_t{pair.first} << 32 | pair.second) * 0x9e3779b97f4a7c15) >> (64 - bits);
  }

  std::vector<Pair> slots_ = std::vector<Pair>(std::size_t{1} << bits);
};

/// Texts of one bucket, cluster by cluster as far as they are known to belong together.
struct Group {
  std::uint32_t root = 0;
  std::vector<std::uint32_t> texts;
};

/// Compares the texts of one bucket after the other. For one thread.
class BucketJoiner {
 public:
  BucketJoiner(const SetStore& sets, const UnionFind& clusters, const FailedPairs& in_vain, double threshold)
      : sets_(sets),
        clusters_(clusters),
        in_vain_(in_vain),
        threshold_(threshold),
        lowest_ratio_(threshold * (1 - 1e-9)) {}

  Status join(std::span<const BandEntry> bucket) {
    used_ = 0;
    for (const BandEntry& entry : bucket) ATTAR_TRY(place(entry.text));
    return {};
  }

  std::vector<Pair> found, failed;
  NearCounts counts;

 private:
  Status place(std::uint32_t text) {
    const std::uint32_t root = clusters_.root_of(text);
    std::size_t home = 0;
    while (home < used_ && groups_[home].root != root) ++home;
    bool taken = false;
    if (home == used_) open_group(root);
    groups_[home].texts.push_back(text);
    for (std::size_t other = 0; other < used_; ++other) {
      if (other == home) continue;
      ATTAR_ASSIGN(const bool near, is_near(text, groups_[other], taken));
      if (!near) continue;
      merge(home, other);
      if (other > home) {
        --other;  // the last group took its place
      } else {
        home = other;
      }
    }
    return {};
  }

  void open_group(std::uint32_t root) {
    if (groups_.size() == used_) groups_.emplace_back();
    groups_[used_].root = root;
    groups_[used_++].texts.clear();
  }

  /// The later group goes into the earlier one; the last takes its place.
  void merge(std::size_t a, std::size_t b) {
    const std::size_t into = std::min(a, b), from = std::max(a, b);
    auto& texts = groups_[into].texts;
    texts.insert(texts.end(), groups_[from].texts.begin(), groups_[from].texts.end());
    std::swap(groups_[from], groups_[--used_]);
  }

  Result<bool> is_near(std::uint32_t text, const Group& group, bool& taken) {
    const std::size_t size = sets_.size_of(text);
    for (const std::uint32_t other : group.texts) {
      ++counts.offered;
      const std::size_t others = sets_.size_of(other);
      // Even if the smaller one lay in the larger; what rounding leaves open the comparison settles.
      if (static_cast<double>(std::min(size, others)) < lowest_ratio_ * static_cast<double>(std::max(size, others)))
        continue;
      const Pair pair{std::min(text, other), std::max(text, other)};
      if (in_vain_.hold(pair)) continue;
      if (!std::exchange(taken, true)) {
        ATTAR_ASSIGN(const auto set, sets_.set_of(text, scratch_));
        probe_.take(set);
      }
      ++counts.compared;
      ATTAR_ASSIGN(const auto set, sets_.set_of(other, scratch_));
      if (probe_.near(set, threshold_)) {
        found.push_back(pair);
        return true;
      }
      if (failed.size() < most_failed) failed.push_back(pair);
    }
    return false;
  }

  const SetStore& sets_;
  const UnionFind& clusters_;
  const FailedPairs& in_vain_;
  double threshold_, lowest_ratio_;
  SetProbe probe_;
  std::vector<std::uint64_t> scratch_;
  std::vector<Group> groups_;  // the first `used_` are of this bucket
  std::size_t used_ = 0;
};

/// Entries cut into pieces of whole buckets.
std::vector<std::size_t> piece_ends(std::span<const BandEntry> entries) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 0; end < entries.size();) {
    end = std::min(end + entries_a_piece, entries.size());
    while (end < entries.size() && entries[end].hash == entries[end - 1].hash) ++end;
    ends.push_back(end);
  }
  return ends;
}

Status join_piece(std::span<const BandEntry> entries, BucketJoiner& joiner) {
  for (std::size_t first = 0; first < entries.size();) {
    std::size_t end = first + 1;
    while (end < entries.size() && entries[end].hash == entries[first].hash) ++end;
    if (end - first > 1) ATTAR_TRY(joiner.join(entries.subspan(first, end - first)));
    first = end;
  }
  return {};
}

}  // namespace

void UnionFind::grow(std::size_t size) {
  parents_.reserve(size > parents_.capacity() ? std::max(size, 2 * parents_.capacity()) : 0);
  while (parents_.size() < size) parents_.push_back(static_cast<std::uint32_t>(parents_.size()));
}

void UnionFind::join(std::uint32_t a, std::uint32_t b) noexcept {
  a = root_of(a);
  b = root_of(b);
  parents_[std::max(a, b)] = std::min(a, b);
}

void UnionFind::flatten() noexcept {
  // A parent is less than its child, so it is flat before.
  for (std::uint32_t& parent : parents_) parent = parents_[parent];
}

std::uint32_t NameTable::first_with(std::uint64_t name, std::uint32_t text) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  std::size_t slot = name & (slots_.size() - 1);
  while (slots_[slot].used && slots_[slot].name != name) slot = (slot + 1) & (slots_.size() - 1);
  if (slots_[slot].used) return slots_[slot].text;
  slots_[slot] = {.name = name, .text = text, .used = true};
  ++used_;
  return text;
}

void NameTable::grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(2 * slots_.size(), 1024)));
  for (const Slot& moved : old) {
    if (!moved.used) continue;
    std::size_t slot = moved.name & (slots_.size() - 1);
    while (slots_[slot].used) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = moved;
  }
}

Result<NearClusters> NearClusters::make(const NearSettings& settings) {
  const auto layout = choose_bands(settings.threshold, settings.miss, settings.most_values);
  if (!layout)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} permutations cannot keep the chance to miss a pair of Jaccard {} below {}; give a higher "
                    "threshold, more permutations or a larger chance",
                    settings.most_values, settings.threshold, settings.miss));
  return NearClusters(settings, *layout);
}

NearClusters::NearClusters(const NearSettings& settings, BandLayout layout)
    : settings_(settings),
      layout_(layout),
      hash_(layout.bands * layout.rows),
      sets_(settings.memory / 2),
      bands_(layout.bands, settings.memory / 4) {}

Status NearClusters::add(std::uint32_t text, std::span<const std::uint64_t> set, std::span<const std::uint32_t> bands) {
  ATTAR_TRY(sets_.add(text, set));
  return bands_.add(text, bands);
}

Result<NearCounts> NearClusters::join(UnionFind& clusters, base::ThreadPool& pool, Progress& progress) {
  NearCounts counts;
  FailedPairs in_vain;
  const auto take = [&](std::span<const BandEntry> entries) -> Status {
    const std::vector<std::size_t> ends = piece_ends(entries);
    std::vector<BucketJoiner> joiners(ends.size(), BucketJoiner(sets_, clusters, in_vain, settings_.threshold));
    std::vector<Status> done(ends.size());
    pool.run(ends.size(), [&](std::size_t piece, unsigned) {
      const std::size_t first = piece == 0 ? 0 : ends[piece - 1];
      done[piece] = join_piece(entries.subspan(first, ends[piece] - first), joiners[piece]);
    });
    for (const Status& status : done) ATTAR_TRY(status);
    for (const BucketJoiner& joiner : joiners) {
      for (const auto& [a, b] : joiner.found) clusters.join(a, b);
      for (const Pair& pair : joiner.failed) in_vain.add(pair);
      counts.offered += joiner.counts.offered;
      counts.compared += joiner.counts.compared;
      counts.joined += joiner.found.size();
    }
    clusters.flatten();
    return base::check_cancelled(progress);
  };
  progress.stage("comparing", layout_.bands);
  for (std::uint32_t band = 0; band < layout_.bands; ++band) {
    ATTAR_TRY(bands_.read(band, take));
    progress.advance(1);
  }
  counts.spilled = sets_.spilled() + bands_.spilled();
  return counts;
}

}  // namespace attar::text
