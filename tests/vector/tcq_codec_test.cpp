#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "vector/tcq/layout.h"
#include "vector/tcq/train.h"
#include "vector/tcq_samples.h"

namespace attar::vector::tcq {
namespace {

constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

std::string name_of(const Settings& settings) {
  return settings.variant() + ", " + std::to_string(settings.row_bytes) + " bytes a row";
}

TEST(TcqCodec, OptionsStateTheExactSizes) {
  base::ThreadPool pool(2);
  base::Random random(1);
  int priced = 0;
  for (int trial = 0; trial < 24; ++trial) {
    const codec::Schema schema = {.rows = 2 + random.below(trial % 4 == 0 ? 600 : 70),
                                  .dims = static_cast<std::uint32_t>(1 + random.below(trial % 3 == 0 ? 200 : 40)),
                                  .metric = metrics[trial % 3]};
    const auto rows = make_rows(Kind::correlated, schema.rows, schema.dims, schema.metric, 100 + random.below(1000));
    const auto trained = train(schema, rows, pool);
    const codec::Goal goal = {200 + schema.dims * (8 + 2 * random.below(schema.dims)) +
                              schema.rows * (8 + random.below(schema.dims))};
    for (const codec::Option& option : trained->options(goal)) {
      SCOPED_TRACE(option.variant + ", " + std::to_string(schema.rows) + " x " + std::to_string(schema.dims));
      EXPECT_LE(option.bytes(), goal.bytes);
      const auto model = trained->build(option.params).value();
      const auto saved = save(*model);
      const auto codes = encode(model, schema, rows, pool);
      EXPECT_EQ(saved.size(), option.model_bytes);
      EXPECT_EQ(codes.size(), option.codes_bytes);
      const auto view = tcq_codec().open(section(codes), model, schema, OpenLimits{});
      ASSERT_TRUE(view) << view.error().describe();
      EXPECT_EQ((*view)->size(), schema.rows);
      ++priced;
    }
  }
  EXPECT_GT(priced, 60);
}

// Which other rows are encoded beside a row changes nothing: duplicates rank by their number.
TEST(TcqCodec, EqualRowsGetEqualCodesWhereverTheyStand) {
  base::ThreadPool pool(2);
  constexpr std::uint32_t dims = 48;
  const codec::Schema schema = {.rows = 900, .dims = dims, .metric = Metric::cosine};
  auto rows = make_rows(Kind::correlated, schema.rows, dims, schema.metric, 9);
  for (std::size_t row = 300; row < schema.rows; ++row)  // the first 300 again, in other company
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>((row * 7 + row / 300) % 300 * dims), dims,
                rows.begin() + static_cast<std::ptrdiff_t>(row * dims));
  const auto trained = train(schema, rows, pool);
  for (const Settings& settings : {Settings{.row_bytes = 12}, Settings{.row_bytes = 40, .head_bytes = 12}}) {
    SCOPED_TRACE(name_of(settings));
    const auto decoded = code(*trained, schema, rows, settings, pool).decoded();
    ASSERT_EQ(decoded.size(), rows.size());
    for (std::size_t row = 300; row < schema.rows; ++row) {
      const std::size_t first = (row * 7 + row / 300) % 300;
      EXPECT_EQ(std::memcmp(decoded.data() + row * dims, decoded.data() + first * dims, dims * sizeof(float)), 0)
          << "rows " << first << " and " << row;
    }
  }
}

TEST(TcqCodec, OffersNothingBelowOneUnit) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 1000, .dims = 32, .metric = Metric::l2};
  const auto trained = train(schema, make_rows(Kind::isotropic, schema.rows, 32, schema.metric, 5), pool);
  EXPECT_TRUE(trained->options({4000}).empty());
  Settings settings{.row_bytes = 4};
  EXPECT_EQ(trained->build(settings.to_params()).error().code, ErrorCode::invalid_argument);
}

