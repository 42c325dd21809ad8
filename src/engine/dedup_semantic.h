// Duplicates by meaning: SemDeDup (Abbas et al. 2023) over the vectors of an encoder.
#pragma once

#include <cstdint>
#include <vector>

#include "attar/corpus.h"
#include "engine/corpus_file.h"
#include "engine/near_reader.h"

namespace attar::engine {

/// Leaves out the documents whose vectors have a cosine above options.semantic with one that is kept, or with one that
/// it stands for. Vectors fall into clusters by k-means, some 4,096 each, and are compared within them alone; what is
/// left then falls into others, so that few pairs are parted both times. The first stays, or the longest. Lines that
/// stand for themselves in `kept_by` take part; those that go get another line there and Fate::semantic.
[[nodiscard]] Status drop_alike(CorpusFile& corpus, const DedupOptions& options, base::ThreadPool& pool,
                                Progress& progress, std::vector<std::uint32_t>& kept_by, std::vector<Fate>& fates,
                                std::uint64_t& compared);

}  // namespace attar::engine
