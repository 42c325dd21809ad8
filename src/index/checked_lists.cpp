#include "index/checked_lists.h"

#include <algorithm>

#include "base/checked.h"

namespace attar::index {
namespace {

// Codecs score whole blocks of rows: neighbours in a list's first and last block are read along, and dropped.
constexpr std::uint64_t scored_together = 32;

}  // namespace

CheckedLists::CheckedLists(const codec::View& view, const Lists& lists)
    : view_(view), lists_(lists), done_(new std::atomic<std::uint64_t>[base::ceil_div(lists.count(), 64)]()) {}

Status CheckedLists::verify(std::uint32_t list) const {
  const codec::Range rows = lists_.positions(list);
  if (rows.size() != 0) {
    const std::uint64_t last = base::ceil_div(rows.last, scored_together) * scored_together;
    ATTAR_TRY(view_.verify({rows.first / scored_together * scored_together, std::min(last, view_.size())}));
  }
  done_[list / 64].fetch_or(std::uint64_t{1} << (list % 64), std::memory_order_relaxed);
  return {};
}

}  // namespace attar::index
