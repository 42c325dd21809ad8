#include "cache/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace attar::cache {
namespace {

constexpr std::string_view magic = "attarcac";
constexpr std::uint32_t version = 1;
constexpr std::size_t digest_characters = 64, most_name = 4096;
constexpr double most_weight = 1e3, most_variance = 1e3, most_count = 1e15, most_charge = 33;

std::unexpected<Error> contradicts(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the cache is damaged: {}", what));
}

void write_features(base::ByteWriter& out, const Features& x) { out.write_array(std::span<const double>(x)); }

void write_payload(base::ByteWriter& out, const Settings& settings) {
  out.write(settings.error);
  out.write(settings.seed);
  out.write(settings.max_bytes);
  out.write(settings.max_entries);
  out.write(settings.dims);
  out.write_text(settings.digest);
  out.write_text(settings.encoder);
}

void write_payload(base::ByteWriter& out, const Learned& learned) {
  out.write(learned.prompts);
  out.write_array(std::span<const std::uint64_t>(learned.verdicts));
  out.write(learned.next_entry);
  out.write(learned.next_answer);
  out.write(learned.charged);
  write_features(out, learned.model.weights());
  for (std::size_t i = 0; i < feature_count; ++i)
    for (std::size_t j = i; j < feature_count; ++j) out.write(learned.model.covariance()[i][j]);
  out.write(learned.risks.prompts());
  for (const auto& [count, risk] : learned.risks.table()) {
    out.write(count);
    out.write(risk);
  }
  out.write(std::uint64_t{learned.waiting.size()});
  for (const Waiting& waiting : learned.waiting) {
    out.write(waiting.key);
    out.write(waiting.entry);
    out.write(waiting.charge);
    write_features(out, waiting.x);
  }
}

void write_payload(base::ByteWriter& out, const AnswerRecord& answer) {
  out.write(answer.answer);
  out.write_text(answer.text);
}

void write_payload(base::ByteWriter& out, const EntryRecord& entry) {
  for (const std::uint64_t value : {entry.entry, entry.answer, entry.hits, entry.last_used}) out.write(value);
  out.write(entry.offset.mean);
  out.write(entry.offset.variance);
  out.write_array(std::span<const std::int8_t>(entry.vector));
  out.write_text(entry.prompt);
}

void write_payload(base::ByteWriter& out, const Lookup& lookup) {
  out.write(lookup.key);
  out.write(lookup.entry);
  out.write(static_cast<std::uint8_t>(lookup.verdict));
  for (const double value : {lookup.log_odds, lookup.risk, lookup.charge}) out.write(value);
  write_features(out, lookup.x);
}

void write_payload(base::ByteWriter& out, const Put& put) {
  out.write(put.entry);
  out.write(put.answer);
  out.write(static_cast<std::uint8_t>(put.outcome));
  out.write(static_cast<std::uint8_t>(put.text.has_value()));
  out.write(static_cast<std::uint32_t>(put.prompt.size()));
  out.write_array(std::span<const std::int8_t>(put.vector));
  out.write_text(put.prompt);
  if (put.text) out.write_text(*put.text);
}

void write_payload(base::ByteWriter& out, const Removal& removal) {
  out.write_array(std::span<const std::uint64_t>(removal.entries));
}

/// Reads fields and remembers whether all were there and in range, so that each reader below stays a list of fields.
class Fields {
 public:
  explicit Fields(base::ByteView payload) : reader_(payload) {}

  template <class T>
  T take() {
    if (auto value = reader_.read<T>()) return *value;
    sound_ = false;
    return {};
  }
  double within(double low, double high) {
    const auto value = take<double>();
    require(value >= low && value <= high);
    return value;
  }
  // Bounds that no cache comes near, and within which no sum overflows.
  Features features() {
    Features x{};
    for (double& value : x) value = within(-most_weight, most_weight);
    return x;
  }
  std::string text(std::uint64_t size) {
    if (auto bytes = reader_.take(size)) return std::string(base::as_text(*bytes));
    sound_ = false;
    return {};
  }
  std::string rest() { return text(reader_.remaining()); }
  std::vector<std::int8_t> vector(std::uint32_t dims) {
    if (auto bytes = reader_.read_array<std::int8_t>(dims)) {
      require(std::ranges::find(*bytes, std::int8_t{-128}) == bytes->end());
      return *std::move(bytes);
    }
    sound_ = false;
    return {};
  }
  void require(bool holds) noexcept { sound_ = sound_ && holds; }
  [[nodiscard]] std::uint64_t left() const noexcept { return reader_.remaining(); }
  [[nodiscard]] bool sound() const noexcept { return sound_; }

