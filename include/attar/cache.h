// A semantic cache: answers of a language model, kept by prompt, and given again to prompts that mean the same, while
// the share of wrong ones stays below what the user allows (after vCache, Schroeder et al. 2025; what is promised, and
// why it holds, is in src/cache/spec.md).
//
//   auto cache = SemanticCache::open("answers.cache", {.error = 0.02});
//   auto found = cache->get(prompt);
//   if (!found->hit) { ask the model; cache->put(prompt, answer); }
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

struct CacheOptions {
  /// As in PackDocumentsOptions: empty for the one that the library carries, a folder, or "cmd:" and a command. A cache
  /// keeps vectors of one encoder; opened with another it is refused.
  std::string encoder = {};
  /// δ, in (0, 1): wrong answers served, as a share of all prompts, are in expectation at most so many. Nothing: as the
  /// cache has it, 0.02 for a new one.
  std::optional<double> error = {};
  /// Ceilings on the file, never exceeded, and on the entries: the least recently used go. At least 256 KiB. Nothing:
  /// as the cache has it, 1 GiB and a million for a new one.
  std::optional<std::uint64_t> max_bytes = {}, max_entries = {};
  /// Of the coins of a new cache. Whoever may choose prompts to do harm should not know it.
  std::uint64_t seed = 1;
  /// Prompts that differ in negation, numbers, units or names are never served each other's answers. Without: where
  /// answers are labels rather than texts, so that such differences seldom matter.
  bool gates = true;
  /// put() and remove() return when their record is on the disk. Lookups are written, but wait for no disk.
  bool sync = true;
  bool create = true;        ///< where there is none; else `io`
  double wait_seconds = 10;  ///< for another process to close the cache
};

enum class CacheReason : std::uint8_t {
  exact,     ///< a hit: the same prompt but for case, blanks and the mark at its end
  served,    ///< a hit: the answer of the nearest prompt
  explored,  ///< a miss that would have been served: its outcome tells how many errors are
  unsure,    ///< a miss: not probable enough
  gated,     ///< a miss: near prompts differ in negation, numbers, units or names
  empty,     ///< a miss: nothing is near
};
inline constexpr std::size_t cache_reasons = 6;

/// "exact", "served" …
[[nodiscard]] std::string_view cache_reason_name(CacheReason reason) noexcept;

struct CacheFound {
  bool hit = false;
  std::string answer;       ///< of a hit
  std::uint64_t entry = 0;  ///< whose answer was considered; 0: none
  std::string prompt;       ///< of that entry
  double similarity = 0;    ///< cosine with it
  double probability = 0;   ///< that its answer is right, as far as outcomes have taught; 0 where a gate decided
  CacheReason reason = CacheReason::empty;
  std::string gate;  ///< "negation", "number", "unit" or "name" where one decided
};

/// Whether the entry that get() considered has the right answer, known once the true one is there.
enum class CacheOutcome : std::uint8_t {
  by_bytes,  ///< the two are compared
  same,      ///< it is right, in other words: the prompt is kept with that answer
  other,     ///< it is wrong
};

struct CachePutOptions {
  CacheOutcome outcome = CacheOutcome::by_bytes;
  /// The entry that get() considered. `invalid_argument` where it was another; nothing: whatever it was.
  std::optional<std::uint64_t> after = {};
};

struct CacheStats {
  std::uint64_t entries = 0, answers = 0;
  std::uint64_t bytes = 0;  ///< of the file
  std::uint64_t max_bytes = 0, max_entries = 0;
  std::uint64_t prompts = 0;                         ///< asked
  std::array<std::uint64_t, cache_reasons> by = {};  ///< by CacheReason
  double error = 0;                                  ///< δ
  double wrong_estimate = 0;  ///< wrong answers served: an unbiased estimate from those explored; at most δ · prompts
  std::string encoder;

  [[nodiscard]] std::uint64_t hits() const noexcept { return by[0] + by[1]; }
};

/// For one thread at a time; the processes of a machine take turns.
class SemanticCache {
 public:
  struct State;

  /// Opens a cache, or makes one where the folder is new or empty; an empty path keeps it in memory alone. What a crash
  /// left unfinished is cut off. `corrupt` and `too_new` for a file that cannot be read, `io` where another process has
  /// it open, `invalid_argument` for another encoder.
  [[nodiscard]] static Result<SemanticCache> open(const std::filesystem::path& folder,
                                                  const CacheOptions& options = {});

  SemanticCache(SemanticCache&&) noexcept;
  SemanticCache& operator=(SemanticCache&&) noexcept;
  ~SemanticCache();

  /// Looks a prompt up. `vector`: of the prompt, dims floats, where the caller has it; else the encoder makes it.
  [[nodiscard]] Result<CacheFound> get(std::string_view prompt, std::span<const float> vector = {});

  /// Keeps the true answer of a prompt; after a miss this is also the outcome that the cache learns from. Also after a
  /// hit, where its answer turned out wrong. Returns the new entry. `over_limit` for what passes the cache's ceiling
  /// alone.
  [[nodiscard]] Result<std::uint64_t> put(std::string_view prompt, std::string_view answer,
                                          const CachePutOptions& options = {}, std::span<const float> vector = {});

  /// Drops an entry; `invalid_argument` where there is none of this number.
  [[nodiscard]] Status remove(std::uint64_t entry);

  [[nodiscard]] CacheStats stats() const;

 private:
  explicit SemanticCache(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

struct ReplayOptions {
  CacheOptions cache = {};
  std::filesystem::path into = {};  ///< the folder of a cache, which keeps what it learns; empty: in memory
  /// Fields of the records; empty: the first of prompt, question, query, text, and of answer, response, completion,
  /// category.
  std::string prompt_field = {}, answer_field = {};
  unsigned threads = 1;  ///< of encoding; 0: one per available core
  Progress* progress = nullptr;
};

struct ReplayReport {
  CacheStats stats;
  std::uint64_t prompts = 0;                         ///< of this replay, as are those below
  std::array<std::uint64_t, cache_reasons> by = {};  ///< by CacheReason
  std::uint64_t wrong = 0;                           ///< answers served that were not the true ones
  std::uint64_t wrong_exact = 0;                     ///< of these, served for exact repeats
  /// What no judge of the same candidates could pass: prompts whose considered entry had the right answer.
  std::uint64_t candidate_right = 0;
  std::uint64_t answer_known = 0;  ///< prompts whose true answer was in the cache
  std::uint64_t answer_bytes_saved = 0;
  double encode_seconds = 0;
  double lookup_seconds = 0;  ///< of one lookup, encoding apart: the median of the last 1,000
};

/// Plays a log of prompts and true answers (JSON lines, CSV or TSV), as if each prompt had been asked and each miss
/// been put: what a cache would have saved, and how often it would have been wrong.
[[nodiscard]] Result<ReplayReport> replay_cache(const std::filesystem::path& log, const ReplayOptions& options = {});

}  // namespace attar
