// Patterns of names.
#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace attar::base {
namespace {

TEST(Patterns, FitWholeNames) {
  EXPECT_TRUE(fits_pattern("a*c", "abbc"));
  EXPECT_TRUE(fits_pattern("*", ""));
  EXPECT_TRUE(fits_pattern("a?c*", "abc"));
  EXPECT_TRUE(fits_pattern("*ab*ab", "abcabab"));
  EXPECT_TRUE(fits_pattern("a[1].w", "a[1].w"));
  EXPECT_FALSE(fits_pattern("a*c", "abcd"));
  EXPECT_FALSE(fits_pattern("?", ""));
  EXPECT_FALSE(fits_pattern("", "a"));
  // Quick where a pattern of many stars fits nothing.
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(fits_pattern(pattern + "b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace attar::base
