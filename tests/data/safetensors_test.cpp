#include "data/safetensors.h"

#include <gtest/gtest.h>

#include <limits>

#include "data/files.h"

namespace attar::data {
namespace {

// A file around a header and data.
std::string file_of(const std::string& header, std::string_view data) {
  std::string out;
  append(out, static_cast<std::uint64_t>(header.size()));
  return out + header + std::string(data);
}

Result<std::vector<Tensor>> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::string entry(std::string_view name, std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + "}";
}

class SafetensorsTest : public DataTest {};

TEST_F(SafetensorsTest, ReadsTensorsByName) {
  std::string data;
  for (const float value : {1.5f, -2.0f, 3.0f, 4.0f, 5.0f, 6.0f}) append(data, value);
  append(data, base::float_to_half(0.25f));
  append(data, base::float_to_bf16(-8.0f));
  const auto path =
      put("m", file_of("{\"__metadata__\":{\"format\":\"pt\"}," + entry("w", "F32", "[2,3]", "[0,24]") + "," +
                           entry("h", "F16", "[1]", "[24,26]") + "," + entry("b", "BF16", "[]", "[26,28]") + "," +
                           entry("none", "I64", "[0,5]", "[28,28]") + "}  ",
                       data));
  const auto file = Safetensors::open(path);
  ASSERT_TRUE(file) << file.error().describe();
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->find("v"), nullptr);
  const Tensor* w = file->find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(w->count, 6u);
  EXPECT_EQ(tensor_type_name(w->type), "F32");
  std::vector<float> values(3);
  widen(*w, 1, values);
  EXPECT_EQ(values, (std::vector<float>{-2.0f, 3.0f, 4.0f}));
  values.resize(1);
  widen(*file->find("h"), 0, values);
  EXPECT_EQ(values[0], 0.25f);
  widen(*file->find("b"), 0, values);
  EXPECT_EQ(values[0], -8.0f);
  EXPECT_EQ(file->find("none")->count, 0u);
  EXPECT_FALSE(is_float(file->find("none")->type));
}

TEST_F(SafetensorsTest, ErrorsNameTheFile) {
  const auto path = put("short.safetensors", "abc");
  expect_error(Safetensors::open(path), ErrorCode::truncated, {"short.safetensors"});
  expect_error(Safetensors::open(directory_ / "absent"), ErrorCode::io, {"absent"});
}

TEST(Safetensors, RefusesHeadersThatAreNone) {
  expect_error(parse(""), ErrorCode::truncated, {});
  std::string huge;
  append(huge, std::numeric_limits<std::uint64_t>::max());
  expect_error(parse(huge + "{}"), ErrorCode::over_limit, {"header"});
  std::string beyond;
  append(beyond, std::uint64_t{3});
  expect_error(parse(beyond + "{}"), ErrorCode::truncated, {"header"});
  expect_error(parse(file_of("", "")), ErrorCode::invalid_data, {"JSON"});
  expect_error(parse(file_of("[]", "")), ErrorCode::invalid_data, {"JSON"});
  expect_error(parse(file_of("{", "")), ErrorCode::invalid_data, {"JSON"});
  expect_error(parse(file_of("{\"a\":3}", "")), ErrorCode::invalid_data, {"'a'", "object"});
  EXPECT_TRUE(parse(file_of("{}", "")));
}

TEST(Safetensors, RefusesFieldsThatContradict) {
  const auto one = [](std::string_view dtype, std::string_view shape, std::string_view offsets,
                      std::string_view data = "12345678") {
    return parse(file_of("{" + entry("a", dtype, shape, offsets) + "}", data));
  };
  EXPECT_TRUE(one("F32", "[2]", "[0,8]"));
  expect_error(one("F33", "[2]", "[0,8]"), ErrorCode::unsupported, {"F33", "'a'"});
  expect_error(one("F32", "[3]", "[0,8]"), ErrorCode::invalid_data, {"8 bytes"});
  expect_error(one("F32", "[2]", "[0,12]"), ErrorCode::truncated, {"'a'"});
  expect_error(one("F32", "[2]", "[8,0]"), ErrorCode::invalid_data, {"data_offsets"});
  expect_error(one("F32", "[2]", "[0]"), ErrorCode::invalid_data, {"data_offsets"});
  expect_error(one("F32", "[2]", "[-8,8]"), ErrorCode::invalid_data, {"data_offsets"});
  expect_error(one("F32", "[2.0]", "[0,8]"), ErrorCode::invalid_data, {"whole number"});
  expect_error(one("F32", "[-2]", "[0,8]"), ErrorCode::invalid_data, {"whole number"});
  expect_error(one("F32", "\"2\"", "[0,8]"), ErrorCode::invalid_data, {"shape"});
  expect_error(one("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), ErrorCode::over_limit, {"axes"});
  // 2⁶² · 4 elements of four bytes: 0 modulo 2⁶⁴.
  expect_error(one("F32", "[4611686018427387904]", "[0,0]", ""), ErrorCode::invalid_data, {"0 bytes"});
  expect_error(one("F32", "[4294967296,4294967296]", "[0,0]", ""), ErrorCode::invalid_data, {"2^64"});
  expect_error(parse(file_of("{\"a\":{}}", "")), ErrorCode::invalid_data, {"dtype"});
}

TEST(Safetensors, EveryByteBelongsToOneTensor) {
  const auto two = [](std::string_view first, std::string_view second, std::string_view data = "12345678") {
    return parse(file_of("{" + entry("a", "U8", "[4]", first) + "," + entry("b", "U8", "[4]", second) + "}", data));
  };
  EXPECT_TRUE(two("[0,4]", "[4,8]"));
  EXPECT_TRUE(two("[4,8]", "[0,4]"));
  expect_error(two("[0,4]", "[2,6]"), ErrorCode::invalid_data, {"overlaps", "'b'"});
  expect_error(two("[0,4]", "[0,4]"), ErrorCode::invalid_data, {"overlaps"});
  expect_error(two("[0,4]", "[5,9]", "123456789"), ErrorCode::invalid_data, {"gap", "'b'"});
  expect_error(two("[0,4]", "[4,8]", "123456789"), ErrorCode::invalid_data, {"after its last"});
  expect_error(
      parse(file_of("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]") + "}", "12")),
      ErrorCode::invalid_data, {"twice"});
}

TEST(Safetensors, ManyTensorsAreRefusedBeforeTheyAreKept) {
  std::string header = "{";
  for (int i = 0; i <= 65'536; ++i)
    header += (i == 0 ? "" : ",") + entry("t" + std::to_string(i), "U8", "[0]", "[0,0]");
  expect_error(parse(file_of(header + "}", "")), ErrorCode::over_limit, {"65536"});
}

TEST(Safetensors, KnowsTheSizesOfItsTypes) {
  for (int i = 0; i <= static_cast<int>(TensorType::f64); ++i) {
    const auto type = static_cast<TensorType>(i);
    const std::string_view name = tensor_type_name(type);
    const std::uint64_t bits = name == "BOOL" || name.starts_with("F8") ? 8
                               : name.ends_with("8")                    ? 8
                               : name.ends_with("16")                   ? 16
                               : name.ends_with("32")                   ? 32
                                                                        : 64;
    EXPECT_EQ(tensor_type_bytes(type), bits / 8) << name;
  }
}

}  // namespace
}  // namespace attar::data
