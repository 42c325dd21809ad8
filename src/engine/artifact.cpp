// Opening an artifact, and what it tells about itself.
#include "attar/artifact.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>

#include "base/progress.h"
#include "base/threads.h"
#include "certify/certificate.h"
#include "codec/registry.h"
#include "engine/artifact_state.h"
#include "engine/originals.h"
#include "format/schema.h"
#include "index/flat.h"
#include "index/graph/walk.h"
#include "index/ivf.h"
#include "index/rescore.h"

namespace attar {
namespace {

// Conditions whose rows are kept as lists see them: a bit a row and four bytes a list each.
constexpr std::size_t most_conditions = 16;

using format::SectionKind;

// The codec that wrote a section, if this build has it and reads its version.
Result<const codec::Codec*> codec_of(const format::SectionReader& section) {
  const codec::Codec* found = codec::find_codec(section.codec_id());
  if (found == nullptr)
    return section.fail(
        ErrorCode::unknown_codec,
        fmt::format("was written by a codec (id {:#06x}) that this build does not have; a newer Attar may have it",
                    section.codec_id()));
  if (const Status reads = codec::check_wire_version(found->info(), section.wire_version()); !reads)
    return section.fail(reads.error().code, reads.error().message);
  return found;
}

Result<CodedSection> open_coded(format::SectionReader codes, const format::SectionReader& model_section,
                                const codec::Schema& schema, const OpenLimits& limits) {
  CodedSection out;
  ATTAR_ASSIGN(out.codec, codec_of(codes));
  if (model_section.codec_id() != codes.codec_id() || model_section.wire_version() != codes.wire_version())
    return model_section.fail(ErrorCode::corrupt,
                              fmt::format("belongs to another codec or version than section '{}'", codes.name()));
  ATTAR_ASSIGN(auto model, out.codec->load(model_section, schema, limits));
  ATTAR_ASSIGN(out.view, out.codec->open(std::move(codes), std::move(model), schema, limits));
  return out;
}

Result<CodedSection> open_codes(const format::ArtifactReader& reader, const codec::Schema& schema,
                                const OpenLimits& limits) {
  ATTAR_ASSIGN(auto codes, reader.section(SectionKind::codes));
  ATTAR_ASSIGN(const auto model, reader.section(SectionKind::model));
  return open_coded(std::move(codes), model, schema, limits);
}

// Null: none are kept.
Result<std::optional<CodedSection>> open_originals(const format::ArtifactReader& reader, codec::Schema schema,
                                                   const OpenLimits& limits) {
  const bool single = reader.find(SectionKind::single_rows) != nullptr;
  if (!single && reader.find(SectionKind::originals) == nullptr) return std::nullopt;
  ATTAR_ASSIGN(auto section, reader.section(single ? SectionKind::single_rows : SectionKind::originals));
  if (single) {
    ATTAR_ASSIGN(const codec::Codec* codec, codec_of(section));
    if (engine::originals_name(codec->info().name).empty())
      return section.fail(ErrorCode::corrupt,
                          fmt::format("codec {} does not keep rows one by one", codec->info().name));
    schema.block_rows = 1;
  }
  if (reader.find(SectionKind::model, originals_model_instance) != nullptr) {
    ATTAR_ASSIGN(const auto model, reader.section(SectionKind::model, originals_model_instance));
    return open_coded(std::move(section), model, schema, limits);
  }
  // A codec that learns nothing wrote no model; any other refuses this empty one.
  const auto none = format::SectionReader::trusted({}, section.name(), section.codec_id(), section.wire_version());
  return open_coded(std::move(section), none, schema, limits);
}

// Columns are numbered without gaps.
Result<filter::Attributes> open_attributes(const format::ArtifactReader& reader, std::uint64_t rows) {
  std::vector<format::SectionReader> sections;
  for (const format::SectionEntry& entry : reader.sections()) {
    if (entry.spec.kind != SectionKind::attributes) continue;
    ATTAR_ASSIGN(auto section, reader.section(SectionKind::attributes, static_cast<std::uint32_t>(sections.size())));
    if (sections.size() == filter::most_columns)
      return section.fail(
          ErrorCode::over_limit,
          fmt::format("is one more than the {} columns that an artifact may have", filter::most_columns));
    sections.push_back(std::move(section));
  }
  return filter::Attributes::open(std::move(sections), rows);
}

FieldInfo info_of(const filter::ColumnHead& head) {
  FieldInfo out;
  out.name = head.name;
  out.type = filter::type_name(head.type);
  out.nulls = head.nulls;
  if (head.dictionary || head.has_strings()) out.distinct = head.values;
  out.sorted = head.sorted;
  return out;
}

}  // namespace

Result<engine::PlanText> Artifact::State::plan() const {
  ATTAR_ASSIGN(const auto section, reader.section(SectionKind::plan));
  ATTAR_TRY(section.verify_all());
  auto out = engine::plan_from_json(base::as_text(section.bytes()));
  if (!out) return section.fail(out.error().code, out.error().message);
  return out;
}

std::string_view Artifact::State::originals_name() const noexcept {
  return originals ? engine::originals_name(originals->codec->info().name) : std::string_view{};
}

double Artifact::State::code_bytes_per_row() const noexcept {
  const auto* entry = reader.find(SectionKind::codes);
  return entry == nullptr ? 0 : static_cast<double>(entry->length) / static_cast<double>(schema.rows);
}

std::string Artifact::State::in_words(const engine::PlanText& plan) const {
  return engine::in_words({.lists = list_count,
                           .links = degree,
                           .codec = plan.codec,
                           .variant = plan.variant,
                           .originals = originals_name(),
                           .code_bytes_per_row = code_bytes_per_row()});
}

index::Look Artifact::State::look_for(std::uint32_t k) const noexcept {
  index::Look out = look;
  if (k <= look_k) return out;
  const auto scaled = [&](std::uint32_t size, std::uint64_t most) {
    return static_cast<std::uint32_t>(std::min((std::uint64_t{size} * k + look_k - 1) / look_k, most));
  };
  out.shortlist = scaled(look.shortlist, schema.rows);
  out.beam = scaled(look.beam, schema.rows);
  out.rescored = scaled(look.rescored, std::min<std::uint64_t>(schema.rows, limits.max_hits));
  return out;
}

Result<index::HitLists> Artifact::State::search(std::span<const float> prepared, const index::SearchOptions& options,
                                                base::ThreadPool& pool, index::SearchTimes* times) const {
  return index::search_and_rescore(
      originals ? originals->view.get() : nullptr, prepared, schema.dims, options, pool, times,
      [&](const index::SearchOptions& wanted) { return search_codes(prepared, wanted, pool, times); });
}

Result<index::HitLists> Artifact::State::search_codes(std::span<const float> prepared,
                                                      const index::SearchOptions& options, base::ThreadPool& pool,
                                                      index::SearchTimes* times) const {
  if (degree != 0 && options.look.beam != 0) {
    ATTAR_ASSIGN(const index::graph::Links* own, links());
    return index::graph::graph_search(*codes.view, *own, prepared, schema.dims, options, pool, times);
  }
  if (list_count == 0) return index::flat_search(*codes.view, prepared, schema.dims, options, pool, times);
  ATTAR_ASSIGN(const index::Lists* own, lists());
  index::SearchOptions known = options;
  ATTAR_ASSIGN(const auto filter, filter_of(options.allowed));
  if (filter != nullptr) known.filter = filter.get();
  return index::ivf_search(*codes.view, *own, schema.metric, prepared, known, pool, times, &*checked_);
}

void Artifact::State::remember(const Words& words) const {
  const std::lock_guard lock(conditions_mutex_);
  const auto known = std::ranges::find(conditions_, words, &ListedRows::words);
  const ListedRows entry = known == conditions_.end() ? ListedRows{.words = words, .filter = nullptr} : *known;
  if (known != conditions_.end()) conditions_.erase(known);
  conditions_.insert(conditions_.begin(), entry);
  if (conditions_.size() > most_conditions) conditions_.pop_back();
}

// By address: words of a condition never change, and as long as they are kept here nothing else lies there.
Result<std::shared_ptr<const index::ListFilter>> Artifact::State::filter_of(
    std::span<const std::uint64_t> allowed) const {
  const auto find = [&] {
    return std::ranges::find_if(conditions_,
                                [&](const ListedRows& own) { return own.words->data() == allowed.data(); });
  };
  Words words;
  {
    const std::lock_guard lock(conditions_mutex_);
    const auto known = find();
    if (known == conditions_.end() || known->filter != nullptr)
      return known == conditions_.end() ? nullptr : known->filter;
    words = known->words;
  }
  ATTAR_ASSIGN(const index::Lists* own, lists());
  ATTAR_ASSIGN(auto made, index::ListFilter::make(*own, *words));
  auto filter = std::make_shared<const index::ListFilter>(std::move(made));
  const std::lock_guard lock(conditions_mutex_);
  if (const auto known = find(); known != conditions_.end()) known->filter = filter;
  return filter;
}

Result<const index::Lists*> Artifact::State::lists() const {
  std::call_once(opened_lists_, [this] {
    auto section = reader.section(SectionKind::lists);
    lists_.emplace(section ? index::Lists::open(*std::move(section), schema)
                           : Result<index::Lists>(std::unexpected(section.error())));
    if (*lists_) checked_.emplace(*codes.view, **lists_);
  });
  if (!*lists_) return std::unexpected(lists_->error());
  return &**lists_;
}

Result<const index::graph::Links*> Artifact::State::links() const {
  std::call_once(opened_links_, [this] {
    auto section = reader.section(SectionKind::graph);
    links_.emplace(section ? index::graph::Links::open(*std::move(section), schema)
                           : Result<index::graph::Links>(std::unexpected(section.error())));
  });
  if (!*links_) return std::unexpected(links_->error());
  return &**links_;
}

Status Artifact::State::decode(codec::Range rows, std::span<float> out) const {
  if (list_count != 0) return decode_from_lists(rows, out);
  ATTAR_TRY(codes.view->verify(rows));
  return codes.view->decode(rows, out);
}

Status Artifact::State::decode_from_lists(codec::Range rows, std::span<float> out) const {
  ATTAR_ASSIGN(const index::Lists* own, lists());
  std::call_once(inverted_, [this, own] {
    const auto by_position = own->rows_by_position();
    if (!by_position) {
      positions_ = std::unexpected(by_position.error());
      return;
    }
    positions_ = std::vector<std::uint32_t>(by_position->size());
    for (std::uint32_t position = 0; position < by_position->size(); ++position)
      (*positions_)[(*by_position)[position]] = position;
  });
  if (!positions_) return std::unexpected(positions_.error());
  // By position, so that what a list's rows share is read once: its pages, its checksums, its centroid.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> order;  // position, row
  order.reserve(rows.size());
  for (std::uint64_t row = rows.first; row < rows.last; ++row) order.emplace_back((*positions_)[row], row);
  std::sort(order.begin(), order.end());
  std::vector<float> centroid(schema.dims);
  std::uint64_t list_end = 0;
  for (const auto& [position, row] : order) {
    if (position >= list_end) {
      const std::uint32_t list = own->list_of(position);
      list_end = own->positions(list).last;
      own->centroids().decode(list, centroid);
      ATTAR_TRY(checked_->check(list));
    }
    const auto values = out.subspan((row - rows.first) * schema.dims, schema.dims);
    ATTAR_TRY(codes.view->decode({position, std::uint64_t{position} + 1}, values));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += centroid[i];
  }
  return {};
}

Result<std::vector<Certificate>> Artifact::State::certificates() const {
  ATTAR_ASSIGN(const base::ByteView bytes, reader.certificate());
  if (bytes.empty()) return std::vector<Certificate>{};
  return certify::certificates_from_json(base::as_text(bytes));
}

Artifact::Artifact(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Artifact::Artifact(Artifact&&) noexcept = default;
Artifact& Artifact::operator=(Artifact&&) noexcept = default;
Artifact::~Artifact() = default;

Result<Artifact> Artifact::open(const std::filesystem::path& path, const OpenOptions& options) {
  const auto mode = options.mmap ? base::MappedFile::Mode::map : base::MappedFile::Mode::copy;
  ATTAR_ASSIGN(auto reader, format::ArtifactReader::open(path, options.limits, mode));
  return from(std::make_unique<State>(std::move(reader), options.limits));
}

Result<Artifact> Artifact::open_bytes(std::span<const std::byte> bytes, const OpenOptions& options) {
  ATTAR_ASSIGN(auto reader, format::ArtifactReader::open_bytes(bytes, options.limits));
  return from(std::make_unique<State>(std::move(reader), options.limits));
}

Result<Artifact> Artifact::from(std::unique_ptr<State> state) {
  const OpenLimits& limits = state->limits;
  if (state->reader.find(SectionKind::schema) == nullptr && state->reader.find(SectionKind::tensors) != nullptr)
    return std::unexpected(Error{.code = ErrorCode::unsupported,
                                 .message = "holds tensors, not rows to search; attar get reads one of them, attar "
                                            "unpack gives the files back",
                                 .file = state->reader.path()});
  ATTAR_ASSIGN(const auto schema_section, state->reader.section(SectionKind::schema));
  ATTAR_ASSIGN(const auto schema, format::decode_schema(schema_section, limits));
  state->schema = {.rows = schema.rows, .dims = schema.dims, .metric = schema.metric};
  codec::Schema coded = state->schema;
  if (state->reader.find(SectionKind::lists) != nullptr) {
    ATTAR_ASSIGN(const auto section, state->reader.section(SectionKind::lists));
    ATTAR_ASSIGN(state->list_count, index::Lists::count_in(section, state->schema));
    coded.metric = index::residual_metric(coded.metric);
  }
  if (state->reader.find(SectionKind::graph) != nullptr) {
    ATTAR_ASSIGN(const auto section, state->reader.section(SectionKind::graph));
    if (state->list_count != 0) return section.fail(ErrorCode::corrupt, "a graph stands beside lists");
    ATTAR_ASSIGN(state->degree, index::graph::Links::degree_in(section, state->schema));
  }
  ATTAR_ASSIGN(state->codes, open_codes(state->reader, coded, limits));
  ATTAR_ASSIGN(state->originals, open_originals(state->reader, state->schema, limits));
  if (state->reader.find(SectionKind::ids) != nullptr) {
    ATTAR_ASSIGN(auto section, state->reader.section(SectionKind::ids));
    ATTAR_ASSIGN(state->ids, format::IdsReader::open(std::move(section), state->schema.rows));
  }
  ATTAR_ASSIGN(state->attributes, open_attributes(state->reader, schema.rows));
  ATTAR_ASSIGN(state->text, engine::TextParts::open(state->reader, state->schema));
  ATTAR_ASSIGN(const engine::PlanText plan, state->plan());
  state->look = plan.look;
  const std::uint64_t deepest = std::uint64_t{index::most_rescored_per_hit} * plan.k;
  state->look.rescored =
      static_cast<std::uint32_t>(std::min<std::uint64_t>({plan.look.rescored, deepest, limits.max_hits, schema.rows}));
  state->look.shortlist = static_cast<std::uint32_t>(std::min<std::uint64_t>(plan.look.shortlist, schema.rows));
  state->look.beam = static_cast<std::uint32_t>(std::min<std::uint64_t>(plan.look.beam, schema.rows));
  state->look_k = plan.k;
  return Artifact(std::move(state));
}

std::uint64_t Artifact::rows() const noexcept { return state_->schema.rows; }
std::uint32_t Artifact::dims() const noexcept { return state_->schema.dims; }
Metric Artifact::metric() const noexcept { return state_->schema.metric; }

Result<ArtifactInfo> Artifact::info() const {
  const format::ArtifactReader& reader = state_->reader;
  ArtifactInfo out;
  out.path = reader.path();
  out.rows = rows();
  out.dims = dims();
  out.metric = metric();
  out.bytes = reader.file_bytes();
  out.bytes_per_row = static_cast<double>(out.bytes) / static_cast<double>(out.rows);
  out.codec = state_->codes.codec->info().name;
  out.format_version = format::current_version;
  out.has_ids = state_->ids.has_value();
  out.originals = state_->originals_name();
  out.code_bytes_per_row = state_->code_bytes_per_row();
  out.content_digest = reader.content_digest().hex();
  std::uint64_t container = out.bytes;
  for (const format::SectionEntry& entry : reader.sections()) {
    out.parts.push_back({entry.name(), entry.length});
    container -= entry.length;
  }
  out.parts.push_back({"container", container});
  for (const filter::Column& column : state_->attributes->columns()) {
    FieldInfo field = info_of(column.head());
    field.bytes = column.bytes();
    ATTAR_ASSIGN(std::tie(field.least, field.most), column.extremes());
    out.fields.push_back(std::move(field));
  }
  ATTAR_ASSIGN(const engine::PlanText plan, state_->plan());
  out.plan = state_->in_words(plan);
  out.plan_json = engine::to_json(plan);
  ATTAR_ASSIGN(out.certificates, state_->certificates());
  out.certificate_stale =
      std::any_of(out.certificates.begin(), out.certificates.end(),
                  [&](const Certificate& certificate) { return certificate.content_digest != out.content_digest; });
  return out;
}

Result<SelectedRows> Artifact::State::rows_where(std::string_view condition) const {
  const auto start = std::chrono::steady_clock::now();
  ATTAR_ASSIGN(const filter::FoundRows found, attributes->rows_where(condition));
  SelectedRows out{.words = found.words, .count = found.rows.count(), .cached = found.cached};
  if (list_count != 0) remember(found.words);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

Result<SelectedRows> Artifact::rows_where(std::string_view condition) const { return state_->rows_where(condition); }

Result<FieldValue> Artifact::field(std::uint32_t row, std::string_view name) const {
  if (row >= rows())
    return fail(ErrorCode::invalid_argument,
                fmt::format("there is no row {}: the artifact has rows 0 to {}", row, rows() - 1));
  const filter::Column* column = state_->attributes->find(name);
  if (column == nullptr) return std::unexpected(state_->attributes->no_such_field(name));
  return column->value(row);
}

Result<std::string> Artifact::id(std::uint32_t row) const {
  if (row >= rows())
    return fail(ErrorCode::invalid_argument,
                fmt::format("there is no row {}: the artifact has rows 0 to {}", row, rows() - 1));
  if (!state_->ids) return std::to_string(row);
  return state_->ids->id(row);
}

Result<std::optional<std::uint32_t>> Artifact::row_of(const std::string& id) const {
  if (!state_->ids) {
    std::uint32_t row = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), row);
    if (error != std::errc{} || end != id.data() + id.size() || row >= rows()) return std::optional<std::uint32_t>{};
    return std::optional(row);
  }
  for (std::uint64_t first = 0; first < rows(); first += format::ids_per_group) {
    ATTAR_ASSIGN(const auto group, state_->ids->ids(first, std::min(format::ids_per_group, rows() - first)));
    const auto it = std::find(group.begin(), group.end(), id);
    if (it != group.end())
      return std::optional(static_cast<std::uint32_t>(first + static_cast<std::uint64_t>(it - group.begin())));
  }
  return std::optional<std::uint32_t>{};
}

Status Artifact::decode(std::uint64_t first, std::span<float> out) const {
  if (out.size() % dims() != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("room for {} values is no whole number of rows of {}", out.size(), dims()));
  const std::uint64_t count = out.size() / dims();
  if (first > rows() || count > rows() - first)
    return fail(ErrorCode::invalid_argument,
                fmt::format("rows {} to {} were asked for; the artifact has {}", first, first + count, rows()));
  const codec::Range range{first, first + count};
  state_->expect_scans();
  return state_->decode(range, out);
}

Status Artifact::verify(unsigned threads, Progress* progress) const {
  base::ThreadPool pool(threads);
  if (progress != nullptr) progress->stage("verifying", state_->reader.file_bytes());
  state_->expect_scans();
  ATTAR_TRY(state_->reader.verify_all(&pool, progress));
  if (state_->ids) ATTAR_TRY(state_->ids->check());
  ATTAR_TRY(state_->attributes->check());
  if (state_->text) ATTAR_TRY(state_->text->check());
  if (state_->list_count != 0) {
    ATTAR_ASSIGN(const index::Lists* lists, state_->lists());
    ATTAR_TRY(lists->rows_by_position());
  }
  if (state_->degree != 0) {
    ATTAR_ASSIGN(const index::graph::Links* links, state_->links());
    ATTAR_TRY(links->check());
    if (const std::uint64_t lost = links->unreachable(); lost != 0)
      return fail(ErrorCode::corrupt, fmt::format("no walk over the graph comes to {} of the {} rows", lost, rows()));
  }
  ATTAR_TRY(state_->plan());
  ATTAR_TRY(state_->certificates());
  return {};
}

}  // namespace attar
