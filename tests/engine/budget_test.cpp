// Budgets and floors as users write them, and as files keep them.
#include "attar/budget.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "engine/support.h"

namespace attar::engine {
namespace {

std::uint64_t bytes_of(std::string_view text, std::uint64_t rows = 1000, std::uint32_t dims = 100,
                       std::uint32_t input_bytes = 4) {
  const auto budget = parse_budget(text);
  EXPECT_TRUE(budget) << text << ": " << error_of(budget);
  return budget ? budget->bytes(rows, dims, input_bytes) : 0;
}

TEST(Budget, EveryFormIsRead) {
  const std::pair<std::string_view, std::uint64_t> forms[] = {
      {"300000B", 300'000},
      {"1B", 1},
      {"200kB", 200'000},
      {"200KB", 200'000},
      {"200MB", 200'000'000},
      {"2GB", 2'000'000'000},
      {"3TB", 3'000'000'000'000},
      {"1KiB", 1024},
      {"1.5MiB", 1'572'864},
      {"1.5GiB", 1'610'612'736},
      {"0.5TiB", 549'755'813'888},
      {" 200 MB ", 200'000'000},
      {"64B/vec", 64'000},
      {"64 B/vec", 64'000},
      {"2.5bit", 31'250},
      {"2.5bits", 31'250},
      {"30%", 120'000},
      {"100%", 400'000},
      {"12.5 %", 50'000},
  };
  for (const auto& [text, bytes] : forms) EXPECT_EQ(bytes_of(text), bytes) << text;
}

TEST(Budget, TheShareIsOfTheInputAsStored) {
  EXPECT_EQ(bytes_of("50%", 10, 8, 2), 80u);
  EXPECT_EQ(bytes_of("50%", 10, 8, 8), 320u);
}

TEST(Budget, FractionsOfBytesRoundDown) {
  EXPECT_EQ(bytes_of("1.9B"), 1u);
  EXPECT_EQ(bytes_of("0.3B"), 0u);
  EXPECT_EQ(bytes_of("0.9999kB"), 999u);
  EXPECT_EQ(bytes_of("33.33B/vec", 3), 99u);
  EXPECT_EQ(bytes_of("1bit", 3, 3), 1u) << "9 bits";
  EXPECT_EQ(bytes_of("33%", 1, 1), 1u) << "1.32 bytes";
}

TEST(Budget, WhatNoFileCanReachIsNoLimit) {
  constexpr auto all = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(bytes_of("99999999999TB"), all);
}

TEST(Budget, TextThatIsNoBudgetIsRefused) {
  for (const char* text :
       {"",      " ",     "B",      "%",       "200",   "200 mb",  "MB",    "2OOMB", "200MBs", "1,5GB",   "0x10B",
        "nanMB", "infGB", "1e400B", "64B/row", "B/vec", "1.5.5MB", "--3MB", "+3MB",  "3MB\n",  "two bits"})
    expect_error(parse_budget(text), ErrorCode::invalid_argument,
                 {"is no budget", "200MB", "64B/vec", "2.5bit", "30%"});
  for (const char* text : {"0B", "0MB", "-1MB", "-0.5%", "0bit", "0.0B/vec"})
    expect_error(parse_budget(text), ErrorCode::invalid_argument, {"leaves no room", "200MB"});
}

TEST(Budget, TextIsReadBackAsTheSame) {
  for (const char* text : {"300000B", "1.5GiB", "64B/vec", "0.1B/vec", "2.5bit", "0.000001bit", "30%", "33.333333%",
                           "12345678901234567890%", "10000000000000000000000B/vec", "99999999999TB"}) {
    const auto budget = parse_budget(text);
    ASSERT_TRUE(budget) << text;
    const auto again = parse_budget(budget->text());
    ASSERT_TRUE(again) << text << " became " << budget->text();
    EXPECT_EQ(again->unit, budget->unit) << text;
    EXPECT_EQ(again->bytes(12'345, 67, 4), budget->bytes(12'345, 67, 4)) << text << " became " << budget->text();
  }
}

TEST(Floor, IsReadWithAndWithoutK) {
  const auto full = parse_floor("0.95@10");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->recall, 0.95);
  EXPECT_EQ(full->k, 10u);
  EXPECT_EQ(full->text(), "0.95@10");
  EXPECT_EQ(parse_floor(" 0.5@1 ")->k, 1u);
  EXPECT_EQ(parse_floor("0.95")->k, 10u);
  EXPECT_EQ(parse_floor("0.999@4294967295")->k, 4'294'967'295u);
}

TEST(Floor, TextThatIsNoFloorIsRefused) {
  for (const char* text : {"", "@", "0.95@", "@10", "0@10", "1@10", "1.01@10", "-0.5@10", "95%", "0.95@0", "0.95@-1",
                           "nan", "0.95@10x", "0.95 @10x", "0,95@10", "0.95@4294967296", "0.95@1.5"})
    expect_error(parse_floor(text), ErrorCode::invalid_argument, {"is no floor", "0.95@10"});
}

TEST(Floor, TextIsReadBackAsTheSame) {
  for (const double recall : {0.95, 0.1 + 0.2, 1e-7, 1 - 1e-9}) {
    const Floor floor{.recall = recall, .k = 7};
    const auto again = parse_floor(floor.text());
    ASSERT_TRUE(again) << floor.text();
    EXPECT_EQ(again->recall, recall);
    EXPECT_EQ(again->k, 7u);
  }
}

TEST(Latency, EveryFormIsRead) {
  const std::pair<std::string_view, double> forms[] = {{"2ms", 0.002},       {"500us", 0.0005}, {"0.1s", 0.1},
                                                       {" 1.5 ms ", 0.0015}, {"10s", 10},       {"0.001us", 1e-9}};
  for (const auto& [text, seconds] : forms) {
    const auto latency = parse_latency(text);
    ASSERT_TRUE(latency) << text << ": " << error_of(latency);
    EXPECT_DOUBLE_EQ(latency->seconds, seconds) << text;
    EXPECT_EQ(parse_latency(latency->text())->seconds, latency->seconds) << latency->text();
  }
}

TEST(Latency, TextThatIsNoLatencyIsRefused) {
  for (const char* text : {"", "2", "ms", "0ms", "-1ms", "2 m s", "2min", "nans", "infs", "1e-3s", "2ms/query", "2MS"})
    expect_error(parse_latency(text), ErrorCode::invalid_argument, {"is no latency", "2ms", "500us", "0.1s"});
}

TEST(Throughput, IsANumberAboveZero) {
  for (const double rate : {5000.0, 0.5, 1e9}) {
    const auto again = parse_throughput(Throughput{rate}.text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->queries_per_second, rate);
  }
  EXPECT_EQ(parse_throughput(" 250 ")->queries_per_second, 250);
  for (const char* text : {"", "0", "-5", "fast", "5k", "5000/s", "nan", "inf", "1e3"})
    expect_error(parse_throughput(text), ErrorCode::invalid_argument, {"is no throughput", "5000"});
}

}  // namespace
}  // namespace attar::engine
