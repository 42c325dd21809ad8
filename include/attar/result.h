// Errors as values: every fallible call of Attar returns Result<T> or Status.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace attar {

/// What went wrong, in the terms a caller acts on.
enum class ErrorCode : std::uint8_t {
  invalid_argument,  ///< an option or value of the caller is wrong
  invalid_data,      ///< the user's input file holds something that cannot be packed (NaN, mixed dimensions …)
  io,                ///< the operating system refused a read, write, map or rename
  corrupt,           ///< an artifact's bytes contradict its checksums or themselves
  truncated,         ///< an artifact or input ends before what it announces
  too_new,           ///< written by a later format or wire version than this build reads
  too_old,           ///< written by a version that this build no longer reads
  unknown_codec,     ///< a codec id that this build does not have
  over_limit,        ///< a size above OpenLimits or a memory ceiling
  unsupported,       ///< well-formed, but not something Attar does
  goal_unreachable,  ///< no plan meets the budget and the floor
  cancelled,         ///< the caller asked to stop
};

/// The code's stable name, as it stands in JSON output ("corrupt", "too_new" …).
std::string_view error_name(ErrorCode code) noexcept;

/// A failure: what happened and what to do about it, in one sentence, and where.
struct Error {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string message;
  std::string file = {};                               ///< path, empty when no file is involved
  std::string section = {};                            ///< section of an artifact, empty when not inside one
  std::optional<std::uint64_t> offset = std::nullopt;  ///< byte offset in the file or section

  /// "docs.npy: row 17 holds NaN …" — file, section and offset in front of the message.
  [[nodiscard]] std::string describe() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// Shorthand for `return fail(ErrorCode::corrupt, "…")`.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error{.code = code, .message = std::move(message)});
}

}  // namespace attar

#define ATTAR_CONCAT_INNER(a, b) a##b
#define ATTAR_CONCAT(a, b) ATTAR_CONCAT_INNER(a, b)

/// Returns the error of a Status or Result expression; goes on when there is none.
#define ATTAR_TRY(expression)                                         \
  do {                                                                \
    if (auto attar_status = (expression); !attar_status) [[unlikely]] \
      return std::unexpected(std::move(attar_status).error());        \
  } while (false)

/// `ATTAR_ASSIGN(auto x, f());` — declares or assigns x from a Result, or returns its error.
#define ATTAR_ASSIGN(target, expression) ATTAR_ASSIGN_AS(ATTAR_CONCAT(attar_result_, __LINE__), target, expression)
#define ATTAR_ASSIGN_AS(name, target, expression)    \
  auto name = (expression);                          \
  if (!name) [[unlikely]]                            \
    return std::unexpected(std::move(name).error()); \
  target = *std::move(name)
