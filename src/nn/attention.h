// Self-attention of one text, all heads, in floats.
#pragma once

#include <cstddef>

#include "nn/aligned.h"
#include "nn/float_tile.h"

namespace attar::nn {

/// Room for attend(), kept from text to text.
struct AttentionScratch {
  AlignedBuffer<float> keys;    // [panel of keys][component][key]
  AlignedBuffer<float> scores;  // some queries × all keys
};

/// One text's tokens. Reading goes up to 15 floats beyond the last value of `projected`, which must be there.
struct AttentionTask {
  const float* projected = nullptr;  ///< tokens × (queries, keys, values: each heads · size)
  std::size_t tokens = 0;            ///< at least 1
  std::size_t heads = 0;
  std::size_t size = 0;  ///< of a head
  float* out = nullptr;  ///< tokens × heads · size
};

/// out = softmax(q·kᵀ / √size)·v for each head.
void attend(const AttentionTask& task, FloatTileKernel kernel, AttentionScratch& scratch);

}  // namespace attar::nn
