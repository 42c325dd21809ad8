// Sets of shingles by text: in memory while they are few, then in a scratch file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/file.h"

namespace attar::text {

/// Reading is safe from many threads once all sets are there.
class SetStore {
 public:
  /// Holds about `memory` bytes of sets, besides twelve bytes a text.
  explicit SetStore(std::uint64_t memory) : memory_(memory) {}

  /// Texts come by ascending number; those between have empty sets.
  [[nodiscard]] Status add(std::uint32_t text, std::span<const std::uint64_t> set);

  [[nodiscard]] std::size_t size_of(std::uint32_t text) const noexcept {
    return text < sizes_.size() ? sizes_[text] : 0;
  }
  /// A text's set, in `scratch` where it lies in the file.
  [[nodiscard]] Result<std::span<const std::uint64_t>> set_of(std::uint32_t text,
                                                              std::vector<std::uint64_t>& scratch) const;
  [[nodiscard]] std::uint64_t spilled() const noexcept { return file_ ? file_->size() : 0; }

 private:
  [[nodiscard]] Status add_to_file(std::span<const std::uint64_t> set);

  std::uint64_t memory_, held_ = 0;
  std::vector<std::unique_ptr<std::uint64_t[]>> chunks_;
  std::size_t chunk_size_ = 0, chunk_used_ = 0;  // of the last one
  std::vector<std::uint64_t> places_;            // by text: chunk and place in it, or the file's
  std::vector<std::uint32_t> sizes_;
  std::optional<base::TemporaryFile> file_;
};

}  // namespace attar::text