// The tables' distortion is what a row gets: isotropic rows, where no weighting and no spectrum stand between.
TEST(TcqCodec, IsotropicRowsMeetTheStatedDistortion) {
  base::ThreadPool pool(2);
  const codec::Schema schema = {.rows = 300, .dims = 512, .metric = Metric::inner_product};
  const auto rows = make_rows(Kind::isotropic, schema.rows, schema.dims, schema.metric, 8);
  const auto trained = train(schema, rows, pool);
  for (const bool trellis : {true, false})
    for (int bits = 1; bits <= max_width; ++bits) {
      const Settings settings{.row_bytes = static_cast<std::uint32_t>(64 * bits), .matrix_bits = 0, .trellis = trellis};
      const Coded coded = code(*trained, schema, rows, settings, pool);
      // The row's scale makes inner products unbiased, which costs 1 / (1 − D).
      const double stated = level_table(trellis, bits).distortion;
      // Of the widest widths' error a tenth comes from the dozen components beyond the outermost level.
      EXPECT_NEAR(relative_error(coded) / (stated / (1 - stated)), 1.0, bits < 7 ? 0.04 : 0.08)
          << bits << " bits, trellis " << trellis;
    }
}

TEST(TcqCodec, MatricesOfEveryWidthServe) {
  base::ThreadPool pool(2);
  const codec::Schema schema = {.rows = 800, .dims = 96, .metric = Metric::inner_product};
  const auto rows = make_rows(Kind::correlated, schema.rows, schema.dims, schema.metric, 9);
  const auto error = [&](std::uint8_t matrix_bits, std::uint8_t scale_bytes) {
    return relative_error(code(
        schema, rows, {.row_bytes = 48, .matrix_bits = matrix_bits, .scale_bytes = scale_bytes, .power = 0}, pool));
  };
  const double fine = error(16, 1);
  EXPECT_LT(fine, 0.05);
  EXPECT_NEAR(error(16, 2), fine, 0.02 * fine);
  EXPECT_NEAR(error(8, 1), fine, 0.03 * fine);
  EXPECT_LT(error(4, 1), 1.35 * fine);
  EXPECT_GT(error(4, 1), fine);
  const double hadamard = error(0, 1);
  EXPECT_LT(hadamard, 0.12) << "four bits for everyone";
  EXPECT_GT(hadamard, 1.5 * fine) << "this spectrum rewards principal components";
}

// One way to search: the hits of scan() over the ranges, one after another into the same TopK.
std::vector<codec::Hit> scanned(const codec::Scorer& scorer, std::size_t queries, std::size_t query, std::uint32_t k,
                                const codec::Scan& scan, std::span<const codec::Range> ranges) {
  std::vector<codec::TopK> top(queries, codec::TopK(k));
  for (const codec::Range& range : ranges) scorer.scan(range, scan, top);
  return top[query].sorted();
}

// The definition: score every allowed row, sort.
std::vector<codec::Hit> sorted(const codec::Scorer& scorer, std::size_t queries, std::size_t query, std::uint32_t k,
                               const codec::Scan& scan, std::span<const codec::Range> ranges) {
  std::vector<std::uint32_t> rows;
  for (const codec::Range& range : ranges)
    for (std::uint64_t row = range.first; row < range.last; ++row)
      if (scan.allowed.empty() || ((scan.allowed[row / 64] >> (row % 64)) & 1) != 0)
        rows.push_back(static_cast<std::uint32_t>(row));
  std::vector<float> scores(queries * rows.size());
  scorer.score(rows, scores);
  std::vector<codec::Hit> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({scores[query * rows.size() + i], rows[i] + scan.row_offset});
  std::sort(out.begin(), out.end(), [](const codec::Hit& a, const codec::Hit& b) { return a.before(b); });
  if (out.size() > k) out.resize(k);
  return out;
}

std::vector<float> queries_near(const Coded& coded, std::size_t count, double noise, base::Random& random) {
  std::vector<float> out;
  for (std::size_t q = 0; q < count; ++q) {
    const std::uint64_t row = random.below(coded.schema.rows);
    for (std::uint32_t i = 0; i < coded.schema.dims; ++i)
      out.push_back(coded.rows[row * coded.schema.dims + i] + static_cast<float>(noise * random.normal()));
  }
  return out;
}

std::vector<std::uint64_t> random_filter(std::uint64_t rows, base::Random& random) {
  std::vector<std::uint64_t> out((rows + 63) / 64);
  const bool sparse = random.below(2) == 0;
  for (auto& word : out) word = sparse ? random.next() & random.next() & random.next() & random.next() : random.next();
  return out;
}

