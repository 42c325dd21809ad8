// Goals in time beside the others. No test depends on how fast the machine is: time is ample, or there is none.
#include <cmath>

#include "attar/evaluate.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t rows = 2000;
constexpr std::uint32_t dims = 32;

class Times : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    base_ = put_vectors("base.npy", clustered(rows, dims, 1), dims);
    queries_ = put_vectors("queries.npy", clustered(600, dims, 2), dims);
  }
  // Goals without a time: a budget, a floor, neither.
  [[nodiscard]] std::vector<PackOptions> goals(const std::string& index) const {
    std::vector<PackOptions> out(3, {.queries = queries_, .codec = "tcq", .index = index});
    out[0].budget = parse_budget("30B/vec").value();
    out[1].floor = parse_floor("0.9@10").value();
    return out;
  }

  std::filesystem::path base_, queries_;
};

TEST_F(Times, SlowTimeToSpareChangesNothing) {
  for (const char* index : {"flat", "ivf"})
    for (const PackOptions& plain : goals(index)) {
      PackOptions timed = plain;
      timed.latency = parse_latency("10s").value();
      timed.throughput = parse_throughput("0.1").value();
      const auto without = make_plan(base_, plain), with = make_plan(base_, timed);
      ASSERT_TRUE(without && with) << error_of(without) << error_of(with);
      ASSERT_TRUE(without->reachable && with->reachable) << with->unreachable;
      EXPECT_EQ(with->report.plan, without->report.plan);
      EXPECT_EQ(with->report.bytes, without->report.bytes);
      ASSERT_TRUE(with->report.explanation && without->report.explanation);
      EXPECT_EQ(with->report.explanation->plan_recall, without->report.explanation->plan_recall);
      EXPECT_EQ(with->report.certificates, without->report.certificates);
      EXPECT_GT(with->report.explanation->latency_seconds, 0);
      EXPECT_GT(with->report.explanation->queries_per_second, 0);
      EXPECT_EQ(without->report.explanation->latency_seconds, 0);
      EXPECT_NE(with->report.goal.find("kept within 10 s a query, 0.1 queries a second"), std::string::npos)
          << with->report.goal;
    }
}

TEST_F(Times, SlowNoTimeIsOutOfReachWithTheNearest) {
  for (const char* index : {"flat", "ivf"})
    for (PackOptions goal : goals(index)) {
      goal.latency = parse_latency("0.001us").value();
      const auto packed = pack(base_, at("a.attar"), goal);
      ASSERT_TRUE(packed) << error_of(packed);
      ASSERT_FALSE(packed->reachable);
      EXPECT_FALSE(std::filesystem::exists(at("a.attar")));
      EXPECT_GT(packed->nearest.seconds_for_goal, 1e-9);
      EXPECT_LT(packed->nearest.seconds_for_goal, 1000);
      EXPECT_EQ(packed->nearest.recall_in_time, 0);
      EXPECT_NE(packed->unreachable.find("the quickest found that keeps the rest takes"), std::string::npos)
          << packed->unreachable;
      EXPECT_NE(packed->unreachable.find("nothing was found within the time"), std::string::npos);
    }
}

TEST_F(Times, AThroughputOutOfReachToo) {
  const auto planned = make_plan(base_, {.budget = parse_budget("30B/vec").value(),
                                         .throughput = parse_throughput("1000000000000").value(),
                                         .queries = queries_,
                                         .codec = "tcq"});
  ASSERT_TRUE(planned) << error_of(planned);
  EXPECT_FALSE(planned->reachable);
  EXPECT_GT(planned->nearest.seconds_for_goal, 0);
  EXPECT_NE(planned->unreachable.find("queries a second in batches"), std::string::npos) << planned->unreachable;
}

TEST_F(Times, WithinABudgetTheSmallestThatReachesTheFloor) {
  const PackOptions goal{.budget = parse_budget("100kB").value(),
                         .floor = parse_floor("0.9@10").value(),
                         .latency = parse_latency("10s").value(),
                         .queries = queries_,
                         .codec = "tcq"};
  const auto packed = pack_and_open(base_, at("a.attar"), goal);
  ASSERT_TRUE(packed.artifact) << packed.failed;
  PackOptions no_budget = goal;
  no_budget.budget.reset();
  const auto smallest = make_plan(base_, no_budget);
  ASSERT_TRUE(smallest && smallest->reachable);
  EXPECT_LE(packed.outcome.report.bytes, 100'000u);
  EXPECT_LE(static_cast<double>(packed.outcome.report.bytes), 1.1 * static_cast<double>(smallest->report.bytes));
  EXPECT_TRUE(packed.outcome.report.certificates.at(0).passed);
  EXPECT_NE(packed.outcome.report.goal.find("the smallest plan, kept within 10 s"), std::string::npos);
  // The file keeps the goal and is read like any other.
  EXPECT_TRUE(packed.artifact->verify(1));
  EXPECT_EQ(packed.artifact->info()->plan, packed.outcome.report.plan);
  EXPECT_NE(read_whole(at("a.attar")).find("\"latency\":\"10s\""), std::string::npos);
}

TEST_F(Times, NoTimeAtAllIsNoGoal) {
  expect_error(make_plan(base_, {.latency = Latency{0}}), ErrorCode::invalid_argument, {"latency above 0"});
  expect_error(make_plan(base_, {.throughput = Throughput{-1}}), ErrorCode::invalid_argument, {"above 0"});
}

TEST_F(Times, AForecastIsWhatFreshQueriesFind) {
  const auto fresh = put_vectors("fresh.npy", clustered(1500, dims, 3), dims);
  for (const PackOptions& goal : goals("ivf")) {
    const auto planned = make_plan(base_, goal);
    const auto packed = pack_and_open(base_, at("a.attar"), goal);
    ASSERT_TRUE(planned && packed.artifact) << packed.failed;
    EXPECT_EQ(planned->report.bytes, packed.outcome.report.bytes);
    EXPECT_EQ(planned->report.why, packed.outcome.report.why);
    const double forecast = planned->report.explanation->plan_recall;
    EXPECT_EQ(forecast, packed.outcome.report.explanation->plan_recall);
    const auto found = evaluate(*packed.artifact, {.queries = fresh, .base = base_, .ks = {10}});
    ASSERT_TRUE(found) << error_of(found);
    EXPECT_NEAR(found->recall.at(10).mean, forecast, 0.02);
  }
}

TEST_F(Times, APlanSaysWhy) {
  const auto flat = make_plan(base_, {.budget = parse_budget("30B/vec").value(), .queries = queries_});
  ASSERT_TRUE(flat) << error_of(flat);
  EXPECT_NE(flat->report.why.find("flat, since 2000 rows are fewer than the "), std::string::npos) << flat->report.why;
  EXPECT_NE(flat->report.why.find("the budget is the only goal"), std::string::npos) << flat->report.why;
  EXPECT_NE(flat->report.why.find("every row is scored whole"), std::string::npos) << flat->report.why;
  const Explanation& explained = flat->report.explanation.value();
  EXPECT_EQ(explained.lists, 0u);
  EXPECT_EQ(explained.row_share, 1);
  EXPECT_EQ(explained.codec_recall, explained.plan_recall);
  const auto lists = make_plan(base_, goals("ivf")[1]);
  ASSERT_TRUE(lists) << error_of(lists);
  EXPECT_TRUE(lists->report.why.starts_with("lists, as asked for; the smallest codes found that reach the floor"))
      << lists->report.why;
  EXPECT_LT(lists->report.explanation->lists_read, lists->report.explanation->lists);
}

}  // namespace
}  // namespace attar::engine
