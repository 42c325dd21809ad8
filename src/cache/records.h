// The records of a cache's file, and their bytes: spec.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "cache/outcomes.h"
#include "cache/policy.h"

namespace attar::cache {

inline constexpr std::size_t file_header_bytes = 16, record_header_bytes = 24;
inline constexpr std::uint32_t most_payload = 1u << 26, most_dims = 65'536;
inline constexpr std::size_t most_waiting = 1024;

/// What a lookup ended in.
enum class Verdict : std::uint8_t { exact, served, explored, unsure, gated, empty };
inline constexpr std::size_t verdict_count = 6;

/// What a caller says of the nearest entry's answer, once the true one is known.
enum class Outcome : std::uint8_t { by_bytes, same, other };

struct Settings {
  double error = 0.02;
  std::uint64_t seed = 1;
  std::uint64_t max_bytes = 0;
  std::uint64_t max_entries = 0;
  std::uint32_t dims = 0;
  std::string digest;  ///< of the encoder, 64 characters
  std::string encoder;

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// A lookup that waits for its outcome.
struct Waiting {
  std::uint64_t key = 0;
  std::uint64_t entry = 0;
  double charge = 0;
  Features x{};
};

/// All that entries do not hold.
struct Learned {
  std::uint64_t prompts = 0;
  std::array<std::uint64_t, verdict_count> verdicts{};
  std::uint64_t next_entry = 1, next_answer = 1;
  double charged = 0;
  OutcomeModel model;
  RiskTable risks;
  std::vector<Waiting> waiting;
};

struct AnswerRecord {
  std::uint64_t answer = 0;
  std::string text;
};

struct EntryRecord {
  std::uint64_t entry = 0, answer = 0, hits = 0, last_used = 0;
  Offset offset;
  std::vector<std::int8_t> vector;
  std::string prompt;
};

struct Lookup {
  std::uint64_t key = 0;
  std::uint64_t entry = 0;  ///< 0: none
  Verdict verdict = Verdict::empty;
  double log_odds = 0, risk = 0, charge = 0;
  Features x{};
};

struct Put {
  std::uint64_t entry = 0, answer = 0;
  Outcome outcome = Outcome::by_bytes;
  std::vector<std::int8_t> vector;
  std::string prompt;
  std::optional<std::string> text;  ///< of the answer, where it is new
};

struct Removal {
  std::vector<std::uint64_t> entries;
};

using Record = std::variant<Settings, Learned, AnswerRecord, EntryRecord, Lookup, Put, Removal>;

/// The bytes at the front of a file.
[[nodiscard]] std::vector<std::byte> file_header();
/// `corrupt` or `too_new` where they are others.
[[nodiscard]] Status check_file_header(base::ByteView file);

/// A record with its size, kind and checksums.
[[nodiscard]] std::vector<std::byte> bytes_of(const Record& record);

/// Reads record after record.
class RecordCursor {
 public:
  /// `file` begins with a header that was checked.
  explicit RecordCursor(base::ByteView file) noexcept : file_(file) {}

  /// The next record; nothing at the end, which is also where a crash left an unfinished one. `dims`: of the vectors.
  [[nodiscard]] Result<std::optional<Record>> next(std::uint32_t dims);
  /// Behind the last record read.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  base::ByteView file_;
  std::uint64_t position_ = file_header_bytes;
};

}  // namespace attar::cache
