// Floats to symbols of uniform steps and back: pure functions. Formulas: spec.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attar::tensor::steps {

inline constexpr std::size_t alphabet = 256;
inline constexpr std::uint8_t escape = 0;
inline constexpr int zero_symbol = 128, most_number = 127;
inline constexpr unsigned most_low_bits = 12;
inline constexpr int class_origin = 40;  ///< eighths of an octave below 2δ where class 0 lies
/// What may be read and written past the end of rows of values, symbols and contexts.
inline constexpr std::size_t slack = 64;

/// The types of elements.
enum class Type : std::uint8_t { f32, bf16, f16 };

[[nodiscard]] constexpr unsigned bytes_of(Type type) noexcept { return type == Type::f32 ? 4 : 2; }
[[nodiscard]] constexpr float largest_of(Type type) noexcept {
  return type == Type::f16 ? 65504.0f : type == Type::bf16 ? 0x1.FEp127f : 0x1.FFFFFEp127f;
}

/// Elements as floats, which is exact, and floats as elements, rounded to the nearest even.
void widen(Type type, const std::byte* values, std::size_t count, float* out) noexcept;
void narrow(Type type, const float* values, std::size_t count, std::byte* out) noexcept;

/// The sum of (x · weights[j])² over a row; what is not finite counts as zero. All in double.
[[nodiscard]] double weighed_squares(const float* values, const double* weights, std::size_t count) noexcept;
/// sums[j] += (x_j · weight)².
void add_squares(const float* values, double weight, double* sums, std::size_t count) noexcept;

/// Which contexts a row's elements have: twice their class.
struct Classes {
  int width = 2;       ///< of a class, eighths of an octave
  int most_class = 0;  ///< the number of the last
};
/// out[j] = the context of column j in a row of scale `row`, its union being 0. Writes up to slack − 1 more bytes.
void find_contexts(const Classes& classes, const std::int16_t* columns, int row, std::size_t count,
                   std::uint8_t* out) noexcept;

/// The value of each symbol in the union that its context names; what stands for an escape is not to be used.
void put_back(const std::uint8_t* symbols, const std::uint8_t* contexts, float half_step, std::size_t count,
              float* out) noexcept;
/// The symbols whose levels in union 0 are nearest; an escape where the number is out of range or x is not finite.
void round_to_steps(const float* values, float half_step, std::size_t count, std::uint8_t* out) noexcept;

/// Numbers n = q · 2^low + e − 2^low / 2 nearest to x / (2 · half_step), as symbols of q and the low bits e; an escape
/// where q is out of range or x is not finite.
void split_numbers(const float* values, float half_step, unsigned low, std::size_t count, std::uint8_t* symbols,
                   std::uint16_t* low_bits) noexcept;
/// The value of each symbol with its low bits.
void join_numbers(const std::uint8_t* symbols, const std::uint16_t* low_bits, float half_step, unsigned low,
                  std::size_t count, float* out) noexcept;

/// What the cheapest paths are sought for: one path a lane.
struct Search {
  const float* values = nullptr;           ///< zeros up to a whole number of lanes
  const std::uint8_t* contexts = nullptr;  ///< even ones, zeros up to a whole number of lanes
  std::size_t count = 0;
  std::size_t lanes = 32;  ///< 32 or 4
  float half_step = 1;
  const float* prices = nullptr;  ///< contexts × alphabet: what a symbol's bits cost, an escape's with those behind it
  int most = most_number;         ///< magnitude of a symbol's number, at least 1
};
/// Memory of a search, kept from one to the next.
struct SearchMemory {
  std::vector<std::uint8_t> symbols, second;
};
/// The symbols of the cheapest paths, and the contexts with their unions, as many as values with their zeros.
void search_paths(const Search& task, SearchMemory& memory, std::uint8_t* symbols, std::uint8_t* contexts);

}  // namespace attar::tensor::steps
