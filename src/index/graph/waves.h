// Long work on the pool, some pieces at a time: between them it reports itself and hears whether to stop.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/progress.h"
#include "base/threads.h"

namespace attar::index::graph {

inline constexpr std::size_t pieces_a_wave = 64;

/// task(piece, worker) for every piece in [0, pieces), and progress of one unit for each.
template <class Task>
Status in_waves(std::size_t pieces, base::ThreadPool& pool, base::Progress& progress, const Task& task) {
  for (std::size_t first = 0; first < pieces; first += pieces_a_wave) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::size_t count = std::min(pieces_a_wave, pieces - first);
    pool.run(count, [&](std::size_t piece, unsigned worker) { task(first + piece, worker); });
    progress.advance(count);
  }
  return {};
}

}  // namespace attar::index::graph
