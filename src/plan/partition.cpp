#include "plan/partition.h"

#include <algorithm>
#include <cmath>

#include "certify/truth.h"
#include "math/groups.h"
#include "math/kmeans.h"
#include "math/nearest.h"
#include "math/vector_ops.h"

namespace attar::plan {
namespace {

constexpr std::uint64_t chunk_bytes = 4u << 20;

// Calls take(first, rows) for bounded stretches of all rows, in order.
template <class Take>
Status in_chunks(const data::VectorSource& source, base::Progress& progress, const Take& take) {
  const std::uint64_t step = std::max<std::uint64_t>(1, chunk_bytes / (std::uint64_t{source.dims()} * sizeof(float)));
  for (std::uint64_t first = 0; first < source.rows(); first += step) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::uint64_t rows = std::min(step, source.rows() - first);
    ATTAR_TRY(take(first, rows));
    progress.advance(rows);
  }
  return {};
}

void subtract(std::span<float> row, std::span<const float> centroid) noexcept {
  for (std::size_t i = 0; i < row.size(); ++i) row[i] -= centroid[i];
}

}  // namespace

Status stream_rows(const data::VectorSource& source, Metric metric, base::Progress& progress, const TakeRows& take) {
  std::vector<float> values;
  return in_chunks(source, progress, [&](std::uint64_t first, std::uint64_t rows) -> Status {
    values.resize(rows * source.dims());
    ATTAR_TRY(source.read(first, values));
    ATTAR_TRY(certify::prepare_rows(metric, values, source.dims(), first, source.name()));
    return take({values, source.dims(), first});
  });
}

Result<index::Centroids> train_centroids(const data::VectorSource& sample, Metric metric, std::uint32_t lists,
                                         std::uint64_t seed, base::ThreadPool& pool, base::Progress& progress) {
  std::vector<float> rows;
  rows.reserve(sample.rows() * sample.dims());
  ATTAR_TRY(stream_rows(sample, metric, progress, [&](const codec::Chunk& chunk) -> Status {
    rows.insert(rows.end(), chunk.values.begin(), chunk.values.end());
    return {};
  }));
  return index::Centroids::rounded(math::kmeans(rows, sample.dims(), {.clusters = lists, .seed = seed}, pool));
}

Result<std::unique_ptr<data::VectorSource>> residuals_of(const data::VectorSource& sample, Metric metric,
                                                         const index::Centroids& centroids, base::ThreadPool& pool,
                                                         base::Progress& progress) {
  const math::Matrix<float> exact = centroids.decoded();
  const std::size_t dims = sample.dims();
  std::vector<float> out;
  out.reserve(sample.rows() * dims);
  std::vector<std::uint32_t> nearest;
  ATTAR_TRY(stream_rows(sample, metric, progress, [&](const codec::Chunk& chunk) -> Status {
    nearest.resize(chunk.rows());
    math::nearest_centroids(chunk.values, exact, nearest, pool);
    out.insert(out.end(), chunk.values.begin(), chunk.values.end());
    const auto added = std::span(out).last(chunk.values.size());
    for (std::size_t i = 0; i < chunk.rows(); ++i)
      subtract(added.subspan(i * dims, dims), {exact.row(nearest[i]), dims});
    return {};
  }));
  return data::memory_source(std::move(out), sample.dims(), sample.name());
}

Result<std::shared_ptr<const Partition>> Partition::lay_out(const data::VectorSource& base, Metric metric,
                                                            index::Centroids centroids, base::ThreadPool& pool,
                                                            base::Progress& progress) {
  std::shared_ptr<Partition> out(new Partition(base, metric));
  const math::Matrix<float> exact = centroids.decoded();
  std::vector<std::uint32_t> assigned(base.rows());
  std::vector<double> energy(centroids.count());
  ATTAR_TRY(stream_rows(base, metric, progress, [&](const codec::Chunk& chunk) -> Status {
    const auto nearest = std::span(assigned).subspan(chunk.first_row, chunk.rows());
    math::nearest_centroids(chunk.values, exact, nearest, pool);
    for (std::size_t i = 0; i < chunk.rows(); ++i)
      energy[nearest[i]] += math::squared_distance(chunk.row(i), {exact.row(nearest[i]), exact.cols});
    return {};
  }));
  math::Groups lists(assigned, centroids.count());
  for (std::uint32_t list = 0; list < centroids.count(); ++list)
    if (const std::size_t own = lists.of(list).size(); own != 0)
      centroids.spreads[list] = static_cast<float>(std::sqrt(energy[list] / static_cast<double>(own)));
  out->bytes_ = index::encode_lists(centroids, lists.ends, lists.members);
  out->rows_ = std::move(lists.members);
  const codec::Schema schema{.rows = base.rows(), .dims = base.dims(), .metric = metric};
  ATTAR_ASSIGN(
      auto opened,
      index::Lists::open(format::SectionReader::trusted(out->bytes_, "lists", 0, index::lists_wire_version), schema));
  out->lists_.emplace(std::move(opened));
  return out;
}

Status Partition::read(std::uint64_t first, std::span<float> values, std::span<float> norms) const {
  const std::uint32_t dims = base_.dims();
  std::vector<float> centroid(dims);
  std::uint32_t list = lists_->list_of(static_cast<std::uint32_t>(first));
  lists_->centroids().decode(list, centroid);
  for (std::uint64_t i = 0; i < values.size() / dims; ++i) {
    const std::uint64_t position = first + i;
    while (position >= lists_->positions(list).last) lists_->centroids().decode(++list, centroid);
    const auto row = values.subspan(i * dims, dims);
    ATTAR_TRY(base_.read(rows_[position], row));
    ATTAR_TRY(certify::prepare_rows(metric_, row, dims, rows_[position], base_.name()));
    if (!norms.empty()) norms[i] = static_cast<float>(math::squared_norm(row));
    subtract(row, centroid);
  }
  return {};
}

Status Partition::stream(base::Progress& progress, const TakeRows& take) const {
  std::vector<float> values, norms;
  return in_chunks(base_, progress, [&](std::uint64_t first, std::uint64_t rows) -> Status {
    values.resize(rows * base_.dims());
    if (metric_ == Metric::l2) norms.resize(rows);
    ATTAR_TRY(read(first, values, norms));
    return take({.values = values, .dims = base_.dims(), .first_row = first, .norms = norms});
  });
}

}  // namespace attar::plan
