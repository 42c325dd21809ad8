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

std::vector<format::PlannedSection> Assembly::sections(const plan::PartSizes& planned) const {
  using enum format::SectionKind;
  std::vector<format::PlannedSection> out = {{spec(schema), format::schema_bytes},
                                             {spec(format::SectionKind::plan), plan_bytes}};
  if (!material_->ids.empty()) out.push_back({spec(ids), material_->ids.size()});
  const auto& columns = material_->meta.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) out.push_back({column(i), columns[i].size()});
  for (const FixedSection& section : material_->sections) out.push_back({section.spec, section.bytes.size()});
  if (planned.lists != 0) out.push_back({spec(lists), planned.lists});
  if (planned.graph != 0) out.push_back({spec(graph), planned.graph});
  out.push_back({spec(model), planned.model});
  out.push_back({spec(codes), planned.codes});
  if (originals_ == nullptr) return out;
  if (!originals_->model().empty())
    out.push_back({model_of_originals(originals_->codec().info()), originals_->model().size()});
  out.push_back({spec(single_rows), originals_->codes().size()});
  return out;
}

std::string Assembly::fixed_in_words() const {
  std::uint64_t attributes = 0, others = 0;
  for (const auto& bytes : material_->meta.columns) attributes += bytes.size();
  for (const FixedSection& section : material_->sections) others += section.bytes.size();
  if (others != 0) return fmt::format("{} of them texts, words and attributes", attributes + others);
  return attributes == 0 ? "" : fmt::format("{} of them attributes; fewer fields take less", attributes);
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
  if (!material_->ids.empty()) ATTAR_TRY(writer.add(spec(Kind::ids), material_->ids));
  const auto& columns = material_->meta.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) ATTAR_TRY(writer.add(column(i), columns[i]));
  std::uint64_t bytes =
      trial.codes().size() + trial.model().size() + (originals_ != nullptr ? originals_->codes().size() : 0);
  for (const FixedSection& section : material_->sections) bytes += section.bytes.size();
  if (trial.graph() != nullptr) bytes += trial.graph()->bytes().size();
  progress.stage("writing", bytes);
  for (const FixedSection& section : material_->sections)
    ATTAR_TRY(add_in_pieces(writer, section.spec, section.bytes, progress));
  if (trial.partition() != nullptr) ATTAR_TRY(writer.add(spec(Kind::lists), trial.partition()->bytes()));
  if (trial.graph() != nullptr) ATTAR_TRY(add_in_pieces(writer, spec(Kind::graph), trial.graph()->bytes(), progress));
  const codec::CodecInfo& info = trial.codec().info();
  ATTAR_TRY(add_in_pieces(writer, coded(Kind::model, info), trial.model(), progress));
  ATTAR_TRY(add_in_pieces(writer, coded(Kind::codes, info), trial.codes(), progress));
  if (originals_ != nullptr) ATTAR_TRY(write_originals(writer, progress));
  ATTAR_ASSIGN(const std::string certificate, certify(writer.content_digest()));
  ATTAR_TRY(base::check_cancelled(progress));
  return writer.finish(as_bytes(certificate));
}

}  // namespace attar::engine
