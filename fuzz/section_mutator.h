// For fuzzing of artifacts: damages one section at a time and keeps its length, so that a target can make the checksums
// right and have the damage reach what reads the section.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "../tests/format/container_bytes.h"
#include "base/random.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace attar::fuzzing {

inline void require(bool holds) {
  if (!holds) std::abort();
}

struct Place {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// The sections that lie inside the file.
inline std::vector<Place> sections_of(const format::raw::Bytes& file) {
  namespace raw = format::raw;
  std::vector<Place> out;
  if (!raw::has_directory(file)) return out;
  for (std::uint64_t i = 0; i < raw::get<std::uint32_t>(file, raw::count_at); ++i) {
    const std::uint64_t entry = raw::entry_at(file, i);
    const Place place{raw::get<std::uint64_t>(file, entry + raw::offset_in),
                      raw::get<std::uint64_t>(file, entry + raw::length_in)};
    if (place.length > 0 && place.offset <= file.size() && place.length <= file.size() - place.offset)
      out.push_back(place);
  }
  return out;
}

/// The body of LLVMFuzzerCustomMutator; one input of sixteen is changed anywhere.
inline std::size_t mutate_section(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  const auto input = std::as_bytes(std::span(data, size));
  const std::vector<Place> places = sections_of({input.begin(), input.end()});
  base::Random random(seed);
  if (places.empty() || random.below(16) == 0) return LLVMFuzzerMutate(data, size, max_size);
  const Place place = places[random.below(places.size())];
  const std::span section(data + place.offset, place.length);
  std::vector<std::uint8_t> changed(section.begin(), section.end());
  const std::size_t written = LLVMFuzzerMutate(changed.data(), changed.size(), changed.size());
  std::copy_n(changed.begin(), std::min<std::size_t>(written, changed.size()), section.begin());
  return size;
}

}  // namespace attar::fuzzing
