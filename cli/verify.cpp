#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "attar/evaluate.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"
#include "session.h"
#include "tensors.h"

namespace attar::cli {
namespace {

struct VerifyArguments {
  std::filesystem::path artifact;
  bool force = false;
  OpenOptions open;
  CertifyOptions options;
};

/// The checksums, then the certificate where queries were given.
Result<std::optional<Certificate>> check(const Session& session, VerifyArguments& arguments, const Artifact& artifact) {
  ProgressBar bar(session);
  ATTAR_TRY(artifact.verify(arguments.options.threads, &bar));
  if (arguments.options.queries.empty()) return std::nullopt;
  arguments.options.progress = &bar;
  ATTAR_ASSIGN(Certificate certificate, certify_again(artifact, arguments.options));
  return certificate;
}

Result<Exit> run_verify(const Session& session, VerifyArguments& arguments) {
  const CertifyOptions& options = arguments.options;
  if (is_tensor_artifact(arguments.artifact))
    return run_verify_tensors(session, arguments.artifact, options.base, options.queries, options.confidence,
                              options.threads, arguments.open);
  if (!options.base.empty() && options.queries.empty())
    return fail(ErrorCode::invalid_argument,
                "--base needs --queries: the originals are what a fresh certificate is measured against");
  ATTAR_TRY(check_streams({options.queries, options.base}));
  if (options.output == "-")
    return fail(ErrorCode::invalid_argument, "-o: give a file for the copy that carries the certificate, not -");
  if (!options.output.empty())
    ATTAR_TRY(check_output(options.output, {options.queries, options.base}, arguments.force, true));
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  ATTAR_ASSIGN(const auto certificate, check(session, arguments, artifact));
  if (session.json) {
    ATTAR_TRY(print_json({{"path", info.path},
                          {"intact", true},
                          {"bytes", info.bytes},
                          {"rows", info.rows},
                          {"content_digest", info.content_digest},
                          {"certificate_stale", info.certificate_stale},
                          {"certificate", certificate ? certificate_json(*certificate) : Json(nullptr)},
                          {"output", options.output.empty() ? Json(nullptr) : Json(options.output.string())}}));
  } else {
    std::string text = fmt::format("{}: intact; every checksum of {} bytes and {} rows holds\n", printable(info.path),
                                   grouped(info.bytes), grouped(info.rows));
    if (info.certificate_stale) text += "The certificate in the file is stale: it was measured on another content.\n";
    if (certificate) text += certificates_text({*certificate});
    if (!options.output.empty()) text += fmt::format("written to {}\n", printable(options.output.string()));
    ATTAR_TRY(print(text));
  }
  const bool missed = certificate && certificate->floor > 0 && !certificate->passed;
  return missed ? Exit::unreachable : Exit::done;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CertifyOptions& options = arguments->options;
  Command command = add_command(
      app, session, "verify", "Every checksum; with queries, a fresh certificate",
      {"attar verify docs.attar", "attar verify docs.attar --base docs.npy --queries new.npy --recall 0.95@10",
       "attar verify docs.attar --base docs.npy --queries new.npy -o certified.attar",
       "attar verify small.attar --base model.safetensors",
       "attar verify small.attar --base minilm/model.safetensors --queries fresh.txt"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  Option queries =
      add_path(command, "--queries", options.queries,
               "Queries that the plan has not seen. Of an encoder's weights: texts that packing has not seen");
  add_path(
      command, "--base", options.base,
      "The originals; without it those kept in the file. Tensors: the file that was packed, against which every error "
      "is measured again, or the artifact below");
  add_value(command, "--recall", options.floor, parse_floor, "The floor to show; without it the plan's own", "R@K")
      .needs(queries);
  add_path(command, "-o,--output", options.output, "Write a copy that carries the fresh certificate").needs(queries);
  command.add_flag("-f,--force", arguments->force, "Overwrite a file that is no .attar artifact");
  add_confidence(command, options.confidence);
  add_whole(command, "--seed", options.seed, 0, ~std::uint64_t{0}, "Of shuffling the queries (default 1)");
  add_input_options(command, options.input);
  add_open_options(command, arguments->open);
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_verify);
}

}  // namespace attar::cli
