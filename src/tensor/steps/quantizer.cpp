#include "tensor/steps/quantizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tensor/common/scales.h"

namespace attar::tensor::steps {
namespace {

constexpr double price_of_a_bit = 0.4;  // in squares of the half step: a tenth of a union's squared distance
constexpr float no_price = 1e30f;
// Further from the step than this all classes are the first or the last, whatever the columns' scales are.
constexpr int nearest_scales = -512, farthest_scales = 512;

// By frequency: bits.
const std::array<double, (1u << simd::rans_bits) + 1>& bits_by_frequency() {
  static const auto table = [] {
    std::array<double, (1u << simd::rans_bits) + 1> out{};
    for (std::size_t f = 1; f < out.size(); ++f) out[f] = simd::rans_bits - std::log2(static_cast<double>(f));
    return out;
  }();
  return table;
}

std::vector<float> prices_of(const math::RansModel& model, double escape_bits) {
  const auto& table = bits_by_frequency();
  std::vector<float> out(model.contexts().size() * alphabet, no_price);
  for (std::size_t c = 0; c < model.contexts().size(); ++c)
    for (std::size_t s = 0; s < alphabet; ++s) {
      const unsigned frequency = model.contexts()[c][s];
      if (frequency == 0) continue;
      const double bits = table[frequency] + (s == escape ? escape_bits : 0);
      out[c * alphabet + s] = static_cast<float>(price_of_a_bit * bits);
    }
  return out;
}

}  // namespace

std::vector<double> weights_of_columns(std::span<const std::int16_t> columns) {
  std::vector<double> out(columns.size());
  std::ranges::transform(columns, out.begin(),
                         [](std::int16_t c) { return std::exp2(-static_cast<double>(c) / steps_of_an_octave); });
  return out;
}

std::int16_t scale_of(double mean_square, float half_step) noexcept {
  if (!(mean_square > 0)) return nearest_scales;
  const double octaves = 0.5 * std::log2(mean_square) - std::log2(2.0 * static_cast<double>(half_step));
  const double scale = std::clamp<double>(steps_of_an_octave * octaves, nearest_scales, farthest_scales);
  return static_cast<std::int16_t>(std::lround(scale));
}

void find_scales(std::span<const float> values, std::size_t columns, bool by_row, std::span<const double> weights,
                 float half_step, std::vector<std::int16_t>& out) {
  out.clear();
  double squares = 0;
  for (std::size_t at = 0; at < values.size(); at += columns) {
    const std::size_t length = std::min(columns, values.size() - at);
    const double own = weighed_squares(&values[at], weights.data(), length);
    squares += own;
    if (by_row) out.push_back(scale_of(own / static_cast<double>(length), half_step));
  }
  if (!by_row) out.push_back(scale_of(squares / static_cast<double>(values.size()), half_step));
}

float magnified_by(const Frame& frame, unsigned half_octaves) noexcept {
  return frame.half_step / frame.half_step_of(half_octaves);
}

void prepare(const Frame& frame, std::span<const double> weights, const codec::TensorBlock& elements, Block& out) {
  const std::size_t count = elements.elements.size() / bytes_of(frame.type);
  out.count = count;
  out.values.assign(count + slack, 0);
  out.symbols.assign(count + slack, 0);
  out.contexts.assign(count + slack, 0);
  out.escapes.clear();
  widen(frame.type, elements.elements.data(), count, out.values.data());
  out.base.clear();
  if (!elements.base.empty()) {
    out.base.resize(count);
    widen(frame.type, elements.base.data(), count, out.base.data());
    for (std::size_t i = 0; i < count; ++i) out.values[i] -= out.base[i];
  }
  if (frame.centre != 0)
    for (std::size_t i = 0; i < count; ++i) out.values[i] -= frame.centre;
  out.finer.assign(elements.finer.begin(), elements.finer.end());
  for (std::size_t row = 0; row < out.finer.size(); ++row) {
    const float factor = magnified_by(frame, elements.finer[row]);
    const std::size_t at = row * frame.columns, end = std::min<std::size_t>(at + frame.columns, count);
    for (std::size_t i = at; i < end; ++i) out.values[i] *= factor;
  }
  find_scales(std::span(out.values).first(count), frame.columns, frame.row_scales, weights, frame.coarse(), out.scales);
  const Classes classes{.width = frame.width, .most_class = static_cast<int>(encoder_classes) - 1};
  for (std::size_t at = 0, row = 0; at < count; at += frame.columns, ++row)
    find_contexts(classes, frame.scales.data(), out.scales[frame.row_scales ? row : 0],
                  std::min<std::size_t>(frame.columns, count - at), &out.contexts[at]);
}

Quantizer::Quantizer(const Frame& frame, const math::RansModel& model, Rounding rounding)
    : frame_(frame),
      model_(model),
      rounding_(rounding),
      weights_(weights_of_columns(frame.scales)),
      prices_(prices_of(model, 8.0 * bytes_of(frame.type))) {
  const float most = std::floor(largest_of(frame.type) / frame.half_step / 2);
  most_ = std::max(1, static_cast<int>(std::min(most, static_cast<float>(most_number))));
}

void Quantizer::quantize(const codec::TensorBlock& elements, Block& out) const {
  prepare(frame_, weights_, elements, out);
  out.elements.resize(out.count);
  widen(frame_.type, elements.elements.data(), out.count, out.elements.data());
  if (frame_.plain) {
    out.low_bits.resize(out.count);
    split_numbers(out.values.data(), frame_.half_step, frame_.low, out.count, out.symbols.data(), out.low_bits.data());
    put_back_all(out);
  } else {
    // What must escape is known once it was put back, and an escape moves the trellis of all behind it.
    do {
      find_paths(out);
      put_back_all(out);
    } while (forbid_overflows(out));
  }
  take_escapes(elements, out);
}

void Quantizer::find_paths(Block& block) const {
  search_paths({.values = block.values.data(),
                .contexts = block.contexts.data(),
                .count = block.count,
                .lanes = math::rans_lanes_of(block.count),
                .half_step = frame_.half_step,
                .prices = prices_.data(),
                .most = most_},
               block.memory, block.symbols.data(), block.contexts.data());
}

void Quantizer::put_back_all(Block& block) const {
  const unsigned bytes = bytes_of(frame_.type);
  block.back.resize(block.count + slack);
  if (block.finer.empty()) put_back_rows(block, frame_.half_step, 0, block.count);
  for (std::size_t row = 0; row < block.finer.size(); ++row) {
    const std::size_t at = row * frame_.columns;
    put_back_rows(block, frame_.half_step_of(static_cast<unsigned>(block.finer[row])), at,
                  std::min<std::size_t>(frame_.columns, block.count - at));
  }
  if (frame_.centre != 0)
    for (std::size_t i = 0; i < block.count; ++i) block.back[i] += frame_.centre;
  for (std::size_t i = 0; i < block.base.size(); ++i) block.back[i] += block.base[i];
  if (frame_.type == Type::f32) return;
  block.narrowed.resize(block.count * bytes);
  narrow(frame_.type, block.back.data(), block.count, block.narrowed.data());
  widen(frame_.type, block.narrowed.data(), block.count, block.back.data());
}

void Quantizer::put_back_rows(Block& block, float half_step, std::size_t at, std::size_t count) const {
  if (frame_.plain)
    join_numbers(&block.symbols[at], &block.low_bits[at], half_step, frame_.low, count, &block.back[at]);
  else
    put_back(&block.symbols[at], &block.contexts[at], half_step, count, &block.back[at]);
}

// A step beside a base may lead out of the type's range, where paths by themselves do not: true where one did. A value
// that is no number has no level but the escape.
bool Quantizer::forbid_overflows(Block& block) const {
  bool out = false;
  for (std::size_t i = 0; i < block.base.size(); ++i) {
    if (block.symbols[i] == escape || std::isfinite(block.back[i])) continue;
    block.values[i] = std::numeric_limits<float>::quiet_NaN();
    out = true;
  }
  return out;
}

void Quantizer::take_escapes(const codec::TensorBlock& elements, Block& block) const {
  const unsigned bytes = bytes_of(frame_.type);
  for (std::size_t i = 0; i < block.count; ++i) {
    std::uint8_t& symbol = block.symbols[i];
    if (symbol != escape && frame_.plain && must_escape(block, i)) symbol = escape;
    if (symbol != escape) continue;
    block.back[i] = block.elements[i];
    const base::ByteView own = elements.elements.subspan(i * bytes, bytes);
    block.escapes.insert(block.escapes.end(), own.begin(), own.end());
  }
}

bool Quantizer::must_escape(const Block& block, std::size_t i) const noexcept {
  if (!model_.codes(block.contexts[i], block.symbols[i])) return true;
  const double error = std::fabs(static_cast<double>(block.elements[i]) - static_cast<double>(block.back[i]));
  return !std::isfinite(error) || (rounding_ == Rounding::bounded && error > static_cast<double>(frame_.half_step));
}

}  // namespace attar::tensor::steps
