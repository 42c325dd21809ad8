// select_like(): distances of all documents to a target, and the nearest ones that a budget holds.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "attar/budget.h"
#include "attar/corpus.h"
#include "base/clock.h"
#include "base/progress.h"
#include "engine/corpus_file.h"
#include "engine/input.h"
#include "engine/near_reader.h"
#include "text/likeness/likeness.h"
#include "text/tokenizer/tokenizer.h"

namespace attar {
namespace {

using base::Clock;
using base::seconds_since;

constexpr std::size_t block_pieces = data::LineBlocks::most_lines / engine::CorpusFile::piece_lines;

/// A document, with what it costs.
struct Entry {
  std::uint32_t line = 0;
  float distance = 0;
  std::uint64_t bytes = 0, cost = 0;  ///< of the line; in the unit of the budget
};

Status check_options(const SelectOptions& options) {
  if (options.like.empty())
    return fail(ErrorCode::invalid_argument, "name the target that documents are to be like, as --like target.jsonl");
  if (options.budget.value == 0)
    return fail(ErrorCode::invalid_argument, "name how much to take, as --budget 10MB, 5000docs or 2Mtok");
  if (!options.tokenizer.empty() && options.budget.unit != SelectBudget::Unit::tokens)
    return fail(ErrorCode::invalid_argument, "a tokenizer is for budgets of tokens, such as 2Mtok; leave it out");
  if (!(options.near >= 0 && options.near <= 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("near {}: give a Jaccard similarity from 0 to 1", options.near));
  return {};
}

/// The texts of the target, joined by line feeds; where they are too many, some at even distances.
Result<std::string> read_target(const SelectOptions& options, base::ThreadPool& pool, Progress& progress,
                                CorpusCounts& counts) {
  ATTAR_ASSIGN(engine::CorpusFile corpus, engine::CorpusFile::open(options.like, options.corpus, true));
  std::vector<std::vector<std::string>> found(block_pieces);
  std::vector<std::string> texts;
  std::uint64_t bytes = 0, number = 0, stride = 1;
  const auto visit = [&](std::size_t piece, std::size_t, std::string_view text, unsigned, const data::TextOfLine&) {
    found[piece].emplace_back(text.substr(0, text::most_read));
  };
  ATTAR_TRY(corpus.read(pool, progress, visit, [&](const data::LineBlock&, std::size_t pieces) -> Status {
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      for (std::string& text : found[piece]) {
        if (number++ % stride != 0) continue;
        bytes += text.size() + 1;
        texts.push_back(std::move(text));
        // Every other one goes until the rest fits, and as many are passed over from here on.
        while (bytes > text::most_target && texts.size() > 1) {
          stride *= 2;
          bytes = 0;
          for (std::size_t i = 0; 2 * i < texts.size(); ++i) {
            if (i != 0) texts[i] = std::move(texts[2 * i]);
            bytes += texts[i].size() + 1;
          }
          texts.resize((texts.size() + 1) / 2);
        }
      }
      found[piece].clear();
    }
    return {};
  }));
  counts = corpus.counts();
  return fmt::format("{}", fmt::join(texts, "\n"));
}

/// Reads the pool: distances and costs.
class Comparing {
 public:
  Comparing(const SelectOptions& options, const text::LikenessTarget& target, base::ThreadPool& pool)
      : options_(options), target_(target), pool_(pool) {}

  Result<std::vector<Entry>> run(engine::CorpusFile& corpus, Progress& progress) {
    if (options_.budget.unit == SelectBudget::Unit::tokens) {
      ATTAR_ASSIGN(tokenizer_, text::open_tokenizer(options_.tokenizer));
    }
    for (unsigned worker = 0; worker < pool_.size(); ++worker) {
      ATTAR_ASSIGN(text::Likeness likeness, text::Likeness::make(target_));
      likeness_.push_back(std::move(likeness));
    }
    failures_.resize(pool_.size());
    std::vector<std::vector<Entry>> found(block_pieces);
    std::vector<Entry> out;
    const auto visit = [&](std::size_t piece, std::size_t line, std::string_view text, unsigned worker,
                           const data::TextOfLine&) { compare(line, text, worker, found[piece]); };
    ATTAR_TRY(corpus.read(pool_, progress, visit, [&](const data::LineBlock& block, std::size_t pieces) -> Status {
      for (const Status& failure : failures_)
        if (!failure) return failure;
      for (std::size_t piece = 0; piece < pieces; ++piece) {
        for (Entry& entry : found[piece]) {
          entry.bytes = block.lines[entry.line].whole.size();
          if (options_.budget.unit == SelectBudget::Unit::bytes) entry.cost = entry.bytes;
          entry.line += static_cast<std::uint32_t>(block.first_number - 1);
          out.push_back(entry);
        }
        found[piece].clear();
      }
      return {};
    }));
    return out;
  }

