#include "tensor/refined/cells.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace attar::tensor::refined {

std::vector<float> middles_of(const math::RansModel& model) {
  std::vector<float> out(contexts);
  for (std::size_t c = significance_contexts; c < contexts; ++c)
    out[c] = 0.5f - static_cast<float>(model.contexts()[c][0] - 2048) / 6144.0f;
  return out;
}

void Cells::begin(std::size_t count, std::span<const std::int16_t> columns, std::span<const std::int16_t> rows) {
  constexpr int origin = steps::class_origin + 1;
  count_ = count;
  sizes_.resize(count);
  magnitudes_.assign(count, 0);
  depths_.assign(count, 0);
  negative_.assign(count, 0);
  for (std::size_t at = 0, row = 0; at < count; at += columns.size(), ++row) {
    const int own = rows[rows.size() > 1 ? row : 0] + origin;
    const std::size_t length = std::min(columns.size(), count - at);
    for (std::size_t j = 0; j < length; ++j) sizes_[at + j] = static_cast<std::int16_t>(columns[j] + own);
  }
}

int Cells::level(std::size_t i, int plane) const noexcept {
  return std::clamp((sizes_[i] - 8 * plane) >> 1, 0, static_cast<int>(levels) - 1);
}

std::size_t Cells::refinement_context(std::size_t i, int plane) const noexcept {
  const int size = std::min(static_cast<int>(std::bit_width(magnitudes_[i])), 4) - 1;  // 1, 2 and 3, 4 to 7, more
  return significance_contexts +
         (static_cast<std::size_t>(size) * levels + static_cast<std::size_t>(level(i, plane))) / 2;
}

void Cells::gather(const Pass& pass) {
  places_.resize(count_ + math::rans_slack);
  contexts_.resize(count_ + math::rans_slack);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if ((magnitudes_[i] == 0) != pass.significance) continue;
    // What this very plane made significant has its bit already.
    if (!pass.significance && depths_[i] == pass.plane) continue;
    places_[found] = static_cast<std::uint32_t>(i);
    contexts_[found++] = static_cast<std::uint8_t>(pass.significance ? static_cast<std::size_t>(level(i, pass.plane))
                                                                     : refinement_context(i, pass.plane));
  }
  std::fill_n(contexts_.begin() + static_cast<std::ptrdiff_t>(found), math::rans_slack, std::uint8_t{0});
  gathered_ = found;
}

void Cells::apply(const Pass& pass, const std::uint8_t* symbols) noexcept {
  for (std::size_t k = 0; k < gathered_; ++k) {
    const std::size_t i = places_[k];
    if (!pass.significance) {
      magnitudes_[i] = 2 * magnitudes_[i] + symbols[k];
      depths_[i] = static_cast<std::int8_t>(pass.plane);
    } else if (symbols[k] != 0) {
      magnitudes_[i] = 1;
      depths_[i] = static_cast<std::int8_t>(pass.plane);
      negative_[i] = symbols[k] == symbol_minus ? 1 : 0;
    }
  }
}

void Cells::put_back(float step, std::span<const float> middles, float largest, float* out) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (magnitudes_[i] == 0) {
      out[i] = 0;
      continue;
    }
    const float cells = static_cast<float>(magnitudes_[i]) + middles[refinement_context(i, depths_[i] - 1)];
    const float size = std::min(cells * std::ldexp(step, depths_[i]), largest);
    out[i] = negative_[i] != 0 ? -size : size;
  }
}

}  // namespace attar::tensor::refined
