// The bands' entries of all texts: in memory while they are few, then one scratch file a band.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/file.h"

namespace attar::text {

/// A band's hash and the number of a text.
struct BandEntry {
  std::uint32_t hash = 0, text = 0;
};

class BandStore {
 public:
  /// At most about `memory` bytes are held, by add() and by read().
  BandStore(std::uint32_t bands, std::uint64_t memory);

  /// One hash a band. Texts come by ascending number.
  [[nodiscard]] Status add(std::uint32_t text, std::span<const std::uint32_t> hashes);

  /// Takes entries of a band by hash, then by number: all of one hash in one call, several hashes in each.
  using Take = std::function<Status(std::span<const BandEntry> entries)>;
  /// Gives a band's entries and drops them.
  [[nodiscard]] Status read(std::uint32_t band, const Take& take);

  /// Bytes that went to scratch files.
  [[nodiscard]] std::uint64_t spilled() const noexcept { return spilled_; }

 private:
  [[nodiscard]] Status spill();
  [[nodiscard]] Status read_file(std::uint32_t band, const Take& take);

  std::uint64_t memory_, held_ = 0, spilled_ = 0;
  std::vector<std::vector<BandEntry>> entries_;
  std::vector<base::TemporaryFile> files_;  // none, or one a band
  std::vector<BandEntry> scratch_;          // of the sort
};

}  // namespace attar::text