void expect_scans_agree(const Coded& coded, base::Random& random) {
  for (int trial = 0; trial < 12; ++trial) {
    const std::size_t batch = 1 + random.below(codec::max_batch);
    const auto queries = queries_near(coded, batch, trial % 2 == 0 ? 0.02 : 0.5, random);
    const auto scorer = coded.prepare(queries);
    const auto k = static_cast<std::uint32_t>(1 + random.below(50));
    const std::uint64_t rows = coded.schema.rows;
    const auto filter = trial % 3 == 0 ? random_filter(rows, random) : std::vector<std::uint64_t>{};
    const codec::Scan scan = {.allowed = filter, .row_offset = static_cast<std::uint32_t>(random.below(1000))};
    const std::uint64_t first = trial % 4 == 0 ? 0 : random.below(rows),
                        middle = first + random.below(rows - first + 1);
    const std::vector<codec::Range> ranges = {{middle, trial % 4 == 1 ? middle : rows}, {first, middle}};
    for (std::size_t q = 0; q < batch; ++q)
      ASSERT_EQ(scanned(*scorer, batch, q, k, scan, ranges), sorted(*scorer, batch, q, k, scan, ranges))
          << "trial " << trial << ", query " << q << " of " << batch << ", k " << k;
  }
}

TEST(TcqCodec, ScansThatStopEarlyFindWhatSortingFinds) {
  base::ThreadPool pool(2);
  base::Random random(20);
  std::size_t most_runs = 0;
  for (const Metric metric : metrics)
    for (const Kind kind : {Kind::isotropic, Kind::correlated, Kind::clustered})
      for (const Settings& settings :
           {Settings{.row_bytes = 40}, Settings{.row_bytes = 13, .matrix_bits = 4},
            Settings{.row_bytes = 30, .matrix_bits = 0}, Settings{.row_bytes = 25, .trellis = false},
            Settings{.row_bytes = 40, .head_bytes = 12}, Settings{.row_bytes = 33, .head_bytes = 15, .matrix_bits = 0},
            Settings{.row_bytes = 60, .matrix_bits = 16, .scale_bytes = 2, .power = 0.6}}) {
        SCOPED_TRACE(std::string(metric_name(metric)) + ", " + name_of(settings));
        const codec::Schema schema = {.rows = 300 + random.below(500), .dims = 70, .metric = metric};
        const Coded coded =
            code(schema, make_rows(kind, schema.rows, schema.dims, metric, random.next()), settings, pool);
        most_runs = std::max(most_runs, coded.shape().run_count);
        expect_scans_agree(coded, random);
        if (HasFatalFailure()) return;
      }
  EXPECT_GE(most_runs, 4u) << "with one run there is nothing to stop before";
}

// A model met by far smaller rows than it was trained on. The rotation keeps norms, so what a row adds to the centre is
// what the tail norm of all runs bounds.
TEST(TcqCodec, TinyScalesStayWithinTheirBounds) {
  base::ThreadPool pool(1);
  base::Random random(34);
  const codec::Schema schema = {.rows = 400, .dims = 64, .metric = Metric::inner_product};
  const auto rows = make_rows(Kind::isotropic, schema.rows, schema.dims, schema.metric, 35);
  const auto trained = train(schema, rows, pool);
  const Settings settings{.row_bytes = 32, .matrix_bits = 0, .scale_bytes = 2};
  const auto model = std::static_pointer_cast<const TcqModel>(trained->build(settings.to_params()).value());
  ASSERT_EQ(model->shape.components(), schema.dims);
  double rounding = 0;  // of a decoded row, whose values are the centre's and a little more
  for (const float centre : model->centre) rounding += std::pow(0x1p-24 * static_cast<double>(centre), 2);
  rounding = std::sqrt(rounding);
  for (const float factor : {1.0f, 3e-5f, 1e-6f, 1e-7f, 4e-8f, 1e-9f}) {
    SCOPED_TRACE(factor);
    std::vector<float> small = rows;
    for (std::size_t i = 0; i < small.size(); ++i) {
      const float centre = model->centre[i % schema.dims];
      small[i] = centre + factor * (small[i] - centre);
    }
    const Coded coded = code(*trained, schema, small, settings, pool);
    const auto decoded = coded.decoded();
    double longest = 0;
    for (std::size_t row = 0; row < schema.rows; ++row) {
      double norm = 0;
      for (std::size_t i = 0; i < schema.dims; ++i)
        norm +=
            std::pow(static_cast<double>(decoded[row * schema.dims + i]) - static_cast<double>(model->centre[i]), 2);
      longest = std::max(longest, std::sqrt(norm));
    }
    const auto tail = base::load<float>(coded.codes.data() + Layout(schema, coded.shape(), 2).tails);
    EXPECT_GE(static_cast<double>(tail) * (1 + 1e-4) + rounding, longest);
    expect_scans_agree(coded, random);
  }
}

