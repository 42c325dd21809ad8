// The elements of a block as its cells know them: what reader and writer both do.
#pragma once

#include <span>
#include <vector>

#include "tensor/refined/cells.h"
#include "tensor/refined/frame.h"

namespace attar::tensor::refined {

/// Writes the elements in their own type, escapes as they are; `out` has the block's bytes.
void put_back(const Frame& frame, const Root& root, std::span<const float> middles, const Cells& cells,
              std::span<std::byte> out);

}  // namespace attar::tensor::refined
