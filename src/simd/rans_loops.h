// The loops over registers of states, once for every instruction set: a file of one includes this inside its target
// region, so that what is made of the templates there may use it. `Set` has the registers and what is done with them:
//   Register, width          a register of 32-bit states, and how many
//   load, save               states from and to memory
//   contexts                 of the symbols from a place on
//   full_contexts            the same with the unions that trellises are in; writes them down, too
//   entries                  the table's entries of states in contexts
//   put_symbols              writes an entry's symbols
//   next                     what the states become by their entries; reads words
//   moved                    what trellises become by their entries
//   encoded                  one step back of the symbols from a place on; puts words in front
#pragma once

#include "simd/rans.h"

namespace attar::simd::detail {

/// Registers of states, from memory and back.
template <class Set, std::size_t Registers>
struct RansStates {
  typename Set::Register values[Registers];

  void load(const std::uint32_t* from) noexcept {
    for (std::size_t r = 0; r < Registers; ++r) values[r] = Set::load(from + r * Set::width);
  }
  void save(std::uint32_t* to) const noexcept {
    for (std::size_t r = 0; r < Registers; ++r) Set::save(to + r * Set::width, values[r]);
  }
};

template <class Set, std::size_t Registers, bool along_trellis>
const std::uint16_t* rans_decode_lanes(const RansDecoding& task) noexcept {
  constexpr std::size_t width = Set::width, lanes = Registers * width;
  RansStates<Set, Registers> states, trellises;
  states.load(task.states);
  if constexpr (along_trellis) trellises.load(task.trellis);
  const std::uint16_t* words = task.words;
  std::size_t i = 0;
  // The kernels read whole registers of words.
  for (; i + lanes <= task.count && task.end - words >= static_cast<std::ptrdiff_t>(lanes); i += lanes) {
    typename Set::Register found[Registers];
    for (std::size_t r = 0; r < Registers; ++r) {
      if constexpr (along_trellis)
        found[r] = Set::entries(task, states.values[r], Set::full_contexts(task, trellises.values[r], i + r * width));
      else
        found[r] = Set::entries(task, states.values[r], Set::contexts(task, i + r * width));
    }
    for (std::size_t r = 0; r < Registers; ++r) {
      Set::put_symbols(task.out + i + r * width, found[r]);
      if constexpr (along_trellis) trellises.values[r] = Set::moved(trellises.values[r], found[r]);
      states.values[r] = Set::next(states.values[r], found[r], words);
    }
  }
  states.save(task.states);
  if constexpr (along_trellis) trellises.save(task.trellis);
  return rans_decode_rest(task, words, i);
}

template <class Set, std::size_t Registers>
std::uint16_t* rans_encode_lanes(const RansEncoding& task) noexcept {
  constexpr std::size_t width = Set::width, lanes = Registers * width;
  const std::size_t whole = task.count / lanes * lanes;
  std::uint16_t* words = rans_encode_range(task, task.end, whole, task.count);
  RansStates<Set, Registers> states;
  states.load(task.states);
  for (std::size_t i = whole; i > 0; i -= lanes)
    for (std::size_t r = Registers; r-- > 0;)
      states.values[r] = Set::encoded(task, states.values[r], i - lanes + r * width, words);
  states.save(task.states);
  return words;
}

/// Streams of rans_lanes states, or of rans_most_lanes.
template <class Set>
const std::uint16_t* rans_decode_with(const RansDecoding& task) noexcept {
  constexpr std::size_t few = rans_lanes / Set::width, many = rans_most_lanes / Set::width;
  if (task.trellis != nullptr)
    return task.lanes == rans_lanes ? rans_decode_lanes<Set, few, true>(task)
                                    : rans_decode_lanes<Set, many, true>(task);
  return task.lanes == rans_lanes ? rans_decode_lanes<Set, few, false>(task)
                                  : rans_decode_lanes<Set, many, false>(task);
}

template <class Set>
std::uint16_t* rans_encode_with(const RansEncoding& task) noexcept {
  return task.lanes == rans_lanes ? rans_encode_lanes<Set, rans_lanes / Set::width>(task)
                                  : rans_encode_lanes<Set, rans_most_lanes / Set::width>(task);
}

}  // namespace attar::simd::detail
