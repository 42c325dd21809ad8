#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "vector/tcq/kernel.h"
#include "vector/tcq/trellis.h"

namespace attar::vector::tcq {
namespace {

Shape random_shape(base::Random& random) {
  Shape shape;
  shape.trellis = random.below(2) == 0;
  for (int bits = max_width; bits >= 1; --bits)
    if (random.below(2) == 0 || (bits == 1 && shape.run_count == 0))
      shape.runs[shape.run_count++] = {static_cast<std::uint8_t>(bits),
                                       static_cast<std::uint16_t>(1 + random.below(random.below(8) == 0 ? 70 : 5))};
  return shape;
}

std::vector<std::byte> random_bytes(base::Random& random, std::size_t count) {
  std::vector<std::byte> out(count);
  for (auto& b : out) b = static_cast<std::byte>(random.below(256));
  return out;
}

struct PreparedQueries {
  std::vector<std::int8_t> values;
  std::vector<float> factors;
  std::vector<std::int32_t> sums;
  std::vector<codec::QueryNumber> which;
  Queries view;

  PreparedQueries(const Shape& shape, std::size_t count, base::Random& random)
      : values(count * shape.values()), factors(count * max_runs), sums(count * max_runs) {
    for (auto& v : values) v = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
    for (auto& f : factors) f = static_cast<float>(random.uniform());
    for (std::size_t q = 0; q < count; ++q) {
      std::size_t at = q * shape.values();
      for (std::size_t r = 0; r < shape.run_count; ++r)
        for (std::uint32_t j = 0; j < shape.runs[r].components(); ++j) sums[q * max_runs + r] += values[at++];
    }
    // Scored in another order than stored, as after some queries have dropped out.
    for (std::size_t q = 0; q < count; ++q) which.push_back(static_cast<codec::QueryNumber>(count - 1 - q));
    view = {values.data(), shape.values(), factors.data(), sums.data(), which.data(), count};
  }
};

// Blocks of a random shape, queries, and a range of whole groups of the rows.
struct SomeGroups {
  Shape shape;
  std::size_t rows;
  std::vector<std::byte> codes;
  PreparedQueries queries;
  std::uint32_t first = 0, last = 0;

  explicit SomeGroups(base::Random& random)
      : shape(random_shape(random)),
        rows((1 + random.below(3)) * block_rows),
        codes(random_bytes(random, rows * shape.row_bytes() + overread_bytes)),
        queries(shape, 1 + random.below(batch_queries), random) {
    last = static_cast<std::uint32_t>(8 * (1 + random.below(rows / 8)));
    first = static_cast<std::uint32_t>(8 * random.below(last / 8));
  }
};

// All runs of some blocks; the planes lie one after another.
void scan_all(const Kernel& kernel, const Shape& shape, const std::byte* codes, std::size_t blocks,
              const Queries& queries, float* out) {
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    kernel.scan(shape, r, codes, {0, static_cast<std::uint32_t>(blocks * block_rows)}, queries, out);
    codes += blocks * block_rows * shape.runs[r].row_bytes();
  }
}

TEST(TcqKernel, EveryLevelGivesTheScalarScoresBitForBit) {
  base::Random random(7);
  for (int trial = 0; trial < 60; ++trial) {
    const Shape shape = random_shape(random);
    const std::size_t blocks = 1 + random.below(4);
    const auto codes = random_bytes(random, blocks * block_rows * shape.row_bytes() + overread_bytes);
    const std::size_t count = 1 + random.below(8);
    const PreparedQueries queries(shape, count, random);
    std::vector<float> expected(blocks * batch_queries * block_rows);
    scan_all(kernel_for(simd::Level::scalar), shape, codes.data(), blocks, queries.view, expected.data());
    for (int level = 1; level <= static_cast<int>(simd::best_level()); ++level) {
      std::vector<float> got(expected.size());
      scan_all(kernel_for(static_cast<simd::Level>(level)), shape, codes.data(), blocks, queries.view, got.data());
      ASSERT_EQ(std::memcmp(expected.data(), got.data(), got.size() * sizeof(float)), 0)
          << "trial " << trial << " at " << simd::level_name(static_cast<simd::Level>(level));
    }
  }
}

TEST(TcqKernel, GroupsOfBlocksScoreAsInTheWholeBlocks) {
  base::Random random(8);
  for (int trial = 0; trial < 30; ++trial) {
    const SomeGroups some_groups(random);
    const auto& [shape, rows, codes, queries, first, last] = some_groups;
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      const Kernel& kernel = kernel_for(static_cast<simd::Level>(level));
      const std::size_t places = rows * batch_queries;
      std::vector<float> whole(places, -7.0f), some(places, -7.0f);
      kernel.scan(shape, 0, codes.data(), {0, static_cast<std::uint32_t>(rows)}, queries.view, whole.data());
      kernel.scan(shape, 0, codes.data(), {first, last}, queries.view, some.data());
      for (std::size_t slot = 0; slot < batch_queries; ++slot)
        for (std::size_t row = 0; row < rows; ++row) {
          const bool inside = row >= first && row < last;
          ASSERT_EQ(some[place_of(slot, row)], inside ? whole[place_of(slot, row)] : -7.0f)
              << "row " << row << " of " << first << " to " << last << ", level " << level;
        }
    }
  }
}

