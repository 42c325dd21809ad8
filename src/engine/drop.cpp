// drop(): an artifact with a graph, written again without some of its rows.
#include "attar/drop.h"

#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

#include "base/clock.h"
#include "base/threads.h"
#include "data/text_lines.h"
#include "engine/allowed_rows.h"
#include "engine/artifact_state.h"
#include "engine/input.h"
#include "engine/stored_rows.h"
#include "filter/column_copy.h"
#include "filter/row_set.h"
#include "format/certify_copy.h"
#include "format/ids.h"
#include "format/schema.h"
#include "format/writer.h"
#include "index/graph/build.h"
#include "index/graph/mend.h"

namespace attar {
namespace {

using format::SectionKind;

// Where more than one of so many rows was dropped since a graph was built, it is built anew. Mended ones:
// docs/decisions/0047.
constexpr std::uint64_t most_mended = 5;
constexpr std::uint64_t copied_together = 4096;

// Which rows are left by all that names those to drop.
class Choice {
 public:
  explicit Choice(const Artifact::State& state)
      : state_(state), kept_(filter::RowSet::all(state.schema.rows).words(state.schema.rows)) {}

  Status leave_out(const DropOptions& options) {
    if (!options.where.empty()) {
      ATTAR_ASSIGN(const SelectedRows selected, state_.rows_where(options.where));
      for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i] &= ~(*selected.words)[i];
    }
    for (const std::uint32_t row : options.rows) ATTAR_TRY(leave_out_row(row));
    std::vector<std::string> ids = options.ids;
    if (!options.ids_file.empty()) {
      ATTAR_ASSIGN(const auto listed, data::read_listed_ids(options.ids_file));
      ids.insert(ids.end(), listed.begin(), listed.end());
    }
    return leave_out_ids(ids);
  }

  /// Bit r % 64 of word r / 64.
  [[nodiscard]] std::vector<std::uint64_t> kept() && { return std::move(kept_); }

 private:
  Status leave_out_row(std::uint64_t row) {
    if (row >= state_.schema.rows)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("there is no row {}: the artifact has {} rows, counted from 0", row, state_.schema.rows));
    kept_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    return {};
  }

  Status leave_out_ids(const std::vector<std::string>& ids) {
    if (ids.empty()) return {};
    if (!state_.ids) return leave_out_numbers(ids);
    std::unordered_map<std::string_view, bool> found;
    for (const std::string& id : ids) found.emplace(id, false);
    for (std::uint64_t first = 0; first < state_.schema.rows; first += copied_together) {
      const std::uint64_t count = std::min(copied_together, state_.schema.rows - first);
      ATTAR_ASSIGN(const auto own, state_.ids->ids(first, count));
      for (std::uint64_t i = 0; i < count; ++i)
        if (const auto it = found.find(own[i]); it != found.end()) {
          it->second = true;
          ATTAR_TRY(leave_out_row(first + i));
        }
    }
    for (const std::string& id : ids)
      if (!found.at(id)) return fail(ErrorCode::invalid_argument, fmt::format("no row has the id '{}'", id));
    return {};
  }

  Status leave_out_numbers(const std::vector<std::string>& ids) {
    for (const std::string& id : ids) {
      std::uint64_t row = 0;
      const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), row);
      if (error != std::errc{} || end != id.data() + id.size())
        return fail(ErrorCode::invalid_argument,
                    fmt::format("'{}' is no row number, and the artifact keeps no ids", id));
      ATTAR_TRY(leave_out_row(row));
    }
    return {};
  }

  const Artifact::State& state_;
  std::vector<std::uint64_t> kept_;
};

class Dropping {
 public:
  Dropping(const Artifact& artifact, const std::filesystem::path& output, const DropOptions& options)
      : state_(ArtifactAccess::state(artifact)),
        output_(output),
        options_(options),
        progress_(engine::or_silent(options.progress)) {}

