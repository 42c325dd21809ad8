// Which lists' codes have had their checksums verified, so that a search reads no more of a file than it looks at.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "attar/result.h"
#include "codec/codec.h"
#include "index/lists.h"

namespace attar::index {

/// A bit a list. Const calls are safe from many threads; two that meet at one list may both verify it.
class CheckedLists {
 public:
  /// None is checked. View and lists belong together and outlive this.
  CheckedLists(const codec::View& view, const Lists& lists);

  /// Verifies the blocks of codes that scoring a list's rows may read; one relaxed load once that is done. The view's
  /// error where a checksum does not match, also when asked again.
  [[nodiscard]] Status check(std::uint32_t list) const {
    const bool done = (done_[list / 64].load(std::memory_order_relaxed) >> (list % 64) & 1) != 0;
    return done ? Status() : verify(list);
  }

 private:
  [[nodiscard]] Status verify(std::uint32_t list) const;

  const codec::View& view_;
  const Lists& lists_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> done_;
};

}  // namespace attar::index
