#include "plan/graph.h"

#include <algorithm>

#include "index/graph/build.h"

namespace attar::plan {

Result<std::shared_ptr<const Graph>> Graph::build(const data::VectorSource& base, Metric metric, std::uint32_t line,
                                                  std::uint64_t seed, std::uint64_t memory_bytes,
                                                  base::ThreadPool& pool, base::Progress& progress) {
  namespace graph = index::graph;
  const std::uint32_t degree = graph::LinksLayout::degree_of_line(base.rows(), line);
  std::shared_ptr<Graph> out(new Graph);
  {
    ATTAR_ASSIGN(
        const graph::Adjacency made,
        graph::build(base, metric, {.degree = degree, .seed = seed, .memory_bytes = memory_bytes}, pool, progress));
    out->bytes_ = graph::encode_links(made);
  }
  const codec::Schema schema{.rows = base.rows(), .dims = base.dims(), .metric = metric};
  ATTAR_ASSIGN(
      auto opened,
      graph::Links::open(format::SectionReader::trusted(out->bytes_, "graph", 0, graph::links_wire_version), schema));
  out->links_.emplace(std::move(opened));
  return out;
}

}  // namespace attar::plan
