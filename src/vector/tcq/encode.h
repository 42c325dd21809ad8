// tcq's encoder: rows to rings, scales and tail norms.
#pragma once

#include <memory>

#include "codec/codec.h"
#include "vector/tcq/model.h"

namespace attar::vector::tcq {

[[nodiscard]] Result<std::unique_ptr<codec::Encoder>> make_encoder(std::shared_ptr<const TcqModel> model,
                                                                   const codec::Schema& schema, base::Sink& sink,
                                                                   base::ThreadPool& pool);

}  // namespace attar::vector::tcq
