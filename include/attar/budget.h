// What a user asks for: a ceiling on size, a floor on quality, a ceiling on time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attar/result.h"

namespace attar {

/// A ceiling on the whole file: codes, ids, model, header, certificate. Never exceeded, not by one byte.
struct Budget {
  enum class Unit : std::uint8_t {
    bytes,             ///< "200MB", "1.5GiB", "300000B": of the whole file (1 MB = 10⁶ bytes, 1 MiB = 2²⁰)
    bytes_per_vector,  ///< "64B/vec"
    bits_per_value,    ///< "2.5bit": per vector and dimension
    percent,           ///< "30%": of the input's values, as stored in its file
  };
  double value = 0;
  Unit unit = Unit::bytes;

  /// The ceiling in bytes for a base of this shape, rounded down.
  [[nodiscard]] std::uint64_t bytes(std::uint64_t rows, std::uint32_t dims,
                                    std::uint32_t input_bytes_per_value) const noexcept;
  /// In a form that parse_budget() reads, such as "64B/vec"; sizes of the whole file in bytes.
  [[nodiscard]] std::string text() const;
};

/// Reads "200MB", "64B/vec", "2.5bit", "30%" and the like. `invalid_argument` names the valid forms.
[[nodiscard]] Result<Budget> parse_budget(std::string_view text);

/// "0.95@10": the mean recall at k must be at least that.
struct Floor {
  double recall = 0;  ///< in (0, 1)
  std::uint32_t k = 10;

  /// In the form that parse_floor() reads.
  [[nodiscard]] std::string text() const;
};

/// "0.95@10", or "0.95" (at 10). `invalid_argument` names the valid forms.
[[nodiscard]] Result<Floor> parse_floor(std::string_view text);

/// "2ms": the most that one query asked alone may take on one thread, as the median of many, on the machine that plans.
struct Latency {
  double seconds = 0;

  /// In the form that parse_latency() reads.
  [[nodiscard]] std::string text() const;
};

/// "2ms", "500us" or "0.1s". `invalid_argument` names the valid forms.
[[nodiscard]] Result<Latency> parse_latency(std::string_view text);

/// "5000": the least number of queries a second, asked in large batches on one thread, on the machine that plans.
struct Throughput {
  double queries_per_second = 0;

  /// In the form that parse_throughput() reads.
  [[nodiscard]] std::string text() const;
};

/// "5000" or "0.5": a number above 0. `invalid_argument` names the valid form.
[[nodiscard]] Result<Throughput> parse_throughput(std::string_view text);

}  // namespace attar
