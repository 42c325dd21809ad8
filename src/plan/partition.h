// A base laid out in lists: centroids, which rows each holds, and what the centroids leave of the rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/progress.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "data/source.h"
#include "index/lists.h"

namespace attar::plan {

/// Takes consecutive prepared rows.
using TakeRows = std::function<Status(const codec::Chunk&)>;

/// Streams prepared rows (normalised under cosine) of the source in order, in bounded chunks.
[[nodiscard]] Status stream_rows(const data::VectorSource& source, Metric metric, base::Progress& progress,
                                 const TakeRows& take);

/// Centroids for a base, trained on a sample of its rows; as a file keeps them.
[[nodiscard]] Result<index::Centroids> train_centroids(const data::VectorSource& sample, Metric metric,
                                                       std::uint32_t lists, std::uint64_t seed, base::ThreadPool& pool,
                                                       base::Progress& progress);

/// Each row of `sample` less its nearest centroid, in the order of the sample.
[[nodiscard]] Result<std::unique_ptr<data::VectorSource>> residuals_of(const data::VectorSource& sample, Metric metric,
                                                                       const index::Centroids& centroids,
                                                                       base::ThreadPool& pool,
                                                                       base::Progress& progress);

class Partition {
 public:
  /// Assigns every row of the base to its nearest centroid. `base` outlives the partition.
  [[nodiscard]] static Result<std::shared_ptr<const Partition>> lay_out(const data::VectorSource& base, Metric metric,
                                                                        index::Centroids centroids,
                                                                        base::ThreadPool& pool,
                                                                        base::Progress& progress);

  [[nodiscard]] const index::Lists& lists() const noexcept { return *lists_; }
  /// The section of the file.
  [[nodiscard]] base::ByteView bytes() const noexcept { return bytes_; }
  /// Streams what the centroids leave of the rows, in list order.
  [[nodiscard]] Status stream(base::Progress& progress, const TakeRows& take) const;

 private:
  Partition(const data::VectorSource& base, Metric metric) : base_(base), metric_(metric) {}
  [[nodiscard]] Status read(std::uint64_t first, std::span<float> values, std::span<float> norms) const;

  const data::VectorSource& base_;
  Metric metric_;
  std::vector<std::byte> bytes_;
  std::optional<index::Lists> lists_;
  std::vector<std::uint32_t> rows_;  // by position
};

}  // namespace attar::plan
