// replay_cache(): a log of prompts and true answers, played through a cache.
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/clock.h"
#include "base/progress.h"
#include "data/records.h"
#include "engine/cache_state.h"
#include "engine/input.h"

namespace attar {
namespace {

constexpr std::size_t prompts_at_once = 4096, timed_lookups = 1000;
constexpr std::array<std::string_view, 4> prompt_fields = {"prompt", "question", "query", "text"};
constexpr std::array<std::string_view, 4> answer_fields = {"answer", "response", "completion", "category"};

struct Exchange {
  std::string prompt, answer;
};

// The value of one field of a record: the named one, or the first of the usual ones.
class FieldChoice {
 public:
  FieldChoice(std::string_view named, std::span<const std::string_view> usual)
      : usual_(named.empty() ? std::vector<std::string_view>(usual.begin(), usual.end())
                             : std::vector<std::string_view>{named}) {}
  void begin() { place_ = usual_.size(); }
  void visit(std::string_view field, const data::Cell& cell) {
    const auto at = static_cast<std::size_t>(std::ranges::find(usual_, field) - usual_.begin());
    if (at >= place_ || cell.kind == data::Cell::Kind::null) return;
    place_ = at;
    value_ = cell.as_text();
  }
  [[nodiscard]] bool found() const noexcept { return place_ < usual_.size(); }
  [[nodiscard]] const std::string& value() const noexcept { return value_; }
  [[nodiscard]] const std::vector<std::string_view>& names() const noexcept { return usual_; }

 private:
  std::vector<std::string_view> usual_;
  std::size_t place_ = 0;
  std::string value_;
};

class Log {
 public:
  Log(const ReplayOptions& options, data::RecordReader& reader, const data::InputFile& file)
      : prompt_(options.prompt_field, prompt_fields),
        answer_(options.answer_field, answer_fields),
        reader_(reader),
        file_(file) {}

  /// Up to `most` exchanges; none at the end.
  [[nodiscard]] Result<std::vector<Exchange>> next(std::size_t most) {
    std::vector<Exchange> out;
    while (out.size() < most) {
      prompt_.begin();
      answer_.begin();
      ATTAR_ASSIGN(const bool more, reader_.next([&](std::string_view field, const data::Cell& cell) {
        prompt_.visit(field, cell);
        answer_.visit(field, cell);
      }));
      if (!more) break;
      for (const FieldChoice* choice : {&prompt_, &answer_})
        if (!choice->found())
          return file_.fail(ErrorCode::invalid_data,
                            fmt::format("line {} has no field {}; name the fields with --prompt and --answer",
                                        reader_.line(), fmt::join(choice->names(), ", ")));
      out.push_back({.prompt = prompt_.value(), .answer = answer_.value()});
    }
    return out;
  }

 private:
  FieldChoice prompt_, answer_;
  data::RecordReader& reader_;
  const data::InputFile& file_;
};

class Replay {
 public:
  explicit Replay(SemanticCache::State& cache) : cache_(cache) {}

  [[nodiscard]] Status play(const Exchange& exchange, std::span<const float> vector) {
    const auto& [prompt, answer] = exchange;
    const auto start = base::Clock::now();
    ATTAR_ASSIGN(const cache::Look look, cache_.get(prompt, vector));
    times_.push_back(base::seconds_since(start));
    if (times_.size() > timed_lookups) times_.pop_front();
    const cache::Verdict verdict = look.record.verdict;
    const bool right = look.entry != 0 && cache_.kept.answer_of(look.entry) == answer;
    ++report_.prompts;
    ++report_.by[static_cast<std::size_t>(verdict)];
    if (right) ++report_.candidate_right;
    if (cache_.kept.knows(answer)) ++report_.answer_known;
    if (verdict != cache::Verdict::exact && verdict != cache::Verdict::served) {
      ATTAR_ASSIGN([[maybe_unused]] const std::uint64_t entry, cache_.put(prompt, answer, {}, vector));
      return {};
    }
    report_.answer_bytes_saved += answer.size();
    if (!right) ++report_.wrong;
    if (!right && verdict == cache::Verdict::exact) ++report_.wrong_exact;
    return {};
  }

  [[nodiscard]] ReplayReport report(double encode_seconds) && {
    report_.stats = cache_.stats();
    report_.encode_seconds = encode_seconds;
    std::ranges::sort(times_);
    report_.lookup_seconds = times_.empty() ? 0 : times_[times_.size() / 2];
    return report_;
  }

 private:
  SemanticCache::State& cache_;
  ReplayReport report_;
  std::deque<double> times_;
};

}  // namespace

Result<ReplayReport> replay_cache(const std::filesystem::path& log, const ReplayOptions& options) {
  Progress& progress = engine::or_silent(options.progress);
  ATTAR_ASSIGN(const auto file, data::InputFile::open(log));
  ATTAR_ASSIGN(const auto reader, data::open_records(file));
  ATTAR_ASSIGN(const auto cache, SemanticCache::State::open(options.into, options.cache));
  base::ThreadPool pool(options.threads);
  Log exchanges(options, *reader, file);
  Replay replay(*cache);
  const std::uint32_t dims = cache->encoder->info().dims;
  double encode_seconds = 0;
  progress.stage("replaying", file.size());
  for (std::uint64_t before = 0;; before = reader->position()) {
    ATTAR_ASSIGN(const auto batch, exchanges.next(prompts_at_once));
    if (batch.empty()) break;
    std::vector<std::string_view> prompts;
    prompts.reserve(batch.size());
    for (const Exchange& exchange : batch) prompts.emplace_back(exchange.prompt);
    std::vector<float> vectors(batch.size() * dims);
    const auto start = base::Clock::now();
    ATTAR_TRY(cache->encoder->encode(prompts, pool, vectors));
    encode_seconds += base::seconds_since(start);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ATTAR_TRY(base::check_cancelled(progress));
      ATTAR_TRY(replay.play(batch[i], std::span(vectors).subspan(i * dims, dims)));
    }
    progress.advance(reader->position() - before);
  }
  return std::move(replay).report(encode_seconds);
}

}  // namespace attar
