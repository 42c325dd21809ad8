// Opens an artifact whose sections are hostile behind right checksums, and asks it everything, in words as well where
// it holds texts. Seeds are the golden artifacts; the mutator damages one section at a time and keeps its length, and
// every checksum and digest is made right before the file is opened, so that mutations reach the codecs, the ids, the
// plan, the texts and the certificate. (Damage of the container itself: container_fuzz. Sections of other lengths:
// codec_fuzz.)
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/documents.h"
#include "attar/drop.h"
#include "section_mutator.h"

namespace {

namespace raw = attar::format::raw;
using attar::Artifact;
using attar::SearchHit;
using attar::fuzzing::require;

void check_order(const Artifact& artifact, const std::vector<SearchHit>& hits) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    require(hits[i].row < artifact.rows() && !std::isnan(hits[i].score));
    if (i == 0) continue;
    const bool l2 = artifact.metric() == attar::Metric::l2;
    require(l2 ? hits[i - 1].score <= hits[i].score : hits[i - 1].score >= hits[i].score);
  }
}

void check_answers(const Artifact& artifact, const std::vector<attar::Answer>& answers) {
  for (const attar::Answer& answer : answers) {
    require(answer.row < artifact.rows() && answer.document < artifact.rows());
    require(answer.score >= 0 && answer.score <= 1);
    for (const auto& [begin, end] : answer.marks) require(begin <= end && end <= answer.snippet.size());
  }
}

/// Questions in words, by each leg and both; another number of threads changes nothing.
void ask_in_words(const Artifact& artifact) {
  const auto search = attar::TextSearch::open(artifact);
  require(search.has_value());
  const std::vector<std::string> questions = {"how do I rotate the keys", "\"red table\" in a kitchen", "\"the\" \"a\"",
                                              "??"};
  const attar::AskOptions ways[] = {
      {.k = 3},
      {.k = 5, .mode = attar::SearchMode::lexical, .each_row = true, .expansions = {"a key", "", "lamp", "sun"}},
      {.k = 2, .mode = attar::SearchMode::semantic, .where = "line > 0 or path like '%.jsonl'"},
      {.k = 4, .diverse = true, .min_relevance = attar::automatic_relevance, .snippet_bytes = 30},
      {.k = 4, .read = 0, .fold = true, .snippet_bytes = 0}};
  for (const attar::AskOptions& way : ways) {
    const auto found = search->ask(questions, way);
    if (!found) continue;
    for (const auto& answers : found->of) check_answers(artifact, answers);
    if (!way.diverse) continue;
    attar::AskOptions shared = way;
    shared.threads = 2;
    const auto again = search->ask(questions, shared);
    require(again.has_value());
    for (std::size_t q = 0; q < questions.size(); ++q) require(again->of[q].size() == found->of[q].size());
  }
}

/// Every third row dropped: of what has a graph, whatever its links are.
void drop_rows(const Artifact& artifact, bool sound) {
  std::vector<std::uint32_t> gone;
  for (std::uint32_t row = 0; row < artifact.rows() && row < 3'000; row += 3) gone.push_back(row);
  const auto path = std::filesystem::temp_directory_path() / ("attar-fuzz-" + std::to_string(getpid()) + ".attar");
  const auto report = attar::drop(artifact, path, {.rows = gone, .threads = 1});
  if (!report) return;
  const auto left = Artifact::open(path);
  require(left.has_value() && left->rows() == report->rows);
  require(left->verify(1).has_value() || !sound);
  std::filesystem::remove(path);
}

void ask(const Artifact& artifact) {
  const bool sound = artifact.verify(1).has_value();
  (void)artifact.info();
  const std::uint64_t rows = artifact.rows();
  const std::size_t dims = artifact.dims();
  std::vector<float> queries(2 * dims);
  for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = static_cast<float>(i % 13) - 5.5f;
  const auto found = artifact.search(queries, {.k = 9});
  if (found) {
    for (const auto& hits : found->hits) check_order(artifact, hits);
    const auto again = artifact.search(queries, {.k = 9, .threads = 2});
    require(again && again->hits == found->hits);
  }
  (void)artifact.search(queries, {.k = 3, .exact = true});
  // Two of three rows may be returned; bits and words beyond the rows say nothing; more is asked for than there is.
  const std::vector<std::uint64_t> allowed((rows + 63) / 64 + 2, 0x6db6'db6d'b6db'6db6);
  const std::vector<std::uint32_t> skip = {1, 0};
  if (const auto some = artifact.search(queries, {.k = 5'000, .allowed = allowed, .skip = skip}))
    for (const auto& hits : some->hits) {
      check_order(artifact, hits);
      for (const SearchHit& hit : hits) require((allowed[hit.row / 64] >> (hit.row % 64) & 1) != 0);
      require(hits.size() <= rows);
    }
  // The fields of the seed with attributes; others have none of these names, and say so.
  const auto some =
      artifact.search(queries, {.k = 3, .where = "size < 40 and kind in ('a', 'b') or tags contains 'x'"});
  if (some)
    for (const auto& hits : some->hits) check_order(artifact, hits);
  std::vector<float> decoded(std::min<std::uint64_t>(rows, 64) * dims);
  require(artifact.decode(rows - decoded.size() / dims, decoded).has_value() || !sound);
  const auto first = artifact.id(0), last = artifact.id(static_cast<std::uint32_t>(rows - 1));
  require((first && last) || !sound);
  if (first) require(artifact.row_of(*first).has_value() || !sound);
  drop_rows(artifact, sound);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return attar::fuzzing::mutate_section(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  raw::Bytes bytes(input.begin(), input.end());
  raw::seal_sections(bytes);
  const auto artifact = Artifact::open_bytes(bytes);
  if (artifact) ask(*artifact);
  if (artifact && attar::holds_texts(*artifact)) ask_in_words(*artifact);
  return 0;
}
