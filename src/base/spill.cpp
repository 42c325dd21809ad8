#include "base/spill.h"

#include <algorithm>

namespace attar::base {

Status SpillBuffer::write(ByteView bytes) {
  memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  if (memory_.size() <= limit_) return {};
  if (!file_) {
    ATTAR_ASSIGN(auto created, TemporaryFile::create());
    file_.emplace(std::move(created));
  }
  ATTAR_TRY(file_->write(memory_));
  spilled_ += memory_.size();
  memory_.clear();
  return {};
}

Status SpillBuffer::copy_to(Sink& sink) const {
  constexpr std::uint64_t piece = 1u << 20;
  std::vector<std::byte> part(std::min(piece, spilled_));
  for (std::uint64_t at = 0; at < spilled_; at += piece) {
    const auto view = std::span(part).first(std::min(piece, spilled_ - at));
    ATTAR_TRY(file_->read_at(at, view));
    ATTAR_TRY(sink.write(view));
  }
  return sink.write(memory_);
}

}  // namespace attar::base
