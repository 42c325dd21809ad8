#include "plan/field.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "codec/registry.h"

namespace attar::plan {
namespace {

// Rounds in which a price that came out too high by padding is asked for again with less room.
constexpr int pricing_rounds = 8;

// Codes made for walks are worth their price on walks alone; a codec that is named competes whatever it was made for.
bool competes(const codec::Codec& codec, const Goal& goal, const Rows& rows) {
  return goal.codec.empty() ? codec.info().walks == (rows.graph != nullptr) : codec.info().name == goal.codec;
}

}  // namespace

Result<std::unique_ptr<data::VectorSource>> sample_rows(const data::VectorSource& base, std::uint64_t rows,
                                                        std::uint64_t seed, std::vector<std::uint32_t>& numbers) {
  rows = std::min(rows, base.rows());
  const std::uint64_t dims = base.dims();
  base::Random random(seed);
  numbers.clear();
  // One row at random from each of `rows` equal stretches: spread over the file, ascending, without repetition.
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t first = i * base.rows() / rows, last = (i + 1) * base.rows() / rows;
    numbers.push_back(static_cast<std::uint32_t>(first + random.below(last - first)));
  }
  std::vector<float> values(rows * dims);
  for (std::uint64_t i = 0; i < rows; ++i) ATTAR_TRY(base.read(numbers[i], std::span(values).subspan(i * dims, dims)));
  return data::memory_source(std::move(values), base.dims(), base.name());
}

Result<Field> Field::train(const Setting& setting, const Rows& rows, const data::VectorSource& sample) {
  Field out(setting, rows);
  for (const codec::Codec* codec : codec::registry()) {
    if (!competes(*codec, setting.goal, rows)) continue;
    ATTAR_ASSIGN(const auto trainer, codec->trainer(out.schema_, {.pool = setting.pool, .seed = setting.seed}));
    ATTAR_TRY(stream_rows(sample, out.schema_.metric, *setting.progress,
                          [&](const codec::Chunk& chunk) { return trainer->feed(chunk); }));
    ATTAR_ASSIGN(out.trained_[codec], trainer->finish());
  }
  return out;
}

Result<std::vector<Contender>> Field::options_of(const codec::Codec& codec, std::uint64_t file_bytes) const {
  const codec::Trained& trained = *trained_.at(&codec);
  return priced(codec, file_bytes, [&](const codec::Goal& goal) { return trained.options(goal); });
}

Result<std::vector<Contender>> Field::priced(const codec::Codec& codec, std::uint64_t file_bytes,
                                             const Pricing& options) const {
  ATTAR_ASSIGN(const std::uint64_t empty, file_size(0, 0));
  std::vector<Contender> out;
  if (file_bytes <= empty) return out;
  std::uint64_t room = file_bytes - empty;
  std::vector<std::string> settled;
  for (int round = 0; round < pricing_rounds; ++round) {
    std::uint64_t next = 0;
    for (codec::Option& option : options({.bytes = room})) {
      if (std::find(settled.begin(), settled.end(), option.variant) != settled.end()) continue;
      ATTAR_ASSIGN(const std::uint64_t size, file_size(option.model_bytes, option.codes_bytes));
      if (size > file_bytes) {
        next = std::max(next, option.bytes() - std::min(option.bytes(), size - file_bytes));
        continue;
      }
      settled.push_back(option.variant);
      out.push_back({.codec = &codec, .option = std::move(option), .file_bytes = size});
    }
    if (next == 0) break;
    room = next;
  }
  return out;
}

Result<std::vector<Contender>> Field::within(std::uint64_t file_bytes) const {
  std::vector<Contender> out;
  for (const codec::Codec* codec : codec::registry()) {
    if (!trained_.contains(codec)) continue;
    ATTAR_ASSIGN(auto options, options_of(*codec, file_bytes));
    std::move(options.begin(), options.end(), std::back_inserter(out));
  }
  return out;
}

Result<std::optional<Contender>> Field::within(std::uint64_t file_bytes, const Family& family) const {
  ATTAR_ASSIGN(auto options, options_of(*family.codec, file_bytes));
  for (Contender& option : options)
    if (option.option.variant == family.variant) return std::optional(std::move(option));
  return std::optional<Contender>();
}

Result<std::vector<Contender>> Field::layered(const codec::Codec& codec, std::uint64_t file_bytes) const {
  const codec::Trained& trained = *trained_.at(&codec);
  return priced(codec, file_bytes, [&](const codec::Goal& goal) { return trained.layered(goal); });
}

Result<std::unique_ptr<Trial>> Field::attempt(const Contender& contender, const Rows& rows) const {
  // Several trials may live at once; each takes a share of the memory.
  ATTAR_ASSIGN(auto trial, Trial::encode(*contender.codec, *trained_.at(contender.codec), contender.option, rows,
                                         setting_->memory_bytes / 8, *setting_->pool, *setting_->progress));
  const codec::Option& priced = contender.option;
  if (rows.base->rows() == schema_.rows &&
      (trial->codes().size() != priced.codes_bytes || trial->model().size() != priced.model_bytes))
    return fail(
        ErrorCode::unsupported,
        fmt::format("codec {} priced {} + {} bytes and wrote {} + {}; please report this", contender.codec->info().name,
                    priced.model_bytes, priced.codes_bytes, trial->model().size(), trial->codes().size()));
  return trial;
}

}  // namespace attar::plan
