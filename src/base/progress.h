// Progress for code that has none to report to, and the check that long loops make.
#pragma once

#include "attar/progress.h"
#include "attar/result.h"

namespace attar::base {

using attar::Progress;

/// Reports to nobody and is never cancelled.
class SilentProgress final : public Progress {
 public:
  void stage(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  [[nodiscard]] bool cancelled() const noexcept override { return false; }
};

[[nodiscard]] inline Status check_cancelled(const Progress& progress) {
  if (progress.cancelled()) return fail(ErrorCode::cancelled, "stopped on request; nothing was written");
  return {};
}

}  // namespace attar::base
