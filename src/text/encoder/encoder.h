// The contract of encoders: text to vectors of unit length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "base/threads.h"

namespace attar::text {

/// What tells one encoder from another; vectors of two compare only where digests are equal.
struct EncoderInfo {
  std::string name;  ///< "attar-static-1", "all-MiniLM-L6-v2"
  std::uint32_t dims = 0;
  std::uint32_t max_tokens = 0;  ///< of a text, what comes after is not read
  std::string digest;  ///< 64 hexadecimal digits over all that the vectors depend on: vocabulary, weights, settings
};

/// A range of a text's bytes, [begin, end).
struct ByteSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Const calls are safe from many threads.
class Encoder {
 public:
  virtual ~Encoder() = default;

  [[nodiscard]] virtual const EncoderInfo& info() const noexcept = 0;

  /// One row of dims floats a text into `out` (texts.size() × dims), of length 1; a text without tokens gives zeros.
  /// Texts are UTF-8; what is not is read as U+FFFD. Rows do not depend on the batch or on the number of threads.
  [[nodiscard]] virtual Status encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                                      std::span<float> out) const = 0;

  /// Late chunking: a row of dims floats a span into `out` (spans.size() × dims), of length 1, of vectors that saw the
  /// text around the span. `unsupported` for encoders that know no context.
  [[nodiscard]] virtual Status encode_spans(std::string_view text, std::span<const ByteSpan> spans,
                                            base::ThreadPool& pool, std::span<float> out) const;

  /// Tokens that encode() would read of a text without the limit of max_tokens, special ones not counted.
  [[nodiscard]] virtual std::size_t count_tokens(std::string_view text) const = 0;
};

}  // namespace attar::text