TEST(TcqCodec, QueriesOfZerosAndEmptyRangesAreScanned) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 77, .dims = 40, .metric = Metric::l2};
  const Coded coded = code(schema, make_rows(Kind::clustered, 77, 40, Metric::l2, 21), {.row_bytes = 20}, pool);
  const std::vector<float> zeros(40);
  const auto scorer = coded.prepare(zeros);
  const std::vector<codec::Range> all = {{0, 77}}, none = {{50, 50}};
  EXPECT_EQ(scanned(*scorer, 1, 0, 10, {}, all), sorted(*scorer, 1, 0, 10, {}, all));
  EXPECT_TRUE(scanned(*scorer, 1, 0, 10, {}, none).empty());
}

TEST(TcqCodec, ScoresAreThoseOfTheDecodedRows) {
  base::ThreadPool pool(2);
  base::Random random(22);
  for (const Metric metric : metrics)
    for (const std::uint8_t matrix_bits : {std::uint8_t{0}, std::uint8_t{8}}) {
      const codec::Schema schema = {.rows = 203, .dims = 70, .metric = metric};
      const Coded coded = code(schema, make_rows(Kind::correlated, 203, 70, metric, 23),
                               {.row_bytes = 40, .matrix_bits = matrix_bits}, pool);
      const auto decoded = coded.decoded();
      const auto queries = queries_near(coded, 3, 0.1, random);
      std::vector<std::uint32_t> rows(schema.rows);
      std::iota(rows.begin(), rows.end(), 0u);
      std::vector<float> scores(3 * rows.size());
      coded.prepare(queries)->score(rows, scores);
      for (std::size_t q = 0; q < 3; ++q)
        for (std::size_t row = 0; row < rows.size(); ++row) {
          double product = 0, query_norm = 0, row_norm = 0, exact_norm = 0;
          for (std::size_t i = 0; i < schema.dims; ++i) {
            const double a = static_cast<double>(queries[q * schema.dims + i]);
            const double b = static_cast<double>(decoded[row * schema.dims + i]);
            product += a * b;
            query_norm += a * a;
            row_norm += b * b;
            exact_norm += std::pow(static_cast<double>(coded.rows[row * schema.dims + i]), 2);
          }
          const double expected = metric == Metric::l2 ? 2 * product - exact_norm : product;
          // Queries are rounded to eight bits a run.
          EXPECT_NEAR(static_cast<double>(scores[q * rows.size() + row]), expected,
                      0.02 * std::sqrt(query_norm * row_norm));
        }
    }
}

// E(⟨q,x̂⟩ − ⟨q,x⟩) ≈ 0 for queries near the row, where a plain quantizer shrinks by its distortion.
TEST(TcqCodec, SlowInnerProductsAreUnbiased) {
  base::ThreadPool pool(2);
  for (const std::uint8_t matrix_bits : {std::uint8_t{0}, std::uint8_t{8}})
    for (const std::uint32_t row_bytes : {16u, 32u}) {
      const codec::Schema schema = {.rows = 2000, .dims = 128, .metric = Metric::inner_product};
      const Coded coded = code(schema, make_rows(Kind::isotropic, schema.rows, schema.dims, schema.metric, 24),
                               {.row_bytes = row_bytes, .matrix_bits = matrix_bits}, pool);
      const auto decoded = coded.decoded();
      base::Random random(25);
      double bias = 0, norm = 0;
      for (std::size_t i = 0; i < decoded.size(); ++i) {
        const double x = static_cast<double>(coded.rows[i]), query = x + 0.5 * random.normal();
        bias += query * (static_cast<double>(decoded[i]) - x);
        norm += x * x;
      }
      EXPECT_NEAR(bias / norm, 0.0, 0.006) << name_of({.row_bytes = row_bytes, .matrix_bits = matrix_bits});
    }
}

