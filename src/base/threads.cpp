#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace attar::base {

using Task = std::function<void(std::size_t, unsigned)>;

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  const Task* task = nullptr;
  std::size_t pieces = 0;
  std::atomic<std::size_t> next{0};
  std::size_t generation = 0;
  unsigned busy = 0;
  bool stopping = false;
  std::vector<std::jthread> workers;

  void drain(const Task& work, unsigned worker) {
    for (std::size_t piece = next.fetch_add(1); piece < pieces; piece = next.fetch_add(1)) work(piece, worker);
  }

  void loop(unsigned worker) {
    std::size_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || generation != seen; });
      if (stopping) return;
      seen = generation;
      const Task& work = *task;
      lock.unlock();
      drain(work, worker);
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(unsigned threads) : state_(std::make_unique<State>()) {
  const unsigned count = threads == 0 ? available_cores() : threads;
  for (unsigned worker = 1; worker < count; ++worker)
    state_->workers.emplace_back([state = state_.get(), worker] { state->loop(worker); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  state_->workers.clear();
}

unsigned ThreadPool::size() const noexcept { return static_cast<unsigned>(state_->workers.size()) + 1; }

void ThreadPool::run(std::size_t pieces, const Task& task) {
  if (pieces == 0) return;
  if (pieces == 1 || state_->workers.empty()) {
    for (std::size_t piece = 0; piece < pieces; ++piece) task(piece, 0);
    return;
  }
  {
    std::lock_guard lock(state_->mutex);
    state_->task = &task;
    state_->pieces = pieces;
    state_->next = 0;
    state_->busy = static_cast<unsigned>(state_->workers.size());
    ++state_->generation;
  }
  state_->wake.notify_all();
  state_->drain(task, 0);
  std::unique_lock lock(state_->mutex);
  state_->done.wait(lock, [&] { return state_->busy == 0; });
}

unsigned available_cores() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace attar::base
