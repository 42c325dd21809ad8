// One small pool. Work is cut into numbered pieces; results that depend on order are combined by piece number,
// so that the outcome is the same at any number of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace attar::base {

class ThreadPool {
 public:
  /// `threads` workers in all, the caller among them; 0 means one per available core.
  explicit ThreadPool(unsigned threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] unsigned size() const noexcept;

  /// Calls task(piece, worker) for every piece in [0, pieces), worker in [0, size()); returns when all are done.
  /// `task` must not throw and must not call run() of the same pool.
  void run(std::size_t pieces, const std::function<void(std::size_t piece, unsigned worker)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Cores that this process may use (its affinity mask).
[[nodiscard]] unsigned available_cores() noexcept;

}  // namespace attar::base
