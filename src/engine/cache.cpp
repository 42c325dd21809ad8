#include "attar/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cache/normal.h"
#include "engine/cache_state.h"
#include "engine/encoders.h"

namespace attar {
namespace {

constexpr double usual_error = 0.02;
constexpr std::uint64_t usual_bytes = std::uint64_t{1} << 30, usual_entries = 1'000'000, least_bytes = 256 << 10;
constexpr std::uint64_t garbage_allowed = 1 << 20;
constexpr std::uint64_t lookup_bytes = 128, put_overhead = 256;  // of a record, and more than it takes

Status check(const CacheOptions& options) {
  if (options.error && !(*options.error > 0 && *options.error < 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("the error must lie between 0 and 1, such as 0.02, not {}", *options.error));
  if (options.max_bytes && *options.max_bytes < least_bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a cache needs at least {} bytes, not {}", least_bytes, *options.max_bytes));
  if (options.max_entries == std::uint64_t{0})
    return fail(ErrorCode::invalid_argument, "a cache needs room for at least one entry");
  return {};
}

cache::Settings settings_of(const CacheOptions& options, const text::EncoderInfo& encoder) {
  return {.error = options.error.value_or(usual_error),
          .seed = options.seed,
          .max_bytes = options.max_bytes.value_or(usual_bytes),
          .max_entries = options.max_entries.value_or(usual_entries),
          .dims = encoder.dims,
          .digest = encoder.digest,
          .encoder = encoder.name};
}

// The settings that a file's options change.
cache::Settings changed(cache::Settings settings, const CacheOptions& options) {
  settings.error = options.error.value_or(settings.error);
  settings.max_bytes = options.max_bytes.value_or(settings.max_bytes);
  settings.max_entries = options.max_entries.value_or(settings.max_entries);
  return settings;
}

}  // namespace

std::string_view cache_reason_name(CacheReason reason) noexcept {
  constexpr std::array<std::string_view, cache_reasons> names = {"exact",  "served", "explored",
                                                                 "unsure", "gated",  "empty"};
  return names[static_cast<std::size_t>(reason)];
}

Result<std::unique_ptr<SemanticCache::State>> SemanticCache::State::open(const std::filesystem::path& folder,
                                                                         const CacheOptions& options) {
  ATTAR_TRY(check(options));
  ATTAR_ASSIGN(auto encoder, engine::open_encoder(options.encoder));
  const cache::Settings fresh = settings_of(options, encoder->info());
  auto out = std::make_unique<State>(std::move(encoder), fresh, options);
  if (folder.empty()) return out;
  std::error_code ignored;
  if (!options.create && !std::filesystem::exists(folder / "cache", ignored))
    return std::unexpected(Error{.code = ErrorCode::io, .message = "is no cache", .file = folder.string()});
  ATTAR_ASSIGN(auto log, cache::Log::open(folder, options.wait_seconds));
  out->log.emplace(std::move(log));
  ATTAR_TRY(out->load());
  ATTAR_TRY(out->change_settings(options));
  return out;
}

Status SemanticCache::State::load() {
  ATTAR_ASSIGN(const auto file, log->read());
  if (file.empty()) return write_anew();
  auto status = load_records(file);
  if (!status && status.error().file.empty()) status.error().file = log->path().string();
  return status;
}

Status SemanticCache::State::load_records(base::ByteView file) {
  ATTAR_TRY(cache::check_file_header(file));
  cache::RecordCursor cursor(file);
  for (bool first = true;; first = false) {
    ATTAR_ASSIGN(const auto next, cursor.next(kept.settings().dims));
    const auto* settings = next ? std::get_if<cache::Settings>(&*next) : nullptr;
    if (first && settings == nullptr)
      return fail(ErrorCode::corrupt, "the cache is damaged: it does not begin with settings");
    if (first) ATTAR_TRY(check_encoder(*settings));
    if (!next) break;
    ATTAR_TRY(kept.apply(*next));
  }
  return cursor.position() < file.size() ? log->cut(cursor.position()) : Status{};
}

Status SemanticCache::State::check_encoder(const cache::Settings& settings) const {
  if (settings.digest == encoder->info().digest && settings.dims == encoder->info().dims) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the cache was made with the encoder {}, and {} is another one: name that one (--encoder), or "
                  "begin a new cache",
                  settings.encoder, encoder->info().name));
}

Status SemanticCache::State::change_settings(const CacheOptions& options) {
  const cache::Settings wanted = changed(kept.settings(), options);
  if (wanted == kept.settings()) return {};
  ATTAR_TRY(kept.apply(wanted));
  ATTAR_TRY(make_room(0, 0));
  return write_anew();
}

Status SemanticCache::State::make_room(std::uint64_t bytes, std::uint64_t entries) {
  const auto& [ceiling, most] = std::pair(kept.settings().max_bytes, kept.settings().max_entries);
  const std::uint64_t size = log ? log->size() : kept.bytes();
  const bool over = size + bytes > ceiling;
  // What is alive shall leave the file some room to grow, or it is written anew at every call.
  const bool too_many_bytes = over && kept.bytes() + bytes > ceiling / 8 * 7;
  const bool too_many_entries = kept.entries() + entries > most;
  if (too_many_bytes || too_many_entries) {
    const std::uint64_t aim = std::min(ceiling / 4 * 3, ceiling - std::min(ceiling, bytes));
    ATTAR_TRY(kept.apply(kept.plan_eviction(too_many_bytes ? aim : ~std::uint64_t{0},
                                            too_many_entries ? most - std::max(entries, most / 16) : most)));
  }
  if (!log || !(over || too_many_entries || size + bytes > 2 * kept.bytes() + garbage_allowed)) return {};
  return write_anew();
}

Status SemanticCache::State::write_anew() {
  if (!log) return {};
  std::vector<std::byte> out = cache::file_header();
  kept.for_each_record([&](const cache::Record& one) {
    const std::vector<std::byte> bytes = cache::bytes_of(one);
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return log->replace(out);
}

Status SemanticCache::State::record(const cache::Record& one, bool durable) {
  if (log) {
    const std::vector<std::byte> bytes = cache::bytes_of(one);
    if (log->size() + bytes.size() > kept.settings().max_bytes)
      return fail(ErrorCode::over_limit, "the cache is full; give it a larger --budget");
    ATTAR_TRY(log->append(bytes, durable && sync));
  }
  return kept.apply(one);
}

Result<std::vector<std::int8_t>> SemanticCache::State::vector_of(std::uint64_t key, std::string_view prompt,
                                                                 std::span<const float> given) {
  if (given.empty() && key == last_key && !last_vector.empty()) return last_vector;
  const std::uint32_t dims = encoder->info().dims;
  if (!given.empty() && given.size() != dims)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the vector has {} numbers, those of the cache have {}", given.size(), dims));
  std::vector<float> made;
  if (given.empty()) {
    made.resize(dims);
    ATTAR_TRY(encoder->encode(std::span(&prompt, 1), pool, made));
    given = made;
  }
  if (!std::ranges::all_of(given, [](float value) { return std::isfinite(value); }))
    return fail(ErrorCode::invalid_argument, "the vector holds a number that is not finite");
  last_vector.resize(dims);
  cache::round_to_bytes(given, last_vector);
  last_key = key;
  return last_vector;
}

Result<cache::Look> SemanticCache::State::get(std::string_view prompt, std::span<const float> vector) {
  ATTAR_TRY(make_room(lookup_bytes, 0));
  const std::string normal = cache::normal_form(prompt);
  const std::uint64_t key = cache::key_of(normal);
  cache::Look out;
  if (const std::uint64_t entry = kept.find_exact(key, normal)) {
    out = kept.look_exact(key, entry);
  } else {
    ATTAR_ASSIGN(const auto bytes, vector_of(key, prompt, vector));
    out = kept.look(key, prompt, bytes, gates);
  }
  ATTAR_TRY(record(out.record, false));
  return out;
}

Result<std::uint64_t> SemanticCache::State::put(std::string_view prompt, std::string_view answer,
                                                const CachePutOptions& options, std::span<const float> vector) {
  const std::uint64_t key = cache::key_of(cache::normal_form(prompt));
  const std::uint64_t considered = kept.waiting_for(key);
  if (options.after && *options.after != considered)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the lookup of this prompt considered {}, not entry {}",
                            considered == 0 ? "no entry" : fmt::format("entry {}", considered), *options.after));
  if (options.outcome == CacheOutcome::same && considered == 0)
    return fail(ErrorCode::invalid_argument,
                "no lookup of this prompt waits for its outcome: put the answer without same");
  const std::uint64_t bytes = put_overhead + encoder->info().dims + prompt.size() + answer.size();
  const std::uint64_t most = std::min<std::uint64_t>(kept.settings().max_bytes / 2, cache::most_payload);
  if (bytes > most)
    return fail(ErrorCode::over_limit,
                fmt::format("prompt and answer take {} bytes; this cache keeps at most {} of one", bytes, most));
  ATTAR_ASSIGN(const auto rounded, vector_of(key, prompt, vector));
  ATTAR_TRY(make_room(bytes, 1));
  const cache::Put put = kept.plan_put(key, prompt, answer, static_cast<cache::Outcome>(options.outcome), rounded);
  ATTAR_TRY(record(put, true));
  return put.entry;
}

Status SemanticCache::State::remove(std::uint64_t entry) {
  if (!kept.has_entry(entry)) return fail(ErrorCode::invalid_argument, fmt::format("the cache has no entry {}", entry));
  ATTAR_TRY(make_room(lookup_bytes, 0));
  if (!kept.has_entry(entry)) return {};  // it made the room
  return record(cache::Removal{.entries = {entry}}, true);
}

CacheStats SemanticCache::State::stats() const {
  CacheStats out{.entries = kept.entries(),
                 .answers = kept.answers(),
                 .bytes = log ? log->size() : kept.bytes(),
                 .max_bytes = kept.settings().max_bytes,
                 .max_entries = kept.settings().max_entries,
                 .prompts = kept.prompts(),
                 .by = {},
                 .error = kept.settings().error,
                 .wrong_estimate = kept.allowance().charged(),
                 .encoder = kept.settings().encoder};
  for (std::size_t i = 0; i < cache_reasons; ++i) out.by[i] = kept.count(static_cast<cache::Verdict>(i));
  return out;
}

SemanticCache::SemanticCache(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
SemanticCache::SemanticCache(SemanticCache&&) noexcept = default;
SemanticCache& SemanticCache::operator=(SemanticCache&&) noexcept = default;
SemanticCache::~SemanticCache() = default;

Result<SemanticCache> SemanticCache::open(const std::filesystem::path& folder, const CacheOptions& options) {
  ATTAR_ASSIGN(auto state, State::open(folder, options));
  return SemanticCache(std::move(state));
}

Result<CacheFound> SemanticCache::get(std::string_view prompt, std::span<const float> vector) {
  ATTAR_ASSIGN(const cache::Look look, state_->get(prompt, vector));
  const bool hit = look.record.verdict == cache::Verdict::exact || look.record.verdict == cache::Verdict::served;
  return CacheFound{.hit = hit,
                    .answer = hit ? state_->kept.answer_of(look.entry) : std::string{},
                    .entry = look.entry,
                    .prompt = look.entry != 0 ? state_->kept.prompt_of(look.entry) : std::string{},
                    .similarity = look.similarity,
                    .probability = look.probability,
                    .reason = static_cast<CacheReason>(look.record.verdict),
                    .gate = look.gate != cache::Gate::none ? std::string(cache::gate_name(look.gate)) : std::string{}};
}

Result<std::uint64_t> SemanticCache::put(std::string_view prompt, std::string_view answer,
                                         const CachePutOptions& options, std::span<const float> vector) {
  return state_->put(prompt, answer, options, vector);
}

Status SemanticCache::remove(std::uint64_t entry) { return state_->remove(entry); }

CacheStats SemanticCache::stats() const { return state_->stats(); }

}  // namespace attar
