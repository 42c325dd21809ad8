// An opened artifact: search it, decode it, check it, describe it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "attar/certificate.h"
#include "attar/limits.h"
#include "attar/metric.h"
#include "attar/pack.h"
#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

struct OpenOptions {
  OpenLimits limits = {};
  bool mmap = true;  ///< false: a private copy, for files that others may write
};

/// A row found. Scores: inner product under cosine and ip (larger is nearer), squared distance under l2 (smaller is).
struct SearchHit {
  std::uint32_t row = 0;
  float score = 0;

  friend bool operator==(const SearchHit&, const SearchHit&) = default;
};

struct SearchOptions {
  std::uint32_t k = 10;
  unsigned threads = 1;             ///< 0: one per available core
  bool whole = false;               ///< score every row whole, where the plan takes a first look at part of each
  bool exact = false;               ///< score against the originals, kept in the file or in `base`
  std::filesystem::path base = {};  ///< originals for `exact`; empty: those kept in the file
  std::span<const std::uint64_t> allowed = {};  ///< bit r of word r/64: row r may be returned; empty: all may
  std::string where = {};                    ///< only rows that this holds for: docs/cli.md, "Conditions"; empty: all
  std::span<const std::uint32_t> skip = {};  ///< one row a query that is left out (its own), 0xffffffff: none
  Progress* progress = nullptr;              ///< of an exact search, which reads every original; may be null
};

/// Where the time of a search went, seconds. An exact search is all `filter` and `scan`.
struct SearchTimes {
  double filter = 0;   ///< finding the rows that `where` holds for
  double verify = 0;   ///< checksums of blocks seen for the first time
  double prepare = 0;  ///< transforms and tables of the queries
  double scan = 0;
};

struct SearchResult {
  std::uint32_t k = 0;
  std::vector<std::vector<SearchHit>> hits;  ///< by query, best first, at most k
  SearchTimes times;
  std::optional<std::uint64_t> passing;  ///< rows that `where` holds for, `allowed` aside; nothing without it
};

/// Rows that a condition holds for. Cheap to copy.
struct SelectedRows {
  std::shared_ptr<const std::vector<std::uint64_t>> words;  ///< as SearchOptions::allowed takes them; never null
  std::uint64_t count = 0;
  double seconds = 0;   ///< that it took
  bool cached = false;  ///< the same condition was asked before
};

/// A row's value in a field; dates in ISO 8601. The first: it has none.
using FieldValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// A field of attributes.
struct FieldInfo {
  std::string name;
  std::string type;  ///< "integer", "float", "boolean", "date" (days), "time" (seconds), "string" or "list of strings"
  std::uint64_t nulls = 0;                ///< rows without a value
  std::optional<std::uint64_t> distinct;  ///< values, where the field has a dictionary of them
  FieldValue least, most;                 ///< of numbers, dates and strings
  std::uint64_t bytes = 0;
  bool sorted = false;  ///< with a sorted order
};

struct ArtifactInfo {
  std::string path;
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  Metric metric = Metric::cosine;
  std::uint64_t bytes = 0;
  double bytes_per_row = 0;
  double code_bytes_per_row = 0;  ///< the codes section over the rows: codes, scales, norms under l2
  std::string codec;
  std::uint32_t format_version = 0;
  std::vector<Part> parts;
  std::vector<FieldInfo> fields;  ///< attributes
  std::string plan;               ///< in words
  std::string plan_json;          ///< what the file stores of its plan: goal, codec, settings, seed, digests
  std::vector<Certificate> certificates;
  bool certificate_stale = false;  ///< a certificate names another content than this file's
  bool has_ids = false;
  std::string originals;       ///< "", "i8", "f16" or "f32"
  std::string content_digest;  ///< 64 hexadecimal digits
};

class Artifact {
 public:
  struct State;  ///< the library's own

  [[nodiscard]] static Result<Artifact> open(const std::filesystem::path& path, const OpenOptions& options = {});

  /// An artifact in memory; the bytes must outlive it.
  [[nodiscard]] static Result<Artifact> open_bytes(std::span<const std::byte> bytes, const OpenOptions& options = {});

  Artifact(Artifact&&) noexcept;
  Artifact& operator=(Artifact&&) noexcept;
  ~Artifact();

  [[nodiscard]] std::uint64_t rows() const noexcept;
  [[nodiscard]] std::uint32_t dims() const noexcept;
  [[nodiscard]] Metric metric() const noexcept;
  [[nodiscard]] Result<ArtifactInfo> info() const;

  /// Queries: row-major, a multiple of dims() values, as the user has them (normalised here under cosine). Checks the
  /// codes' checksums before it first uses them: `corrupt` where one does not hold.
  [[nodiscard]] Result<SearchResult> search(std::span<const float> queries, const SearchOptions& options = {}) const;

  /// The rows that a condition holds for (docs/cli.md, "Conditions"); they are kept for later calls and searches.
  /// `invalid_argument` names the place of an error, the fields there are, or a field's type.
  [[nodiscard]] Result<SelectedRows> rows_where(std::string_view condition) const;
  /// A row's value in a field. `invalid_argument` beyond the last row, or for a field that there is not.
  [[nodiscard]] Result<FieldValue> field(std::uint32_t row, std::string_view name) const;

  /// The id of a row: its text where ids were packed, else its number. `invalid_argument` beyond the last row.
  [[nodiscard]] Result<std::string> id(std::uint32_t row) const;
  /// The first row that has this id (text where ids were packed, which are read through; else a row number), if any.
  [[nodiscard]] Result<std::optional<std::uint32_t>> row_of(const std::string& id) const;

  /// Reconstructed rows [first, first + out.size() / dims()), row-major; under cosine, of the normalised vectors.
  [[nodiscard]] Status decode(std::uint64_t first, std::span<float> out) const;

  /// Every checksum, digest and padding of the file, every id, the texts of plan and certificates. Threads 0: one per
  /// available core.
  [[nodiscard]] Status verify(unsigned threads = 0, Progress* progress = nullptr) const;

 private:
  friend struct ArtifactAccess;
  [[nodiscard]] static Result<Artifact> from(std::unique_ptr<State> state);
  [[nodiscard]] Result<SearchResult> search_where(std::span<const float> queries, const SearchOptions& options) const;
  explicit Artifact(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// What unpack() did.
struct UnpackReport {
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  bool compared = false;      ///< the originals were at hand (kept in the file, or given)
  double relative_error = 0;  ///< E‖x − x̂‖² / E‖x − mean‖², measured, when compared
  double mean_cosine = 0;     ///< mean of ⟨x, x̂⟩ / (‖x‖·‖x̂‖), measured, when compared
};

/// Writes the decoded vectors as .npy or .fvecs, whole or not at all. Under cosine they are the normalised ones.
[[nodiscard]] Result<UnpackReport> unpack(const Artifact& artifact, const std::filesystem::path& output,
                                          const std::filesystem::path& base = {}, Progress* progress = nullptr);

}  // namespace attar
