// Long work while Python listens: Ctrl-C is heard, and a callable of the user's is told how far the work is.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

#include "attar/progress.h"
#include "attar/result.h"

namespace attar::python {

/// Runs Python's signal handlers from where the GIL has been given up; throws what they raise.
void hear_signals();

/// Runs `work` on a thread of its own, without the GIL. This thread, which holds the GIL, gives it up and takes it back
/// many times a second to run Python's signal handlers and to call `callback(stage, done, total)` unless that is None;
/// so both happen on the thread that called. What either raises stops the work (Progress::cancelled) and is thrown from
/// here once it has stopped.
void run_watched(const pybind11::object& callback, const std::function<void(Progress&)>& work);

/// The result of long work.
template <class T, class Work>
[[nodiscard]] Result<T> watched(const pybind11::object& callback, Work work) {
  Result<T> result = fail(ErrorCode::cancelled, "stopped on request");
  run_watched(callback, [&](Progress& progress) { result = work(progress); });
  return result;
}

}  // namespace attar::python
