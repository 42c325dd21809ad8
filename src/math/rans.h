// Entropy coding of bytes in contexts: tables of frequencies, and streams by interleaved rANS. Formulas and bytes:
// rans.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "simd/rans.h"

namespace attar::math {

/// Of one context: of each symbol, summing to 2^simd::rans_bits.
using RansFrequencies = std::array<std::uint16_t, simd::rans_symbols>;
using RansCounts = std::array<std::uint64_t, simd::rans_symbols>;

/// What kernels may read past the symbols and contexts of a stream, and write past decoded symbols.
inline constexpr std::size_t rans_slack = 64;

/// The frequencies that code symbols of these counts in the fewest bits, where symbol 0 stands for each that gets none:
/// such a symbol costs `escape_bits` beside symbol 0's own code. Counts may be all zero. Every result sums to 2^12.
[[nodiscard]] RansFrequencies fit_frequencies(const RansCounts& counts, double escape_bits);

/// Frequencies of some contexts, ready to code with. Immutable; safe to use from many threads.
class RansModel {
 public:
  /// At least one context and at most 256, each summing to 2^12 (the caller has seen to it).
  explicit RansModel(std::vector<RansFrequencies> contexts);

  [[nodiscard]] std::span<const RansFrequencies> contexts() const noexcept { return contexts_; }
  [[nodiscard]] bool codes(std::size_t context, std::uint8_t symbol) const noexcept {
    return contexts_[context][symbol] != 0;
  }
  /// The bits that symbols of these counts cost in a context, escapes included.
  [[nodiscard]] double bits(std::size_t context, const RansCounts& counts, double escape_bits) const noexcept;

  /// Appends the stream of `count` symbols, each of a frequency above 0. Both arrays have rans_slack bytes behind them.
  void encode(const std::uint8_t* symbols, const std::uint8_t* contexts, std::size_t count,
              std::vector<std::byte>& out) const;
  /// Decodes exactly `stream`; contexts must be below contexts().size() and have rans_slack bytes behind them, as `out`
  /// does. `corrupt` where the stream's words or states are not those of `count` symbols.
  [[nodiscard]] Status decode(base::ByteView stream, const std::uint8_t* contexts, std::size_t count,
                              std::uint8_t* out) const;

 private:
  std::vector<RansFrequencies> contexts_;
  std::vector<std::uint32_t> decoding_, encoding_;
};

/// Bytes of the states in front of a stream of so many symbols.
[[nodiscard]] std::size_t rans_state_bytes(std::size_t count) noexcept;

/// Appends frequencies: of each symbol as LEB128, a run of zeros as 0 and its length; and reads them. `corrupt` where
/// they do not sum to 2^12.
void write_frequencies(base::ByteWriter& out, const RansFrequencies& frequencies);
[[nodiscard]] Result<RansFrequencies> read_frequencies(base::ByteReader& in);

}  // namespace attar::math