 private:
  void compare(std::size_t line, std::string_view text, unsigned worker, std::vector<Entry>& out) {
    const auto distance = likeness_[worker].distance(text);
    if (!distance) {
      failures_[worker] = std::unexpected(distance.error());
      return;
    }
    const std::uint64_t cost = tokenizer_ ? tokenizer_->count(text) : 1;
    out.push_back({.line = static_cast<std::uint32_t>(line),
                   .distance = static_cast<float>(*distance),
                   .bytes = 0,
                   .cost = cost});
  }

  const SelectOptions& options_;
  const text::LikenessTarget& target_;
  base::ThreadPool& pool_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::vector<text::Likeness> likeness_;  // one a worker
  std::vector<Status> failures_;
};

/// Takes the nearest documents that the budget holds; of a cluster, where there are any, the nearest alone.
std::vector<bool> take(const std::vector<Entry>& entries, const SelectOptions& options,
                       const engine::NearReader* clusters, std::uint64_t lines, SelectReport& report) {
  std::vector<bool> chosen(lines), taken(clusters != nullptr ? lines : 0);
  std::uint64_t left = options.budget.value;
  for (const Entry& entry : entries) {
    if (entry.cost > left) continue;
    if (clusters != nullptr) {
      const std::uint32_t root = clusters->clusters().root_of(entry.line);
      report.near += taken[root] ? 1 : 0;
      if (taken[root]) continue;
      taken[root] = true;
    }
    left -= entry.cost;
    if (report.chosen++ == 0) report.nearest = entry.distance;
    report.farthest = entry.distance;
    report.bytes += entry.bytes;
    if (options.budget.unit == SelectBudget::Unit::tokens) report.tokens += entry.cost;
    chosen[entry.line] = true;
  }
  return chosen;
}

Result<std::optional<engine::NearReader>> find_clusters(engine::CorpusFile& corpus, const SelectOptions& options,
                                                        base::ThreadPool& pool, Progress& progress) {
  if (options.near == 0) return std::nullopt;
  ATTAR_ASSIGN(
      engine::NearReader out,
      engine::NearReader::make({.corpus = options.corpus, .near = options.near, .shingles = options.shingles}));
  ATTAR_TRY(out.read(corpus, pool, progress));
  ATTAR_TRY(out.join(pool, progress));
  return out;
}

}  // namespace

Result<SelectBudget> parse_select_budget(std::string_view text) {
  const auto refuse = [&] {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("\"{}\" is not valid here: give bytes, documents or tokens, as in 10MB, 5000docs or 2Mtok", text));
  };
  SelectBudget out;
  std::string_view unit;
  for (const auto& [name, kind] :
       {std::pair<std::string_view, SelectBudget::Unit>{"docs", SelectBudget::Unit::documents},
        {"tok", SelectBudget::Unit::tokens}})
    if (text.ends_with(name)) {
      unit = name;
      out.unit = kind;
    }
  if (unit.empty()) {
    const auto bytes = parse_budget(text);
    if (!bytes || bytes->unit != Budget::Unit::bytes || !(bytes->value < 0x1p62)) return refuse();
    out.value = static_cast<std::uint64_t>(bytes->value);
    return out;
  }
  std::string_view number = text.substr(0, text.size() - unit.size());
  double factor = 1;
  if (number.ends_with('k')) factor = 1e3;
  if (number.ends_with('M')) factor = 1e6;
  if (number.ends_with('G')) factor = 1e9;
  if (factor != 1) number.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size() || !(value * factor >= 1 && value * factor < 0x1p62))
    return refuse();
  out.value = static_cast<std::uint64_t>(value * factor);
  return out;
}

Result<SelectReport> select_like(const std::filesystem::path& pool, const std::filesystem::path& output,
                                 const SelectOptions& options) {
  ATTAR_TRY(check_options(options));
  base::ThreadPool threads(options.corpus.threads);
  Progress& progress = engine::or_silent(options.corpus.progress);
  SelectReport report;
  auto start = Clock::now();
  ATTAR_ASSIGN(const std::string texts, read_target(options, threads, progress, report.target));
  report.target_bytes = std::min(texts.size(), text::most_target);
  ATTAR_ASSIGN(const auto target, text::LikenessTarget::make(texts));
  ATTAR_ASSIGN(engine::CorpusFile corpus, engine::CorpusFile::open(pool, options.corpus));
  ATTAR_ASSIGN(std::vector<Entry> entries, Comparing(options, target, threads).run(corpus, progress));
  report.corpus = corpus.counts();
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.distance, entry.line); });
  if (!entries.empty()) report.pool_median = entries[entries.size() / 2].distance;
  report.read_seconds = seconds_since(start);
  start = Clock::now();
  ATTAR_ASSIGN(const auto clusters, find_clusters(corpus, options, threads, progress));
  report.near_seconds = seconds_since(start);
  const std::vector<bool> chosen = take(entries, options, clusters ? &*clusters : nullptr, corpus.lines(), report);
  start = Clock::now();
  ATTAR_TRY(engine::copy_lines(corpus.file(), output, progress, [&](std::uint64_t line) { return chosen[line]; }));
  report.write_seconds = seconds_since(start);
  return report;
}

}  // namespace attar
