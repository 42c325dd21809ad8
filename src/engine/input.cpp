#include "engine/input.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"
#include "data/element.h"
#include "data/survey.h"
#include "plan/field.h"

namespace attar::engine {
namespace {

// Rows that stand in for queries: enough for a tune and a certify share of a thousand and two.
constexpr std::uint64_t stand_ins = 3000;
constexpr std::uint64_t most_query_bytes = 4ull << 30;
constexpr std::uint64_t read_bytes = 4ull << 20;

}  // namespace

Progress& or_silent(Progress* progress) noexcept {
  static base::SilentProgress silent;
  return progress != nullptr ? *progress : silent;
}

Status check_floor(const Floor& floor) {
  if (floor.recall > 0 && floor.recall < 1 && floor.k > 0) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a floor of {}@{} is none: name a recall above 0 and below 1, and a k of at least 1",
                          floor.recall, floor.k));
}

Result<Vectors> read_all(const data::VectorSource& source, std::uint64_t max_bytes) {
  const std::uint64_t row_bytes = std::uint64_t{source.dims()} * sizeof(float);
  if (source.rows() > max_bytes / row_bytes)
    return std::unexpected(
        Error{.code = ErrorCode::over_limit,
              .message = fmt::format("{} vectors of {} dimensions take more than the {} bytes allowed here",
                                     source.rows(), source.dims(), max_bytes),
              .file = source.name()});
  Vectors out{.values = std::vector<float>(source.rows() * source.dims()), .dims = source.dims()};
  const std::uint64_t step = std::max<std::uint64_t>(1, read_bytes / row_bytes);
  for (std::uint64_t first = 0; first < source.rows(); first += step) {
    const std::uint64_t rows = std::min(step, source.rows() - first);
    ATTAR_TRY(source.read(first, std::span(out.values).subspan(first * out.dims, rows * out.dims)));
  }
  return out;
}

Result<Base> open_base(const std::filesystem::path& path, const InputOptions& options, Metric metric,
                       base::ThreadPool& pool, Progress& progress) {
  ATTAR_ASSIGN(auto rows, data::open_vectors(path, {.field = options.field, .format = options.format}));
  const std::uint32_t bytes_per_value = data::element_bytes(rows->element());
  return check_base(std::move(rows), bytes_per_value, metric, pool, progress);
}

Result<Base> check_base(std::unique_ptr<data::VectorSource> rows, std::uint32_t input_bytes_per_value, Metric metric,
                        base::ThreadPool& pool, Progress& progress) {
  Base out{.rows = std::move(rows), .input_bytes_per_value = input_bytes_per_value, .digest = {}};
  progress.stage("checking vectors", out.rows->rows());
  ATTAR_ASSIGN(const auto survey,
               data::survey(*out.rows, {.refuse_zero_rows = metric == Metric::cosine}, pool, progress));
  out.digest = survey.digest;
  return out;
}

Result<std::vector<float>> load_queries(const std::filesystem::path& path, const std::string& field, std::uint32_t dims,
                                        Metric metric, base::ThreadPool& pool) {
  ATTAR_ASSIGN(const auto source, data::open_vectors(path, {.field = field}));
  if (source->dims() != dims)
    return std::unexpected(
        Error{.code = ErrorCode::invalid_data,
              .message = fmt::format(
                  "these queries have {} dimensions, the vectors {}; queries and vectors must come from one model",
                  source->dims(), dims),
              .file = source->name()});
  ATTAR_ASSIGN(Vectors all, read_all(*source, most_query_bytes));
  const auto rows = data::memory_source(std::move(all.values), dims, source->name());
  base::SilentProgress silent;
  ATTAR_TRY(data::survey(*rows, {.refuse_zero_rows = metric == Metric::cosine}, pool, silent));
  std::vector<float> out(rows->rows() * dims);
  ATTAR_TRY(rows->read(0, out));
  return out;
}

Result<plan::Queries> pack_queries(const std::filesystem::path& path, const std::string& field,
                                   const data::VectorSource& base, Metric metric, std::uint64_t seed,
                                   base::ThreadPool& pool) {
  if (path.empty()) return proxy_queries(base, seed);
  plan::Queries out;
  ATTAR_ASSIGN(out.values, load_queries(path, field, base.dims(), metric, pool));
  return out;
}

Result<plan::Queries> proxy_queries(const data::VectorSource& base, std::uint64_t seed) {
  plan::Queries out;
  out.proxy = true;
  // A seed of its own: the sample that trains must not be the one that tests.
  ATTAR_ASSIGN(const auto sample, plan::sample_rows(base, stand_ins, seed ^ 0x70726f7879ull, out.own_rows));
  ATTAR_ASSIGN(Vectors all, read_all(*sample, most_query_bytes));
  out.values = std::move(all.values);
  return out;
}

}  // namespace attar::engine
