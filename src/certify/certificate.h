// Certificates: filled from a test, written in words for people and in JSON for the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/certificate.h"
#include "attar/result.h"
#include "base/hash.h"
#include "certify/sequence.h"

namespace attar::certify {

/// Limits of the stored form, which a reader enforces: texts in bytes of UTF-8, certificates in one artifact.
inline constexpr std::size_t most_certificate_text = 2048;
inline constexpr std::size_t most_certificates = 16;

/// What a certificate binds beside the test itself.
struct Binding {
  Metric metric = Metric::cosine;
  std::uint32_t k = 0;
  std::uint64_t rows = 0;  ///< of the snapshot
  std::uint64_t queries_given = 0;
  std::uint32_t plans_tested = 1;
  bool proxy = false;
  bool reused_log = false;
  std::uint64_t seed = 0;
  base::Digest content;
  base::Digest queries;
  std::string plan;
  std::string build;
};

/// The certificate of a finding, its scope in words included.
[[nodiscard]] Certificate make_certificate(const Claim& claim, const Finding& finding, const Binding& binding);

/// SHA-256 over the dimensions (32 bits, little-endian) and the values (float32) of the queries as given, row-major.
[[nodiscard]] base::Digest queries_digest(std::span<const float> queries, std::uint32_t dims);

/// One or two sentences: what is certified, or why nothing is, with the measured figure.
[[nodiscard]] std::string describe(const Certificate& certificate);

/// A JSON array of objects with the keys of Certificate ("kind" and "metric" as words). The keys are an interface.
[[nodiscard]] std::string to_json(std::span<const Certificate> certificates);

/// Reads what to_json() wrote; white space around it is allowed, since the section has a reserved size. Everything else
/// that is odd is `corrupt`: a missing, unknown or repeated key, another type, a number outside its range, a digest
/// that is none, a text too long, a claim that its own figures contradict.
[[nodiscard]] Result<std::vector<Certificate>> certificates_from_json(std::string_view text);

}  // namespace attar::certify
