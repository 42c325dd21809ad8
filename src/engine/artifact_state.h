// What an open artifact holds; shared by the calls that work on one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "codec/codec.h"
#include "data/source.h"
#include "engine/plan_text.h"
#include "engine/text_parts.h"
#include "filter/attributes.h"
#include "format/ids.h"
#include "format/reader.h"
#include "index/checked_lists.h"
#include "index/graph/links.h"
#include "index/list_filter.h"
#include "index/lists.h"

namespace attar {

/// The model section of the originals; that of the codes is instance 0.
inline constexpr std::uint32_t originals_model_instance = 1;

/// A coded section with the codec that reads it.
struct CodedSection {
  const codec::Codec* codec = nullptr;
  std::unique_ptr<codec::View> view;
};

struct Artifact::State {
  State(format::ArtifactReader opened, const OpenLimits& allowed) : limits(allowed), reader(std::move(opened)) {}

  OpenLimits limits;
  format::ArtifactReader reader;
  codec::Schema schema;
  CodedSection codes;            ///< in list order where there are lists
  std::uint32_t list_count = 0;  ///< 0: no lists
  std::uint32_t degree = 0;      ///< links of a row of the graph at the most; 0: no graph
  std::optional<CodedSection> originals;
  std::optional<format::IdsReader> ids;
  std::optional<filter::Attributes> attributes;  ///< without columns where the file has none
  std::optional<engine::TextParts> text;         ///< of documents; nothing: vectors alone
  index::Look look;                              ///< the plan's, no deeper than there are rows and limits
  std::uint32_t look_k = 1;                      ///< the k that it was chosen for

  /// Before codes or originals are read in bulk.
  void expect_scans() const noexcept {
    std::call_once(scans_, [this] { reader.expect_stretches(); });
  }
  [[nodiscard]] Result<engine::PlanText> plan() const;
  /// One line about the plan.
  [[nodiscard]] std::string in_words(const engine::PlanText& plan) const;
  /// The name of the originals kept; empty: none are.
  [[nodiscard]] std::string_view originals_name() const noexcept;
  [[nodiscard]] double code_bytes_per_row() const noexcept;
  /// The plan's look for another k.
  [[nodiscard]] index::Look look_for(std::uint32_t k) const noexcept;
  [[nodiscard]] Result<std::vector<Certificate>> certificates() const;
  /// Rows that a condition holds for.
  [[nodiscard]] Result<SelectedRows> rows_where(std::string_view condition) const;
  /// Of an index that is not flat; read and checked when they are first asked for, since centroids may be large.
  [[nodiscard]] Result<const index::Lists*> lists() const;
  /// Of an index that is one; likewise, the lines not yet checked.
  [[nodiscard]] Result<const index::graph::Links*> links() const;
  /// As index::flat_search and graph_search, over codes that have been verified, or index::ivf_search, which verifies
  /// what it reads; the best rows ranked by the originals where the look asks for it.
  [[nodiscard]] Result<index::HitLists> search(std::span<const float> prepared, const index::SearchOptions& options,
                                               base::ThreadPool& pool, index::SearchTimes* times = nullptr) const;
  /// Decodes rows by their numbers.
  [[nodiscard]] Status decode(codec::Range rows, std::span<float> out) const;

 private:
  [[nodiscard]] Result<index::HitLists> search_codes(std::span<const float> prepared,
                                                     const index::SearchOptions& options, base::ThreadPool& pool,
                                                     index::SearchTimes* times) const;
  [[nodiscard]] Status decode_from_lists(codec::Range rows, std::span<float> out) const;

  using Words = std::shared_ptr<const std::vector<std::uint64_t>>;
  struct ListedRows {
    Words words;
    std::shared_ptr<const index::ListFilter> filter;  // null until a search asked for it
  };
  /// What lists make of the words of a condition that was asked lately; null where they are none of these.
  [[nodiscard]] Result<std::shared_ptr<const index::ListFilter>> filter_of(
      std::span<const std::uint64_t> allowed) const;
  void remember(const Words& words) const;

  mutable std::mutex conditions_mutex_;
  mutable std::vector<ListedRows> conditions_;  // of lists: the last asked, the latest first
  mutable std::once_flag scans_;
  mutable std::once_flag opened_lists_;
  mutable std::optional<Result<index::Lists>> lists_;
  mutable std::once_flag opened_links_;
  mutable std::optional<Result<index::graph::Links>> links_;
  mutable std::optional<index::CheckedLists> checked_;  // once lists are opened
  mutable std::once_flag inverted_;
  mutable Result<std::vector<std::uint32_t>> positions_;  // by row, once rows of lists have been decoded
};

/// For the free functions of the API, which need the insides.
struct ArtifactAccess {
  static const Artifact::State& state(const Artifact& artifact) noexcept { return *artifact.state_; }
};

namespace engine {

/// The original vectors that an exact answer needs: `base` when named (checked against rows and dimensions), else those
/// kept in the artifact; `invalid_argument` when there are neither. Kept ones are read through the artifact, which must
/// outlive them.
[[nodiscard]] Result<std::unique_ptr<data::VectorSource>> originals_of(const Artifact::State& state,
                                                                       const std::filesystem::path& base,
                                                                       const InputOptions& input = {});

}  // namespace engine
}  // namespace attar
