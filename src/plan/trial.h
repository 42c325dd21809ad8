// A candidate tried for real: the whole base encoded, kept in memory or in a scratch file, and searched.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "data/source.h"
#include "index/looks.h"
#include "plan/graph.h"
#include "plan/partition.h"

namespace attar::plan {

/// Bytes of the parts that a plan decides on.
struct PartSizes {
  std::uint64_t model = 0, codes = 0;
  std::uint64_t lists = 0;  ///< 0: there are none
  std::uint64_t graph = 0;  ///< likewise
};

/// The rows that a trial packs, in the order of the base or in that of lists. A flat index has neither lists nor a
/// graph.
struct Rows {
  const data::VectorSource* base = nullptr;
  Metric metric = Metric::cosine;
  std::shared_ptr<const Partition> partition = nullptr;  ///< null: no lists
  std::shared_ptr<const Graph> graph = nullptr;          ///< null: no graph
  const codec::View* originals = nullptr;                ///< kept beside the codes; null: none are
  std::uint32_t block_rows = 32;                         ///< codec::Schema::block_rows

  /// What the codec sees of them.
  [[nodiscard]] codec::Schema coded_schema() const {
    return {.rows = base->rows(),
            .dims = base->dims(),
            .metric = partition ? index::residual_metric(metric) : metric,
            .block_rows = block_rows};
  }
  /// Of the index alone.
  [[nodiscard]] PartSizes index_sizes() const noexcept {
    return {.lists = partition ? partition->bytes().size() : 0, .graph = graph ? graph->bytes().size() : 0};
  }
  [[nodiscard]] Status stream(base::Progress& progress, const TakeRows& take) const {
    return partition ? partition->stream(progress, take) : stream_rows(*base, metric, progress, take);
  }
};

class Trial {
 public:
  /// Encodes all rows. Codes above memory_bytes go to a scratch file and are mapped. The option was priced for the
  /// whole base; `rows` may be a sample of it.
  [[nodiscard]] static Result<std::unique_ptr<Trial>> encode(const codec::Codec& codec, const codec::Trained& trained,
                                                             const codec::Option& option, const Rows& rows,
                                                             std::uint64_t memory_bytes, base::ThreadPool& pool,
                                                             base::Progress& progress);

  [[nodiscard]] const codec::Codec& codec() const noexcept { return *codec_; }
  [[nodiscard]] const codec::Option& option() const noexcept { return option_; }
  [[nodiscard]] const codec::View& view() const noexcept { return *view_; }
  [[nodiscard]] base::ByteView model() const noexcept { return model_bytes_; }
  [[nodiscard]] base::ByteView codes() const noexcept { return codes_; }
  [[nodiscard]] PartSizes sizes() const noexcept {
    PartSizes out = rows_.index_sizes();
    out.model = option_.model_bytes;
    out.codes = option_.codes_bytes;
    return out;
  }
  [[nodiscard]] bool has_originals() const noexcept { return rows_.originals != nullptr; }
  /// Null where there are no lists.
  [[nodiscard]] const Partition* partition() const noexcept { return rows_.partition.get(); }
  /// Null where there is no graph.
  [[nodiscard]] const Graph* graph() const noexcept { return rows_.graph.get(); }

  /// Rows returned for each query (prepared; n × dims), [query][k], certify::no_row in unfilled places. `own_rows`: a
  /// row to leave out a query, or empty.
  [[nodiscard]] Result<std::vector<std::uint32_t>> search(std::span<const float> queries, std::uint32_t dims,
                                                          std::uint32_t k, index::Look look,
                                                          std::span<const std::uint32_t> own_rows,
                                                          base::ThreadPool& pool,
                                                          index::SearchTimes* times = nullptr) const;
  /// Of `width` rows found for each query the first `depth`, ranked by the originals, which there are: the k best.
  [[nodiscard]] Result<std::vector<std::uint32_t>> rescored(std::span<const float> queries, std::uint32_t dims,
                                                            std::span<const std::uint32_t> found, std::uint32_t width,
                                                            std::uint32_t depth, std::uint32_t k,
                                                            base::ThreadPool& pool) const;

 private:
  Trial() = default;

  const codec::Codec* codec_ = nullptr;
  codec::Option option_;
  Rows rows_;
  std::vector<std::byte> model_bytes_;
  std::vector<std::byte> memory_;
  std::optional<base::TemporaryFile> scratch_;
  std::optional<base::MappedFile> mapped_;
  base::ByteView codes_;
  std::unique_ptr<codec::View> view_;
};

}  // namespace attar::plan
