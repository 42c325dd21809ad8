#include "text/likeness/likeness.h"

#include <gtest/gtest.h>

namespace attar::text {
namespace {

double distance(std::string_view target, std::string_view text) {
  const auto made = LikenessTarget::make(target);
  return Likeness::make(made.value())->distance(text).value();
}

constexpr std::string_view kitchen =
    "Knead flour, water and salt, and let the dough rest for an hour.\nBake the bread in a hot oven until its crust is "
    "brown.\n"
    "Whisk the eggs with sugar and fold in the flour.\nMelt butter in the pan and fry the onions until they are "
    "golden.";

TEST(Likeness, WhatTheTargetSavesIsNear) {
  const double own =
      distance(kitchen, "Let the dough rest, then bake the bread in the oven until its crust is golden.");
  const double other =
      distance(kitchen, "The kernel maps the pages of a file and flushes them when the device is idle.");
  EXPECT_LT(own, 0.8 * other);
  EXPECT_GT(own, 0);
  EXPECT_LT(distance(kitchen, kitchen), 0.2);
}

TEST(Likeness, IsTheSameForTheSameTextWheneverItIsAsked) {
  const auto target = LikenessTarget::make(kitchen).value();
  Likeness likeness = Likeness::make(target).value();
  const double first = likeness.distance("Bake the dough.").value();
  likeness.distance(std::string(300'000, 'x')).value();
  EXPECT_EQ(likeness.distance("Bake the dough.").value(), first);
}

TEST(Likeness, AnyTextHasADistance) {
  EXPECT_GT(distance("", "a"), 0);
  EXPECT_GT(distance(kitchen, ""), 0);
  EXPECT_GT(distance(std::string("\x37\xa4\x30\xec junk", 9), "a text"), 0) << "no dictionary with tables of its own";
  const std::string text(most_read + 1000, 'y');
  EXPECT_EQ(distance(kitchen, text), distance(kitchen, text + "and more")) << "only the beginning is read";
}

}  // namespace
}  // namespace attar::text
