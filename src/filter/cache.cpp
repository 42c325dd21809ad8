#include "filter/cache.h"

namespace attar::filter {
namespace {

// Of list, map and allocations, about.
constexpr std::uint64_t entry_bytes = 256;

}  // namespace

std::uint64_t KeptRows::bytes() const noexcept { return rows.bytes() + (words ? words->size() * 8 : 0); }

std::optional<KeptRows> RowCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->rows;
}

void RowCache::keep(const std::string& key, KeptRows rows) {
  const std::uint64_t bytes = rows.bytes() + key.size() + entry_bytes;
  const std::lock_guard lock(mutex_);
  if (const auto place = places_.find(key); place != places_.end()) drop(place->second);
  if (bytes > limit_) return;
  while (bytes_ + bytes > limit_) drop(std::prev(entries_.end()));
  entries_.push_front({.key = key, .rows = std::move(rows), .bytes = bytes});
  places_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
}

void RowCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  places_.erase(entry->key);
  entries_.erase(entry);
}

std::uint64_t RowCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::size_t RowCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace attar::filter
