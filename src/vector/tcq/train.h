// tcq's training: covariance, weighting, principal components, and the price of every rate.
#pragma once

#include <memory>

#include "codec/codec.h"
#include "vector/tcq/model.h"

namespace attar::vector::tcq {

[[nodiscard]] Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec& codec,
                                                                   const codec::Schema& schema,
                                                                   const codec::TrainContext& context);

/// Exact size of a codes section.
[[nodiscard]] std::uint64_t codes_bytes(const codec::Schema& schema, const Shape& shape, std::uint8_t scale_bytes);

}  // namespace attar::vector::tcq
