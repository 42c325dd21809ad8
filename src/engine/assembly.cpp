#include "engine/assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/checked.h"
#include "codec/registry.h"
#include "data/text_lines.h"
#include "engine/artifact_state.h"
#include "filter/column_layout.h"
#include "format/ids.h"
#include "format/layout.h"
#include "format/schema.h"
#include "plan/field.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t copy_bytes = 4ull << 20;

format::SectionSpec spec(format::SectionKind kind) { return {.kind = kind}; }

format::SectionSpec coded(format::SectionKind kind, const codec::CodecInfo& info) {
  return {.kind = kind, .codec_id = info.id, .wire_version = info.wire_max};
}

format::SectionSpec model_of_originals(const codec::CodecInfo& info) {
  format::SectionSpec out = coded(format::SectionKind::model, info);
  out.instance = originals_model_instance;
  return out;
}

Result<std::vector<std::byte>> encode_ids(const std::filesystem::path& path, std::uint64_t rows) {
  if (path.empty()) return std::vector<std::byte>{};
  ATTAR_ASSIGN(const auto ids, data::read_ids(path, rows));
  base::MemorySink sink;
  format::IdsWriter writer(sink);
  for (const std::string& id : ids) ATTAR_TRY(writer.append(id));
  ATTAR_TRY(writer.finish());
  return std::move(sink).release();
}

Result<filter::Meta> read_attributes(const PackOptions& options, std::uint64_t rows, Progress& progress) {
  if (!options.meta.empty())
    return filter::read_meta({.path = options.meta, .fields = options.meta_fields, .sorted = options.meta_sorted}, rows,
                             progress);
  if (!options.meta_fields.empty() || !options.meta_sorted.empty())
    return fail(ErrorCode::invalid_argument,
                "fields of attributes were named, but no file of them; name it, as with --meta");
  return filter::Meta{};
}

format::SectionSpec column(std::size_t number) {
  return {.kind = format::SectionKind::attributes,
          .instance = static_cast<std::uint32_t>(number),
          .wire_version = filter::attributes_wire_version};
}

// A section's bytes in pieces, so that Ctrl-C is heard while a large one is copied.
Status add_in_pieces(format::ArtifactWriter& writer, const format::SectionSpec& what, base::ByteView bytes,
                     Progress& progress) {
  ATTAR_ASSIGN(base::Sink * sink, writer.begin(what));
  for (std::uint64_t at = 0; at < bytes.size(); at += copy_bytes) {
    ATTAR_TRY(base::check_cancelled(progress));
    const base::ByteView piece = bytes.subspan(at, std::min<std::uint64_t>(copy_bytes, bytes.size() - at));
    ATTAR_TRY(sink->write(piece));
    progress.advance(piece.size());
  }
  return writer.end();
}

std::string padded(std::string text, std::uint64_t size) {
  text.resize(size, ' ');
  return text;
}

base::ByteView as_bytes(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

Result<Assembly> Assembly::create(const data::VectorSource& base, const codec::Schema& schema,
                                  const PackOptions& options, Progress& progress) {
  Assembly out;
  out.base_ = &base;
  out.schema_ = schema;
  ATTAR_ASSIGN(out.ids_, encode_ids(options.ids, schema.rows));
  ATTAR_ASSIGN(out.meta_, read_attributes(options, schema.rows, progress));
  return out;
}

std::vector<format::PlannedSection> Assembly::sections(const plan::PartSizes& planned) const {
  using enum format::SectionKind;
  std::vector<format::PlannedSection> out = {{spec(schema), format::schema_bytes},
                                             {spec(format::SectionKind::plan), plan_bytes}};
  if (!ids_.empty()) out.push_back({spec(ids), ids_.size()});
  for (std::size_t i = 0; i < meta_.columns.size(); ++i) out.push_back({column(i), meta_.columns[i].size()});
  if (planned.lists != 0) out.push_back({spec(lists), planned.lists});
  out.push_back({spec(model), planned.model});
  out.push_back({spec(codes), planned.codes});
  if (originals_ == nullptr) return out;
  if (!originals_->model().empty())
    out.push_back({model_of_originals(originals_->codec().info()), originals_->model().size()});
  out.push_back({spec(single_rows), originals_->codes().size()});
  return out;
}

std::uint64_t Assembly::attributes_bytes() const noexcept {
  std::uint64_t out = 0;
  for (const auto& bytes : meta_.columns) out += bytes.size();
  return out;
}

Result<std::uint64_t> Assembly::file_bytes(const plan::PartSizes& planned) const {
  return format::size_of(sections(planned), certificate_bytes);
}

Result<std::vector<Part>> Assembly::parts(const plan::PartSizes& planned) const {
  ATTAR_ASSIGN(std::uint64_t container, file_bytes(planned));
  std::vector<Part> out;
  for (const format::PlannedSection& section : sections(planned)) {
    out.push_back({format::SectionEntry{.spec = section.spec}.name(), section.length});
    container -= section.length;
  }
  out.push_back({"certificate", certificate_bytes});
  out.push_back({"container", container - certificate_bytes});
  return out;
}

Status Assembly::write_originals(format::ArtifactWriter& writer, Progress& progress) const {
  const codec::CodecInfo& info = originals_->codec().info();
  if (!originals_->model().empty()) ATTAR_TRY(writer.add(model_of_originals(info), originals_->model()));
  return add_in_pieces(writer, coded(format::SectionKind::single_rows, info), originals_->codes(), progress);
}

Status Assembly::write(const std::filesystem::path& path, const plan::Trial& trial, const std::string& plan,
                       const Certify& certify, Progress& progress) const {
  using Kind = format::SectionKind;
  if (plan.size() > plan_bytes) return fail(ErrorCode::unsupported, "the plan's text is too long; please report this");
  ATTAR_ASSIGN(auto writer, format::ArtifactWriter::create(path, {.certificate_bytes = certificate_bytes}));
  const auto schema_section =
      format::encode_schema({.rows = schema_.rows, .dims = schema_.dims, .metric = schema_.metric});
  ATTAR_TRY(writer.add(spec(Kind::schema), schema_section));
  ATTAR_TRY(writer.add(spec(Kind::plan), as_bytes(padded(plan, plan_bytes))));
  if (!ids_.empty()) ATTAR_TRY(writer.add(spec(Kind::ids), ids_));
  for (std::size_t i = 0; i < meta_.columns.size(); ++i) ATTAR_TRY(writer.add(column(i), meta_.columns[i]));
  if (trial.partition() != nullptr) ATTAR_TRY(writer.add(spec(Kind::lists), trial.partition()->bytes()));
  progress.stage("writing",
                 trial.codes().size() + trial.model().size() + (originals_ ? originals_->codes().size() : 0));
  const codec::CodecInfo& info = trial.codec().info();
  ATTAR_TRY(add_in_pieces(writer, coded(Kind::model, info), trial.model(), progress));
  ATTAR_TRY(add_in_pieces(writer, coded(Kind::codes, info), trial.codes(), progress));
  if (originals_ != nullptr) ATTAR_TRY(write_originals(writer, progress));
  ATTAR_ASSIGN(const std::string certificate, certify(writer.content_digest()));
  ATTAR_TRY(base::check_cancelled(progress));
  return writer.finish(as_bytes(certificate));
}

}  // namespace attar::engine