TEST(TcqKernel, LevelsDecodedOnceGiveTheScoresOfAScan) {
  base::Random random(11);
  for (int trial = 0; trial < 40; ++trial) {
    const SomeGroups some_groups(random);
    const auto& [shape, rows, codes, queries, first, last] = some_groups;
    const std::size_t places = rows * batch_queries;
    std::vector<float> whole(places, -7.0f);
    kernel_for(simd::Level::scalar).scan(shape, 0, codes.data(), {first, last}, queries.view, whole.data());
    struct alignas(64) Line {
      std::byte bytes[64];
    };
    const std::size_t lines = std::size_t{last - first} * shape.runs[0].components() / sizeof(Line);
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      const Kernel& kernel = kernel_for(static_cast<simd::Level>(level));
      std::vector<Line> levels(lines + 1, Line{{std::byte{0x5a}}});
      std::vector<float> some(places, -7.0f);
      kernel.decode(shape, 0, codes.data(), {first, last}, levels.data()->bytes);
      EXPECT_EQ(levels.back().bytes[0], std::byte{0x5a}) << "written beyond the end, level " << level;
      kernel.multiply(shape, 0, levels.data()->bytes, {first, last}, queries.view, some.data());
      ASSERT_EQ(some, whole) << "rows " << first << " to " << last << ", level " << level;
    }
  }
}

TEST(TcqKernel, SingleRowsScoreAsInTheWholeBlock) {
  base::Random random(10);
  for (int trial = 0; trial < 30; ++trial) {
    const Shape shape = random_shape(random);
    const std::size_t blocks = 1 + random.below(3), count = 1 + random.below(8);
    const auto codes = random_bytes(random, blocks * block_rows * shape.row_bytes() + overread_bytes);
    PreparedQueries queries(shape, count, random);
    std::vector<float> whole(blocks * batch_queries * block_rows);
    scan_all(kernel_for(simd::Level::scalar), shape, codes.data(), blocks, queries.view, whole.data());
    std::vector<std::size_t> rows(random.below(20));
    for (std::size_t& row : rows) row = random.below(blocks * block_rows);
    queries.view.which += random.below(count);
    queries.view.count = 1;
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      std::vector<float> sums(rows.size(), 5.0f);
      const std::byte* plane = codes.data();
      for (std::size_t r = 0; r < shape.run_count; ++r) {
        std::vector<Place> places;
        places.reserve(rows.size());
        for (const std::size_t row : rows)
          places.push_back({plane + row / block_rows * block_rows * shape.runs[r].row_bytes(),
                            static_cast<std::uint32_t>(row % block_rows)});
        kernel_for(static_cast<simd::Level>(level)).rows(shape, r, places, queries.view, sums.data());
        plane += blocks * block_rows * shape.runs[r].row_bytes();
      }
      for (std::size_t i = 0; i < rows.size(); ++i)
        ASSERT_EQ(sums[i], whole[place_of(queries.view.which[0], rows[i])]) << "row " << rows[i] << ", level " << level;
    }
  }
}

TEST(TcqKernel, ScalesAndScoresAreTheScalarOnes) {
  base::Random random(9);
  std::array<float, 256> grid;
  for (float& value : grid) value = static_cast<float>(random.uniform());
  for (int trial = 0; trial < 50; ++trial) {
    const auto codes = random_bytes(random, block_rows);
    const std::size_t count = 1 + random.below(batch_queries);
    std::array<float, block_rows> norms, expected_scales, scales;
    std::array<float, batch_queries * block_rows> sums, expected, scores;
    std::array<float, batch_queries> bases, thresholds;
    for (float& value : sums) value = static_cast<float>(random.normal());
    for (float& value : norms) value = static_cast<float>(random.uniform());
    for (std::size_t q = 0; q < count; ++q) {
      bases[q] = static_cast<float>(random.normal());
      thresholds[q] = random.below(5) == 0 ? -std::numeric_limits<float>::infinity()
                                           : bases[q] + static_cast<float>(random.uniform());
    }
    const Kernel& scalar = kernel_for(simd::Level::scalar);
    scalar.scales(codes.data(), grid.data(), expected_scales.data());
    const Finish block{.sums = sums.data(),
                       .scales = expected_scales.data(),
                       .norms = trial % 2 == 0 ? norms.data() : nullptr,
                       .bases = bases.data(),
                       .thresholds = thresholds.data(),
                       .count = count};
    std::array<std::uint32_t, batch_queries> expected_reached, reached;
    scalar.finish(block, expected.data(), expected_reached.data());
    for (std::size_t i = 0; i < count * block_rows; ++i)
      EXPECT_EQ((expected_reached[i / block_rows] >> i % block_rows & 1) != 0,
                expected[i] >= thresholds[i / block_rows]);
    for (int level = 1; level <= static_cast<int>(simd::best_level()); ++level) {
      const Kernel& kernel = kernel_for(static_cast<simd::Level>(level));
      kernel.scales(codes.data(), grid.data(), scales.data());
      EXPECT_EQ(scales, expected_scales) << "level " << level;
      kernel.finish(block, scores.data(), reached.data());
      for (std::size_t q = 0; q < count; ++q) {
        EXPECT_EQ(reached[q], expected_reached[q]) << "level " << level;
        for (std::size_t i = q * block_rows; reached[q] != 0 && i < (q + 1) * block_rows; ++i)
          EXPECT_EQ(scores[i], expected[i]) << "level " << level;
      }
    }
  }
}

