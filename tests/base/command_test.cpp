#include "base/command.h"

#include <gtest/gtest.h>

#include <string>

namespace attar::base {
namespace {

TEST(Command, PrintsWhatItMakesOfItsInput) {
  EXPECT_EQ(run_command("tr a-z A-Z", "one\ntwo", 100).value(), "ONE\nTWO");
  EXPECT_EQ(run_command("cat", "", 100).value(), "");
  EXPECT_EQ(run_command("printf out", "nobody reads this", 100).value(), "out");
}

TEST(Command, MuchGoesThroughBothWays) {
  std::string input(3'000'000, 'x');
  for (std::size_t i = 0; i < input.size(); i += 97) input[i] = '\n';
  EXPECT_EQ(run_command("cat", input, input.size()).value(), input);
  EXPECT_EQ(run_command("head -c 5", input, 100).value(), input.substr(0, 5)) << "it need not read everything";
}

TEST(Command, WhatGoesWrongIsSaid) {
  const auto wrong = run_command("exit 3", "", 100);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::io);
  EXPECT_NE(wrong.error().message.find("status 3"), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(run_command("kill -9 $$", "", 100));
  EXPECT_FALSE(run_command("no-such-command 2>/dev/null", "", 100));
  const auto much = run_command("yes", "", 1000);
  ASSERT_FALSE(much);
  EXPECT_EQ(much.error().code, ErrorCode::over_limit);
}

}  // namespace
}  // namespace attar::base
