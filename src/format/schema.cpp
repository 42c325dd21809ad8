#include "format/schema.h"

#include <fmt/format.h>

namespace attar::format {

std::vector<std::byte> encode_schema(const VectorSchema& schema) {
  base::ByteWriter out;
  out.write(schema.rows);
  out.write(schema.dims);
  out.write(static_cast<std::uint8_t>(schema.metric));
  out.write(schema.flags);
  out.write(std::uint16_t{0});
  return std::move(out).release();
}

Result<VectorSchema> decode_schema(const SectionReader& section, const OpenLimits& limits) {
  ATTAR_TRY(section.expect_version(schema_wire_version));
  if (section.bytes().size() != schema_bytes)
    return section.fail(
        section.bytes().size() < schema_bytes ? ErrorCode::truncated : ErrorCode::corrupt,
        fmt::format("{} bytes where {} belong; pack the data anew", section.bytes().size(), schema_bytes));
  ATTAR_TRY(section.verify_all());

  const std::byte* at = section.bytes().data();
  const VectorSchema schema{.rows = base::load<std::uint64_t>(at),
                            .dims = base::load<std::uint32_t>(at + 8),
                            .metric = static_cast<Metric>(base::load<std::uint8_t>(at + 12)),
                            .flags = base::load<std::uint8_t>(at + 13)};
  if (schema.metric > Metric::l2)
    return section.fail(ErrorCode::too_new, "a metric that this build does not know; update Attar", 12);
  if (schema.flags != 0)
    return section.fail(ErrorCode::too_new, "flags that this build does not know; update Attar", 13);
  if (base::load<std::uint16_t>(at + 14) != 0)
    return section.fail(ErrorCode::corrupt, "the reserved bytes are not zero; pack the data anew", 14);
  if (schema.rows == 0 || schema.dims == 0)
    return section.fail(ErrorCode::corrupt, "no rows or no dimensions; pack the data anew", 0);
  if (schema.rows > limits.max_rows)
    return section.fail(ErrorCode::over_limit,
                        fmt::format("{} rows, the limit is {}; raise OpenLimits::max_rows or split the data",
                                    schema.rows, limits.max_rows),
                        0);
  if (schema.dims > limits.max_dims)
    return section.fail(
        ErrorCode::over_limit,
        fmt::format("{} dimensions, the limit is {}; raise OpenLimits::max_dims", schema.dims, limits.max_dims), 8);
  return schema;
}

}  // namespace attar::format