TEST(TcqCodec, RowsAtTheCentreDecodeToIt) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 65, .dims = 24, .metric = Metric::l2};
  auto rows = make_rows(Kind::isotropic, 64, 24, Metric::l2, 26);
  for (std::size_t i = 0; i < 32 * 24; ++i) rows[32 * 24 + i] = -rows[i];  // the mean is exactly zero
  rows.insert(rows.end(), 24, 0.0f);
  for (const std::uint8_t scale_bytes : {std::uint8_t{1}, std::uint8_t{2}}) {
    const auto decoded = code(schema, rows, {.row_bytes = 24, .scale_bytes = scale_bytes}, pool).decoded();
    for (std::size_t i = 64 * 24; i < 65 * 24; ++i) EXPECT_EQ(decoded[i], 0.0f);
  }
}

TEST(TcqCodec, PackingIsTheSameAtAnyNumberOfThreads) {
  const codec::Schema schema = {.rows = 5000, .dims = 48, .metric = Metric::l2};
  const auto rows = make_rows(Kind::correlated, schema.rows, schema.dims, schema.metric, 27);
  std::optional<std::vector<std::byte>> model_bytes, code_bytes;
  for (const unsigned threads : {1u, 2u, 3u}) {
    base::ThreadPool pool(threads);
    const auto model = train(schema, rows, pool)->build(Settings{.row_bytes = 24}.to_params()).value();
    const auto saved = save(*model);
    const auto codes = encode(model, schema, rows, pool, threads == 1 ? 5000 : 311 * threads);
    if (!model_bytes) model_bytes = saved;
    if (!code_bytes) code_bytes = codes;
    EXPECT_EQ(saved, *model_bytes) << threads << " threads";
    EXPECT_EQ(codes, *code_bytes) << threads << " threads";
  }
}

TEST(TcqCodec, AModelReadFromAFileScoresAndEncodes) {
  base::ThreadPool pool(2);
  base::Random random(28);
  for (const Settings& settings :
       {Settings{.row_bytes = 40}, Settings{.row_bytes = 40, .matrix_bits = 4, .trellis = false},
        Settings{.row_bytes = 40, .head_bytes = 14}, Settings{.row_bytes = 40, .matrix_bits = 0},
        Settings{.row_bytes = 40, .matrix_bits = 16, .scale_bytes = 2}}) {
    SCOPED_TRACE(name_of(settings));
    const codec::Schema schema = {.rows = 500, .dims = 69, .metric = Metric::l2};
    Coded coded = code(schema, make_rows(Kind::correlated, 500, 69, Metric::l2, 29), settings, pool);
    const auto saved = save(*coded.model);
    const auto loaded = tcq_codec().load(section(saved), schema, OpenLimits{});
    ASSERT_TRUE(loaded) << loaded.error().describe();
    EXPECT_EQ(save(**loaded), saved);

    const auto queries = queries_near(coded, 4, 0.1, random);
    const std::vector<codec::Range> all = {{0, 500}};
    const auto before = scanned(*coded.prepare(queries), 4, 2, 20, {}, all);
    const double trained_error = relative_error(coded);
    coded.view = tcq_codec().open(section(coded.codes), *loaded, schema, OpenLimits{}).value();
    EXPECT_EQ(scanned(*coded.prepare(queries), 4, 2, 20, {}, all), before);

    coded.model = *loaded;
    coded.codes = encode(*loaded, schema, coded.rows, pool);
    coded.view = tcq_codec().open(section(coded.codes), *loaded, schema, OpenLimits{}).value();
    EXPECT_LT(relative_error(coded), 1.1 * trained_error) << "without the weighting, and still as near";
  }
}

TEST(TcqCodec, TheEncoderCountsItsRows) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 10, .dims = 16, .metric = Metric::l2};
  const auto rows = make_rows(Kind::isotropic, 11, 16, Metric::l2, 30);
  const auto model = train(schema, rows, pool)->build(Settings{.row_bytes = 16}.to_params()).value();
  base::MemorySink sink;
  const auto encoder = tcq_codec().encoder(model, schema, sink, pool).value();
  EXPECT_EQ(encoder->append({rows, 16, 0}).error().code, ErrorCode::invalid_argument) << "eleven rows of ten";
  EXPECT_EQ(encoder->append({std::span(rows).first(15), 15, 0}).error().code, ErrorCode::invalid_argument);
  ASSERT_TRUE(encoder->append({std::span(rows).first(9 * 16), 16, 0}));
  EXPECT_EQ(encoder->finish().error().code, ErrorCode::invalid_argument) << "nine rows of ten";
}

