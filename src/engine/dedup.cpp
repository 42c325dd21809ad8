// dedup(): names and sketches of all texts, clusters, and the lines that stand for them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "attar/corpus.h"
#include "base/clock.h"
#include "base/progress.h"
#include "engine/corpus_file.h"
#include "engine/dedup_semantic.h"
#include "engine/input.h"
#include "engine/near_reader.h"

namespace attar {
namespace {

using base::Clock;
using base::seconds_since;
using engine::Fate;

Status check_options(const DedupOptions& options) {
  if (!(options.near >= 0 && options.near <= 1) || !(options.semantic >= 0 && options.semantic < 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("near {} and semantic {}: give a Jaccard similarity from 0 to 1 and a cosine below 1",
                            options.near, options.semantic));
  if (!(options.miss > 0 && options.miss < 1) || options.permutations == 0 || options.permutations > 4096)
    return fail(ErrorCode::invalid_argument,
                "the chance to miss a pair lies between 0 and 1, permutations from 1 to 4096");
  if (options.shingles.size == 0 || options.shingles.size > 64)
    return fail(ErrorCode::invalid_argument, "shingles have 1 to 64 words or characters");
  if (!options.encoder.empty() && options.semantic == 0)
    return fail(ErrorCode::invalid_argument, "an encoder is for duplicates by meaning; give --semantic 0.9 beside it");
  return {};
}

/// By line: the one that stands for it. The root of a cluster is its first line.
std::vector<std::uint32_t> representatives(const engine::NearReader& read, Keep keep) {
  std::vector<std::uint32_t> out(read.lines());
  for (std::uint32_t line = 0; line < out.size(); ++line) out[line] = read.clusters().root_of(line);
  if (keep == Keep::first) return out;
  std::vector<std::uint32_t> longest(out.size());
  for (std::uint32_t line = 0; line < out.size(); ++line) longest[line] = line;
  for (std::uint32_t line = 0; line < out.size(); ++line) {
    if (read.fates()[line] == Fate::exact) continue;
    std::uint32_t& best = longest[out[line]];
    if (read.length_of(line) > read.length_of(best)) best = line;
  }
  for (std::uint32_t& line : out) line = longest[line];
  return out;
}

/// A cluster a line: the line that is kept, and those that it stands for by what found them, counted from 1.
Status write_clusters(const std::filesystem::path& path, std::span<const std::uint32_t> kept_by,
                      const std::vector<Fate>& fates) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> gone;
  for (std::uint32_t line = 0; line < kept_by.size(); ++line)
    if (fates[line] != Fate::none && kept_by[line] != line) gone.emplace_back(kept_by[line], line);
  std::ranges::sort(gone);
  ATTAR_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  std::string text;
  for (std::size_t first = 0; first < gone.size();) {
    std::size_t end = first;
    std::vector<std::uint64_t> exact, near, semantic;
    for (; end < gone.size() && gone[end].first == gone[first].first; ++end) {
      const std::uint32_t line = gone[end].second;
      (fates[line] == Fate::exact ? exact : fates[line] == Fate::semantic ? semantic : near).push_back(line + 1);
    }
    text += fmt::format("{{\"kept\": {}, \"exact\": [{}], \"near\": [{}], \"semantic\": [{}]}}\n",
                        std::uint64_t{gone[first].first} + 1, fmt::join(exact, ", "), fmt::join(near, ", "),
                        fmt::join(semantic, ", "));
    first = end;
    if (text.size() < (1 << 20)) continue;
    ATTAR_TRY(file.write(std::as_bytes(std::span(text))));
    text.clear();
  }
  ATTAR_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

void count(std::span<const std::uint32_t> kept_by, const std::vector<Fate>& fates, DedupReport& report) {
  std::vector<bool> stands_for_others(kept_by.size());
  for (std::uint32_t line = 0; line < kept_by.size(); ++line) {
    if (fates[line] == Fate::none) continue;
    if (kept_by[line] == line) {
      ++report.kept;
      continue;
    }
    ++(fates[line] == Fate::exact ? report.exact : fates[line] == Fate::semantic ? report.semantic : report.near);
    report.clusters += stands_for_others[kept_by[line]] ? 0 : 1;
    stands_for_others[kept_by[line]] = true;
  }
}

Status find_near(engine::NearReader& read, const DedupOptions& options, base::ThreadPool& pool, Progress& progress,
                 DedupReport& report) {
  const auto start = Clock::now();
  ATTAR_ASSIGN(const text::NearCounts counts, read.join(pool, progress));
  report.bands = read.layout().bands;
  report.rows = read.layout().rows;
  report.chance_to_miss = options.near == 0 ? 0 : read.layout().chance_to_miss(options.near);
  report.pairs_offered = counts.offered;
  report.pairs_compared = counts.compared;
  report.scratch_bytes = counts.spilled;
  report.compare_seconds = seconds_since(start);
  return {};
}

}  // namespace

std::string Shingles::text() const { return fmt::format("{}{}", size, unit == Unit::words ? 'w' : 'c'); }

Result<Shingles> parse_shingles(std::string_view text) {
  Shingles out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.size);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit == "c") out.unit = Shingles::Unit::characters;
  if (error != std::errc{} || out.size < 1 || out.size > 64 || (unit != "w" && unit != "c"))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("\"{}\" is not valid here: give words or characters, 1 to 64 of them, as in 3w or 8c", text));
  return out;
}

Result<DedupReport> dedup(const std::filesystem::path& input, const std::filesystem::path& output,
                          const DedupOptions& options) {
  ATTAR_TRY(check_options(options));
  base::ThreadPool pool(options.corpus.threads);
  Progress& progress = engine::or_silent(options.corpus.progress);
  DedupReport report;
  auto start = Clock::now();
  ATTAR_ASSIGN(engine::CorpusFile corpus, engine::CorpusFile::open(input, options.corpus));
  ATTAR_ASSIGN(engine::NearReader read, engine::NearReader::make(options));
  ATTAR_TRY(read.read(corpus, pool, progress));
  report.corpus = corpus.counts();
  report.read_seconds = seconds_since(start);
  ATTAR_TRY(find_near(read, options, pool, progress, report));
  std::vector<std::uint32_t> kept_by = representatives(read, options.keep);
  std::vector<Fate> fates = read.take_fates();
  if (options.semantic != 0) {
    start = Clock::now();
    ATTAR_TRY(engine::drop_alike(corpus, options, pool, progress, kept_by, fates, report.vectors_compared));
    report.semantic_seconds = seconds_since(start);
  }
  count(kept_by, fates, report);
  start = Clock::now();
  ATTAR_TRY(engine::copy_lines(corpus.file(), output, progress,
                               [&](std::uint64_t line) { return fates[line] != Fate::none && kept_by[line] == line; }));
  if (!options.clusters.empty()) ATTAR_TRY(write_clusters(options.clusters, kept_by, fates));
  report.write_seconds = seconds_since(start);
  return report;
}

}  // namespace attar
