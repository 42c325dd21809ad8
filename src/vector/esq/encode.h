// esq's encoder: rows to walks and finishes.
#pragma once

#include <memory>

#include "codec/codec.h"
#include "vector/esq/model.h"

namespace attar::vector::esq {

/// A row's scale is at most so many times its norm: a code that hardly tells its direction must not top every query.
inline constexpr double most_gain = 4;

/// What a row's scale is beside its norm, ⟨z,ẑ⟩ / ⟨z,z⟩ being the code's match: inner products are right on average.
[[nodiscard]] inline double gain_for(double match) noexcept {
  return match > 1 / most_gain ? 1 / match : match > 0 ? most_gain : 0;
}

[[nodiscard]] Result<std::unique_ptr<codec::Encoder>> make_encoder(std::shared_ptr<const EsqModel> model,
                                                                   const codec::Schema& schema, base::Sink& sink,
                                                                   base::ThreadPool& pool);

}  // namespace attar::vector::esq
