// What was measured on data that the plan never saw, and what may be concluded from it.
#pragma once

#include <cstdint>
#include <string>

#include "attar/metric.h"

namespace attar {

/// A measured claim about recall@k. Recalls and shares are in [0, 1]; digests are 64 hexadecimal digits (SHA-256).
struct Certificate {
  enum class Kind : std::uint8_t {
    mean,  ///< the mean recall over queries is at least `floor`
    tail,  ///< at least `share` of the queries reach a recall of `floor`
  };

  Kind kind = Kind::mean;
  Metric metric = Metric::cosine;
  std::uint32_t k = 0;
  double estimate = 0;  ///< measured: the mean recall (mean), or the share of queries that reach the floor (tail)
  double floor = 0;     ///< the recall that was asked for; 0 when none was
  double share = 0;     ///< tail: the share of queries that was asked to reach the floor; mean: 0
  /// One-sided, on what `estimate` estimates; holds with probability `confidence`. The claim itself where several plans
  /// were tested in sequence: a higher bound would be a second claim.
  double lower_bound = 0;
  double confidence = 0;  ///< 1 − δ, in (0, 1)
  bool passed = false;    ///< the claim asked for was shown; false where none was asked for

  std::uint64_t queries = 0;  ///< units measured: queries, near-duplicates counted once
  std::uint64_t queries_needed =
      0;  ///< the least number of units with which the claim could have passed; 0: nothing asked; 2⁶⁴ − 1: none could
  std::uint64_t queries_given = 0;  ///< queries in the whole log, before sampling and splitting
  std::uint32_t plans_tested = 1;   ///< plans tried in sequence on these queries, this one the last that passed
  bool proxy = false;               ///< rows of the base stood in for queries
  bool reused_log = false;          ///< the same queries had graded an earlier artifact
  std::uint64_t seed = 0;           ///< of shuffling and splitting

  std::string content_digest;  ///< of the artifact's sections other than this one; zeros for a plan that wrote none
  std::string queries_digest;  ///< of the whole query log, certify::queries_digest()
  std::string plan;            ///< the plan in words
  std::string build;           ///< version and instruction-set level that measured
  std::string scope;           ///< one sentence: what this holds for, and what it does not promise

  friend bool operator==(const Certificate&, const Certificate&) = default;
};

/// A measured claim about what a packed model's vectors lost. Digests are 64 hexadecimal digits (SHA-256).
struct ModelCertificate {
  std::uint64_t texts = 0;     ///< measured, none of them seen by the packing
  double lost = 0;             ///< their mean of 1 − cosine between the vectors before and after
  double upper_bound = 0;      ///< one-sided, on the mean over all such texts; holds with probability `confidence`
  double confidence = 0;       ///< in (0, 1)
  double predicted = 0;        ///< Σ α t², of the sensitivities and errors of the tensors
  std::string content_digest;  ///< of the artifact's sections other than the certificate's
  std::string texts_digest;    ///< of the measured texts, in their order
  std::string model_digest;    ///< of the model before, by its encoder
  std::string build;           ///< version and instruction-set level that measured
  std::string scope;           ///< one sentence: what this holds for, and what it does not promise

  friend bool operator==(const ModelCertificate&, const ModelCertificate&) = default;
};

}  // namespace attar