TEST(TcqCodec, QueriesAreChecked) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 40, .dims = 16, .metric = Metric::cosine};
  const Coded coded = code(schema, make_rows(Kind::isotropic, 40, 16, Metric::cosine, 31), {.row_bytes = 16}, pool);
  std::vector<float> queries((coded.view->scorable()->most_queries() + 1) * 16, 0.25f);
  const auto code_of = [&](std::span<const float> values, std::uint32_t dims) {
    const auto scorer = coded.view->scorable()->prepare({values, dims});
    return scorer ? std::optional<ErrorCode>{} : scorer.error().code;
  };
  EXPECT_EQ(code_of(std::span(queries).first(16), 16), std::nullopt);
  EXPECT_EQ(code_of({}, 16), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(queries, 16), ErrorCode::invalid_argument) << "one query too many";
  EXPECT_EQ(code_of(std::span(queries).first(15), 15), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(std::span(queries).first(17), 16), ErrorCode::invalid_argument);
  queries[3] = std::nanf("");
  EXPECT_EQ(code_of(std::span(queries).first(16), 16), ErrorCode::invalid_data);
}

TEST(TcqCodec, CodesThatContradictTheModelAreRefused) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 45, .dims = 16, .metric = Metric::l2};
  Coded coded = code(schema, make_rows(Kind::correlated, 45, 16, Metric::l2, 32), {.row_bytes = 12}, pool);
  const Layout layout(schema, coded.shape(), 1);
  ASSERT_EQ(coded.codes.size(), layout.total_bytes);
  const auto refused = [&](std::uint64_t offset, auto value) {
    auto bytes = coded.codes;
    base::store(bytes.data() + offset, value);
    const auto view = tcq_codec().open(section(bytes), coded.model, schema, OpenLimits{});
    return !view && view.error().code == ErrorCode::corrupt;
  };
  EXPECT_FALSE(refused(0, std::uint8_t{0xff})) << "any ring is a ring";
  EXPECT_TRUE(refused(layout.grid, -1.0));
  EXPECT_TRUE(refused(layout.grid, std::nan("")));
  EXPECT_TRUE(refused(layout.grid + 8, 2.5));
  EXPECT_TRUE(refused(layout.grid + 8, 0.5));
  EXPECT_TRUE(refused(layout.tails, -1.0f));
  EXPECT_TRUE(refused(layout.tails, std::nanf("")));
  coded.codes.pop_back();
  EXPECT_FALSE(tcq_codec().open(section(coded.codes), coded.model, schema, OpenLimits{}));
}

// Every byte of the model's head and some of the rest, each set to every value: an error, or a model that can be used.
TEST(TcqCodec, DamagedModelsAreRefusedOrUsable) {
  base::ThreadPool pool(1);
  const codec::Schema schema = {.rows = 20, .dims = 9, .metric = Metric::inner_product};
  const auto rows = make_rows(Kind::isotropic, 20, 9, schema.metric, 33);
  const auto trained = train(schema, rows, pool);
  for (const std::uint8_t matrix_bits : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{16}}) {
    const auto saved = save(*trained->build(Settings{.row_bytes = 9, .matrix_bits = matrix_bits}.to_params()).value());
    int refusals = 0;
    for (std::size_t at = 0; at < saved.size(); ++at)
      for (int value = 0; value < 256; value += at < 32 ? 1 : 51) {
        auto bytes = saved;
        bytes[at] = static_cast<std::byte>(value);
        const auto model = tcq_codec().load(section(bytes), schema, OpenLimits{});
        if (!model) {
          EXPECT_EQ(model.error().code, ErrorCode::corrupt) << "byte " << at << " set to " << value;
          ++refusals;
          continue;
        }
        const Shape& shape = static_cast<const TcqModel&>(**model).shape;
        std::vector<float> components(shape.components());
        static_cast<const TcqModel&>(**model).transform_queries({std::span(rows).first(9), 9}, components);
      }
    EXPECT_GT(refusals, 2000);
    for (std::size_t size = 0; size < saved.size(); ++size)
      EXPECT_FALSE(tcq_codec().load(section(std::span(saved).first(size)), schema, OpenLimits{}));
  }
}

}  // namespace
}  // namespace attar::vector::tcq
