#include "tensor/steps/kernel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/half.h"
#include "simd/clones.h"

namespace attar::tensor::steps {
void widen(Type type, const std::byte* values, std::size_t count, float* out) noexcept {
  const auto half = [&](std::size_t i) { return base::load<std::uint16_t>(values + 2 * i); };
  if (type == Type::f32)
    std::memcpy(out, values, count * sizeof(float));
  else if (type == Type::bf16)
    for (std::size_t i = 0; i < count; ++i) out[i] = base::bf16_to_float(half(i));
  else
    for (std::size_t i = 0; i < count; ++i) out[i] = base::half_to_float(half(i));
}

void narrow(Type type, const float* values, std::size_t count, std::byte* out) noexcept {
  if (type == Type::f32)
    std::memcpy(out, values, count * sizeof(float));
  else if (type == Type::bf16)
    for (std::size_t i = 0; i < count; ++i) base::store(out + 2 * i, base::float_to_bf16(values[i]));
  else
    for (std::size_t i = 0; i < count; ++i) base::store(out + 2 * i, base::float_to_half(values[i]));
}

ATTAR_VECTOR_CLONES
double weighed_squares(const float* values, const double* weights, std::size_t count) noexcept {
  constexpr std::size_t lanes = 16;
  constexpr float most = largest_of(Type::f32);
  double sums[lanes] = {};
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const float x = std::fabs(values[j + l]) <= most ? values[j + l] : 0.0f;
      const double own = static_cast<double>(x) * weights[j + l];
      sums[l] += own * own;
    }
  double sum = 0;
  for (; j < count; ++j) {
    const double own = static_cast<double>(std::fabs(values[j]) <= most ? values[j] : 0.0f) * weights[j];
    sum += own * own;
  }
  for (const double own : sums) sum += own;
  return sum;
}

ATTAR_VECTOR_CLONES
void add_squares(const float* values, double weight, double* sums, std::size_t count) noexcept {
  constexpr float most = largest_of(Type::f32);
  for (std::size_t j = 0; j < count; ++j) {
    const double own = static_cast<double>(std::fabs(values[j]) <= most ? values[j] : 0.0f) * weight;
    sums[j] += own * own;
  }
}

void find_contexts(const Classes& classes, const std::int16_t* columns, int row, std::size_t count,
                   std::uint8_t* out) noexcept {
  const int shift = row + class_origin + classes.width / 2;
  if (std::has_single_bit(static_cast<unsigned>(classes.width))) {
    const int bits = std::countr_zero(static_cast<unsigned>(classes.width));
    for (std::size_t j = 0; j < count; ++j)
      out[j] = static_cast<std::uint8_t>(2 * std::clamp((columns[j] + shift) >> bits, 0, classes.most_class));
    return;
  }
  // Below zero a division rounds the other way, but its class is 0 all the same.
  for (std::size_t j = 0; j < count; ++j)
    out[j] = static_cast<std::uint8_t>(2 * std::clamp((columns[j] + shift) / classes.width, 0, classes.most_class));
}

ATTAR_VECTOR_CLONES
void put_back(const std::uint8_t* symbols, const std::uint8_t* contexts, float half_step, std::size_t count,
              float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const int number = symbols[i] - zero_symbol, in_union = contexts[i] & 1;
    const int sign = (number > 0) - (number < 0);
    out[i] = static_cast<float>(2 * number - in_union * sign) * half_step;
  }
}

ATTAR_VECTOR_CLONES
void round_to_steps(const float* values, float half_step, std::size_t count, std::uint8_t* out) noexcept {
  const float step = 2 * half_step;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = values[i] / step;
    const bool near = std::fabs(x) <= static_cast<float>(most_number);
    // Adding and taking off 1.5 · 2²³ rounds to the nearest even.
    const float whole = ((near ? x : 0.0f) + 0x1.8p23f) - 0x1.8p23f;
    out[i] = static_cast<std::uint8_t>(near ? static_cast<int>(whole) + zero_symbol : escape);
  }
}

ATTAR_VECTOR_CLONES
void split_numbers(const float* values, float half_step, unsigned low, std::size_t count, std::uint8_t* symbols,
                   std::uint16_t* low_bits) noexcept {
  const double step = 2 * static_cast<double>(half_step);
  const int half = (1 << low) >> 1, mask = (1 << low) - 1;
  const auto most = static_cast<double>((most_number + 1) << low);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(values[i]) / step;
    const bool near = std::fabs(x) <= most;
    // Adding and taking off 1.5 · 2⁵² rounds to the nearest even.
    const int number = static_cast<int>(((near ? x : 0.0) + 0x1.8p52) - 0x1.8p52) + half;
    const int symbol = (number >> low) + zero_symbol;
    symbols[i] = static_cast<std::uint8_t>(near && symbol > 0 && symbol < 256 ? symbol : escape);
    low_bits[i] = static_cast<std::uint16_t>(number & mask);
  }
}

ATTAR_VECTOR_CLONES
void join_numbers(const std::uint8_t* symbols, const std::uint16_t* low_bits, float half_step, unsigned low,
                  std::size_t count, float* out) noexcept {
  const int half = (1 << low) >> 1;
  for (std::size_t i = 0; i < count; ++i) {
    const int number = ((symbols[i] - zero_symbol) << low) + low_bits[i] - half;
    out[i] = static_cast<float>(2 * number) * half_step;
  }
}

}  // namespace attar::tensor::steps
