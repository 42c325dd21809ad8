// opq's training: eigenvalue allocation, k-means, and the price of each rate.
#pragma once

#include <memory>

#include "codec/codec.h"

namespace attar::vector::opq {

[[nodiscard]] Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec& codec,
                                                                   const codec::Schema& schema,
                                                                   const codec::TrainContext& context);

}  // namespace attar::vector::opq