  Result<DropReport> run() {
    ATTAR_TRY(check());
    Choice choice(state_);
    ATTAR_TRY(choice.leave_out(options_));
    kept_ = std::move(choice).kept();
    for (std::uint32_t row = 0; row < state_.schema.rows; ++row)
      if (keeps(row)) rows_.push_back(row);
    report_.rows = rows_.size();
    report_.dropped = state_.schema.rows - report_.rows;
    if (report_.dropped == 0) return fail(ErrorCode::invalid_argument, "no row is named that could be dropped");
    if (report_.rows == 0) return fail(ErrorCode::invalid_argument, "no row would be left; delete the file instead");
    ATTAR_TRY(write());
    return finish();
  }

 private:
  Status check() const {
    const auto refuse = [&](std::string message) {
      return std::unexpected(
          Error{.code = ErrorCode::unsupported, .message = std::move(message), .file = state_.reader.path()});
    };
    if (output_.empty()) return fail(ErrorCode::invalid_argument, "name the file to write, such as smaller.attar");
    ATTAR_TRY(format::check_derivable(state_.reader));
    if (state_.text)
      return refuse(
          "holds documents, whose words and texts are not dropped row by row; pack "
          "those again that are to stay");
    if (state_.degree == 0)
      return refuse(
          "has no graph; rows are dropped from artifacts with one, others are packed "
          "again in less time than a graph takes");
    if (state_.originals && state_.reader.find(SectionKind::single_rows) == nullptr)
      return refuse("keeps its originals in an older way, in blocks; pack the vectors again");
    return {};
  }

  Status write() {
    ATTAR_ASSIGN(plan_, state_.plan());
    ATTAR_ASSIGN(const index::graph::Adjacency graph, left_graph());
    plan_.dropped += report_.dropped;
    const format::SectionEntry* plan = state_.reader.find(SectionKind::plan);
    const format::SectionEntry* certificate = state_.reader.find(SectionKind::certificate);
    ATTAR_ASSIGN(auto writer, format::ArtifactWriter::create(
                                  output_, {.certificate_bytes = certificate == nullptr ? 0 : certificate->length,
                                            .features = state_.reader.features()}));
    const format::VectorSchema schema{.rows = report_.rows, .dims = state_.schema.dims, .metric = state_.schema.metric};
    ATTAR_TRY(writer.add({.kind = SectionKind::schema}, format::encode_schema(schema)));
    std::string text = engine::to_json(plan_);
    text.resize(std::max<std::size_t>(text.size(), plan->length), ' ');
    ATTAR_TRY(writer.add(plan->spec, std::as_bytes(std::span(text.data(), text.size()))));
    ATTAR_TRY(write_ids(writer));
    ATTAR_TRY(write_attributes(writer));
    ATTAR_TRY(writer.add({.kind = SectionKind::graph}, index::graph::encode_links(graph)));
    ATTAR_TRY(copy_whole(writer, SectionKind::model, 0));
    ATTAR_TRY(write_codes(writer));
    ATTAR_TRY(write_originals(writer));
    ATTAR_TRY(base::check_cancelled(progress_));
    report_.content_digest = writer.content_digest().hex();
    return writer.finish();
  }

  Result<index::graph::Adjacency> left_graph() {
    ATTAR_ASSIGN(const index::graph::Links* links, state_.links());
    ATTAR_TRY(links->check());
    const std::uint64_t mended = plan_.mended + report_.dropped;
    if (mended * most_mended > report_.rows + mended) return rebuilt(*links);
    plan_.mended = mended;
    ATTAR_ASSIGN(auto out, index::graph::mend(*links, kept_, progress_));
    report_.relinked = out.relinked;
    return std::move(out.graph);
  }

  Result<index::graph::Adjacency> rebuilt(const index::graph::Links& links) {
    const engine::StoredRows decoded(*state_.codes.view, state_.schema.dims, state_.reader.path());
    const engine::AllowedRows left(decoded, kept_);
    base::ThreadPool pool(options_.threads);
    ATTAR_ASSIGN(auto out, index::graph::build(left, state_.schema.metric,
                                               {.degree = links.degree(),
                                                .entries = static_cast<std::uint32_t>(links.entries().size()),
                                                .seed = plan_.seed,
                                                .memory_bytes = options_.memory_bytes},
                                               pool, progress_));
    out.squared_reach = std::max(out.squared_reach, links.squared_reach());
    plan_.mended = 0;
    report_.rebuilt = true;
    return out;
  }

