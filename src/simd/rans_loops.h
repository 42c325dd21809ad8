// The loops over registers of states, once for every instruction set: a file of one includes this inside its target
// region, so that what is made of the templates there may use it. `Set` has the registers and what is done with them:
//   Register, width          a register of 32-bit states, and how many
//   load, save               states from and to memory
//   entries                  the table's entries of the symbols from a place on
//   put_symbols              writes an entry's symbols
//   next                     what the states become by their entries; reads words
//   encoded                  one step back of the symbols from a place on; puts words in front
#pragma once

#include "simd/rans.h"

namespace attar::simd::detail {

template <class Set, std::size_t Registers>
const std::uint16_t* rans_decode_lanes(const RansDecoding& task) noexcept {
  constexpr std::size_t width = Set::width, lanes = Registers * width;
  typename Set::Register states[Registers];
  for (std::size_t r = 0; r < Registers; ++r) states[r] = Set::load(task.states + r * width);
  const std::uint16_t* words = task.words;
  std::size_t i = 0;
  // The kernels read whole registers of words.
  for (; i + lanes <= task.count && task.end - words >= static_cast<std::ptrdiff_t>(lanes); i += lanes) {
    typename Set::Register found[Registers];
    for (std::size_t r = 0; r < Registers; ++r) found[r] = Set::entries(task, states[r], i + r * width);
    for (std::size_t r = 0; r < Registers; ++r) {
      Set::put_symbols(task.out + i + r * width, found[r]);
      states[r] = Set::next(states[r], found[r], words);
    }
  }
  for (std::size_t r = 0; r < Registers; ++r) Set::save(task.states + r * width, states[r]);
  return rans_decode_rest(task, words, i);
}

template <class Set, std::size_t Registers>
std::uint16_t* rans_encode_lanes(const RansEncoding& task) noexcept {
  constexpr std::size_t width = Set::width, lanes = Registers * width;
  const std::size_t whole = task.count / lanes * lanes;
  std::uint16_t* words = rans_encode_range(task, task.end, whole, task.count);
  typename Set::Register states[Registers];
  for (std::size_t r = 0; r < Registers; ++r) states[r] = Set::load(task.states + r * width);
  for (std::size_t i = whole; i > 0; i -= lanes)
    for (std::size_t r = Registers; r-- > 0;) states[r] = Set::encoded(task, states[r], i - lanes + r * width, words);
  for (std::size_t r = 0; r < Registers; ++r) Set::save(task.states + r * width, states[r]);
  return words;
}

/// Streams of rans_lanes states, or of rans_most_lanes.
template <class Set>
const std::uint16_t* rans_decode_with(const RansDecoding& task) noexcept {
  return task.lanes == rans_lanes ? rans_decode_lanes<Set, rans_lanes / Set::width>(task)
                                  : rans_decode_lanes<Set, rans_most_lanes / Set::width>(task);
}

template <class Set>
std::uint16_t* rans_encode_with(const RansEncoding& task) noexcept {
  return task.lanes == rans_lanes ? rans_encode_lanes<Set, rans_lanes / Set::width>(task)
                                  : rans_encode_lanes<Set, rans_most_lanes / Set::width>(task);
}

}  // namespace attar::simd::detail
