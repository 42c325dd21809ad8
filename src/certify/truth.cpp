#include "certify/truth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/checked.h"
#include "math/vector_ops.h"
#include "simd/inner_products.h"
#include "simd/int8_rounding.h"
#include "simd/int8_rows.h"
#include "simd/isa.h"

namespace attar::certify {
namespace {

constexpr double largest_norm = 1e18;
constexpr std::uint32_t most_tile_rows = 1024;
constexpr std::uint32_t most_tile_queries = 256;
constexpr std::uint64_t tiles_a_block = 16;
// Rows whose products of bytes with a tile's queries stay near the processor.
constexpr std::uint32_t rows_together = 32;
// Products of bytes are used as long as no more than one of so many rows has to be scored exactly for them.
constexpr std::uint64_t least_left_out = 32;

struct Neighbour {
  double score = 0;
  std::uint32_t row = 0;
};

/// Ranks before; as the order of a heap it keeps the worst neighbour in front.
bool before(const Neighbour& a, const Neighbour& b) noexcept {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

/// The sizes of blocks and tiles that fit the memory ceiling. They change the speed, never the result.
struct Shape {
  std::uint32_t tile_rows = 0;
  std::uint32_t tile_queries = 0;
  std::uint64_t block_rows = 0;
};

Result<Shape> plan_shape(std::uint64_t queries, std::uint64_t rows, std::uint32_t dims, const TruthOptions& options,
                         unsigned threads) {
  Shape shape;
  const std::uint64_t spread = base::ceil_div(queries, std::uint64_t{4} * threads);
  shape.tile_queries = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(base::round_up(spread, simd::Int8Rows::block), most_tile_queries));
  // Each value as a float and as a byte, and four numbers a row.
  const std::uint64_t row_bytes = std::uint64_t{dims} * (sizeof(float) + 1) + 4 * sizeof(float);
  ATTAR_ASSIGN(const std::uint64_t kept, base::checked_mul(queries, options.k));
  ATTAR_ASSIGN(const std::uint64_t result_bytes, base::checked_mul(kept, neighbour_bytes));
  ATTAR_ASSIGN(const std::uint64_t fixed, base::checked_add(result_bytes, queries * (row_bytes + dims)));
  const std::uint64_t tile_column = std::uint64_t{threads} * (shape.tile_queries + 1) * sizeof(float);
  const std::uint64_t least = 16 * (row_bytes + tile_column);
  if (fixed > options.memory_bytes || options.memory_bytes - fixed < least)
    return fail(
        ErrorCode::over_limit,
        fmt::format(
            "{} queries with {} neighbours each need {} MB of the working memory, of which {} MB is theirs; allow "
            "more (--memory) or give fewer queries",
            queries, options.k, (fixed + least) / 1'000'000 + 1, options.memory_bytes / 1'000'000));
  const std::uint64_t free = options.memory_bytes - fixed;
  shape.tile_rows =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(free / (row_bytes + tile_column), 1, most_tile_rows));
  const std::uint64_t for_rows = (free - shape.tile_rows * tile_column) / row_bytes;
  shape.block_rows = std::clamp<std::uint64_t>(for_rows / shape.tile_rows, 1, tiles_a_block) * shape.tile_rows;
  shape.block_rows = std::min(shape.block_rows, base::round_up(rows, shape.tile_rows));
  return shape;
}

class Search {
 public:
  Search(const data::VectorSource& base, Metric metric, std::vector<float> queries, const TruthOptions& options,
         const Shape& shape, base::ThreadPool& pool)
      : base_(base),
        metric_(metric),
        dims_(base.dims()),
        options_(options),
        shape_(shape),
        pool_(pool),
        queries_(std::move(queries)),
        count_(queries_.size() / dims_),
        norms_(count_),
        heaps_(count_ * options.k),
        filled_(count_, 0),
        block_(shape.block_rows * dims_),
        bias_(shape.block_rows),
        tile_norms_(shape.block_rows / shape.tile_rows),
        by_bytes_(simd::active_level() >= simd::Level::avx512_vnni),
        workers_(pool.size()) {
    for (std::size_t q = 0; q < count_; ++q) norms_[q] = std::sqrt(math::squared_norm(query(q)));
    if (by_bytes_) {
      query_bytes_.resize(queries_.size(), count_);
      for (std::size_t q = 0; q < count_; ++q) query_bytes_.round(q, query(q));
      query_rows_ = simd::Int8Rows(query_bytes_.values, dims_);
      block_bytes_.resize(block_.size(), shape.block_rows);
      tile_lost_.resize(tile_norms_.size());
    }
    for (Worker& worker : workers_) {
      worker.products.resize(std::size_t{shape.tile_queries} * shape.tile_rows);
      if (by_bytes_) worker.whole.resize(std::size_t{shape.tile_queries} * rows_together);
      worker.sorted.resize(shape.tile_rows);
    }
  }

