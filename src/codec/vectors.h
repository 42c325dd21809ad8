// The words that vector codecs, indexes and the planner share: chunks of rows, a goal, an option with its price.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "attar/metric.h"
#include "attar/result.h"

namespace attar::codec {

/// Consecutive rows, row-major. Under cosine they arrive normalised.
struct Chunk {
  std::span<const float> values;  ///< rows() × dims
  std::uint32_t dims = 0;
  std::uint64_t first_row = 0;
  /// By row, where values are what a list's centroid leaves of it: ‖x‖² of the whole row. Empty: rows are whole.
  std::span<const float> norms = {};

  [[nodiscard]] std::uint64_t rows() const noexcept { return dims == 0 ? 0 : values.size() / dims; }
  [[nodiscard]] std::span<const float> row(std::uint64_t i) const noexcept { return values.subspan(i * dims, dims); }
};

/// What is known of a base before it is coded.
struct Schema {
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  Metric metric = Metric::cosine;
  /// Rows whose codes a codec of blocks lays side by side: 32, or 1 where rows are read one by one.
  std::uint32_t block_rows = 32;
};

/// Rows [first, last).
struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] std::uint64_t size() const noexcept { return last - first; }
};

/// What the planner asks a trained codec to price.
struct Goal {
  /// Ceiling on model and codes together, bytes. The option returned for it is the largest rate that fits.
  std::uint64_t bytes = 0;
};

/// Settings of one option, by name; integers only, so that they print, compare and persist exactly.
struct Params {
  std::map<std::string, std::int64_t, std::less<>> values;

  [[nodiscard]] std::int64_t get(std::string_view name, std::int64_t otherwise) const {
    const auto it = values.find(name);
    return it == values.end() ? otherwise : it->second;
  }
  friend bool operator==(const Params&, const Params&) = default;
};

/// A point on a codec's curve. Sizes are exact; the distortion is the codec's own estimate and never enters a
/// certificate.
struct Option {
  Params params;
  std::uint64_t model_bytes = 0;  ///< the model section's payload
  std::uint64_t codes_bytes = 0;  ///< the codes section's payload, for all rows of the schema
  double bytes_per_row = 0;       ///< codes and per-row values alone: the slope of codes_bytes
  double distortion = 0;          ///< estimated E‖x − x̂‖² / E‖x − mean‖²
  double scan_cost = 0;           ///< frozen cost model: relative work to score one row (not a clock)
  std::string variant = {};       ///< which of the codec's kinds this is, the same at every rate: "matrix 8, trellis"

  [[nodiscard]] std::uint64_t bytes() const noexcept { return model_bytes + codes_bytes; }
};

}  // namespace attar::codec
