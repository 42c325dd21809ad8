#include "watch.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace attar::python {
namespace {

namespace py = pybind11;

constexpr std::chrono::milliseconds tick{50};

struct Stage {
  std::string name;
  std::uint64_t done = 0, total = 0;
};

/// What the two threads share.
class Watch final : public Progress {
 public:
  void stage(std::string_view name, std::uint64_t total) override {
    const std::scoped_lock lock(mutex_);
    stages_.push_back({.name = std::string(name), .done = 0, .total = total});
    changed_ = true;
  }

  void advance(std::uint64_t done) override {
    const std::scoped_lock lock(mutex_);
    if (stages_.empty()) return;
    stages_.back().done += done;
    changed_ = true;
  }

  [[nodiscard]] bool cancelled() const noexcept override { return stopped_.load(std::memory_order_relaxed); }

  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

  void finish() {
    {
      const std::scoped_lock lock(mutex_);
      finished_ = true;
    }
    wake_.notify_one();
  }

  /// Returns at the end of the work (true), or after a tick.
  bool wait() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, tick, [this] { return finished_; });
    return finished_;
  }

  /// The stages since the last call, the current one last; nothing where nothing moved.
  std::vector<Stage> news() {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(changed_, false)) return {};
    std::vector<Stage> out = stages_;
    stages_.erase(stages_.begin(), stages_.end() - 1);
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Stage> stages_;
  bool changed_ = false, finished_ = false;
  std::atomic<bool> stopped_ = false;
};

void listen(Watch& watch, const py::object& callback) {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (callback.is_none()) return;
  for (const Stage& stage : watch.news()) callback(stage.name, stage.done, stage.total);
}

}  // namespace

void hear_signals() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

void run_watched(const py::object& callback, const std::function<void(Progress&)>& work) {
  Watch watch;
  std::exception_ptr failed, interrupted;
  std::thread worker([&] {
    try {
      work(watch);
    } catch (...) {  // of memory that ran out
      failed = std::current_exception();
    }
    watch.finish();
  });
  for (bool finished = false; !finished;) {
    {
      const py::gil_scoped_release nobody_waits;
      finished = watch.wait();
    }
    if (interrupted) continue;
    try {
      listen(watch, callback);
    } catch (...) {
      interrupted = std::current_exception();
      watch.stop();
    }
  }
  worker.join();
  if (interrupted) std::rethrow_exception(interrupted);
  if (failed) std::rethrow_exception(failed);
}

}  // namespace attar::python
