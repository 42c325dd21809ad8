// A candidate tried for real: the whole base encoded, kept in memory or in a scratch file, and searched.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "data/source.h"
#include "index/flat.h"

namespace attar::plan {

/// Streams prepared rows (normalised under cosine) of the source in order, in bounded chunks.
[[nodiscard]] Status stream_rows(const data::VectorSource& source, Metric metric, base::Progress& progress,
                                 const std::function<Status(const codec::Chunk&)>& take);

class Trial {
 public:
  /// Encodes all rows of the base. Codes above memory_bytes go to a scratch file and are mapped. The option was priced
  /// for the schema of the whole base; `schema` may be that of a sample.
  [[nodiscard]] static Result<std::unique_ptr<Trial>> encode(const codec::Codec& codec, const codec::Trained& trained,
                                                             const codec::Option& option,
                                                             const data::VectorSource& base,
                                                             const codec::Schema& schema, std::uint64_t memory_bytes,
                                                             base::ThreadPool& pool, base::Progress& progress);

  [[nodiscard]] const codec::Codec& codec() const noexcept { return *codec_; }
  [[nodiscard]] const codec::Option& option() const noexcept { return option_; }
  [[nodiscard]] const codec::View& view() const noexcept { return *view_; }
  [[nodiscard]] base::ByteView model() const noexcept { return model_bytes_; }
  [[nodiscard]] base::ByteView codes() const noexcept { return codes_; }

  /// Rows returned for each query (prepared; n × dims), [query][k], certify::no_row in unfilled places. `own_rows`: a
  /// row to leave out a query, or empty.
  [[nodiscard]] Result<std::vector<std::uint32_t>> search(std::span<const float> queries, std::uint32_t dims,
                                                          std::uint32_t k, index::Look look,
                                                          std::span<const std::uint32_t> own_rows,
                                                          base::ThreadPool& pool) const;

 private:
  Trial() = default;

  const codec::Codec* codec_ = nullptr;
  codec::Option option_;
  std::vector<std::byte> model_bytes_;
  std::vector<std::byte> memory_;
  std::optional<base::TemporaryFile> scratch_;
  std::optional<base::MappedFile> mapped_;
  base::ByteView codes_;
  std::unique_ptr<codec::View> view_;
};

}  // namespace attar::plan
