#include "vector/rbin/kernel.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace attar::vector::rbin {
namespace {

constexpr double clamp_to_deviation = 4.0;

// The first scale and the ratio of each to the one before it, by number of planes: least squared error of a unit
// Gaussian, by numerical search.
struct Progression {
  float first;
  float ratio;
};
constexpr std::array<Progression, max_planes> progressions = {{{0.798f, 0.5f},
                                                               {0.982f, 0.5385f},
                                                               {1.159f, 0.5145f},
                                                               {1.333f, 0.506f},
                                                               {1.499f, 0.503f},
                                                               {1.658f, 0.5015f},
                                                               {1.814f, 0.5005f},
                                                               {1.978f, 0.5005f}}};

}  // namespace

void gaussian_scales(std::span<float> scales) noexcept {
  const Progression& progression = progressions[scales.size() - 1];
  float scale = progression.first;
  for (float& out : scales) {
    out = scale;
    scale *= progression.ratio;
  }
}

float encode_signs(std::span<const float> components, std::span<const float> scales,
                   std::span<std::uint8_t> nibbles) noexcept {
  std::fill(nibbles.begin(), nibbles.end(), std::uint8_t{0});
  double energy = 0;
  for (const float y : components) energy += static_cast<double>(y) * static_cast<double>(y);
  const double deviation = std::sqrt(energy / static_cast<double>(components.size()));
  if (!(deviation > 0)) return 0.0f;
  const std::size_t groups = plane_groups(components.size());
  double match = 0;
  for (std::size_t j = 0; j < components.size(); ++j) {
    const double y = static_cast<double>(components[j]);
    double residual = y / deviation, value = 0;
    for (std::size_t t = 0; t < scales.size(); ++t) {
      const bool positive = residual >= 0;
      const double step = positive ? static_cast<double>(scales[t]) : -static_cast<double>(scales[t]);
      residual -= step;
      value += step;
      if (positive) nibbles[t * groups + j / 4] |= static_cast<std::uint8_t>(1u << (j % 4));
    }
    match += value * y;
  }
  const double most = clamp_to_deviation * deviation;
  return static_cast<float>(match > 0 ? std::min(energy / match, most) : most);
}

void decode_signs(std::span<const std::uint8_t> nibbles, std::span<const float> scales,
                  std::span<float> values) noexcept {
  const std::size_t groups = plane_groups(values.size());
  for (std::size_t j = 0; j < values.size(); ++j) {
    values[j] = 0;
    for (std::size_t t = 0; t < scales.size(); ++t)
      values[j] += (nibbles[t * groups + j / 4] >> (j % 4) & 1) != 0 ? scales[t] : -scales[t];
  }
}

void fill_tables(std::span<const float> query, std::span<const float> scales, std::span<float> tables) noexcept {
  const std::size_t groups = plane_groups(query.size());
  for (std::size_t t = 0; t < scales.size(); ++t)
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t n = 0; n < 16; ++n) {
        float sum = 0;
        for (std::size_t i = 0; i < 4 && 4 * g + i < query.size(); ++i) {
          const float term = scales[t] * query[4 * g + i];
          sum += (n >> i & 1) != 0 ? term : -term;
        }
        tables[(t * groups + g) * 16 + n] = sum;
      }
}

}  // namespace attar::vector::rbin
