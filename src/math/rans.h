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

/// Symbols [first, last]; none where last < first.
struct SymbolRange {
  std::size_t first = 1, last = 0;

  [[nodiscard]] constexpr bool holds(std::size_t symbol) const noexcept { return symbol >= first && symbol <= last; }
  friend bool operator==(const SymbolRange&, const SymbolRange&) = default;
};

/// The frequencies that code symbols of these counts, by context, in the fewest bits, where symbol 0 stands for each
/// that gets none: such a symbol costs `escape_bits` beside symbol 0's own code. All contexts code the same range of
/// symbols, so that escapes are told by two comparisons. Counts may be all zero. Every context's sum to 2^12.
[[nodiscard]] std::vector<RansFrequencies> fit_frequencies(std::span<const RansCounts> contexts, double escape_bits);

/// The same where each context codes symbols of its own: what is rare in one is an escape there and not elsewhere. All
/// contexts code symbol 0; one whose counts are all zero codes nothing else.
[[nodiscard]] std::vector<RansFrequencies> fit_frequencies_apart(std::span<const RansCounts> contexts,
                                                                 double escape_bits);

/// A range of symbols above 0 that every context has a code for; it may be empty where such symbols do not lie
/// together.
[[nodiscard]] SymbolRange common_range(std::span<const RansFrequencies> contexts) noexcept;

/// The least bits that symbols of these counts take: their order-0 entropy.
[[nodiscard]] double entropy_bits(const RansCounts& counts) noexcept;

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
  /// The same along trellises (rans.md): `contexts` are even numbers below contexts().size() − 1, and come back with
  /// the unions of their symbols added; there is an even number of contexts.
  [[nodiscard]] Status decode_trellis(base::ByteView stream, std::uint8_t* contexts, std::size_t count,
                                      std::uint8_t* out) const;

 private:
  friend class RansEncoder;
  friend class RansDecoder;
  std::vector<RansFrequencies> contexts_;
  std::vector<std::uint32_t> decoding_, encoding_;
};

/// The states of a stream of so many symbols: symbol i belongs to state i mod this.
[[nodiscard]] std::size_t rans_lanes_of(std::size_t count) noexcept;
/// Writes one stream from its last symbols to its first, in parts, so that what is coded stays in the near caches. The
/// model outlives it.
class RansEncoder {
 public:
  /// For a stream of `count` symbols.
  RansEncoder(const RansModel& model, std::size_t count) : RansEncoder(model, count, rans_lanes_of(count)) {}
  /// With so many states, whatever the number of symbols: 4, simd::rans_lanes or simd::rans_most_lanes. Where symbols
  /// are put in pieces of any length, and bytes() is noted in between, the stream is one of pieces (rans.md).
  RansEncoder(const RansModel& model, std::size_t count, std::size_t lanes);

  /// The symbols in front of those put before; their number in front of them all must be a multiple of 64. Both arrays
  /// have rans_slack bytes behind them.
  void put_front(const std::uint8_t* symbols, const std::uint8_t* contexts, std::size_t count) noexcept;
  /// Appends the stream, once all symbols were put.
  void finish(std::vector<std::byte>& out) const;
  /// Of the stream as it is.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  const RansModel& model_;
  std::size_t lanes_;
  std::array<std::uint32_t, simd::rans_most_lanes> states_;
  std::uint16_t* first_;
};

/// Reads one stream from its first symbols to its last, in parts.
class RansDecoder {
 public:
  /// `stream` and the model outlive it. `corrupt` where it is no stream of `count` symbols.
  [[nodiscard]] static Result<RansDecoder> open(const RansModel& model, base::ByteView stream, std::size_t count);

  /// A stream of pieces, of which none is there yet; `states` are those in front of the first, 4 bytes for each.
  [[nodiscard]] static RansDecoder of_pieces(const RansModel& model, base::ByteView states) noexcept;
  /// All symbols of the next piece, of which these are the words. `corrupt` unless it ends where its symbols do.
  [[nodiscard]] Status next_piece(base::ByteView words, const std::uint8_t* contexts, std::size_t count,
                                  std::uint8_t* out) noexcept;

  /// The next symbols: a multiple of 64 of them, or all that are left. Contexts and `out` as RansModel::decode has
  /// them.
  [[nodiscard]] Status next(const std::uint8_t* contexts, std::size_t count, std::uint8_t* out) noexcept;
  /// The same along trellises, as RansModel::decode_trellis has them.
  [[nodiscard]] Status next_trellis(std::uint8_t* contexts, std::size_t count, std::uint8_t* out) noexcept;
  /// `corrupt` unless the stream ended where its symbols do.
  [[nodiscard]] Status finish() const;

 private:
  RansDecoder(const RansModel& model, std::size_t lanes) noexcept : model_(&model), lanes_(lanes) {}
  [[nodiscard]] Status decode(simd::RansDecoding task) noexcept;

  const RansModel* model_;
  std::size_t lanes_;
  std::array<std::uint32_t, simd::rans_most_lanes> states_{}, trellis_{};
  const std::uint16_t* word_ = nullptr;
  const std::uint16_t* end_ = nullptr;
};

/// Bytes of the states in front of a stream of so many symbols.
[[nodiscard]] std::size_t rans_state_bytes(std::size_t count) noexcept;

/// Appends frequencies: of each symbol as LEB128, a run of zeros as 0 and its length; and reads them. `corrupt` where
/// they do not sum to 2^12.
void write_frequencies(base::ByteWriter& out, const RansFrequencies& frequencies);
[[nodiscard]] Result<RansFrequencies> read_frequencies(base::ByteReader& in);

}  // namespace attar::math
