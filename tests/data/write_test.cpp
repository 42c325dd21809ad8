#include "data/write.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "files.h"

namespace attar::data {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class WriteTest : public DataTest {};

TEST_F(WriteTest, FloatsComeBackAtRandomShapes) {
  base::Random random(1);
  for (const auto* name : {"x.npy", "x.fvecs"}) {
    for (int round = 0; round < 10; ++round) {
      const auto dims = static_cast<std::uint32_t>(1 + random.below(80));
      std::vector<float> values;
      auto writer = VectorWriter::create(directory_ / name, ElementType::f32, dims);
      ASSERT_TRUE(writer) << writer.error().describe();
      for (std::uint64_t part = 0; part < 1 + random.below(5); ++part) {
        std::vector<float> rows(random.below(9) * dims);
        for (float& x : rows) x = static_cast<float>(random.normal());
        ASSERT_TRUE(writer->append(rows));
        values.insert(values.end(), rows.begin(), rows.end());
      }
      if (values.empty()) continue;
      EXPECT_EQ(writer->rows(), values.size() / dims);
      ASSERT_TRUE(writer->finish());
      EXPECT_EQ(read_file(directory_ / name).value(), values);
    }
  }
}

TEST_F(WriteTest, HalvesRoundToNearest) {
  constexpr std::uint32_t dims = 700;
  base::Random random(2);
  std::vector<float> values(500 * dims);  // more than one batch of the conversion
  for (float& x : values) x = static_cast<float>(random.normal());
  auto writer = VectorWriter::create(directory_ / "x.npy", ElementType::f16, dims).value();
  ASSERT_TRUE(writer.append(values));
  ASSERT_TRUE(writer.finish());
  const auto source = open_vectors(directory_ / "x.npy").value();
  EXPECT_EQ(source->element(), ElementType::f16);
  const auto read = read_all(*source).value();
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(read[i], base::half_to_float(base::float_to_half(values[i]))) << i;
}

TEST_F(WriteTest, RefusesValuesThatHalfCannotHold) {
  auto writer = VectorWriter::create(directory_ / "x.npy", ElementType::f16, 2).value();
  ASSERT_TRUE(writer.append(std::vector<float>{1, std::numeric_limits<float>::infinity()}));
  expect_error(writer.append(std::vector<float>{1, 65504, 70000, 2}), ErrorCode::invalid_data,
               {"x.npy: row 2, component 0 is 70000", "write f32"});
}

TEST_F(WriteTest, IntegersComeBack) {
  const std::vector<std::int32_t> values{5, -1, 2'147'483'647, 0, 7, 9};
  auto writer = VectorWriter::create(directory_ / "gt.ivecs", ElementType::i32, 3).value();
  ASSERT_TRUE(writer.append(values));
  ASSERT_TRUE(writer.finish());
  const auto rows = read_integer_rows(directory_ / "gt.ivecs");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->width, 3u);
  EXPECT_EQ(rows->values, values);
}

TEST_F(WriteTest, NpyBytesAreThoseOfTheFormat) {
  auto writer = VectorWriter::create(directory_ / "x.npy", ElementType::i32, 2).value();
  ASSERT_TRUE(writer.append(std::vector<std::int32_t>{1, 2}));
  ASSERT_TRUE(writer.append(std::vector<std::int32_t>{3, -4}));
  ASSERT_TRUE(writer.finish());
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }";
  expected.resize(127, ' ');
  expected += '\n';
  for (const std::int32_t x : {1, 2, 3, -4}) append(expected, x);
  EXPECT_EQ(bytes_of(directory_ / "x.npy"), expected);
}

TEST_F(WriteTest, VecsBytesAreThoseOfTheFormat) {
  auto writer = VectorWriter::create(directory_ / "x.fvecs", ElementType::f32, 2).value();
  const std::vector<float> values{1, 2, 3, 4};
  ASSERT_TRUE(writer.append(values));
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(bytes_of(directory_ / "x.fvecs"), vecs_file(values, 2, ElementType::f32));
}

TEST_F(WriteTest, NothingAppearsBeforeTheEnd) {
  const auto path = put("x.fvecs", "the former file");
  {
    auto writer = VectorWriter::create(path, ElementType::f32, 2).value();
    ASSERT_TRUE(writer.append(std::vector<float>{1, 2}));
    EXPECT_EQ(bytes_of(path), "the former file");
  }
  EXPECT_EQ(bytes_of(path), "the former file");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(WriteTest, RefusesWrongUse) {
  expect_error(VectorWriter::create(directory_ / "x.csv", ElementType::f32, 2), ErrorCode::invalid_argument,
               {"x.csv", "'.csv'", ".npy (f32, f16, i32)"});
  expect_error(VectorWriter::create(directory_ / "x", ElementType::f32, 2), ErrorCode::invalid_argument,
               {"without an ending"});
  expect_error(VectorWriter::create(directory_ / "x.fvecs", ElementType::f16, 2), ErrorCode::invalid_argument, {"f16"});
  expect_error(VectorWriter::create(directory_ / "x.ivecs", ElementType::f32, 2), ErrorCode::invalid_argument, {"f32"});
  expect_error(VectorWriter::create(directory_ / "x.npy", ElementType::f64, 2), ErrorCode::invalid_argument, {"f64"});
  expect_error(VectorWriter::create(directory_ / "x.npy", ElementType::f32, 0), ErrorCode::invalid_argument,
               {"0 dimensions"});
  expect_error(VectorWriter::create(directory_ / "absent" / "x.npy", ElementType::f32, 2), ErrorCode::io, {"absent"});
  auto writer = VectorWriter::create(directory_ / "x.npy", ElementType::f32, 2).value();
  expect_error(writer.append(std::vector<float>{1, 2, 3}), ErrorCode::invalid_argument, {"3 values"});
  expect_error(writer.append(std::vector<std::int32_t>{1, 2}), ErrorCode::invalid_argument, {"f32", "integers"});
}

}  // namespace
}  // namespace attar::data
