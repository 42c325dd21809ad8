#include "nn/bert.h"

#include <algorithm>

namespace attar::nn {
namespace {

// Tokens that pass the feed-forward part together: what they widen to stays in the second cache. A multiple of the
// kernels' six.
constexpr std::size_t tokens_together = 96;
// What attention may read beyond the last projected value.
constexpr std::size_t slack = 16;

}  // namespace

void Bert::forward(const TokenBatch& batch, BertScratch& scratch, std::span<float> out) const {
  if (batch.ids.empty()) return;
  prepare(batch.ids.size(), scratch);
  embed(batch, out);
  for (const Layer& layer : layers_) pass(layer, batch, scratch, out);
}

void Bert::prepare(std::size_t tokens, BertScratch& scratch) const {
  const std::size_t width = config_.hidden_size, together = std::min(tokens, tokens_together);
  scratch.projected_.reserve(tokens * 3 * width + slack);
  scratch.mixed_.reserve(tokens * width);
  scratch.change_.reserve(tokens * width);
  scratch.wide_.reserve(together * config_.intermediate_size);
  scratch.linear_.reserve(linear_scratch_);
}

void Bert::embed(const TokenBatch& batch, std::span<float> out) const {
  const std::size_t width = config_.hidden_size;
  std::size_t token = 0;
  for (const std::size_t end : batch.ends)
    for (std::size_t position = 0; token < end; ++token, ++position) {
      const auto row = out.subspan(token * width, width);
      data::widen(word_table_, std::uint64_t{batch.ids[token]} * width, row);
      const float* place = position_table_.data() + position * width;
      for (std::size_t d = 0; d < width; ++d) row[d] += place[d];
      add_and_normalise(row, type_, norm_of(embedding_norm_));
    }
}

void Bert::pass(const Layer& layer, const TokenBatch& batch, BertScratch& scratch, std::span<float> x) const {
  const std::size_t width = config_.hidden_size, tokens = batch.ids.size();
  float* projected = scratch.projected_.data();
  layer.project->apply({.rows = x.data(), .count = tokens, .out = projected, .scratch = scratch.linear_.data()});
  std::ranges::fill_n(projected + tokens * 3 * width, slack, 0.0f);
  std::size_t first = 0;
  for (const std::size_t end : batch.ends) {
    attend({.projected = projected + first * 3 * width,
            .tokens = end - first,
            .heads = config_.heads,
            .size = width / config_.heads,
            .out = scratch.mixed_.data() + first * width},
           kernel_, scratch.attention_);
    first = end;
  }
  layer.mix->apply({.rows = scratch.mixed_.data(),
                    .count = tokens,
                    .out = scratch.change_.data(),
                    .scratch = scratch.linear_.data()});
  for (std::size_t token = 0; token < tokens; ++token)
    add_and_normalise(x.subspan(token * width, width), {scratch.change_.data() + token * width, width},
                      norm_of(layer.after_attention));
  feed_forward(layer, scratch, x);
}

void Bert::feed_forward(const Layer& layer, BertScratch& scratch, std::span<float> x) const {
  const std::size_t width = config_.hidden_size, tokens = x.size() / width;
  for (std::size_t first = 0; first < tokens; first += tokens_together) {
    const std::size_t count = std::min(tokens_together, tokens - first);
    float *wide = scratch.wide_.data(), *change = scratch.change_.data();
    layer.widen->apply(
        {.rows = x.data() + first * width, .count = count, .out = wide, .scratch = scratch.linear_.data()});
    gelu({wide, count * config_.intermediate_size});
    layer.narrow->apply({.rows = wide, .count = count, .out = change, .scratch = scratch.linear_.data()});
    for (std::size_t i = 0; i < count; ++i)
      add_and_normalise(x.subspan((first + i) * width, width), {change + i * width, width}, norm_of(layer.after_feed));
  }
}

}  // namespace attar::nn
