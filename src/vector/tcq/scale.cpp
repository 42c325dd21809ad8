#include "vector/tcq/scale.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace attar::vector::tcq {
namespace {

constexpr double outlier_share = 0.0005;
constexpr int grid_steps = 254;  // bytes 1 … 255
constexpr int even_steps = 65535;

}  // namespace

ScaleCoder ScaleCoder::fit(std::span<const float> scales, std::uint8_t bytes) {
  ScaleCoder out;
  out.bytes_ = bytes;
  std::vector<float> positive;
  std::copy_if(scales.begin(), scales.end(), std::back_inserter(positive),
               [](float s) { return s > 0 && s < undirected; });
  if (positive.empty()) {
    if (bytes == 1) out.ratio_ = 1;
    return out;
  }
  std::sort(positive.begin(), positive.end());
  const auto at = [&](double share) {
    return static_cast<double>(positive[static_cast<std::size_t>(share * static_cast<double>(positive.size() - 1))]);
  };
  const double ceiling = clamp_to_median * at(0.5);
  out.highest_ = std::min(ceiling, static_cast<double>(positive.back()));
  if (bytes != 1) {
    out.lowest_ = static_cast<double>(static_cast<float>(out.highest_ / even_steps));
    return out;
  }
  out.lowest_ = at(outlier_share);
  out.highest_ = std::max(out.lowest_, std::min(ceiling, at(1 - outlier_share)));
  out.ratio_ = std::min(2.0, std::pow(out.highest_ / out.lowest_, 1.0 / grid_steps));
  return out;
}

void ScaleCoder::write(float scale, base::ByteWriter& out) const {
  const double clamped = std::min(static_cast<double>(scale), highest_);
  if (bytes_ == 2) {
    const long steps = scale > 0 && lowest_ > 0 ? std::max(1L, std::lrint(clamped / lowest_)) : 0;
    return out.write(static_cast<std::uint16_t>(std::min<long>(steps, even_steps)));
  }
  std::uint8_t step = 0;
  if (scale > 0) {
    const double position = ratio_ > 1 ? std::log(std::max(clamped, lowest_) / lowest_) / std::log(ratio_) : 0;
    step = static_cast<std::uint8_t>(1 + std::clamp(std::lrint(position), 0L, static_cast<long>(grid_steps)));
  }
  out.write(step);
}

double ScaleCoder::largest_growth() const noexcept { return (bytes_ == 1 ? std::sqrt(ratio_) : 1) * (1 + 1e-6); }

double ScaleCoder::largest_shift() const noexcept { return bytes_ == 1 ? 0 : lowest_ / 2; }

std::array<float, 256> scale_grid(double lowest, double ratio) noexcept {
  std::array<float, 256> out{};
  double value = lowest;
  for (std::size_t i = 1; i < out.size(); ++i, value *= ratio) out[i] = static_cast<float>(value);
  return out;
}

}  // namespace attar::vector::tcq
