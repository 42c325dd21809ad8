#include "format/schema.h"

#include <gtest/gtest.h>

#include "format/samples.h"

namespace attar::format {
namespace {

Result<VectorSchema> decode(base::ByteView bytes, const OpenLimits& limits = {},
                            std::uint16_t version = schema_wire_version) {
  return decode_schema(SectionReader::trusted(bytes, "schema", 0, version), limits);
}

TEST(Schema, RoundTrip) {
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2}) {
    const VectorSchema schema{.rows = 260'144, .dims = 384, .metric = metric};
    EXPECT_EQ(decode(encode_schema(schema)).value(), schema);
  }
}

TEST(Schema, HasTheBytesOfTheFormat) {
  const auto bytes = encode_schema({.rows = 0x0102030405060708, .dims = 0x0a0b0c0d, .metric = Metric::l2});
  const unsigned char expected[16] = {8, 7, 6, 5, 4, 3, 2, 1, 0x0d, 0x0c, 0x0b, 0x0a, 2, 0, 0, 0};
  EXPECT_TRUE(std::ranges::equal(bytes, std::as_bytes(std::span(expected))));
}

TEST(Schema, EveryFieldIsChecked) {
  const auto bytes = encode_schema({.rows = 100, .dims = 10, .metric = Metric::cosine});
  const auto code_with = [&](std::size_t at, int value) {
    auto changed = bytes;
    changed[at] = static_cast<std::byte>(value);
    return decode(changed).error().code;
  };
  EXPECT_EQ(code_with(0, 0), ErrorCode::corrupt) << "no rows";
  EXPECT_EQ(code_with(7, 1), ErrorCode::over_limit) << "2^56 rows";
  EXPECT_EQ(code_with(8, 0), ErrorCode::corrupt) << "no dimensions";
  EXPECT_EQ(code_with(11, 1), ErrorCode::over_limit) << "2^24 dimensions";
  EXPECT_EQ(code_with(12, 3), ErrorCode::too_new) << "another metric";
  EXPECT_EQ(code_with(13, 1), ErrorCode::too_new) << "a flag";
  EXPECT_EQ(code_with(14, 1), ErrorCode::corrupt) << "reserved";
  EXPECT_EQ(decode(base::ByteView(bytes).first(15)).error().code, ErrorCode::truncated);
  EXPECT_EQ(decode(noise(17, 1)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(decode(bytes, {}, 0).error().code, ErrorCode::too_old);
  EXPECT_EQ(decode(bytes, {}, 2).error().code, ErrorCode::too_new);
}

TEST(Schema, LimitsAreTheCallers) {
  const auto bytes = encode_schema({.rows = 100, .dims = 10});
  EXPECT_TRUE(decode(bytes, {.max_rows = 100, .max_dims = 10}));
  EXPECT_EQ(decode(bytes, {.max_rows = 99}).error().code, ErrorCode::over_limit);
  EXPECT_EQ(decode(bytes, {.max_dims = 9}).error().code, ErrorCode::over_limit);
}

}  // namespace
}  // namespace attar::format
