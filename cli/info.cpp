#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/artifact.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "session.h"
#include "tensors.h"

namespace attar::cli {
namespace {

struct InfoArguments {
  std::filesystem::path artifact;
  OpenOptions open;
};

Json json_of(const ArtifactInfo& info) {
  return {{"path", info.path},
          {"rows", info.rows},
          {"dims", info.dims},
          {"metric", metric_name(info.metric)},
          {"bytes", info.bytes},
          {"bytes_per_row", info.bytes_per_row},
          {"code_bytes_per_row", info.code_bytes_per_row},
          {"codec", info.codec},
          {"format_version", info.format_version},
          {"parts", parts_json(info.parts)},
          {"fields", fields_json(info.fields)},
          {"plan", info.plan},
          {"certificates", certificates_json(info.certificates)},
          {"certificate_stale", info.certificate_stale},
          {"has_ids", info.has_ids},
          {"originals", info.originals.empty() ? Json(nullptr) : Json(info.originals)},
          {"content_digest", info.content_digest}};
}

std::string fields_text(const std::vector<FieldInfo>& fields) {
  if (fields.empty()) return {};
  Table table({"field", "type", "values", "least", "most", "without", "bytes"}, 2);
  for (const FieldInfo& field : fields)
    table.add({printable(field.name), field.type + (field.sorted ? ", sorted" : ""),
               field.distinct ? grouped(*field.distinct) : "-", shown_value(field.least), shown_value(field.most),
               grouped(field.nulls), grouped(field.bytes)});
  return table.text() + "\n";
}

std::string text_of(const ArtifactInfo& info) {
  Facts facts;
  facts.add("file", fmt::format("{}, format {}", printable(info.path), info.format_version));
  facts.add("rows", fmt::format("{} x {}, {}{}", grouped(info.rows), info.dims, metric_name(info.metric),
                                info.has_ids ? ", with ids" : ""));
  facts.add("bytes a row",
            fmt::format("{:.3f}, codes and scale alone {:.3f}", info.bytes_per_row, info.code_bytes_per_row));
  facts.add("plan", printable(info.plan));
  if (!info.originals.empty()) facts.add("originals", fmt::format("kept as {}", printable(info.originals)));
  facts.add("content", info.content_digest);
  const std::string_view stale =
      info.certificate_stale ? "STALE: this certificate was measured on another content than this file's.\n" : "";
  return fmt::format("{}\n{}\n{}{}{}", facts.text(), parts_text(info.parts, info.bytes, info.rows),
                     fields_text(info.fields), stale, certificates_text(info.certificates));
}

Result<Exit> run_info(const Session& session, const InfoArguments& arguments) {
  if (is_tensor_artifact(arguments.artifact)) return run_info_tensors(session, arguments.artifact, arguments.open);
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  ATTAR_TRY(session.json ? print_json(json_of(info)) : print(text_of(info)));
  return Exit::done;
}

}  // namespace

void add_info(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<InfoArguments>();
  Command command = add_command(app, session, "info", "Bytes by part, the plan, the certificate in words",
                                {"attar info docs.attar", "attar info docs.attar --json"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_open_options(command, arguments->open);
  run_with(command, session, arguments, run_info);
}

}  // namespace attar::cli
