#include "vector/common/rows.h"

#include <fmt/format.h>

#include <cmath>

namespace attar::vector {

Status check_batch(codec::QueryBatch queries, std::uint32_t dims, std::size_t most) {
  if (queries.dims != dims || queries.size() == 0 || queries.size() > most ||
      queries.size() * queries.dims != queries.values.size())
    return fail(ErrorCode::invalid_argument,
                fmt::format("a batch has one to {} queries of the artifact's dimensions", most));
  if (!std::all_of(queries.values.begin(), queries.values.end(), [](float value) { return std::isfinite(value); }))
    return fail(ErrorCode::invalid_data, "a query holds NaN or infinity");
  return {};
}

Status check_verify(codec::Range rows, const codec::Schema& schema) {
  if (rows.first > rows.last || rows.last > schema.rows)
    return fail(ErrorCode::invalid_argument, "rows to verify lie outside the section");
  return {};
}

Status check_decode(codec::Range rows, std::size_t values, const codec::Schema& schema) {
  if (rows.first > rows.last || rows.last > schema.rows || values != rows.size() * schema.dims)
    return fail(ErrorCode::invalid_argument, "rows to decode lie outside the section, or the output has another size");
  return {};
}

Status RowBatches::admit(const codec::Chunk& chunk) {
  if (chunk.dims != schema_.dims)
    return fail(ErrorCode::invalid_argument, "a chunk has other dimensions than the schema");
  if (chunk.rows() > schema_.rows - appended_)
    return fail(ErrorCode::invalid_argument, "more rows than the schema says");
  if (!chunk.norms.empty() && chunk.norms.size() != chunk.rows())
    return fail(ErrorCode::invalid_argument, "a chunk has another number of norms than of rows");
  appended_ += chunk.rows();
  return {};
}

Status RowBatches::check_complete() const {
  if (appended_ != schema_.rows)
    return fail(ErrorCode::invalid_argument, fmt::format("{} rows were announced, {} came", schema_.rows, appended_));
  return {};
}

}  // namespace attar::vector