  Status run() {
    const std::uint64_t rows = base_.rows();
    if (options_.progress != nullptr) options_.progress->stage("exact neighbours", rows);
    for (std::uint64_t first = 0; first < rows; first += shape_.block_rows) {
      const std::uint64_t count = std::min(shape_.block_rows, rows - first);
      ATTAR_TRY(load(first, count));
      const std::size_t pieces = base::ceil_div(count_, shape_.tile_queries);
      pool_.run(pieces, [&](std::size_t piece, unsigned worker) {
        for (std::uint64_t tile = 0; tile * shape_.tile_rows < count; ++tile)
          scan_tile(piece * shape_.tile_queries, tile, first, count, workers_[worker]);
      });
      by_bytes_ = by_bytes_ && bytes_pay(first + count);
      if (options_.progress != nullptr) {
        options_.progress->advance(count);
        ATTAR_TRY(base::check_cancelled(*options_.progress));
      }
    }
    return {};
  }

  Truth finish() {
    Truth out;
    out.k = options_.k;
    out.excluded.assign(options_.excluded_row.begin(), options_.excluded_row.end());
    out.scores.reserve(heaps_.size());
    out.rows.reserve(heaps_.size());
    for (std::size_t q = 0; q < count_; ++q) {
      const auto heap = heap_of(q);
      std::sort(heap.begin(), heap.end(), before);
      for (const Neighbour& neighbour : heap) {
        out.scores.push_back(neighbour.score);
        out.rows.push_back(neighbour.row);
      }
    }
    return out;
  }

 private:
  struct Worker {
    std::vector<float> products;      // tile_queries × tile_rows
    std::vector<std::int32_t> whole;  // of bytes: rows_together × tile_queries
    std::vector<float> sorted;        // scratch for one row of products
    std::uint64_t scored = 0;         // rows scored exactly
  };

  // Vectors rounded to bytes, and how much that lost.
  struct Bytes {
    std::vector<std::int8_t> values;
    std::vector<std::int32_t> sums;
    std::vector<float> units;
    std::vector<double> lost;  // norm of what the rounding left

    void resize(std::size_t all, std::size_t count) {
      values.resize(all);
      sums.resize(count);
      units.resize(count);
      lost.resize(count);
    }
    void round(std::size_t i, std::span<const float> from) {
      std::int8_t* own = values.data() + i * from.size();
      units[i] = simd::round_int8(from, own).unit;
      sums[i] = simd::sum_int8({own, from.size()});
      double squares = 0;
      for (std::size_t j = 0; j < from.size(); ++j) {
        const double left = static_cast<double>(from[j]) - static_cast<double>(units[i]) * own[j];
        squares += left * left;
      }
      lost[i] = std::sqrt(squares);
    }
  };

  [[nodiscard]] bool bytes_pay(std::uint64_t rows) const noexcept {
    std::uint64_t scored = 0;
    for (const Worker& worker : workers_) scored += worker.scored;
    // As many as are sought are scored in any case, and some more on the way to the best.
    const std::uint64_t expected = 8 * heaps_.size();
    return scored <= expected + rows * count_ / least_left_out;
  }

  [[nodiscard]] std::span<const float> query(std::size_t q) const noexcept {
    return std::span(queries_).subspan(q * dims_, dims_);
  }
  [[nodiscard]] std::span<Neighbour> heap_of(std::size_t q) noexcept {
    return std::span(heaps_).subspan(q * options_.k, options_.k);
  }

  /// Reads and prepares one block of the base, a tile a piece.
  Status load(std::uint64_t first, std::uint64_t count) {
    const std::size_t tiles = base::ceil_div(count, shape_.tile_rows);
    std::vector<Status> outcomes(tiles);
    pool_.run(tiles, [&](std::size_t tile, unsigned) {
      const std::uint64_t start = tile * shape_.tile_rows;
      const std::uint64_t rows = std::min<std::uint64_t>(shape_.tile_rows, count - start);
      outcomes[tile] = load_tile(tile, first + start, std::span(block_).subspan(start * dims_, rows * dims_));
    });
    for (Status& outcome : outcomes) ATTAR_TRY(std::move(outcome));
    return {};
  }

