// A base laid out as a graph: which rows are each one's neighbours. Codes stay in the order of the base.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "data/source.h"
#include "index/graph/links.h"

namespace attar::plan {

class Graph {
 public:
  /// Bytes of a row's links where nothing speaks for more: a cache line.
  static constexpr std::uint32_t line_bytes = 64;

  /// Links every row of the base to its neighbours, as many as a line of `line` bytes holds. Takes about as much memory
  /// as the rows in bytes, and half as much again; `over_limit` where that is more than `memory_bytes`.
  [[nodiscard]] static Result<std::shared_ptr<const Graph>> build(const data::VectorSource& base, Metric metric,
                                                                  std::uint32_t line, std::uint64_t seed,
                                                                  std::uint64_t memory_bytes, base::ThreadPool& pool,
                                                                  base::Progress& progress);

  [[nodiscard]] const index::graph::Links& links() const noexcept { return *links_; }
  /// The section of the file.
  [[nodiscard]] base::ByteView bytes() const noexcept { return bytes_; }

 private:
  Graph() = default;

  std::vector<std::byte> bytes_;
  std::optional<index::graph::Links> links_;
};

}  // namespace attar::plan