 private:
  base::ByteReader reader_;
  bool sound_ = true;
};

Settings read_settings(Fields& fields) {
  Settings out;
  out.error = fields.within(0, 1);
  fields.require(out.error > 0 && out.error < 1);
  out.seed = fields.take<std::uint64_t>();
  out.max_bytes = fields.take<std::uint64_t>();
  out.max_entries = fields.take<std::uint64_t>();
  fields.require(out.max_entries > 0);
  out.dims = fields.take<std::uint32_t>();
  fields.require(out.dims > 0 && out.dims <= most_dims);
  out.digest = fields.text(digest_characters);
  fields.require(fields.left() <= most_name);
  out.encoder = fields.rest();
  return out;
}

OutcomeModel read_model(Fields& fields) {
  const Features weights = fields.features();
  OutcomeModel::Matrix covariance{};
  for (std::size_t i = 0; i < feature_count; ++i) {
    for (std::size_t j = i; j < feature_count; ++j)
      covariance[i][j] = covariance[j][i] = fields.within(-most_variance, most_variance);
    fields.require(covariance[i][i] >= 0);
  }
  for (std::size_t i = 0; i < feature_count; ++i)
    for (std::size_t j = 0; j < i; ++j)
      fields.require(covariance[i][j] * covariance[i][j] <= 1.001 * covariance[i][i] * covariance[j][j] + 1e-12);
  return {weights, covariance};
}

Learned read_learned(Fields& fields) {
  Learned out;
  out.prompts = fields.take<std::uint64_t>();
  for (std::uint64_t& count : out.verdicts) count = fields.take<std::uint64_t>();
  out.next_entry = fields.take<std::uint64_t>();
  out.next_answer = fields.take<std::uint64_t>();
  out.charged = fields.within(-1, most_count);
  out.model = read_model(fields);
  const double prompts = fields.within(0, most_count);
  std::array<RiskTable::Bin, RiskTable::bins> table{};
  for (auto& [count, risk] : table) {
    count = fields.within(0, most_count);
    risk = fields.within(0, most_count);
  }
  out.risks.restore(prompts, table);
  const auto waiting = fields.take<std::uint64_t>();
  fields.require(waiting <= most_waiting);
  for (std::uint64_t i = 0; i < waiting && fields.sound(); ++i) {
    Waiting one;
    one.key = fields.take<std::uint64_t>();
    one.entry = fields.take<std::uint64_t>();
    one.charge = fields.within(0, most_charge);
    one.x = fields.features();
    out.waiting.push_back(one);
  }
  fields.require(fields.left() == 0);
  return out;
}

AnswerRecord read_answer(Fields& fields) {
  AnswerRecord out;
  out.answer = fields.take<std::uint64_t>();
  out.text = fields.rest();
  return out;
}

EntryRecord read_entry(Fields& fields, std::uint32_t dims) {
  EntryRecord out;
  for (std::uint64_t* value : {&out.entry, &out.answer, &out.hits, &out.last_used})
    *value = fields.take<std::uint64_t>();
  out.offset.mean = fields.within(-most_weight, most_weight);
  out.offset.variance = fields.within(0, most_variance);
  out.vector = fields.vector(dims);
  out.prompt = fields.rest();
  return out;
}

Lookup read_lookup(Fields& fields) {
  Lookup out;
  out.key = fields.take<std::uint64_t>();
  out.entry = fields.take<std::uint64_t>();
  const auto verdict = fields.take<std::uint8_t>();
  fields.require(verdict < verdict_count);
  out.verdict = static_cast<Verdict>(verdict);
  out.log_odds = fields.within(-most_count, most_count);
  out.risk = fields.within(0, 1);
  out.charge = fields.within(0, most_charge);
  out.x = fields.features();
  fields.require(fields.left() == 0);
  return out;
}

Put read_put(Fields& fields, std::uint32_t dims) {
  Put out;
  out.entry = fields.take<std::uint64_t>();
  out.answer = fields.take<std::uint64_t>();
  const auto outcome = fields.take<std::uint8_t>(), is_new = fields.take<std::uint8_t>();
  fields.require(outcome <= static_cast<std::uint8_t>(Outcome::other) && is_new <= 1);
  out.outcome = static_cast<Outcome>(outcome);
  const auto prompt = fields.take<std::uint32_t>();
  out.vector = fields.vector(dims);
  out.prompt = fields.text(prompt);
  if (is_new == 1) out.text = fields.rest();
  fields.require(fields.left() == 0);
  return out;
}

Removal read_removal(Fields& fields) {
  Removal out;
  fields.require(fields.left() % sizeof(std::uint64_t) == 0);
  while (fields.sound() && fields.left() > 0) out.entries.push_back(fields.take<std::uint64_t>());
  return out;
}

Result<Record> parse(std::uint32_t kind, base::ByteView payload, std::uint32_t dims) {
  Fields fields(payload);
  Record out;
  switch (kind) {
    case 1: out = read_settings(fields); break;
    case 2: out = read_learned(fields); break;
    case 3: out = read_answer(fields); break;
    case 4: out = read_entry(fields, dims); break;
    case 5: out = read_lookup(fields); break;
    case 6: out = read_put(fields, dims); break;
    case 7: out = read_removal(fields); break;
    default: return contradicts(fmt::format("it holds a record of the unknown kind {}", kind));
  }
  if (!fields.sound()) return contradicts(fmt::format("a record of kind {} contradicts itself", kind));
  return out;
}

bool all_zeros(base::ByteView bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

std::vector<std::byte> file_header() {
  base::ByteWriter out;
  out.write_text(magic);
  out.write(version);
  out.write(std::uint32_t{0});
  return std::move(out).release();
}

Status check_file_header(base::ByteView file) {
  if (file.size() < file_header_bytes || base::as_text(file.first(magic.size())) != magic)
    return fail(ErrorCode::corrupt, "is no cache of Attar; name another folder");
  const auto found = base::load<std::uint32_t>(file.data() + magic.size());
  if (found > version)
    return fail(ErrorCode::too_new, fmt::format("has version {}, this build reads {}; update Attar", found, version));
  if (found != version || base::load<std::uint32_t>(file.data() + 12) != 0) return contradicts("its header is another");
  return {};
}

std::vector<std::byte> bytes_of(const Record& record) {
  base::ByteWriter payload;
  std::visit([&](const auto& one) { write_payload(payload, one); }, record);
  base::ByteWriter out;
  out.write(static_cast<std::uint32_t>(payload.size()));
  out.write(static_cast<std::uint32_t>(record.index() + 1));
  out.write(base::checksum(out.bytes()));
  out.write(base::checksum(payload.bytes()));
  out.write_bytes(payload.bytes());
  return std::move(out).release();
}

Result<std::optional<Record>> RecordCursor::next(std::uint32_t dims) {
  const base::ByteView rest = file_.subspan(position_);
  if (rest.size() < record_header_bytes || all_zeros(rest)) return std::nullopt;
  const auto size = base::load<std::uint32_t>(rest.data()), kind = base::load<std::uint32_t>(rest.data() + 4);
  // With a header that holds, a record that ends beyond the file was cut off by a crash, and not made longer by damage.
  if (base::checksum(rest.first(8)) != base::load<std::uint64_t>(rest.data() + 8))
    return contradicts("a record's header does not hold its checksum");
  if (size > most_payload) return contradicts("a record is longer than any may be");
  if (size > rest.size() - record_header_bytes) return std::nullopt;
  const base::ByteView payload = rest.subspan(record_header_bytes, size);
  if (base::checksum(payload) != base::load<std::uint64_t>(rest.data() + 16)) {
    if (record_header_bytes + size == rest.size()) return std::nullopt;
    return contradicts("a record does not hold its checksum");
  }
  ATTAR_ASSIGN(Record out, parse(kind, payload, dims));
  position_ += record_header_bytes + size;
  return out;
}

}  // namespace attar::cache
