// How a plan is searched where a goal in time is named. Nothing here depends on how fast the machine is.
#include "plan/look_choice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "certify/support.h"
#include "engine/support.h"

namespace attar::plan {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t row_count = 3000;

// A small base in lists, linked as a graph, or flat, with a jury and a field of one codec.
struct Bench {
  certify::MatrixSource base{engine::clustered(row_count, dims, 1, 0.6, 200), dims};
  base::ThreadPool pool{2};
  base::SilentProgress progress;
  Setting setting;
  Rows rows;
  std::vector<certify::Unit> units;
  std::optional<Field> field;
  std::optional<Jury> jury;

  explicit Bench(IndexChoice index, Pace goal = {}) {
    setting.base = &base;
    setting.schema = {.rows = row_count, .dims = dims, .metric = Metric::cosine};
    setting.queries.values = engine::clustered(200, dims, 2, 0.6, 200);
    setting.goal.codec = index == IndexChoice::graph ? "esq" : "tcq";
    setting.goal.time = goal;
    setting.file_size = [](const PartSizes& parts) -> Result<std::uint64_t> {
      return 4096 + parts.model + parts.codes + parts.lists;  // links cost nothing here
    };
    setting.pool = &pool;
    setting.progress = &progress;
    rows = {.base = &base, .metric = Metric::cosine};
    std::vector<std::uint32_t> numbers;
    auto sample = sample_rows(base, row_count, 1, numbers).value();
    if (index == IndexChoice::graph) {
      rows.graph = Graph::build(base, Metric::cosine, Graph::line_bytes, 1, 1ull << 30, pool, progress).value();
    } else if (index == IndexChoice::ivf) {
      auto centroids = train_centroids(base, Metric::cosine, 48, 1, pool, progress).value();
      rows.partition = Partition::lay_out(base, Metric::cosine, std::move(centroids), pool, progress).value();
      sample = residuals_of(*sample, Metric::cosine, rows.partition->lists().centroids(), pool, progress).value();
    }
    field.emplace(Field::train(setting, rows, *sample).value());
    for (std::uint32_t q = 0; q < 200; ++q) units.push_back({q});
    jury.emplace(Jury::create(base, Metric::cosine, setting.queries, units, 10, true, 1 << 26, pool, progress).value());
  }

