// What a pack is made from: the base, its queries, its ids — opened, checked, held in memory where they fit.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attar/budget.h"
#include "attar/metric.h"
#include "attar/progress.h"
#include "attar/vectors.h"
#include "base/hash.h"
#include "base/threads.h"
#include "data/source.h"
#include "plan/jury.h"

namespace attar::engine {

/// All rows of a source; `over_limit` above max_bytes.
[[nodiscard]] Result<Vectors> read_all(const data::VectorSource& source, std::uint64_t max_bytes);

struct Base {
  std::unique_ptr<data::VectorSource> rows;
  std::uint32_t input_bytes_per_value = 4;  ///< as stored in the user's file
  base::Digest digest;                      ///< of the widened values: names the snapshot
};

/// Opens a base and surveys every row: NaN, infinity, zero vectors under cosine are errors that name the row. Rows stay
/// in their file, which the system keeps in memory as long as there is room: a copy of them saved 1% of the time of a
/// pack and was the greater half of its memory.
[[nodiscard]] Result<Base> open_base(const std::filesystem::path& path, const InputOptions& options, Metric metric,
                                     base::ThreadPool& pool, Progress& progress);

/// The same of rows that are at hand.
[[nodiscard]] Result<Base> check_base(std::unique_ptr<data::VectorSource> rows, std::uint32_t input_bytes_per_value,
                                      Metric metric, base::ThreadPool& pool, Progress& progress);

/// Queries of a file, as given; checked for dimensions, NaN, infinity, and zero vectors under cosine.
[[nodiscard]] Result<std::vector<float>> load_queries(const std::filesystem::path& path, const std::string& field,
                                                      std::uint32_t dims, Metric metric, base::ThreadPool& pool);

/// The queries of a pack: the log, or rows that stand in for it.
[[nodiscard]] Result<plan::Queries> pack_queries(const std::filesystem::path& path, const std::string& field,
                                                 const data::VectorSource& base, Metric metric, std::uint64_t seed,
                                                 base::ThreadPool& pool);

/// Rows that stand in for queries.
[[nodiscard]] Result<plan::Queries> proxy_queries(const data::VectorSource& base, std::uint64_t seed);

/// `invalid_argument` for a floor that parse_floor() would not give.
[[nodiscard]] Status check_floor(const Floor& floor);

/// Calls of the public API may have no progress to report to.
[[nodiscard]] Progress& or_silent(Progress* progress) noexcept;

}  // namespace attar::engine