  Status write_ids(format::ArtifactWriter& writer) {
    if (!state_.ids) {
      report_.notes.emplace_back("the rows are numbered anew: the artifact keeps no ids");
      return {};
    }
    ATTAR_ASSIGN(base::Sink * sink, writer.begin({.kind = SectionKind::ids}));
    format::IdsWriter ids(*sink);
    for (std::uint64_t first = 0; first < state_.schema.rows; first += copied_together) {
      const std::uint64_t count = std::min(copied_together, state_.schema.rows - first);
      ATTAR_ASSIGN(const auto own, state_.ids->ids(first, count));
      for (std::uint64_t i = 0; i < count; ++i)
        if (keeps(first + i)) ATTAR_TRY(ids.append(own[i]));
    }
    ATTAR_TRY(ids.finish());
    return writer.end();
  }

  Status write_attributes(format::ArtifactWriter& writer) const {
    std::uint32_t number = 0;
    for (const filter::Column& column : state_.attributes->columns()) {
      ATTAR_TRY(base::check_cancelled(progress_));
      ATTAR_ASSIGN(const auto bytes, filter::copy_column(column, rows_));
      ATTAR_TRY(writer.add(
          {.kind = SectionKind::attributes, .instance = number++, .wire_version = filter::attributes_wire_version},
          bytes));
    }
    return {};
  }

  Status copy_whole(format::ArtifactWriter& writer, SectionKind kind, std::uint32_t instance) const {
    ATTAR_ASSIGN(const auto section, state_.reader.section(kind, instance));
    ATTAR_TRY(section.verify_all());
    return writer.add(state_.reader.find(kind, instance)->spec, section.bytes());
  }

  Status write_codes(format::ArtifactWriter& writer) const {
    progress_.stage("writing", report_.rows);
    ATTAR_TRY(state_.codes.view->verify({0, state_.schema.rows}));
    ATTAR_ASSIGN(base::Sink * sink, writer.begin(state_.reader.find(SectionKind::codes)->spec));
    ATTAR_TRY(state_.codes.view->copy(rows_, *sink));
    return writer.end();
  }

  // FORMAT.md: rows one by one, each as long as the others.
  Status write_originals(format::ArtifactWriter& writer) const {
    if (!state_.originals) return {};
    if (state_.reader.find(SectionKind::model, originals_model_instance) != nullptr)
      ATTAR_TRY(copy_whole(writer, SectionKind::model, originals_model_instance));
    ATTAR_ASSIGN(const auto section, state_.reader.section(SectionKind::single_rows));
    ATTAR_TRY(section.verify_all());
    const std::uint64_t row_bytes = section.bytes().size() / state_.schema.rows;
    ATTAR_ASSIGN(base::Sink * sink, writer.begin(state_.reader.find(SectionKind::single_rows)->spec));
    for (const std::uint32_t row : rows_) ATTAR_TRY(sink->write(section.bytes().subspan(row * row_bytes, row_bytes)));
    return writer.end();
  }

  Result<DropReport> finish() {
    std::error_code failed;
    report_.path = output_.string();
    report_.bytes = std::filesystem::file_size(output_, failed);
    report_.seconds = base::seconds_since(start_);
    return std::move(report_);
  }

  bool keeps(std::uint64_t row) const noexcept { return (kept_[row / 64] >> (row % 64) & 1) != 0; }

  const Artifact::State& state_;
  const std::filesystem::path& output_;
  const DropOptions& options_;
  Progress& progress_;
  base::Clock::time_point start_ = base::Clock::now();
  engine::PlanText plan_;
  std::vector<std::uint64_t> kept_;  // bit r % 64 of word r / 64
  std::vector<std::uint32_t> rows_;  // the same, ascending
  DropReport report_;
};

}  // namespace

Result<DropReport> drop(const Artifact& artifact, const std::filesystem::path& output, const DropOptions& options) {
  return Dropping(artifact, output, options).run();
}

}  // namespace attar
