// Reads a corpus into clusters: exact duplicates by the names of texts, near ones by their shingles.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "attar/corpus.h"
#include "engine/corpus_file.h"
#include "text/near/clusters.h"
#include "text/near/shingles.h"

namespace attar::engine {

/// What became of a line: no document, or what may leave it out. `near` stands for all that exact equality has not
/// found.
enum class Fate : std::uint8_t { none, near, exact, semantic };

class NearReader {
 public:
  [[nodiscard]] static Result<NearReader> make(const DedupOptions& options);

  [[nodiscard]] Status read(CorpusFile& corpus, base::ThreadPool& pool, Progress& progress);
  /// Joins near-duplicates, if they are asked for.
  [[nodiscard]] Result<text::NearCounts> join(base::ThreadPool& pool, Progress& progress);

  [[nodiscard]] std::uint32_t lines() const noexcept { return static_cast<std::uint32_t>(clusters_.size()); }
  [[nodiscard]] const text::UnionFind& clusters() const noexcept { return clusters_; }
  /// Zeros where near-duplicates are not asked for.
  [[nodiscard]] text::BandLayout layout() const noexcept { return near_ ? near_->layout() : text::BandLayout{}; }
  /// Bytes of a line's text, at most 2³² − 1; known where the longest is kept.
  [[nodiscard]] std::uint32_t length_of(std::uint32_t line) const noexcept {
    return line < lengths_.size() ? lengths_[line] : 0;
  }
  [[nodiscard]] const std::vector<Fate>& fates() const noexcept { return fates_; }
  [[nodiscard]] std::vector<Fate> take_fates() noexcept { return std::move(fates_); }

 private:
  struct Document {
    std::uint32_t line = 0;  // of the block
    std::uint32_t first_unit = 0, units = 0;
    std::uint64_t name = 0;
    std::uint32_t length = 0;
    bool sketched = false;
  };
  // What the lines of one piece become. Cleared for the next block, so that its memory is used again.
  struct Piece {
    std::vector<Document> documents;
    std::vector<std::uint64_t> units, sets;
    std::vector<std::uint32_t> sizes, bands;  // of the sketched documents
  };
  // Of one worker.
  struct Tools {
    text::Shingler shingler;
    text::ShingleSet set;
    std::vector<std::uint32_t> signature;
  };

  NearReader(text::ShingleKind kind, bool lengths) : kind_(kind), with_lengths_(lengths) {}

  void take_text(std::size_t piece, std::size_t line, std::string_view text, unsigned worker);
  void name_documents(Piece& piece, std::uint32_t first_line);
  void sketch(Piece& piece, Tools& tools) const;
  [[nodiscard]] Status keep_sketches(const Piece& piece, std::uint32_t first_line);

  text::ShingleKind kind_;
  bool with_lengths_;
  std::vector<Piece> pieces_;
  std::vector<Tools> tools_;
  text::NameTable names_;
  text::UnionFind clusters_;
  std::optional<text::NearClusters> near_;
  std::vector<std::uint32_t> lengths_;
  std::vector<Fate> fates_;
};

}  // namespace attar::engine