  Status load_tile(std::size_t tile, std::uint64_t first, std::span<float> rows) {
    ATTAR_TRY(base_.read(first, rows));
    ATTAR_TRY(prepare_rows(metric_, rows, dims_, first, base_.name()));
    double largest = 0, lost = 0;
    for (std::size_t i = 0; i < rows.size() / dims_; ++i) {
      const std::size_t place = tile * shape_.tile_rows + i;
      const auto row = rows.subspan(i * dims_, dims_);
      const double squared = math::squared_norm(row);
      largest = std::max(largest, squared);
      bias_[place] = static_cast<float>(-squared / 2);
      if (!by_bytes_) continue;
      block_bytes_.round(place, row);
      lost = std::max(lost, block_bytes_.lost[place]);
    }
    tile_norms_[tile] = std::sqrt(largest);
    if (by_bytes_) tile_lost_[tile] = lost;
    return {};
  }

  /// How far a float product of this query with any row of the tile can lie from the exact one. With u = 2⁻²⁴, a sum of
  /// n products in any order errs by at most n·u/(1 − n·u) times the sum of magnitudes, which Cauchy–Schwarz bounds by
  /// the norms (Higham, Accuracy and Stability, §3.1); under l2 the bias −‖x‖²/2 joins the sum. The rest covers double
  /// and underflow. Of bytes: ⟨q,x⟩ − ⟨q̂,x̂⟩ = ⟨q, x − x̂⟩ + ⟨q − q̂, x̂⟩, by Cauchy–Schwarz; their product itself is
  /// exact.
  [[nodiscard]] double error_bound(std::size_t q, std::uint64_t tile) const noexcept {
    const double terms = (static_cast<double>(dims_) + 4) * 0x1.0p-24;
    const double row_norm = tile_norms_[tile], norm = norms_[q];
    const double row_lost = by_bytes_ ? tile_lost_[tile] : 0, lost = by_bytes_ ? query_bytes_.lost[q] : 0;
    const double rounding = norm * row_lost + lost * (row_norm + row_lost);
    const double magnitude =
        (norm + lost) * (row_norm + row_lost) + (metric_ == Metric::l2 ? row_norm * row_norm / 2 : 0);
    const double reach = norm + row_norm;
    return rounding * (1 + 0x1.0p-40) + terms / (1 - terms) * magnitude +
           static_cast<double>(dims_) * (0x1.0p-50 * reach * reach + 0x1.0p-125);
  }

  /// The products below this float are surely worse than `score`.
  [[nodiscard]] float sieve(std::size_t q, double score, double error) const noexcept {
    const double exact = metric_ == Metric::l2 ? (score + norms_[q] * norms_[q]) / 2 : score;
    return std::nextafter(static_cast<float>(exact - error), -std::numeric_limits<float>::infinity());
  }

  void scan_tile(std::size_t first_query, std::uint64_t tile, std::uint64_t block_first, std::uint64_t block_count,
                 Worker& worker) noexcept {
    const std::uint64_t start = tile * shape_.tile_rows;
    const auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(shape_.tile_rows, block_count - start));
    const auto queries = static_cast<std::uint32_t>(std::min<std::size_t>(shape_.tile_queries, count_ - first_query));
    if (by_bytes_)
      multiply_bytes(first_query, queries, start, rows, worker);
    else
      multiply_floats(first_query, queries, start, rows, worker);
    for (std::uint32_t q = 0; q < queries; ++q) {
      const auto products = std::span<const float>(worker.products).subspan(std::size_t{q} * shape_.tile_rows, rows);
      scan_query(first_query + q, products, start, block_first, error_bound(first_query + q, tile), worker);
    }
  }

  void multiply_floats(std::size_t first_query, std::uint32_t queries, std::uint64_t start, std::uint32_t rows,
                       Worker& worker) const noexcept {
    const bool biased = metric_ == Metric::l2;
    if (biased)
      for (std::uint32_t q = 0; q < queries; ++q)
        std::copy_n(bias_.begin() + static_cast<std::ptrdiff_t>(start), rows,
                    worker.products.begin() + static_cast<std::ptrdiff_t>(std::size_t{q} * shape_.tile_rows));
    simd::inner_products({.a = queries_.data() + first_query * dims_,
                          .n = queries,
                          .b = block_.data() + start * dims_,
                          .m = rows,
                          .dims = dims_,
                          .out = worker.products.data(),
                          .stride = shape_.tile_rows,
                          .add = biased});
  }