  Measured measure(const Contender& contender) {
    Measured out{.contender = contender, .trial = field->attempt(contender, rows).value()};
    const Grades grades = jury->grade_deeply(*out.trial, pool).value();
    out.tune = grades.recall;
    out.deep = grades.deep;
    out.contender.recall = mean_of(out.tune);
    out.contender.rank = mean_of(out.deep);
    return out;
  }
  Measured plan() { return measure(field->within(100'000).value().front()); }
  LookChoice looks() {
    return {setting, rows, *field, *jury, [this](const Contender& c) -> Result<Measured> { return measure(c); }};
  }
};

TEST(Pace, OverIsTheWorseOfBothRatios) {
  const Pace goal{.alone = 0.002, .together = 0.001};
  EXPECT_DOUBLE_EQ((Pace{.alone = 0.001, .together = 0.0005}.over(goal)), 0.5);
  EXPECT_DOUBLE_EQ((Pace{.alone = 0.001, .together = 0.003}.over(goal)), 3);
  EXPECT_DOUBLE_EQ((Pace{.alone = 0.004, .together = 0.003}.over({.alone = 0.002})), 2) << "only what is asked";
  EXPECT_FALSE(Pace{}.any());
  EXPECT_TRUE(goal.any());
}

TEST(Stopwatch, TimesWhatIsAskedForAlone) {
  for (const Pace goal : {Pace{.alone = 1e-9}, Pace{.together = 1e-9}, Pace{.alone = 10, .together = 10}}) {
    Bench bench(IndexChoice::flat, goal);
    Stopwatch stopwatch(goal, bench.jury->queries(), dims, 10, bench.progress);
    const Pace found = stopwatch.time(*bench.plan().trial, {}).value();
    EXPECT_EQ(found.alone > 0, goal.alone > 0);
    EXPECT_EQ(found.together > 0, goal.together > 0);
    EXPECT_TRUE(std::isfinite(found.alone) && std::isfinite(found.together));
  }
}

TEST(LookChoice, TimeToSpareIsNoGoal) {
  for (const IndexChoice index : {IndexChoice::flat, IndexChoice::ivf, IndexChoice::graph}) {
    Bench bench(index, {.alone = 10, .together = 10});
    LookChoice looks = bench.looks();
    for (const double least : {0.0, 0.8}) {
      Measured plain = bench.plan(), timed = bench.plan();
      ASSERT_TRUE(looks.choose(plain, least));
      const Timing timing = looks.choose_in_time(timed, least).value();
      EXPECT_TRUE(timing.at_ease);
      EXPECT_TRUE(timing.kept);
      EXPECT_EQ(timed.look, plain.look);
      EXPECT_EQ(timed.in_time, mean_of(bench.jury->grade(*plain.trial, plain.look, bench.pool).value()));
    }
  }
}

TEST(LookChoice, WhereNothingKeepsTheTimeTheQuickestIsTold) {
  for (const IndexChoice index : {IndexChoice::flat, IndexChoice::ivf, IndexChoice::graph}) {
    Bench bench(index, {.alone = 1e-9});
    LookChoice looks = bench.looks();
    Measured plan = bench.plan();
    const Timing timing = looks.choose_in_time(plan, 0).value();
    EXPECT_FALSE(timing.at_ease);
    EXPECT_FALSE(timing.kept);
    EXPECT_TRUE(std::isfinite(timing.quickest.alone));
    EXPECT_GT(timing.quickest.alone, 0);
    EXPECT_GT(timing.recall, 0);
    EXPECT_LE(timing.recall, plan.contender.recall + 0.01);
  }
}

TEST(LookChoice, HasteReadsFewerLists) {
  Bench unhurried(IndexChoice::ivf);
  LookChoice at_leisure = unhurried.looks();
  Measured plain = unhurried.plan();
  ASSERT_TRUE(at_leisure.choose(plain, 0));
  Bench bench(IndexChoice::ivf, {.alone = 1e-9});
  LookChoice looks = bench.looks();
  Measured plan = bench.plan();
  ASSERT_TRUE(looks.choose_in_time(plan, 0));
  EXPECT_GE(plan.look.probe, plain.look.probe);
  const Account slow = at_leisure.account(plain).value(), quick = looks.account(plan).value();
  EXPECT_LT(quick.lists, slow.lists);
  EXPECT_LT(quick.rows, slow.rows);
  EXPECT_LE(quick.plan_recall, slow.plan_recall);
  EXPECT_EQ(slow.pace.alone, 0) << "nobody asked";
  EXPECT_GT(quick.pace.alone, 0);
}

constexpr double margin = 0.02;

TEST(LookChoice, ASequenceGoesFromSafeToQuickInSteps) {
  Bench bench(IndexChoice::ivf);
  LookChoice looks = bench.looks();
  Measured plan = bench.plan();
  const double recall = plan.contender.recall, floor = recall - 0.1;
  const std::vector<index::Look> sequence =
      looks.sequence(plan, floor, [](std::span<const double>) { return margin; }).value();
  ASSERT_GE(sequence.size(), 5u);
  std::vector<double> found, work;
  for (const index::Look& look : sequence) {
    index::SearchTimes times;
    found.push_back(mean_of(bench.jury->grade(*plan.trial, look, bench.pool, &times).value()));
    work.push_back(times.share);
  }
  EXPECT_GT(found.front(), recall - 0.003) << "the first loses next to nothing";
  EXPECT_GE(found.back(), floor);
  EXPECT_LT(found.back(), floor + margin);
  for (std::size_t i = 1; i < sequence.size(); ++i) EXPECT_LT(work[i], work[i - 1]) << i;
  // Between the safest and the one that keeps the margin stand others: one failure does not cost all speed.
  EXPECT_GE(std::ranges::count_if(found, [&](double r) { return r > floor + 1.2 * margin && r < recall - 0.003; }), 2);
}

TEST(LookChoice, ASequenceOfWalksGoesFromSafeToShort) {
  Bench bench(IndexChoice::graph);
  LookChoice looks = bench.looks();
  Measured plan = bench.plan();
  const double recall = plan.contender.recall, floor = recall - 0.1;
  const std::vector<index::Look> sequence =
      looks.sequence(plan, floor, [](std::span<const double>) { return margin; }).value();
  ASSERT_GE(sequence.size(), 2u);
  std::vector<double> found, steps;
  for (const index::Look& look : sequence) {
    index::SearchTimes times;
    found.push_back(mean_of(bench.jury->grade(*plan.trial, look, bench.pool, &times).value()));
    steps.push_back(times.steps);
  }
  EXPECT_GT(found.front(), recall - 0.003);
  EXPECT_GE(found.back(), floor);
  EXPECT_GT(sequence.back().beam, 0u);
  EXPECT_GT(steps.back(), 0);
}

// Answers of a scan are all alike, and tell too little of how far a walk's may fall.
TEST(LookChoice, AWalkIsGivenTheMarginOfItsOwnAnswers) {
  Bench bench(IndexChoice::graph);
  LookChoice looks = bench.looks();
  Measured plan = bench.plan();
  const std::vector<double> of_scan = plan.tune;
  std::vector<std::vector<double>> judged;
  const auto margin_of = [&](std::span<const double> tune) {
    judged.emplace_back(tune.begin(), tune.end());
    return margin;
  };
  ASSERT_TRUE(looks.sequence(plan, plan.contender.recall - 0.1, margin_of));
  ASSERT_EQ(judged.size(), 2u);
  EXPECT_EQ(judged[0], of_scan);
  EXPECT_NE(judged[1], of_scan);
  EXPECT_LT(mean_of(judged[1]), mean_of(of_scan));
}

TEST(LookChoice, AnAccountTellsCodesFromLists) {
  Bench bench(IndexChoice::ivf);
  LookChoice looks = bench.looks();
  Measured plan = bench.plan();
  const Account all = looks.account(plan).value();
  EXPECT_EQ(all.codec_recall, plan.contender.recall);
  EXPECT_DOUBLE_EQ(all.plan_recall, all.codec_recall);
  EXPECT_DOUBLE_EQ(all.rows, row_count);
  EXPECT_DOUBLE_EQ(all.lists, 48);
  plan.look.probe = 200'000'000;
  const Account few = looks.account(plan).value();
  EXPECT_EQ(few.codec_recall, all.codec_recall);
  EXPECT_LT(few.plan_recall, all.plan_recall);
  EXPECT_GE(few.lists, 1);
  EXPECT_LT(few.lists, 24);
  EXPECT_LT(few.rows, row_count / 2);
}

}  // namespace
}  // namespace attar::plan
