// The texts of an artifact's rows: compressed in groups, read piece by piece. spec.md has the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "format/section.h"

namespace attar::text {

inline constexpr std::uint16_t texts_wire_version = 1;

struct TextPacking {
  std::uint32_t group_bytes = 8u << 10;         ///< of text, filled by whole pieces; a piece may be longer
  std::uint32_t dictionary_bytes = 112u << 10;  ///< at most; 0: none
  int level = 15;                               ///< zstd's, 1 … 19
};

/// The section's bytes; the same for any number of threads. `over_limit` for a piece of 2²⁶ bytes or more,
/// `invalid_data` without a piece.
[[nodiscard]] Result<std::vector<std::byte>> pack_texts(std::span<const std::string_view> pieces,
                                                        const TextPacking& packing, base::ThreadPool& pool,
                                                        base::Progress& progress);

/// Const and safe to use from many threads at once; the section's bytes outlive it.
class Texts {
 public:
  /// Reads the header alone; `rows`: the schema's.
  [[nodiscard]] static Result<Texts> open(format::SectionReader section, std::uint64_t rows);

  /// The bytes of all pieces together.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// `invalid_argument` for a row that is not there.
  [[nodiscard]] Result<std::string> text(std::uint32_t row) const;
  /// Gives the texts of rows, ascending, each with its place among them; a group is read once.
  using Visit = std::function<Status(std::size_t place, std::string_view text)>;
  [[nodiscard]] Status visit(std::span<const std::uint32_t> rows, const Visit& visit) const;
  /// The same of rows [first, last).
  [[nodiscard]] Status visit(std::uint32_t first, std::uint32_t last, const Visit& visit) const;

  /// Reads every group.
  [[nodiscard]] Status check() const;

 private:
  struct Dictionary;
  struct Group {
    std::uint32_t first = 0, last = 0;  // pieces
    std::uint64_t begin = 0, end = 0;   // of the frame in the section
  };
  class Reading;

  explicit Texts(format::SectionReader section) : section_(std::move(section)) {}
  [[nodiscard]] Result<Group> group(std::uint32_t number) const;
  [[nodiscard]] Result<std::uint32_t> group_of(std::uint32_t row) const;

  format::SectionReader section_;
  std::uint32_t rows_ = 0, groups_ = 0, dictionary_bytes_ = 0, most_content_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t ends_at_ = 0, pieces_at_ = 0, frames_at_ = 0;
  std::shared_ptr<const Dictionary> dictionary_;  // read when it is first wanted
};

}  // namespace attar::text
