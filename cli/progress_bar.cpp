#include "progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace attar::cli {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "the signal handler may touch lock-free atomics only");

void request_stop(int) { stop_requested.store(true, std::memory_order_relaxed); }

std::size_t terminal_width() {
  constexpr std::size_t usual = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return size.ws_col;
}

/// "950", "12.3k", "4.5M" a second.
std::string rate_text(double rate) {
  if (rate >= 1e6) return fmt::format("{:.1f}M/s", rate / 1e6);
  if (rate >= 1e4) return fmt::format("{:.1f}k/s", rate / 1e3);
  return fmt::format("{:.0f}/s", rate);
}

/// "0:07", "12:40", "1:02:03".
std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::clamp(seconds, 0.0, 359'999.0) + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::string render_bar(std::string_view name, std::uint64_t done, std::uint64_t total, double seconds,
                       std::size_t width) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total == 0) return fmt::format("{}  {}  {}", name, done, rate_text(rate)).substr(0, width);
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const std::string left =
      rate > 0 ? clock_text(static_cast<double>(total - std::min(done, total)) / rate) + " left" : "";
  const std::string facts = fmt::format("{:3.0f}%  {}  {}", share * 100, rate_text(rate), left);
  const std::size_t taken = name.size() + facts.size() + 6;
  if (taken + 4 > width) return fmt::format("{}  {}", name, facts).substr(0, width);
  const std::size_t cells = std::min<std::size_t>(width - taken, 40);
  const auto full = static_cast<std::size_t>(share * static_cast<double>(cells));
  return fmt::format("{}  [{}{}]  {}", name, std::string(full, '#'), std::string(cells - full, '-'), facts);
}

ProgressBar::ProgressBar(const Session& session)
    : visible_(!session.quiet && !session.json && ::isatty(STDERR_FILENO) != 0) {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_interrupt_);
  ::sigaction(SIGTERM, &action, &old_terminate_);
}

ProgressBar::~ProgressBar() {
  clear();
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
}

void ProgressBar::stage(std::string_view name, std::uint64_t total) {
  name_ = name;
  total_ = total;
  done_ = 0;
  stage_begin_ = Clock::now();
  draw();
}

void ProgressBar::advance(std::uint64_t done) {
  done_ += done;
  draw();
}

bool ProgressBar::cancelled() const noexcept { return stop_requested.load(std::memory_order_relaxed); }

void ProgressBar::draw() {
  using namespace std::chrono_literals;
  const auto now = Clock::now();
  if (!visible_ || now - begin_ < 1s || now - last_draw_ < 100ms) return;
  last_draw_ = now;
  const double seconds = std::chrono::duration<double>(now - stage_begin_).count();
  fmt::print(stderr, "\r{}\x1b[K", render_bar(name_, done_, total_, seconds, terminal_width() - 1));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace attar::cli
