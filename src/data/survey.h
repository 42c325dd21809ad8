// One pass over all rows before anything is packed: are they fit for it, how long are they, and which data is it?
#pragma once

#include <cstdint>

#include "attar/result.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/source.h"

namespace attar::data {

struct SurveyOptions {
  bool refuse_zero_rows = false;  ///< cosine: a vector without a direction is an error
  /// Largest magnitude of a component. The default keeps squared norms of any allowed size within a float.
  float limit = 1e15f;
};

/// A row whose norm is below this counts as a zero vector: the square of its norm nears the end of a float's range.
inline constexpr double smallest_norm = 1e-15;

struct Survey {
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  double sum_squared_norms = 0;  ///< Σ ‖x‖², in double
  double min_norm = 0;           ///< smallest ‖x‖
  double max_norm = 0;           ///< largest ‖x‖
  base::Digest digest{};         ///< SHA-256 of dims as a little-endian u32, then all rows as little-endian f32
};

/// Reads every row once, in pieces of a fixed size; the outcome is the same at any number of threads. Fails on the
/// lowest-numbered row with a NaN, an infinity, a component beyond the limit, or (if asked for) no direction.
[[nodiscard]] Result<Survey> survey(const VectorSource& source, const SurveyOptions& options, base::ThreadPool& pool,
                                    base::Progress& progress);

}  // namespace attar::data
