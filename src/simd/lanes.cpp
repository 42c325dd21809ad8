#include "simd/lanes.h"

#include <algorithm>
#include <cstring>

#include "simd/clones.h"

namespace attar::simd {
namespace {

ATTAR_VECTOR_CLONES float largest(const float* values, std::size_t count) noexcept {
  FloatLanes best;
  std::memcpy(&best, values, sizeof(best));
  for (std::size_t i = lanes; i < count; i += lanes) {
    FloatLanes next;
    std::memcpy(&next, values + i, sizeof(next));
    best = next > best ? next : best;
  }
  float out = best[0];
  for (std::size_t lane = 1; lane < lanes; ++lane) out = std::max(out, best[lane]);
  return out;
}

}  // namespace

float largest_of(const float* values, std::size_t count) noexcept { return largest(values, count); }

}  // namespace attar::simd