TEST(TcqKernel, ExtremeLevelsAndQueriesDoNotOverflow) {
  for (int bits = 1; bits <= max_width; ++bits) {
    Shape shape;
    shape.runs[0] = {static_cast<std::uint8_t>(bits), 6};
    shape.run_count = 1;
    for (const int fill : {0x00, 0xff, 0x55}) {
      const std::vector<std::byte> codes(block_rows * shape.row_bytes() + overread_bytes, static_cast<std::byte>(fill));
      for (const int value : {-127, 127}) {
        const std::vector<std::int8_t> values(batch_queries * shape.values(), static_cast<std::int8_t>(value));
        const std::vector<float> factors(batch_queries * max_runs, 1.0f);
        const std::vector<std::int32_t> sums(batch_queries * max_runs, value * static_cast<int>(shape.values()));
        const std::array<codec::QueryNumber, batch_queries> which = {0, 1, 2, 3, 4, 5, 6, 7};
        std::vector<std::int8_t> levels(shape.values());
        decode_row(shape.runs[0], true, codes.data(), block_rows, 0, levels.data());
        std::int32_t sum = 0;
        for (const std::int8_t level : levels) sum += level * value;
        for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
          const Kernel& kernel = kernel_for(static_cast<simd::Level>(level));
          for (const std::size_t count : {1u, 8u}) {
            const Queries queries = {values.data(), shape.values(), factors.data(), sums.data(), which.data(), count};
            std::vector<float> out(batch_queries * block_rows);
            kernel.scan(shape, 0, codes.data(), {}, queries, out.data());
            EXPECT_EQ(out[count * block_rows - 1], static_cast<float>(sum)) << bits << " bits, level " << level;
          }
        }
      }
    }
  }
}

// Every file of wire version 1 is read with these numbers: other tables need another version.
TEST(TcqTrellis, TheTablesOfWireVersionOneStay) {
  base::Sha256 hash;
  for (const bool trellis : {true, false})
    for (int bits = 1; bits <= max_width; ++bits) {
      const LevelTable& table = level_table(trellis, bits);
      hash.update(std::as_bytes(std::span(table.levels)));
      hash.update(std::as_bytes(std::span(&table.step, 1)));
    }
  EXPECT_EQ(hash.finish().hex(), "7399bff0eb5a09af53b88fc32d8c70176e1cc31b6141898bb1fe42506c6bd321");
}

TEST(TcqTrellis, SlowMeetsTheDistortionThatItsTablesState) {
  base::Random random(3);
  for (const bool trellis : {true, false})
    for (int bits = 1; bits <= 7; ++bits) {
      const Width& width = widths[static_cast<std::size_t>(bits)];
      const LevelTable& table = level_table(trellis, bits);
      std::vector<float> levels(std::size_t{1} << width.window);
      for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = table.step * static_cast<float>(table.levels[i]);
      double error = 0;
      const std::size_t rounds = 25600 / width.unit;
      std::vector<float> values(width.unit * encode_lanes);
      std::vector<std::uint8_t> windows(values.size());
      std::array<std::uint64_t, encode_lanes> rings;
      for (std::size_t i = 0; i < rounds; ++i) {
        for (float& value : values) value = static_cast<float>(random.normal());
        encode_unit(width, levels.data(), values.data(), windows.data());
        pack_rings(width, windows.data(), rings.data());
        for (std::size_t lane = 0; lane < encode_lanes; ++lane) {
          const auto ring = std::as_bytes(std::span(rings)).subspan(8 * lane, 8);
          for (std::uint32_t j = 0; j < width.unit; ++j) {
            const double miss = values[j * encode_lanes + lane] - levels[ring_window(ring.data(), width, j)];
            error += miss * miss;
          }
        }
      }
      error /= static_cast<double>(rounds * values.size());
      EXPECT_LT(error, table.distortion * 1.03) << (trellis ? "trellis " : "scalar ") << bits << " bits";
      EXPECT_GT(error, table.distortion * 0.97) << (trellis ? "trellis " : "scalar ") << bits << " bits";
    }
}

}  // namespace
}  // namespace attar::vector::tcq
