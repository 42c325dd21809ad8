#include "math/nearest.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/vector_ops.h"
#include "simd/clones.h"
#include "simd/int8_rounding.h"
#include "simd/lanes.h"

namespace attar::math {
namespace {

constexpr std::size_t tile_rows = 64;  // their bytes stay in the nearest cache
constexpr std::size_t tile_centroids = 512;
constexpr float standard_errors = 4;

// out[c] = unit · steps[c] · sums[c] − halves[c]: of ⟨x, c⟩ − ‖c‖²/2 the largest is the nearest.
ATTAR_VECTOR_CLONES void score_all(const std::int32_t* sums, const float* steps, const float* halves, float unit,
                                   std::size_t count, float* out) noexcept {
  for (std::size_t c = 0; c < count; ++c) out[c] = (unit * steps[c]) * static_cast<float>(sums[c]) - halves[c];
}

}  // namespace

// Some rows on their way past all centroids.
struct NearestCentroids::Tile {
  std::span<const float> rows;
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> byte_sums, products;
  std::vector<float> units, slack, best, scores;
  std::vector<Candidate> candidates;
};

NearestCentroids::NearestCentroids(const Matrix<float>& centroids) : centroids_(centroids) {
  const std::size_t dims = centroids.cols;
  entries_.resize(centroids.rows * dims);
  for (std::size_t c = 0; c < centroids.rows; ++c) {
    const std::span<const float> own(centroids.row(c), dims);
    const double norm = squared_norm(own);
    steps_.push_back(simd::round_int8(own, entries_.data() + c * dims).unit);
    exact_halves_.push_back(norm / 2);
    halves_.push_back(static_cast<float>(norm / 2));
    largest_step_ = std::max(largest_step_, steps_.back());
    largest_norm_ = std::max(largest_norm_, static_cast<float>(std::sqrt(norm)));
  }
  packed_ = simd::Int8Rows(entries_, dims);
}

void NearestCentroids::find(std::span<const float> rows, std::span<std::uint32_t> out) const {
  const std::size_t dims = centroids_.cols;
  Tile tile;
  for (std::size_t first = 0; first < out.size(); first += tile_rows) {
    const std::size_t count = std::min(tile_rows, out.size() - first);
    begin(tile, rows.subspan(first * dims, count * dims));
    for (std::size_t c = 0; c < centroids_.rows; c += tile_centroids)
      gather(tile, c, std::min(tile_centroids, centroids_.rows - c));
    settle(tile, out.subspan(first, count));
  }
}

// Rounds the rows of a tile.
void NearestCentroids::begin(Tile& tile, std::span<const float> rows) const {
  const std::size_t dims = centroids_.cols, count = rows.size() / dims;
  tile.rows = rows;
  tile.bytes.resize(rows.size());
  tile.byte_sums.resize(count);
  tile.units.resize(count);
  tile.slack.resize(count);
  tile.best.assign(count, -std::numeric_limits<float>::infinity());
  tile.candidates.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows.subspan(i * dims, dims);
    std::int8_t* bytes = tile.bytes.data() + i * dims;
    tile.units[i] = simd::round_int8(row, bytes).unit;
    tile.byte_sums[i] = simd::sum_int8({bytes, dims});
    // A rounded component is off by a twelfth of its step's square on average; two products are compared.
    const float norm = static_cast<float>(std::sqrt(squared_norm(row)));
    const float error = std::hypot(tile.units[i] * largest_norm_, largest_step_ * norm);
    tile.slack[i] = standard_errors * std::sqrt(2.0f / 12.0f) * error;
  }
}

// Centroids that may be nearest so far, among `count` from `first`.
void NearestCentroids::gather(Tile& tile, std::size_t first, std::size_t count) const {
  const std::size_t rows = tile.units.size();
  tile.products.resize(rows * count);
  packed_.multiply(first, count, tile.bytes.data(), std::span(tile.byte_sums).first(rows), tile.products.data());
  tile.scores.assign(simd::whole_lanes(count), -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < rows; ++i) {
    score_all(tile.products.data() + i * count, steps_.data() + first, halves_.data() + first, tile.units[i], count,
              tile.scores.data());
    const float best = simd::largest_of(tile.scores.data(), tile.scores.size());
    tile.best[i] = std::max(tile.best[i], best);
    const float least = tile.best[i] - tile.slack[i];
    if (best < least) continue;
    for (std::size_t lane = 0; lane < count; lane += simd::lanes) {
      if (simd::largest_of(tile.scores.data() + lane, simd::lanes) < least) continue;
      for (std::size_t c = lane; c < std::min(lane + simd::lanes, count); ++c)
        if (tile.scores[c] >= least)
          tile.candidates.push_back({.score = tile.scores[c],
                                     .row = static_cast<std::uint32_t>(i),
                                     .centroid = static_cast<std::uint32_t>(first + c)});
    }
  }
}

void NearestCentroids::settle(const Tile& tile, std::span<std::uint32_t> out) const {
  const std::size_t dims = centroids_.cols;
  const auto may_be = [&](const Candidate& candidate) {
    return candidate.score >= tile.best[candidate.row] - tile.slack[candidate.row];
  };
  std::vector<std::uint32_t> rivals(out.size());
  std::fill(out.begin(), out.end(), 0);
  for (const Candidate& candidate : tile.candidates)
    if (may_be(candidate)) {
      ++rivals[candidate.row];
      out[candidate.row] = candidate.centroid;
    }
  std::vector<double> best(out.size(), -std::numeric_limits<double>::infinity());
  for (const Candidate& candidate : tile.candidates) {  // ascending by centroid for each row
    if (rivals[candidate.row] < 2 || !may_be(candidate)) continue;
    const double score =
        dot(tile.rows.subspan(candidate.row * dims, dims), {centroids_.row(candidate.centroid), dims}) -
        exact_halves_[candidate.centroid];
    if (score > best[candidate.row]) {
      best[candidate.row] = score;
      out[candidate.row] = candidate.centroid;
    }
  }
}

void nearest_centroids(std::span<const float> rows, const Matrix<float>& centroids, std::span<std::uint32_t> out,
                       base::ThreadPool& pool) {
  const NearestCentroids nearest(centroids);
  constexpr std::size_t task_rows = 4 * tile_rows;
  pool.run((out.size() + task_rows - 1) / task_rows, [&](std::size_t task, unsigned) {
    const std::size_t first = task * task_rows, count = std::min(task_rows, out.size() - first);
    nearest.find(rows.subspan(first * centroids.cols, count * centroids.cols), out.subspan(first, count));
  });
}

}  // namespace attar::math
