#include "simd/rans.h"

#include <cstring>

namespace attar::simd {
namespace detail {

namespace {

template <bool trellis>
const std::uint16_t* decode_rest(const RansDecoding& task, const std::uint16_t* words, std::size_t first) noexcept {
  for (std::size_t i = first; i < task.count; ++i) {
    std::uint32_t& state = task.states[i % task.lanes];
    std::size_t context = task.contexts[i];
    if constexpr (trellis) {
      context |= task.trellis[i % task.lanes] & 1;
      task.full_contexts[i] = static_cast<std::uint8_t>(context);
    }
    const std::uint32_t entry = task.table[(context << rans_bits) + (state & rans_mask)];
    task.out[i] = static_cast<std::uint8_t>(entry);
    if constexpr (trellis) task.trellis[i % task.lanes] = rans_next_state(task.trellis[i % task.lanes], entry);
    state = ((entry >> 8 & rans_mask) + 1) * (state >> rans_bits) + (entry >> 20);
    if (state >= rans_least) continue;
    if (words == task.end) return nullptr;
    std::uint16_t word = 0;
    std::memcpy(&word, words++, sizeof word);
    state = state << 16 | word;
  }
  return words;
}

}  // namespace

const std::uint16_t* rans_decode_rest(const RansDecoding& task, const std::uint16_t* words,
                                      std::size_t first) noexcept {
  return task.trellis != nullptr ? decode_rest<true>(task, words, first) : decode_rest<false>(task, words, first);
}

std::uint16_t* rans_encode_range(const RansEncoding& task, std::uint16_t* words, std::size_t first,
                                 std::size_t last) noexcept {
  for (std::size_t i = last; i > first;) {
    --i;
    std::uint32_t& state = task.states[i % task.lanes];
    const std::uint32_t entry = task.table[std::size_t{task.contexts[i]} * rans_symbols + task.symbols[i]];
    const std::uint32_t frequency = entry & 0xffff, start = entry >> 16;
    if (state >> (32 - rans_bits) >= frequency) {
      const auto word = static_cast<std::uint16_t>(state);
      std::memcpy(--words, &word, sizeof word);
      state >>= 16;
    }
    state = (state / frequency << rans_bits) + state % frequency + start;
  }
  return words;
}

const std::uint16_t* rans_decode_scalar(const RansDecoding& task) noexcept {
  return rans_decode_rest(task, task.words, 0);
}

std::uint16_t* rans_encode_scalar(const RansEncoding& task) noexcept {
  return rans_encode_range(task, task.end, 0, task.count);
}

}  // namespace detail

const std::uint16_t* rans_decode(const RansDecoding& task, Level level) noexcept {
#if defined(__x86_64__)
  if (task.lanes >= rans_lanes && level >= Level::avx512) return detail::rans_decode_avx512(task);
  if (task.lanes >= rans_lanes && level >= Level::avx2) return detail::rans_decode_avx2(task);
#endif
  return detail::rans_decode_scalar(task);
}

std::uint16_t* rans_encode(const RansEncoding& task, Level level) noexcept {
#if defined(__x86_64__)
  if (task.lanes >= rans_lanes && level >= Level::avx512) return detail::rans_encode_avx512(task);
  if (task.lanes >= rans_lanes && level >= Level::avx2) return detail::rans_encode_avx2(task);
#endif
  return detail::rans_encode_scalar(task);
}

}  // namespace attar::simd
