#include "plan/trial.h"

#include <algorithm>

#include "index/flat.h"
#include "index/graph/walk.h"
#include "index/ivf.h"
#include "index/rescore.h"

namespace attar::plan {
namespace {

// The rows of hits, k a query.
std::vector<std::uint32_t> rows_of(const index::HitLists& lists, std::uint32_t k) {
  std::vector<std::uint32_t> out(lists.size() * k, index::no_row);
  for (std::size_t q = 0; q < lists.size(); ++q)
    for (std::size_t i = 0; i < lists[q].size() && i < k; ++i) out[q * k + i] = lists[q][i].row;
  return out;
}

}  // namespace

Result<std::unique_ptr<Trial>> Trial::encode(const codec::Codec& codec, const codec::Trained& trained,
                                             const codec::Option& option, const Rows& rows, std::uint64_t memory_bytes,
                                             base::ThreadPool& pool, base::Progress& progress) {
  const codec::Schema schema = rows.coded_schema();
  std::unique_ptr<Trial> out(new Trial);
  out->codec_ = &codec;
  out->option_ = option;
  out->rows_ = rows;
  ATTAR_ASSIGN(const auto model, trained.build(option.params));
  base::MemorySink model_sink;
  ATTAR_TRY(model->save(model_sink));
  out->model_bytes_ = std::move(model_sink).release();

  base::MemorySink memory;
  base::Sink* sink = &memory;
  if (option.codes_bytes > memory_bytes) {
    ATTAR_ASSIGN(auto scratch, base::TemporaryFile::create());
    out->scratch_.emplace(std::move(scratch));
    sink = &*out->scratch_;
  }
  ATTAR_ASSIGN(const auto encoder, codec.encoder(model, schema, *sink, pool));
  ATTAR_TRY(rows.stream(progress, [&](const codec::Chunk& chunk) { return encoder->append(chunk); }));
  ATTAR_TRY(encoder->finish());
  if (out->scratch_) {
    ATTAR_ASSIGN(auto mapped, base::MappedFile::open(out->scratch_->path()));
    out->mapped_.emplace(std::move(mapped));
    out->codes_ = out->mapped_->bytes();
  } else {
    out->memory_ = std::move(memory).release();
    out->codes_ = out->memory_;
  }
  // The view reads what a reader of the file will read: the saved model, not the one in memory.
  const auto& info = codec.info();
  const auto section = [&](base::ByteView bytes, std::string name) {
    return format::SectionReader::trusted(bytes, std::move(name), info.id, info.wire_max);
  };
  ATTAR_ASSIGN(auto loaded, codec.load(section(out->model_bytes_, "model"), schema, {}));
  ATTAR_ASSIGN(out->view_, codec.open(section(out->codes_, "codes"), std::move(loaded), schema, {}));
  return out;
}

Result<std::vector<std::uint32_t>> Trial::search(std::span<const float> queries, std::uint32_t dims, std::uint32_t k,
                                                 index::Look look, std::span<const std::uint32_t> own_rows,
                                                 base::ThreadPool& pool, index::SearchTimes* times) const {
  const index::SearchOptions options{.k = k, .look = look, .skip = own_rows};
  const auto by_codes = [&](const index::SearchOptions& wanted) {
    if (partition() != nullptr)
      return index::ivf_search(*view_, partition()->lists(), rows_.metric, queries, wanted, pool, times);
    if (graph() != nullptr && wanted.look.beam != 0)
      return index::graph::graph_search(*view_, graph()->links(), queries, dims, wanted, pool, times);
    return index::flat_search(*view_, queries, dims, wanted, pool, times);
  };
  ATTAR_ASSIGN(const auto lists,
               index::search_and_rescore(rows_.originals, queries, dims, options, pool, times, by_codes));
  return rows_of(lists, k);
}

Result<std::vector<std::uint32_t>> Trial::rescored(std::span<const float> queries, std::uint32_t dims,
                                                   std::span<const std::uint32_t> found, std::uint32_t width,
                                                   std::uint32_t depth, std::uint32_t k, base::ThreadPool& pool) const {
  index::HitLists hits(queries.size() / dims);
  for (std::size_t q = 0; q < hits.size(); ++q)
    for (const std::uint32_t row : found.subspan(q * width, std::min(depth, width)))
      if (row != index::no_row) hits[q].push_back({.score = 0, .row = row});
  ATTAR_TRY(index::rescore(*rows_.originals, queries, dims, k, hits, pool));
  return rows_of(hits, k);
}

}  // namespace attar::plan
