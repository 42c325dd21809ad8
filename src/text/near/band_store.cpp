#include "text/near/band_store.h"

#include <algorithm>
#include <array>

#include "base/checked.h"

namespace attar::text {
namespace {

constexpr std::size_t read_entries = 1 << 16;

/// Sorts by hash and keeps the order of equal ones: three rounds of eleven bits.
void sort_by_hash(std::vector<BandEntry>& entries, std::vector<BandEntry>& scratch) {
  constexpr unsigned bits = 11;
  constexpr std::uint32_t mask = (1U << bits) - 1;
  scratch.resize(entries.size());
  for (unsigned shift = 0; shift < 32; shift += bits) {
    std::array<std::size_t, 1 << bits> places{};
    for (const BandEntry& entry : entries) ++places[entry.hash >> shift & mask];
    std::size_t sum = 0;
    for (std::size_t& place : places) place = std::exchange(sum, sum + place);
    for (const BandEntry& entry : entries) scratch[places[entry.hash >> shift & mask]++] = entry;
    entries.swap(scratch);
  }
}

}  // namespace

BandStore::BandStore(std::uint32_t bands, std::uint64_t memory) : memory_(memory), entries_(bands) {}

Status BandStore::add(std::uint32_t text, std::span<const std::uint32_t> hashes) {
  for (std::size_t band = 0; band < entries_.size(); ++band) entries_[band].push_back({hashes[band], text});
  held_ += entries_.size() * sizeof(BandEntry);
  return held_ <= memory_ ? Status{} : spill();
}

Status BandStore::spill() {
  for (std::size_t band = 0; band < entries_.size(); ++band) {
    if (files_.size() == band) {
      ATTAR_ASSIGN(base::TemporaryFile file, base::TemporaryFile::create());
      files_.push_back(std::move(file));
    }
    const auto bytes = std::as_bytes(std::span(entries_[band]));
    ATTAR_TRY(files_[band].write(bytes));
    spilled_ += bytes.size();
    entries_[band].clear();
  }
  held_ = 0;
  return {};
}

Status BandStore::read(std::uint32_t band, const Take& take) {
  if (!files_.empty()) {
    if (held_ != 0) ATTAR_TRY(spill());
    return read_file(band, take);
  }
  std::vector<BandEntry> entries = std::move(entries_[band]);
  sort_by_hash(entries, scratch_);
  return take(entries);
}

/// In rounds, each over the hashes of one range, so that what is sorted fits the memory.
Status BandStore::read_file(std::uint32_t band, const Take& take) {
  const base::TemporaryFile& file = files_[band];
  const std::uint64_t count = file.size() / sizeof(BandEntry);
  const std::uint64_t rounds =
      std::max<std::uint64_t>(base::ceil_div(4 * file.size(), std::max<std::uint64_t>(memory_, 1)), 1);
  std::vector<BandEntry> piece(std::min<std::uint64_t>(count, read_entries)), entries;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    entries.clear();
    for (std::uint64_t first = 0; first < count; first += piece.size()) {
      const std::span<BandEntry> read(piece.data(), std::min<std::uint64_t>(piece.size(), count - first));
      ATTAR_TRY(file.read_at(first * sizeof(BandEntry), std::as_writable_bytes(read)));
      for (const BandEntry& entry : read)
        if (entry.hash * rounds >> 32 == round) entries.push_back(entry);
    }
    sort_by_hash(entries, scratch_);
    ATTAR_TRY(take(entries));
  }
  return {};
}

}  // namespace attar::text
