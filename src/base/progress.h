// How long work reports itself and hears that it should stop. The library never prints; a surface draws the bar.
#pragma once

#include <cstdint>
#include <string_view>

#include "attar/result.h"

namespace attar::base {

class Progress {
 public:
  virtual ~Progress() = default;
  /// A stage begins: its name ("encoding"), and how many units it has (0: unknown).
  virtual void stage(std::string_view name, std::uint64_t total) = 0;
  /// `done` units more of the current stage. Called from one thread at a time.
  virtual void advance(std::uint64_t done) = 0;
  /// True when the user asked to stop (Ctrl-C).
  [[nodiscard]] virtual bool cancelled() const noexcept = 0;
};

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
