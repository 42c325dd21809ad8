// How long work reports itself and hears that it should stop. The library never prints; a surface draws the bar.
#pragma once

#include <cstdint>
#include <string_view>

namespace attar {

class Progress {
 public:
  virtual ~Progress() = default;
  /// A stage begins: its name ("encoding"), and how many units it has (0: unknown).
  virtual void stage(std::string_view name, std::uint64_t total) = 0;
  /// `done` units more of the current stage. Called from one thread at a time.
  virtual void advance(std::uint64_t done) = 0;
  /// True when the user asked to stop (Ctrl-C). May be asked from any thread.
  [[nodiscard]] virtual bool cancelled() const noexcept = 0;
};

}  // namespace attar
