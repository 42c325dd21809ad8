// Quality measured on queries of the user's choice: recall against the truth, relevance against judgements, and a
// fresh certificate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/certificate.h"
#include "attar/result.h"

namespace attar {

struct EvaluateOptions {
  std::filesystem::path queries;     ///< required
  std::filesystem::path base = {};   ///< originals: the truth is computed, ties counted; empty: those kept in the file
  std::filesystem::path truth = {};  ///< .ivecs or .ibin of true rows, instead of base; ties past k count as missed
  std::filesystem::path qrels = {};  ///< judgements (TREC, BEIR TSV or JSONL), instead of or beside recall
  std::filesystem::path query_ids = {};  ///< ids of the queries for qrels, one a line; empty: row numbers
  std::string where = {};                ///< answers and truth among the rows that this holds for; not with `truth`
  std::vector<std::uint32_t> ks = {1, 10, 100};  ///< those above the number of rows are left out
  unsigned threads = 0;
  double confidence = 0.95;
  std::size_t worst = 5;  ///< how many of the worst queries to name
  InputOptions input = {};
  Progress* progress = nullptr;
};

/// A mean over queries with its two-sided interval, and how it spreads.
struct Measure {
  double mean = 0;
  double low = 0, high = 0;          ///< interval of the mean at the confidence asked for
  double p05 = 0, p50 = 0, p95 = 0;  ///< percentiles over queries
  double minimum = 0;
};

struct WorstQuery {
  std::uint64_t query = 0;
  double recall = 0;  ///< at the largest k
};

struct Evaluation {
  std::uint64_t queries = 0;
  std::map<std::uint32_t, Measure> recall;  ///< by k; empty when only judgements were given
  std::vector<WorstQuery> worst;
  /// "hit@1", "hit@10", "ndcg@10", "mrr" …, over the queries that have a relevant row in the judgements.
  std::map<std::string, Measure> relevance;
  double queries_per_second = 0;  ///< on `threads`, checksums of the first look included
};

/// Recall needs originals or true rows, relevance needs judgements; `invalid_argument` where neither is at hand.
[[nodiscard]] Result<Evaluation> evaluate(const Artifact& artifact, const EvaluateOptions& options);

struct CertifyOptions {
  std::filesystem::path queries;    ///< required: queries that the plan has not seen
  std::filesystem::path base = {};  ///< the file that was packed; empty: originals kept in the artifact
  std::optional<Floor> floor = {};  ///< empty: the floor of the plan, if it had one
  double confidence = 0.95;
  std::filesystem::path output = {};  ///< where to write a copy that carries the new certificate; may be the same file
  unsigned threads = 0;
  std::uint64_t seed = 1;
  InputOptions input = {};
  Progress* progress = nullptr;
};

/// A fresh certificate on new queries: all of them test, none tunes. `invalid_data` where `base` holds other vectors
/// than those that were packed.
[[nodiscard]] Result<Certificate> certify_again(const Artifact& artifact, const CertifyOptions& options);

/// What this machine and build are, for `attar doctor`.
struct Diagnosis {
  std::string version;
  std::string build;
  std::string features;              ///< of the processor
  std::string level;                 ///< kernels in force
  bool isa_request_refused = false;  ///< ATTAR_ISA names no level of this machine
  unsigned cores = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_available = 0;
  std::uint64_t scratch_available = 0;  ///< bytes free where scratch files go
  std::string scratch;
  std::vector<std::string> codecs;  ///< "tcq (wire 1–1): …"
  std::map<std::string, std::string> libraries;
};
[[nodiscard]] Diagnosis diagnose();

/// The certificate's claim or figure in one sentence, as `attar info` prints it; its `scope` says what that holds for.
[[nodiscard]] std::string describe(const Certificate& certificate);

/// Repeated searching, for bench/.
struct BenchOptions {
  std::uint32_t k = 10;
  std::string where = {};   ///< only rows that this holds for, found before the first round; empty: all
  std::uint32_t batch = 1;  ///< queries a call; kernels share a decoded block among up to 8
  double seconds = 1;       ///< a round
  unsigned rounds = 5;
  unsigned threads = 1;
};
/// Queries a second, one figure a round; checksums are done before the first.
[[nodiscard]] Result<std::vector<double>> bench(const Artifact& artifact, const Vectors& queries,
                                                const BenchOptions& options);

}  // namespace attar
