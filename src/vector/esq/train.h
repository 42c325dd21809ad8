// esq's training: a basis for the sample, and options at every rate.
#pragma once

#include <memory>

#include "codec/codec.h"

namespace attar::vector::esq {

[[nodiscard]] Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec& codec,
                                                                   const codec::Schema& schema,
                                                                   const codec::TrainContext& context);

}  // namespace attar::vector::esq
