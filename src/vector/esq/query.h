// A prepared query as the integers that esq's kernels multiply with.
#pragma once

#include <vector>

#include "vector/common/basis.h"
#include "vector/esq/kernel.h"
#include "vector/esq/model.h"

namespace attar::vector::esq {

struct RoundedQuery {
  RoundedQuery(const EsqModel& model, PreparedQuery query);

  float base = 0;           ///< ⟨q, c⟩
  float walk_factor = 0;    ///< what 1 of a sum stands for
  float finish_factor = 0;  ///< the same in the finish
  WalkQuery walk;
  std::vector<std::int16_t> finish;  ///< [group][finish_place]

 private:
  void round_walk(const Shape& shape, std::span<const float> components, double scale);
  void round_finish(const Shape& shape, std::span<const float> components, double scale, std::int32_t range);
};

}  // namespace attar::vector::esq
