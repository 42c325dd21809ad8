// Corpora of texts before they are used: near-duplicates out, documents like a target chosen, documents packed into
// windows. Inputs are JSON lines, or plain text with a document a line, of any size; "-" is standard input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

/// How a corpus is read, whatever is done with it.
struct CorpusOptions {
  /// Of JSON records: the fields of the text, with an empty line between; empty: the first of text, body, content,
  /// description, abstract that holds a text.
  std::vector<std::string> text_fields = {};
  unsigned threads = 0;  ///< 0: one per available core
  /// Working memory to aim at, besides some 80 bytes a line; what does not fit goes to scratch files in $TMPDIR.
  std::uint64_t memory_bytes = 1ULL << 30;
  Progress* progress = nullptr;
};

/// A line that was left out, for it has no text.
struct SkippedLine {
  std::uint64_t line = 0;  ///< counted from 1
  std::string reason;
};

/// What was read. Blank lines are no documents.
struct CorpusCounts {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;                 ///< of the input
  std::uint64_t skipped = 0;               ///< lines without a text
  std::vector<SkippedLine> first_skipped;  ///< the first ten of them
};

/// What texts are compared by: runs of words or of characters.
struct Shingles {
  enum class Unit : std::uint8_t { words, characters };
  Unit unit = Unit::words;
  std::uint32_t size = 3;  ///< 1 to 64

  /// In the form that parse_shingles() reads.
  [[nodiscard]] std::string text() const;
};

/// "3w": three words; "8c": eight characters. `invalid_argument` names the valid forms.
[[nodiscard]] Result<Shingles> parse_shingles(std::string_view text);

/// Which document stands for its cluster. Of exact duplicates it is always the first.
enum class Keep : std::uint8_t { first, longest };

struct DedupOptions {
  CorpusOptions corpus = {};
  /// The Jaccard similarity of the sets of shingles from which two texts are near-duplicates, in (0, 1]; 0: only exact
  /// duplicates go, equal texts but for case, blanks and punctuation.
  double near = 0.8;
  Shingles shingles = {};
  /// The chance to miss a pair of exactly that similarity is at most this; more alike pairs are missed more rarely.
  double miss = 0.001;
  std::uint32_t permutations = 256;  ///< at most, of MinHash; 1 to 4096
  /// The cosine of two texts' vectors above which the later is left out as well (SemDeDup), in (0, 1); 0: not asked.
  double semantic = 0;
  std::string encoder = {};  ///< as in PackDocumentsOptions; for `semantic`
  Keep keep = Keep::first;
  /// Where clusters of more than one document go, as JSON lines in the order of the kept ones; empty: nowhere.
  std::filesystem::path clusters = {};
};

struct DedupReport {
  CorpusCounts corpus;
  std::uint64_t kept = 0;
  std::uint64_t exact = 0, near = 0, semantic = 0;  ///< documents left out, by what found them
  std::uint64_t clusters = 0;                       ///< of more than one document
  std::uint32_t bands = 0, rows = 0;                ///< of MinHash; 0: not asked
  double chance_to_miss = 0;                        ///< of a pair at the threshold
  std::uint64_t pairs_offered = 0;   ///< that shared a band and were not yet in one cluster, by every band
  std::uint64_t pairs_compared = 0;  ///< of these, exactly; the others differ in size by too much
  std::uint64_t vectors_compared = 0;
  std::uint64_t scratch_bytes = 0;
  double read_seconds = 0;  ///< reading and sketches
  double compare_seconds = 0;
  double semantic_seconds = 0;
  double write_seconds = 0;
};

/// Copies the input's lines, byte for byte and in their order, but for near-duplicates. Similarity is verified: what
/// goes has Jaccard ≥ near, by a chain of pairs, with the document that stands for it. MinHash and bands (Broder 1997,
/// Indyk and Motwani 1998), SemDeDup (Abbas et al. 2023). `invalid_data` where no line has a text. An empty output:
/// only the report.
[[nodiscard]] Result<DedupReport> dedup(const std::filesystem::path& input, const std::filesystem::path& output,
                                        const DedupOptions& options = {});

