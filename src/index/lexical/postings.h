// The list of one term: which documents hold it, how often, and the largest impact of each block. spec.md has the
// bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "index/lexical/formula.h"

namespace attar::index::lexical {

struct Posting {
  std::uint32_t document = 0;
  std::uint32_t count = 0;  ///< 1 … most_count

  friend bool operator==(const Posting&, const Posting&) = default;
};

/// The list's bytes. `postings`: ascending documents; `codes`: of all documents' lengths.
[[nodiscard]] std::vector<std::byte> encode_list(std::span<const Posting> postings, std::span<const std::uint8_t> codes,
                                                 const Impacts& impacts);

/// A block of a list.
struct ListBlock {
  std::uint32_t block = 0;
  std::uint8_t largest = 0;     ///< impact of any of its documents
  std::uint32_t documents = 0;  ///< that hold the term
  std::uint32_t width = 0;      ///< bits of a count; dense lists
  std::uint64_t at = 0;         ///< dense lists: the bit where its documents begin; sparse: the first in `postings`
};

/// A list as a search needs it. Reads untrusted bytes: whatever they hold, blocks ascend and lie below the documents'
/// count.
class List {
 public:
  /// `holding`: documents in the list; `codes` and `impacts` are used for sparse lists alone, to find what is largest.
  /// `corrupt` where bytes contradict themselves or these numbers.
  [[nodiscard]] Status read(base::ByteView bytes, std::uint32_t holding, std::span<const std::uint8_t> codes,
                            const Impacts& impacts);

  [[nodiscard]] std::span<const ListBlock> blocks() const noexcept { return blocks_; }
  /// Calls take(place in the block, count) for the documents of blocks()[index]; places ascend strictly and are those
  /// of documents that exist. False where the block's documents are none.
  template <class Take>
  bool each(std::size_t index, const Take& take) const noexcept;

 private:
  [[nodiscard]] Status read_sparse(std::span<const std::uint8_t> codes, const Impacts& impacts);
  [[nodiscard]] Status read_dense(std::uint32_t documents);

  base::ByteView bytes_;
  std::uint32_t holding_ = 0, documents_ = 0;
  bool dense_ = false;
  std::vector<ListBlock> blocks_;
  std::vector<Posting> postings_;  // of a sparse list
};

}  // namespace attar::index::lexical

#include "index/lexical/postings_each.h"