  void multiply_bytes(std::size_t first_query, std::uint32_t queries, std::uint64_t start, std::uint32_t rows,
                      Worker& worker) const noexcept {
    const float with_bias = metric_ == Metric::l2 ? 1.0f : 0.0f;
    for (std::uint32_t first = 0; first < rows; first += rows_together) {
      const std::uint32_t some = std::min(rows_together, rows - first);
      const std::uint64_t at = start + first;
      query_rows_.multiply(first_query, queries, block_bytes_.values.data() + at * dims_,
                           std::span(block_bytes_.sums).subspan(at, some), worker.whole.data());
      for (std::uint32_t q = 0; q < queries; ++q) {
        float* out = worker.products.data() + std::size_t{q} * shape_.tile_rows + first;
        const float unit = query_bytes_.units[first_query + q];
        for (std::uint32_t j = 0; j < some; ++j) {
          const auto whole = static_cast<float>(worker.whole[std::size_t{j} * queries + q]);
          out[j] = (unit * block_bytes_.units[at + j]) * whole + with_bias * bias_[at + j];
        }
      }
    }
  }

  /// Before the heap is full: the (k + 1)th best product of the tile (one row may be excluded) less twice the error is
  /// a sieve already, for k rows of this tile are surely not worse.
  [[nodiscard]] float first_sieve(std::span<const float> products, double error,
                                  std::span<float> scratch) const noexcept {
    if (products.size() <= options_.k) return -std::numeric_limits<float>::infinity();
    const auto sorted = scratch.first(products.size());
    std::copy(products.begin(), products.end(), sorted.begin());
    const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(options_.k);
    std::nth_element(sorted.begin(), nth, sorted.end(), std::greater<>());
    return std::nextafter(static_cast<float>(static_cast<double>(*nth) - 2 * error),
                          -std::numeric_limits<float>::infinity());
  }

  void scan_query(std::size_t q, std::span<const float> products, std::uint64_t start, std::uint64_t block_first,
                  double error, Worker& worker) noexcept {
    constexpr std::size_t group = 64;
    const auto heap = heap_of(q);
    float least =
        filled_[q] == options_.k ? sieve(q, heap.front().score, error) : first_sieve(products, error, worker.sorted);
    for (std::size_t i = 0; i < products.size(); i += group) {
      const std::size_t end = std::min(i + group, products.size());
      int any = 0;  // no branch inside, so that the compiler compares whole registers
      for (std::size_t j = i; j < end; ++j) any |= products[j] >= least ? 1 : 0;
      if (any == 0) continue;
      for (std::size_t j = i; j < end; ++j) {
        if (products[j] < least) continue;
        const auto row = static_cast<std::uint32_t>(block_first + start + j);
        const bool own = !options_.excluded_row.empty() && options_.excluded_row[q] == row;
        ++worker.scored;
        if (own || !keep(q, row, std::span<const float>(block_).subspan((start + j) * dims_, dims_))) continue;
        if (filled_[q] == options_.k) least = std::max(least, sieve(q, heap.front().score, error));
      }
    }
  }

  /// Scores a row exactly and keeps it if it ranks; true when the query's heap changed.
  bool keep(std::size_t q, std::uint32_t row, std::span<const float> values) noexcept {
    const Neighbour neighbour{exact_score(metric_, query(q), values), row};
    const auto heap = heap_of(q);
    if (filled_[q] < options_.k) {
      heap[filled_[q]++] = neighbour;
      std::push_heap(heap.begin(), heap.begin() + filled_[q], before);
      return true;
    }
    if (!before(neighbour, heap.front())) return false;
    std::pop_heap(heap.begin(), heap.end(), before);
    heap.back() = neighbour;
    std::push_heap(heap.begin(), heap.end(), before);
    return true;
  }

  const data::VectorSource& base_;
  Metric metric_;
  std::uint32_t dims_;
  const TruthOptions& options_;
  Shape shape_;
  base::ThreadPool& pool_;
  std::vector<float> queries_;
  std::size_t count_;
  std::vector<double> norms_;          // of the prepared queries
  std::vector<Neighbour> heaps_;       // count × k
  std::vector<std::uint32_t> filled_;  // neighbours in each heap
  std::vector<float> block_;           // block_rows × dims, prepared
  std::vector<float> bias_;            // −‖x‖²/2 of the block's rows
  std::vector<double> tile_norms_;     // largest norm in each tile of the block
  bool by_bytes_;                      // rows are sieved by products of bytes, where these are quick and tell enough
  Bytes query_bytes_, block_bytes_;
  simd::Int8Rows query_rows_;
  std::vector<double> tile_lost_;  // largest Bytes::lost in each tile of the block
  std::vector<Worker> workers_;
};