/// How much of a corpus is taken.
struct SelectBudget {
  enum class Unit : std::uint8_t {
    bytes,      ///< "10MB", "2GiB": of the lines that are written
    documents,  ///< "5000docs"
    tokens,     ///< "2Mtok", "500000tok"
  };
  std::uint64_t value = 0;
  Unit unit = Unit::bytes;
};

/// Reads "10MB", "5000docs", "2Mtok" and the like; k, M and G are 10³, 10⁶ and 10⁹. `invalid_argument` names the valid
/// forms.
[[nodiscard]] Result<SelectBudget> parse_select_budget(std::string_view text);

struct SelectOptions {
  CorpusOptions corpus = {};   ///< of the pool, and of the target
  std::filesystem::path like;  ///< the target: a corpus of examples
  SelectBudget budget = {};    ///< a ceiling, which is never exceeded
  std::string tokenizer = {};  ///< as in WindowsOptions; for a budget of tokens
  double near = 0;             ///< as in DedupOptions: of near-duplicates only the most alike is taken; 0: all
  Shingles shingles = {};
};

struct SelectReport {
  CorpusCounts corpus;
  CorpusCounts target;
  std::uint64_t target_bytes = 0;  ///< of its texts, as far as they are used
  std::uint64_t chosen = 0;
  std::uint64_t bytes = 0;   ///< of the lines chosen
  std::uint64_t tokens = 0;  ///< of their texts; 0 where the budget is not in tokens
  std::uint64_t near = 0;    ///< passed over as near-duplicates of a chosen one
  double nearest = 0;        ///< distance of the most alike document chosen
  double farthest = 0;       ///< of the least alike
  double pool_median = 0;    ///< of all documents
  double read_seconds = 0;   ///< reading and comparing
  double near_seconds = 0;
  double write_seconds = 0;
};

/// Copies the lines of the documents that are most like a target, byte for byte and in their order, as many as the
/// budget holds. Likeness is what the target saves when a document is compressed with it, as a share (after ZIP-FIT,
/// Obbad et al. 2024). A document that the rest of the budget cannot hold is passed over. An empty output: only the
/// report.
[[nodiscard]] Result<SelectReport> select_like(const std::filesystem::path& pool, const std::filesystem::path& output,
                                               const SelectOptions& options);

struct WindowsOptions {
  CorpusOptions corpus = {};
  std::uint32_t window = 4096;     ///< tokens, 16 to 2²⁴
  std::string tokenizer = {};      ///< "characters/4" (also the empty name), "wordpiece", or a tokenizer's file
  std::uint32_t per_document = 0;  ///< tokens that each document takes besides its own, such as one that ends it
  bool ids = false;                ///< write ids instead of texts: the records', else the lines' numbers
};

/// Windows that another way of packing needs, by the same token counts.
struct WindowsBaseline {
  std::uint64_t windows = 0;
  double fill = 0;        ///< tokens of all documents over those of all windows
  std::uint64_t cut = 0;  ///< documents that are cut
};

struct WindowsReport {
  CorpusCounts corpus;
  std::string tokenizer;
  bool estimated = false;    ///< the tokenizer does not follow a model's own rules
  std::uint64_t tokens = 0;  ///< of all documents, with what each takes besides
  std::uint64_t windows = 0;
  double fill = 0;
  std::uint64_t cut = 0;        ///< documents longer than a window; no other is cut
  std::uint64_t pieces = 0;     ///< made of these
  WindowsBaseline first_fit;    ///< in order, the same pieces
  WindowsBaseline concatenate;  ///< one behind the other, cut at every window's end
  double read_seconds = 0;      ///< reading and counting
  double fit_seconds = 0;
  double write_seconds = 0;
};

/// Packs documents into windows of so many tokens by best fit, decreasing (Ding et al. 2024): {"texts": […], "tokens":
/// n} a line and window, or "ids". A document longer than a window is cut into pieces of its size, at a blank where one
/// is near; no other is cut. An empty output: only the report.
[[nodiscard]] Result<WindowsReport> pack_windows(const std::filesystem::path& input,
                                                 const std::filesystem::path& output,
                                                 const WindowsOptions& options = {});

}  // namespace attar
