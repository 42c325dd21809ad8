// Clusters of near-duplicates: pairs that bands offer, compared exactly, joined. spec.md has the rules.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/progress.h"
#include "attar/result.h"
#include "base/threads.h"
#include "text/near/band_store.h"
#include "text/near/minhash.h"
#include "text/near/set_store.h"

namespace attar::text {

/// Disjoint sets of numbers; the root of each is its least.
class UnionFind {
 public:
  /// Numbers [0, size) exist afterwards, new ones alone.
  void grow(std::size_t size);
  [[nodiscard]] std::size_t size() const noexcept { return parents_.size(); }
  /// Safe from many threads while nothing is joined.
  [[nodiscard]] std::uint32_t root_of(std::uint32_t number) const noexcept {
    while (parents_[number] != number) number = parents_[number];
    return number;
  }
  void join(std::uint32_t a, std::uint32_t b) noexcept;
  /// Every number's parent is its root afterwards.
  void flatten() noexcept;

 private:
  std::vector<std::uint32_t> parents_;
};

/// The first text of each name. Texts whose names are equal are exact duplicates.
class NameTable {
 public:
  /// The text that came first with this name; `text` itself where none did.
  [[nodiscard]] std::uint32_t first_with(std::uint64_t name, std::uint32_t text);

 private:
  struct Slot {
    std::uint64_t name = 0;
    std::uint32_t text = 0;
    bool used = false;
  };
  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

struct NearSettings {
  double threshold = 0.8;
  double miss = 0.001;              ///< the greatest chance to miss a pair at the threshold
  std::uint32_t most_values = 256;  ///< of a signature
  std::uint64_t memory = 1 << 30;   ///< bytes, shared by sets and bands
};

/// What clustering has done.
struct NearCounts {
  std::uint64_t offered = 0;   ///< pairs in one bucket and not yet in one cluster; those of several bands several times
  std::uint64_t compared = 0;  ///< of these, exactly: neither sizes nor an earlier comparison ruled them out
  std::uint64_t joined = 0;    ///< pairs found near that joined two clusters
  std::uint64_t spilled = 0;   ///< bytes of scratch files
};

/// Finds near-duplicates among sets that come one by one.
class NearClusters {
 public:
  /// `invalid_argument` where no layout of bands keeps the chance.
  [[nodiscard]] static Result<NearClusters> make(const NearSettings& settings);

  [[nodiscard]] BandLayout layout() const noexcept { return layout_; }
  [[nodiscard]] const MinHash& hash() const noexcept { return hash_; }

  /// A text's set and the hashes of its bands. Texts come by ascending number.
  [[nodiscard]] Status add(std::uint32_t text, std::span<const std::uint64_t> set,
                           std::span<const std::uint32_t> bands);
  /// Joins the near-duplicates in `clusters`, which holds all texts.
  [[nodiscard]] Result<NearCounts> join(UnionFind& clusters, base::ThreadPool& pool, Progress& progress);

 private:
  NearClusters(const NearSettings& settings, BandLayout layout);

  NearSettings settings_;
  BandLayout layout_;
  MinHash hash_;
  SetStore sets_;
  BandStore bands_;
};

}  // namespace attar::text