Status check_request(const data::VectorSource& base, std::span<const float> queries, const TruthOptions& options) {
  const std::uint32_t dims = base.dims();
  if (dims == 0 || queries.size() % dims != 0)
    return fail(ErrorCode::invalid_argument, fmt::format("{} query values are no rows of {} dimensions, which {} has",
                                                         queries.size(), dims, base.name()));
  if (base.rows() >= no_row)
    return fail(ErrorCode::over_limit,
                fmt::format("{} holds {} rows; at most 4,294,967,294 are possible", base.name(), base.rows()));
  const bool excluding = !options.excluded_row.empty();
  if (excluding && options.excluded_row.size() != queries.size() / dims)
    return fail(ErrorCode::invalid_argument, fmt::format("{} excluded rows for {} queries; give one a query, or none",
                                                         options.excluded_row.size(), queries.size() / dims));
  const std::uint64_t available = base.rows() - (excluding && base.rows() > 0 ? 1 : 0);
  if (options.k == 0 || options.k > available)
    return fail(ErrorCode::invalid_argument,
                fmt::format("k = {} neighbours cannot be had from {} rows; choose k from 1 to {}", options.k, available,
                            available));
  return {};
}

}  // namespace

Status prepare_rows(Metric metric, std::span<float> rows, std::uint32_t dims, std::uint64_t first_row,
                    std::string_view name) {
  for (std::size_t i = 0; i < rows.size() / dims; ++i) {
    const double squared = math::squared_norm(rows.subspan(i * dims, dims));
    if (!std::isfinite(squared))
      return fail(ErrorCode::invalid_data,
                  fmt::format("row {} of {} holds NaN or infinity; remove it and run again", first_row + i, name));
    if (squared > largest_norm * largest_norm)
      return fail(ErrorCode::invalid_data,
                  fmt::format("row {} of {} has a norm above 1e18, where scores overflow; scale the vectors down",
                              first_row + i, name));
    if (metric == Metric::cosine && squared == 0)
      return fail(ErrorCode::invalid_data,
                  fmt::format("row {} of {} is all zeros, which has no cosine; remove it or choose --metric ip or l2",
                              first_row + i, name));
  }
  // Rows without a norm were refused above.
  if (metric == Metric::cosine) static_cast<void>(math::normalise_rows(rows, dims));
  return {};
}

double exact_score(Metric metric, std::span<const float> query, std::span<const float> row) noexcept {
  return metric == Metric::l2 ? -math::squared_distance(query, row) : math::dot(query, row);
}

Result<Truth> exact_neighbours(const data::VectorSource& base, Metric metric, std::span<const float> queries,
                               const TruthOptions& options, base::ThreadPool& pool) {
  ATTAR_TRY(check_request(base, queries, options));
  ATTAR_ASSIGN(const Shape shape,
               plan_shape(queries.size() / base.dims(), base.rows(), base.dims(), options, pool.size()));
  std::vector<float> prepared(queries.begin(), queries.end());
  ATTAR_TRY(prepare_rows(metric, prepared, base.dims(), 0, "the queries"));
  Search search(base, metric, std::move(prepared), options, shape, pool);
  ATTAR_TRY(search.run());
  return search.finish();
}

Result<std::vector<double>> exact_scores(const data::VectorSource& base, Metric metric, std::span<const float> query,
                                         std::span<const std::uint32_t> rows) {
  if (query.size() != base.dims())
    return fail(ErrorCode::invalid_argument,
                fmt::format("the query has {} dimensions, {} has {}", query.size(), base.name(), base.dims()));
  std::vector<float> prepared(query.begin(), query.end());
  ATTAR_TRY(prepare_rows(metric, prepared, base.dims(), 0, "the query"));
  std::vector<float> values(base.dims());
  std::vector<double> out;
  out.reserve(rows.size());
  for (std::uint32_t row : rows) {
    if (row >= base.rows())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("row {} does not exist: {} has {} rows", row, base.name(), base.rows()));
    ATTAR_TRY(base.read(row, values));
    ATTAR_TRY(prepare_rows(metric, values, base.dims(), row, base.name()));
    out.push_back(exact_score(metric, prepared, values));
  }
  return out;
}

}  // namespace attar::certify
