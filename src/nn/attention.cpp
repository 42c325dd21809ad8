#include "nn/attention.h"

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "nn/rows.h"
#include "simd/lanes.h"

namespace attar::nn {
namespace {

// Queries whose scores stay in the second cache; a multiple of the kernels' six.
constexpr std::size_t queries_together = 48;

class Head {
 public:
  Head(const AttentionTask& task, std::size_t head, FloatTileKernel kernel, AttentionScratch& scratch)
      : task_(task),
        width_(task.heads * task.size),
        queries_(task.projected + head * task.size),
        keys_(queries_ + width_),
        values_(keys_ + width_),
        out_(task.out + head * task.size),
        kernel_(kernel),
        scratch_(scratch) {}

  void run() {
    lay_out_keys();
    for (std::size_t first = 0; first < task_.tokens; first += queries_together)
      mix(first, std::min(queries_together, task_.tokens - first));
  }

 private:
  // Keys beside each other, so that one register holds a component of sixteen; those beyond the last are zero.
  void lay_out_keys() {
    const std::size_t panel_size = task_.size * panel_columns;
    const std::size_t room = base::round_up(task_.tokens, panel_columns);
    for (std::size_t token = 0; token < room; ++token) {
      float* to = scratch_.keys.data() + token / panel_columns * panel_size + token % panel_columns;
      const float* key = keys_ + token * 3 * width_;
      for (std::size_t d = 0; d < task_.size; ++d) to[d * panel_columns] = token < task_.tokens ? key[d] : 0.0f;
    }
  }

  void mix(std::size_t first, std::size_t count) {
    const std::size_t stride = simd::whole_lanes(task_.tokens);
    for (std::size_t key = 0; key < task_.tokens; key += panel_columns)
      kernel_({.a = queries_ + first * 3 * width_,
               .rows = count,
               .a_stride = 3 * width_,
               .b = scratch_.keys.data() + key * task_.size,
               .b_stride = panel_columns,
               .depth = task_.size,
               .columns = std::min(panel_columns, task_.tokens - key),
               .out = scratch_.scores.data() + key,
               .out_stride = stride});
    const float factor = 1.0f / std::sqrt(static_cast<float>(task_.size));
    float sums[queries_together];
    for (std::size_t i = 0; i < count; ++i)
      sums[i] = exponentials(scratch_.scores.data() + i * stride, task_.tokens, factor);
    for (std::size_t column = 0; column < task_.size; column += panel_columns)
      kernel_({.a = scratch_.scores.data(),
               .rows = count,
               .a_stride = stride,
               .b = values_ + column,
               .b_stride = 3 * width_,
               .depth = task_.tokens,
               .columns = std::min(panel_columns, task_.size - column),
               .out = out_ + first * width_ + column,
               .out_stride = width_});
    for (std::size_t i = 0; i < count; ++i) {
      const float share = 1.0f / sums[i];
      float* row = out_ + (first + i) * width_;
      for (std::size_t d = 0; d < task_.size; ++d) row[d] *= share;
    }
  }

  const AttentionTask& task_;
  std::size_t width_;
  const float *queries_, *keys_, *values_;
  float* out_;
  FloatTileKernel kernel_;
  AttentionScratch& scratch_;
};

}  // namespace

void attend(const AttentionTask& task, FloatTileKernel kernel, AttentionScratch& scratch) {
  scratch.keys.reserve(base::round_up(task.tokens, panel_columns) * task.size);
  scratch.scores.reserve(queries_together * simd::whole_lanes(task.tokens));
  for (std::size_t head = 0; head < task.heads; ++head) Head(task, head, kernel, scratch).run();
}

}  // namespace attar::nn
