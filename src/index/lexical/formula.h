// BM25 in whole numbers; spec.md, "Formulas".
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace attar::index::lexical {

inline constexpr std::uint32_t block_documents = 128;
/// More are counted as so many.
inline constexpr std::uint32_t most_count = 128;

struct Parameters {
  float k1 = 1.2f;
  float b = 0.75f;
};

/// The code of a document's length, and the length that a code stands for.
[[nodiscard]] std::uint8_t length_code(std::uint64_t length) noexcept;
[[nodiscard]] std::uint64_t length_of(std::uint8_t code) noexcept;

/// Impacts by length code and count.
class Impacts {
 public:
  Impacts(const Parameters& parameters, double mean_length);

  /// `count`: 1 … most_count.
  [[nodiscard]] std::uint8_t of(std::uint8_t code, std::uint32_t count) const noexcept {
    return table_[std::size_t{count} << 8 | code];
  }

 private:
  std::vector<std::uint8_t> table_;  // [count][code]
};

[[nodiscard]] float idf(std::uint32_t documents, std::uint32_t holding) noexcept;

}  // namespace attar::index::lexical
