#include "session.h"

namespace attar::cli {

Exit exit_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::corrupt:
    case ErrorCode::truncated: return Exit::corrupt;
    case ErrorCode::goal_unreachable: return Exit::unreachable;
    case ErrorCode::cancelled: return Exit::interrupted;
    default: return Exit::failure;
  }
}

}  // namespace attar::cli
