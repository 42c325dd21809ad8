// The bar on standard error, and the Ctrl-C that the library hears through it.
#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "attar/progress.h"
#include "session.h"

namespace attar::cli {

/// One line of at most `width` characters: name, bar, share, rate and time left; without a total, what is done.
[[nodiscard]] std::string render_bar(std::string_view name, std::uint64_t done, std::uint64_t total, double seconds,
                                     std::size_t width);

/// Draws once a second has passed, ten times a second at most, on a terminal only and never under --quiet or --json.
/// While it lives, the first SIGINT or SIGTERM asks the work to stop; a second one ends the process.
class ProgressBar final : public Progress {
 public:
  explicit ProgressBar(const Session& session);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() override;

  void stage(std::string_view name, std::uint64_t total) override;
  void advance(std::uint64_t done) override;
  [[nodiscard]] bool cancelled() const noexcept override;
  /// Takes the bar off the terminal until it is drawn again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw();

  bool visible_;
  bool drawn_ = false;
  std::string name_;
  std::uint64_t done_ = 0, total_ = 0;
  Clock::time_point begin_ = Clock::now(), stage_begin_ = begin_, last_draw_ = begin_;
  struct sigaction old_interrupt_ {
  }, old_terminate_{};
};

}  // namespace attar::cli
