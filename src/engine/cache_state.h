// A semantic cache: its records in memory, its file, and the encoder.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "attar/cache.h"
#include "base/threads.h"
#include "cache/log.h"
#include "cache/state.h"
#include "text/encoder/encoder.h"

namespace attar {

struct SemanticCache::State {
  State(std::shared_ptr<const text::Encoder> of_text, cache::Settings settings, const CacheOptions& options)
      : encoder(std::move(of_text)), kept(std::move(settings)), sync(options.sync), gates(options.gates) {}

  /// As SemanticCache::open.
  [[nodiscard]] static Result<std::unique_ptr<State>> open(const std::filesystem::path& folder,
                                                           const CacheOptions& options);
  /// Looks up and writes it down.
  [[nodiscard]] Result<cache::Look> get(std::string_view prompt, std::span<const float> vector);
  [[nodiscard]] Result<std::uint64_t> put(std::string_view prompt, std::string_view answer,
                                          const CachePutOptions& options, std::span<const float> vector);
  [[nodiscard]] Status remove(std::uint64_t entry);
  [[nodiscard]] CacheStats stats() const;

  std::shared_ptr<const text::Encoder> encoder;
  cache::State kept;
  std::optional<cache::Log> log;  // none: in memory
  bool sync = true, gates = true;
  base::ThreadPool pool{1};
  std::uint64_t last_key = 0;
  std::vector<std::int8_t> last_vector;

 private:
  // Reads the file, or begins it.
  [[nodiscard]] Status load();
  [[nodiscard]] Status load_records(base::ByteView file);
  [[nodiscard]] Status check_encoder(const cache::Settings& settings) const;
  [[nodiscard]] Status change_settings(const CacheOptions& options);
  // Before a record of so many bytes that adds so many entries: entries go where ceilings would be passed, and the file
  // is written anew where it would grow too large. What is planned afterwards finds all that it names still there.
  [[nodiscard]] Status make_room(std::uint64_t bytes, std::uint64_t entries);
  [[nodiscard]] Status write_anew();
  [[nodiscard]] Status record(const cache::Record& one, bool durable);
  // Of a prompt, rounded to bytes; remembers the last one.
  [[nodiscard]] Result<std::vector<std::int8_t>> vector_of(std::uint64_t key, std::string_view prompt,
                                                           std::span<const float> given);
};

}  // namespace attar
