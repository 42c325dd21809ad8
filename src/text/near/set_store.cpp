#include "text/near/set_store.h"

#include <algorithm>

namespace attar::text {
namespace {

constexpr std::size_t usual_chunk = 1 << 20;  // members
constexpr std::uint64_t in_file = std::uint64_t{1} << 63;

}  // namespace

Status SetStore::add(std::uint32_t text, std::span<const std::uint64_t> set) {
  places_.resize(text);
  sizes_.resize(text);
  sizes_.push_back(static_cast<std::uint32_t>(set.size()));
  if (file_ || held_ + set.size_bytes() > memory_) return add_to_file(set);
  if (chunk_used_ + set.size() > chunk_size_) {
    chunk_size_ = std::max(usual_chunk, set.size());
    chunks_.push_back(std::make_unique_for_overwrite<std::uint64_t[]>(chunk_size_));
    chunk_used_ = 0;
  }
  std::ranges::copy(set, chunks_.back().get() + chunk_used_);
  places_.push_back((chunks_.size() - 1) << 32 | chunk_used_);
  chunk_used_ += set.size();
  held_ += set.size_bytes();
  return {};
}

Status SetStore::add_to_file(std::span<const std::uint64_t> set) {
  if (!file_) {
    ATTAR_ASSIGN(file_, base::TemporaryFile::create());
  }
  places_.push_back(in_file | file_->size());
  return file_->write(std::as_bytes(set));
}

Result<std::span<const std::uint64_t>> SetStore::set_of(std::uint32_t text, std::vector<std::uint64_t>& scratch) const {
  const std::size_t size = size_of(text);
  if (size == 0) return std::span<const std::uint64_t>{};
  const std::uint64_t place = places_[text];
  if ((place & in_file) == 0) return std::span(chunks_[place >> 32].get() + (place & 0xffffffff), size);
  scratch.resize(size);
  ATTAR_TRY(file_->read_at(place & ~in_file, std::as_writable_bytes(std::span(scratch))));
  return std::span<const std::uint64_t>(scratch);
}

}  // namespace attar::text
