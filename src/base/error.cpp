#include <fmt/format.h>

#include "attar/result.h"

namespace attar {

std::string_view error_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::invalid_data: return "invalid_data";
    case ErrorCode::io: return "io";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::truncated: return "truncated";
    case ErrorCode::too_new: return "too_new";
    case ErrorCode::too_old: return "too_old";
    case ErrorCode::unknown_codec: return "unknown_codec";
    case ErrorCode::over_limit: return "over_limit";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::goal_unreachable: return "goal_unreachable";
    case ErrorCode::cancelled: return "cancelled";
  }
  return "unknown";
}

std::string Error::describe() const {
  std::string where = file;
  if (!section.empty()) where += fmt::format("{}section '{}'", where.empty() ? "" : ", ", section);
  if (offset) where += fmt::format("{}byte {}", where.empty() ? "" : ", ", *offset);
  return where.empty() ? message : fmt::format("{}: {}", where, message);
}

}  // namespace attar
