// Relevance of answers to judgements: hit rate, nDCG and reciprocal rank, as information retrieval defines them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "attar/result.h"
#include "data/text_lines.h"

namespace attar::engine {

/// Relevance of documents to one query, by row.
using Judged = std::unordered_map<std::uint32_t, std::int32_t>;

/// Values of every measure for one query: 1 if a relevant row is among the first k ("hit@k"), DCG with gains
/// `relevance` and discounts log2(rank + 1) over the ideal one ("ndcg@k"), and 1 / rank of the first relevant row among
/// all that were returned ("mrr"). Rows without a judgement count as irrelevant.
[[nodiscard]] std::map<std::string, double> relevance_of(const Judged& judged, std::span<const std::uint32_t> returned,
                                                         std::span<const std::uint32_t> ks);

/// The share of the relevant documents that is among the first k.
[[nodiscard]] double recall_of(const Judged& judged, std::span<const std::uint32_t> returned, std::uint32_t k);

}  // namespace attar::engine
