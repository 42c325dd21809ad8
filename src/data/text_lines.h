// Text that stands beside vectors: the ids of rows, and judgements of relevance.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attar/result.h"

namespace attar::data {

/// Reads one id a line (UTF-8, LF or CRLF, at most 65,535 bytes). There must be `rows` of them, none empty, none twice.
[[nodiscard]] Result<std::vector<std::string>> read_ids(const std::filesystem::path& path, std::uint64_t rows);
/// The same of any number of ids, in any order, some perhaps twice.
[[nodiscard]] Result<std::vector<std::string>> read_listed_ids(const std::filesystem::path& path);

/// How relevant a document is to a query; 0 or less: not at all.
struct Judgement {
  std::string query;
  std::string document;
  std::int32_t relevance = 0;

  friend bool operator==(const Judgement&, const Judgement&) = default;
};

/// Reads judgements, in the file's order, in any of three layouts, told apart by the first line:
/// TREC ("qid 0 docid rel", split at white space), BEIR TSV (header "query-id\tcorpus-id\tscore"), and JSONL with the
/// keys "query-id", "corpus-id" (strings or integers) and "score" (an integer). Blank lines are skipped.
[[nodiscard]] Result<std::vector<Judgement>> read_qrels(const std::filesystem::path& path);

}  // namespace attar::data
