#include "index/checked_lists.h"

#include "base/checked.h"

namespace attar::index {
CheckedLists::CheckedLists(const codec::View& view, const Lists& lists)
    : view_(view), lists_(lists), done_(new std::atomic<std::uint64_t>[base::ceil_div(lists.count(), 64)]()) {}

Status CheckedLists::verify(std::uint32_t list) const {
  const codec::Range rows = lists_.positions(list);
  if (rows.size() != 0) ATTAR_TRY(view_.verify(rows));
  done_[list / 64].fetch_or(std::uint64_t{1} << (list % 64), std::memory_order_relaxed);
  return {};
}

}  // namespace attar::index
