// Small sets of vectors, read whole.
#include "attar/vectors.h"

#include "engine/support.h"

namespace attar::engine {
namespace {

class ReadVectors : public EngineTest {};

TEST_F(ReadVectors, GivesRowsAndDimensions) {
  const std::vector<float> values = clustered(7, 5, 1);
  const auto read = read_vectors(put_vectors("v.npy", values, 5));
  ASSERT_TRUE(read) << error_of(read);
  EXPECT_EQ(read->dims, 5u);
  EXPECT_EQ(read->rows(), 7u);
  EXPECT_EQ(read->values, values);
  EXPECT_EQ(Vectors{}.rows(), 0u);
}

TEST_F(ReadVectors, TakesTheFieldAndTheFormat) {
  const std::string lines = "{\"a\": [1, 2], \"b\": [3, 4, 5]}\n{\"a\": [6, 7], \"b\": [8, 9, 10]}\n";
  const auto read = read_vectors(put("v.jsonl", lines), {.field = "b"});
  ASSERT_TRUE(read) << error_of(read);
  EXPECT_EQ(read->values, (std::vector<float>{3, 4, 5, 8, 9, 10}));
  const auto named = read_vectors(put("v.txt", lines), {.field = "a", .format = "jsonl"});
  ASSERT_TRUE(named) << error_of(named);
  EXPECT_EQ(named->dims, 2u);
}

TEST_F(ReadVectors, StopsAtTheLimitBeforeItAllocates) {
  const auto path = put_vectors("v.npy", clustered(100, 4, 1), 4);
  EXPECT_TRUE(read_vectors(path, {}, 1600));
  expect_error(read_vectors(path, {}, 1599), ErrorCode::over_limit, {"v.npy", "100 vectors", "1599"});
  expect_error(read_vectors(path, {}, 0), ErrorCode::over_limit);
}

TEST_F(ReadVectors, FailsWhereThereIsNoFile) {
  expect_error(read_vectors(at("nothing.npy")), ErrorCode::io, {"nothing.npy"});
  expect_error(read_vectors(put("short.npy", npy_bytes(clustered(4, 4, 1), 4).substr(0, 140))), ErrorCode::truncated,
               {"short.npy"});
}

}  // namespace
}  // namespace attar::engine
