// List::each, apart from what a reader of postings.h wants to know.
#pragma once

#include "base/bits.h"
#include "index/lexical/postings.h"

namespace attar::index::lexical {

inline constexpr unsigned place_bits = 7;
static_assert(1u << place_bits == block_documents);

template <class Take>
bool List::each(std::size_t index, const Take& take) const noexcept {
  const ListBlock& block = blocks_[index];
  if (!dense_) {
    for (std::uint32_t i = 0; i < block.documents; ++i) {
      const Posting& posting = postings_[block.at + i];
      take(posting.document % block_documents, posting.count);
    }
    return true;
  }
  base::BitReader bits(bytes_, block.at);
  const std::uint32_t end = std::min(block_documents, documents_ - block.block * block_documents);
  std::uint32_t next = 0;
  for (std::uint32_t i = 0; i < block.documents; ++i) {
    const std::uint64_t code = bits.get(place_bits + block.width);
    const auto place = static_cast<std::uint32_t>(code & (block_documents - 1));
    if (place < next || place >= end) return false;
    next = place + 1;
    take(place, static_cast<std::uint32_t>(code >> place_bits) + 1);
  }
  return bits.sound();
}

}  // namespace attar::index::lexical
