#include "data/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/checked.h"

namespace attar::data {
namespace {

/// Floats of a piece, or one row if that is longer. Part of the result: sums are rounded piece by piece.
constexpr std::uint64_t piece_values = 1 << 18;
/// Pieces that one thread reads between two meetings, to smooth out uneven speed.
constexpr std::size_t pieces_per_thread = 2;

/// A piece in memory, and what its pass found.
struct Piece {
  std::vector<float> values;
  Status status;
  double sum_squared_norms = 0;
  double min_norm = 0;
  double max_norm = 0;
};

class Surveyor {
 public:
  Surveyor(const VectorSource& source, const SurveyOptions& options)
      : source_(source),
        options_(options),
        rows_per_piece_(std::max<std::uint64_t>(1, piece_values / std::max<std::uint32_t>(1, source.dims()))),
        pieces_(base::ceil_div(source.rows(), rows_per_piece_)) {
    result_ = {.rows = source.rows(), .dims = source.dims(), .min_norm = std::numeric_limits<double>::infinity()};
    const std::uint32_t dims = source.dims();
    hash_.update(std::as_bytes(std::span(&dims, 1)));
  }

  Result<Survey> run(base::ThreadPool& pool, base::Progress& progress) {
    progress.stage("checking", source_.rows());
    const std::size_t most = pool.size() * pieces_per_thread;
    std::vector<Piece> ready, next(std::min<std::uint64_t>(most, pieces_));
    // While one wave is read and checked, the one before it is hashed: SHA-256 must see the rows in order.
    for (std::uint64_t first = 0; first < pieces_ || !ready.empty();) {
      ATTAR_TRY(base::check_cancelled(progress));
      const std::uint64_t count = std::min<std::uint64_t>(most, pieces_ - first);
      next.resize(count);
      pool.run(count + 1, [&](std::size_t job, unsigned) {
        if (job == 0) return hash(ready);
        examine(first + job - 1, next[job - 1]);
      });
      ATTAR_TRY(combine(next));
      first += count;
      std::swap(ready, next);
      progress.advance(std::min(first * rows_per_piece_, source_.rows()) - reported_);
      reported_ = std::min(first * rows_per_piece_, source_.rows());
    }
    result_.digest = hash_.finish();
    return result_;
  }

 private:
  void hash(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) hash_.update(std::as_bytes(std::span(piece.values)));
  }

  void examine(std::uint64_t number, Piece& piece) const {
    const std::uint64_t first = number * rows_per_piece_;
    const std::uint64_t count = std::min(rows_per_piece_, source_.rows() - first);
    piece.values.resize(count * source_.dims());
    piece.status = source_.read(first, piece.values);
    piece.sum_squared_norms = 0;
    piece.min_norm = std::numeric_limits<double>::infinity();
    piece.max_norm = 0;
    for (std::uint64_t i = 0; i < count && piece.status; ++i) {
      const auto row = std::span<const float>(piece.values).subspan(i * source_.dims(), source_.dims());
      piece.status = examine_row(first + i, row, piece);
    }
  }

  Status examine_row(std::uint64_t number, std::span<const float> row, Piece& piece) const {
    bool fit = true;
    double squared = 0;
    for (const float x : row) {
      fit &= std::fabs(x) <= options_.limit;  // false for NaN
      squared += static_cast<double>(x) * static_cast<double>(x);
    }
    if (!fit) return bad_component(number, row);
    const double norm = std::sqrt(squared);
    if (options_.refuse_zero_rows && norm < smallest_norm)
      return error(
          fmt::format("row {} is a zero vector (norm {:.3g}), which has no direction for cosine; leave it out, "
                      "or pack with --metric ip or l2",
                      number, norm));
    piece.sum_squared_norms += squared;
    piece.min_norm = std::min(piece.min_norm, norm);
    piece.max_norm = std::max(piece.max_norm, norm);
    return {};
  }

  std::unexpected<Error> bad_component(std::uint64_t number, std::span<const float> row) const {
    const auto at = std::ranges::find_if_not(row, [&](float x) { return std::fabs(x) <= options_.limit; });
    const auto component = at - row.begin();
    if (std::isnan(*at))
      return error(
          fmt::format("row {}, component {} is NaN; leave the row out or mend it (in numpy, "
                      "np.isfinite(x).all(axis=1) shows the rows that are fit)",
                      number, component));
    if (std::isinf(*at))
      return error(
          fmt::format("row {}, component {} is infinite, or beyond the range of a 32-bit float; leave the row "
                      "out or mend it",
                      number, component));
    return error(fmt::format("row {}, component {} is {:.6g}, beyond the limit of {:.3g}; scale the vectors down",
                             number, component, *at, options_.limit));
  }

  [[nodiscard]] std::unexpected<Error> error(std::string message) const {
    return std::unexpected(
        Error{.code = ErrorCode::invalid_data, .message = std::move(message), .file = source_.name()});
  }

  Status combine(std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) {
      ATTAR_TRY(std::move(piece.status));
      result_.sum_squared_norms += piece.sum_squared_norms;
      result_.min_norm = std::min(result_.min_norm, piece.min_norm);
      result_.max_norm = std::max(result_.max_norm, piece.max_norm);
    }
    return {};
  }

  const VectorSource& source_;
  SurveyOptions options_;
  std::uint64_t rows_per_piece_;
  std::uint64_t pieces_;
  std::uint64_t reported_ = 0;
  base::Sha256 hash_;
  Survey result_;
};

}  // namespace

Result<Survey> survey(const VectorSource& source, const SurveyOptions& options, base::ThreadPool& pool,
                      base::Progress& progress) {
  if (source.rows() == 0 || source.dims() == 0)
    return std::unexpected(Error{
        .code = ErrorCode::invalid_data, .message = "holds no vectors; give at least one", .file = source.name()});
  return Surveyor(source, options).run(pool, progress);
}

}  // namespace attar::data
