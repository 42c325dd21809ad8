// Damage of single bits, which every kind of artifact must bear.
#pragma once

#include "engine/support.h"

namespace attar::engine {

/// Flips single bits of the file at `path`, `trials` times: opening or verifying says so, and a search for `queries`
/// either does as well or answers as before.
inline void expect_flips_refused_or_harmless(const std::filesystem::path& path, std::span<const float> queries,
                                             int trials) {
  const std::string whole = read_whole(path);
  const auto sound = Artifact::open(path);
  ASSERT_TRUE(sound) << error_of(sound);
  const auto expected = sound->search(queries, {.k = 5});
  ASSERT_TRUE(expected) << error_of(expected);
  base::Random random(7);
  for (int trial = 0; trial < trials; ++trial) {
    std::string bytes = whole;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    const auto opened = Artifact::open_bytes(std::as_bytes(std::span(bytes)));
    if (!opened) continue;
    EXPECT_FALSE(opened->verify(1));
    const auto found = opened->search(queries, {.k = 5});
    if (found) {
      EXPECT_EQ(found->hits, expected->hits);
    }
  }
}

}  // namespace attar::engine
