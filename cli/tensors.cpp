#include "tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "attar/model_certificate.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"

namespace attar::cli {
namespace {

std::string saved(std::uint64_t before, std::uint64_t after) {
  if (before == 0) return "-";
  return fmt::format("{:.2f}%", 100 * (1 - static_cast<double>(after) / static_cast<double>(before)));
}

Json loss_json(const TensorLoss& loss) {
  return {{"relative_error", loss.relative_error}, {"max_error", loss.max_error}, {"sensitivity", loss.sensitivity}};
}

Json lost_json(const std::vector<LostTensor>& lost) {
  Json out = Json::array();
  for (const LostTensor& own : lost) {
    Json row = {{"name", own.name}, {"type", own.type}, {"weights", own.weights}, {"bits", own.bits}};
    row.update(loss_json(own.loss));
    out.push_back(std::move(row));
  }
  return out;
}

Json trimmed_json(const std::vector<TrimmedTable>& trimmed) {
  Json out = Json::array();
  for (const TrimmedTable& own : trimmed)
    out.push_back({{"name", own.name}, {"rows", own.rows}, {"dropped", own.dropped}});
  return out;
}

// A line about a table that was trimmed.
void add_trimmed(Facts& facts, const TrimmedTable& own) {
  facts.add("dropped",
            fmt::format("{} of {} rows of {}", grouped(own.dropped), grouped(own.rows), printable(own.name)));
}

// A plan knows no largest errors.
std::string lost_text(const std::vector<LostTensor>& lost, bool measured) {
  std::vector<std::string> heads = {"tensor", "type", "weights", "bits", "relative error", "alpha"};
  if (measured) heads.emplace_back("max error");
  Table table(heads, 2);
  for (const LostTensor& own : lost) {
    std::vector<std::string> row = {printable(own.name),
                                    printable(own.type),
                                    grouped(own.weights),
                                    fmt::format("{:.3f}", own.bits),
                                    fmt::format("{:.3g}", own.loss.relative_error),
                                    own.loss.sensitivity == 0 ? "-" : fmt::format("{:.4g}", own.loss.sensitivity)};
    if (measured) row.push_back(fmt::format("{:.3g}", own.loss.max_error));
    table.add(row);
  }
  return table.text();
}

// The weights that lost, their bits together, and the tensor that lost most.
std::string lost_in_all(const std::vector<LostTensor>& lost) {
  double bits = 0, weights = 0;
  const LostTensor* worst = &lost.front();
  for (const LostTensor& own : lost) {
    bits += own.bits * static_cast<double>(own.weights);
    weights += static_cast<double>(own.weights);
    if (own.loss.relative_error > worst->loss.relative_error) worst = &own;
  }
  return fmt::format("{} tensors at {:.3f} bits a weight; the largest relative error is {:.3g}, of {}",
                     grouped(lost.size()), bits / std::max(weights, 1.0), worst->loss.relative_error,
                     printable(worst->name));
}

Json model_certificate_json(const ModelCertificate& certificate) {
  return {{"texts", certificate.texts},
          {"lost", certificate.lost},
          {"upper_bound", certificate.upper_bound},
          {"confidence", certificate.confidence},
          {"predicted", certificate.predicted},
          {"content_digest", certificate.content_digest},
          {"texts_digest", certificate.texts_digest},
          {"model_digest", certificate.model_digest},
          {"build", certificate.build},
          {"scope", certificate.scope}};
}

std::string model_certificate_text(const ModelCertificate& certificate) {
  return fmt::format(
      "Vectors lost {:.3g} on average (1 - cosine), at most {:.4f} at {:.4g}% confidence; {} texts that "
      "packing did not see; {:.3g} was predicted.\n{}\n",
      certificate.lost, certificate.upper_bound, 100 * certificate.confidence, grouped(certificate.texts),
      certificate.predicted, printable(certificate.scope));
}

Json packed_json(const PackTensorsReport& report) {
  Json types = Json::array();
  for (const TensorTypeShare& type : report.types)
    types.push_back(
        {{"type", type.type}, {"tensors", type.tensors}, {"bytes", type.bytes}, {"packed_bytes", type.packed_bytes}});
  return {{"path", report.path.empty() ? Json(nullptr) : Json(report.path)},
          {"sources", report.sources},
          {"tensors", report.tensors},
          {"shared_tensors", report.shared_tensors},
          {"base_tensors", report.base_tensors},
          {"delta_tensors", report.delta_tensors},
          {"depth", report.depth},
          {"source_bytes", report.source_bytes},
          {"bytes", report.bytes},
          {"types", std::move(types)},
          {"budget_bytes", report.budget_bytes == 0 ? Json(nullptr) : Json(report.budget_bytes)},
          {"lost", lost_json(report.lost)},
          {"weighed_error", report.weighed_error},
          {"trimmed", trimmed_json(report.trimmed)},
          {"certificate", nullptr},
          {"notes", report.notes},
          {"seconds", report.seconds}};
}

std::string budget_text(const PackTensorsReport& report) {
  if (report.budget_bytes == 0) return {};
  return fmt::format(", budget {}", grouped(report.budget_bytes));
}

std::string types_text(const PackTensorsReport& report) {
  Table table({"type", "tensors", "bytes", "packed", "saved"});
  for (const TensorTypeShare& type : report.types)
    table.add({printable(type.type), grouped(type.tensors), grouped(type.bytes), grouped(type.packed_bytes),
               saved(type.bytes, type.packed_bytes)});
  return table.text();
}

std::string packed_text(const PackTensorsReport& report) {
  Facts facts;
  facts.add("packed", fmt::format("{} tensors of {} files, {}, to {}", grouped(report.tensors), grouped(report.sources),
                                  !report.lost.empty()     ? "with loss"
                                  : report.trimmed.empty() ? "without loss"
                                                           : "kept rows without loss",
                                  printable(report.path)));
  facts.add("file", fmt::format("{} bytes of {}{}: {} saved", grouped(report.bytes), grouped(report.source_bytes),
                                budget_text(report), saved(report.source_bytes, report.bytes)));
  if (!report.lost.empty()) {
    facts.add("lost", lost_in_all(report.lost));
    facts.add("weighed", fmt::format("{:.4g}, the sum of relative errors by their weights", report.weighed_error));
  }
  for (const TrimmedTable& own : report.trimmed) add_trimmed(facts, own);
  if (report.shared_tensors != 0)
    facts.add("shared",
              fmt::format("{} tensors stand there once that stood in the files again", grouped(report.shared_tensors)));
  if (report.depth != 0)
    facts.add("base", fmt::format("{} tensors stand in it alone, {} are differences from it; {} artifacts lie below",
                                  grouped(report.base_tensors), grouped(report.delta_tensors), report.depth));
  const double rate = report.seconds > 0 ? static_cast<double>(report.source_bytes) / 1e6 / report.seconds : 0;
  facts.add("time", fmt::format("{:.1f} s, {:.0f} MB/s", report.seconds, rate));
  return fmt::format("{}{}\n{}", facts.text(), notes_text(report.notes), types_text(report));
}

std::string planned_text(const PackTensorsReport& report) {
  Facts facts;
  facts.add("file", fmt::format("about {} bytes of {}{}, nothing written", grouped(report.bytes),
                                grouped(report.source_bytes), budget_text(report)));
  if (!report.lost.empty()) {
    facts.add("lost", lost_in_all(report.lost));
    facts.add("weighed", fmt::format("{:.4g}, the sum of relative errors by their weights", report.weighed_error));
  }
  for (const TrimmedTable& own : report.trimmed) add_trimmed(facts, own);
  facts.add("time", fmt::format("{:.1f} s", report.seconds));
  return fmt::format("{}{}\n{}\n{}", facts.text(), notes_text(report.notes), lost_text(report.lost, false),
                     types_text(report));
}

Json tensor_json(const TensorInfo& tensor) {
  return {{"source", tensor.source},
          {"name", tensor.name},
          {"type", tensor.type},
          {"shape", tensor.shape},
          {"bytes", tensor.bytes},
          {"packed_bytes", tensor.packed_bytes},
          {"codec", tensor.codec},
          {"loss", tensor.loss ? loss_json(*tensor.loss) : Json(nullptr)},
          {"dropped_rows", tensor.dropped_rows}};
}

Json info_json(const TensorsInfo& info) {
  Json tensors = Json::array();
  for (const TensorInfo& tensor : info.tensors) tensors.push_back(tensor_json(tensor));
  return {{"path", info.path},
          {"bytes", info.bytes},
          {"source_bytes", info.source_bytes},
          {"sources", info.sources},
          {"tensors", std::move(tensors)},
          {"parts", parts_json(info.parts)},
          {"format_version", info.format_version},
          {"base_digest", info.base_digest.empty() ? Json(nullptr) : Json(info.base_digest)},
          {"depth", info.depth},
          {"goal", info.goal.empty() ? Json(nullptr) : Json(info.goal)},
          {"refinements", info.refinements},
          {"weighed_error", info.weighed_error},
          {"certificate", info.certificate ? model_certificate_json(*info.certificate) : Json(nullptr)},
          {"content_digest", info.content_digest}};
}

std::string info_text(const TensorsInfo& info) {
  Facts facts;
  facts.add("file", fmt::format("{}, format {}", printable(info.path), info.format_version));
  facts.add("bytes", fmt::format("{} of {}: {} saved", grouped(info.bytes), grouped(info.source_bytes),
                                 saved(info.source_bytes, info.bytes)));
  facts.add("sources", fmt::format("{}", grouped(info.sources.size())));
  facts.add("content", info.content_digest);
  if (info.depth != 0) facts.add("base", fmt::format("content {}, {} artifacts below", info.base_digest, info.depth));
  if (!info.goal.empty()) {
    facts.add("goal", printable(info.goal));
    if (info.refinements != 0) facts.add("refined", fmt::format("{} times; may be cut", grouped(info.refinements)));
    facts.add("weighed", fmt::format("{:.4g}, the sum of relative errors by their weights", info.weighed_error));
  }
  for (const TensorInfo& tensor : info.tensors)
    if (tensor.dropped_rows != 0)
      add_trimmed(facts, {.name = tensor.name, .rows = tensor.shape.front(), .dropped = tensor.dropped_rows});
  Table table({"tensor", "type", "shape", "codec", "bytes", "packed", "saved", "relative error", "max error"}, 4);
  for (const TensorInfo& tensor : info.tensors) {
    const std::string name = info.sources.size() > 1 ? tensor.source + ":" + tensor.name : tensor.name;
    table.add({printable(name), printable(tensor.type), fmt::format("{}", fmt::join(tensor.shape, "x")),
               printable(tensor.codec), grouped(tensor.bytes), grouped(tensor.packed_bytes),
               saved(tensor.bytes, tensor.packed_bytes),
               tensor.loss ? fmt::format("{:.3g}", tensor.loss->relative_error) : "0",
               tensor.loss ? fmt::format("{:.3g}", tensor.loss->max_error) : "0"});
  }
  return fmt::format("{}\n{}{}\n{}", facts.text(),
                     info.certificate ? model_certificate_text(*info.certificate) + "\n" : "",
                     parts_text(info.parts, info.bytes, 0), table.text());
}

Result<PackTensorsOptions> options_of(const PackOptions& goals, const TensorArguments& arguments) {
  PackTensorsOptions out{.block_bytes = arguments.block_bytes, .base = arguments.base, .threads = goals.threads};
  out.loss.budget = goals.budget;
  out.loss.max_error = arguments.max_error;
  out.loss.progressive = arguments.progressive;
  out.loss.sensitivity = arguments.sensitivity;
  out.loss.frequencies = arguments.frequencies;
  out.loss.table = arguments.table;
  for (const std::string& pin : arguments.pins) {
    ATTAR_ASSIGN(out.loss.pins.emplace_back(), parse_tensor_pin(pin));
  }
  out.trim.tokens = arguments.keep_tokens;
  for (const std::string& rows : arguments.keep_rows) {
    ATTAR_ASSIGN(out.trim.rows.emplace_back(), parse_kept_rows(rows));
  }
  if (goals.floor || goals.latency || goals.throughput)
    return fail(ErrorCode::invalid_argument,
                "tensors have no --recall, --latency or --qps: name a --budget, a "
                "--max-error or --pin");
  if (!out.loss.any() && !out.loss.frequencies.empty())
    return fail(ErrorCode::invalid_argument, "--frequencies say which rows may lose more; name a loss: --budget SIZE");
  if (!out.loss.any() && !out.loss.sensitivity.empty())
    return fail(ErrorCode::invalid_argument, "--sensitivity says what a loss costs; name one: --budget SIZE");
  return out;
}

Status check_pack(const std::filesystem::path& input, const std::filesystem::path& output,
                  const TensorArguments& arguments, const PackTensorsOptions& options) {
  const LossOptions& loss = options.loss;
  const bool lossless = arguments.lossless;
  if (!arguments.calibrate.empty() && !arguments.sensitivity.empty())
    return fail(ErrorCode::invalid_argument, "--calibrate measures what --sensitivity would say; give one of them");
  if (lossless && loss.any())
    return fail(ErrorCode::invalid_argument,
                "--lossless loses nothing: leave it out, or --budget, --max-error, --pin and --progressive");
  if (lossless && options.trim.any())
    return fail(ErrorCode::invalid_argument,
                "a file without some of its rows is not the same file: leave out --lossless, and kept rows come back "
                "as they were, or leave out --keep-rows and --keep-tokens");
  if (!lossless && !loss.any() && !options.trim.any())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{0} holds tensors; say what may be lost: attar pack {0} -o {1} --lossless, or --budget "
                            "SIZE, or --max-error X",
                            printable(input.string()), printable(output.string())));
  if (input == "-")
    return fail(ErrorCode::invalid_argument, "tensors are not read from standard input; name a file or a folder");
  return {};
}

Status check_cut(const TensorArguments& arguments, const PackTensorsOptions& options) {
  const LossOptions& loss = options.loss;
  if (!loss.max_error && !loss.progressive && loss.pins.empty() && !arguments.lossless && arguments.base.empty() &&
      arguments.sensitivity.empty() && arguments.calibrate.empty() && arguments.frequencies.empty() &&
      arguments.table.empty() && !options.trim.any())
    return {};
  return fail(ErrorCode::invalid_argument, "a packed file is cut to a --budget, and nothing else is asked of it");
}

}  // namespace

void add_tensor_options(Command& command, TensorArguments& arguments, bool packs) {
  if (packs)
    command.add_flag("--lossless", arguments.lossless,
                     "Tensors: pack files or a folder so that unpack gives them back to the byte");
  if (packs)
    command.add_flag("--progressive", arguments.progressive,
                     "Tensors: so that the artifact may be cut to any size: attar pack IT -o SMALLER --budget SIZE");
  add_value(command, "--max-error", arguments.max_error, parse_error_bound,
            "Tensors: no float further off than this, or than this share of its tensor's largest: 1e-3, 0.1%", "BOUND");
  command.add_each("--pin", arguments.pins,
                   "Tensors: what holds for those of a name: 'embed.*=8bit', '>=4bit', '=lossless', '=1e-3'", "PIN");
  add_path(command, "--sensitivity", arguments.sensitivity,
           "Tensors: what an error on each costs, as attar sensitivity measures it (JSON)");
  add_path(command, "--frequencies", arguments.frequencies,
           "Tensors: how often each row of a table is met, a count a line; frequent rows lose less, rare ones more");
  command.add_text("--table", arguments.table,
                   "Tensors: the name of that table (default: the only matrix of so many rows)", "NAME");
  command.add_each("--keep-rows", arguments.keep_rows,
                   "Tensors: the rows of a table that are kept, a number a line: 'embed.*=rows.txt'; others become "
                   "zeros, so that the file that comes back is another one (not with --lossless)",
                   "NAME=FILE");
  add_path(command, "--keep-tokens", arguments.keep_tokens,
           "Tensors of a BERT model: the tokens of its vocabulary that are kept, one a line; texts of these give the "
           "same vectors, all others are read as [UNK] (not with --lossless)");
  if (packs)
    add_path(
        command, "--calibrate", arguments.calibrate,
        "Tensors of a model that attar embed runs: texts, of which one half tells what the budget should spare, and "
        "the other certifies what was lost");
  const auto parse = [](std::string_view text) -> Result<std::uint64_t> {
    ATTAR_ASSIGN(const Budget size, parse_budget(text));
    if (size.unit != Budget::Unit::bytes)
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no size; take one such as 64KiB", text));
    return static_cast<std::uint64_t>(size.value);
  };
  add_value(command, "--block", arguments.block_bytes, parse,
            "Tensors: bytes that are decoded together, 4KiB to 64MiB (default 256KiB)", "SIZE");
  add_path(
      command, "--base", arguments.base,
      "Tensors: the artifact of a former version; what it holds is not packed again, what changed as a difference");
}

bool takes_tensors(const std::filesystem::path& input, const std::string& as, const TensorArguments& arguments) {
  return arguments.lossless || arguments.progressive || arguments.max_error || !arguments.pins.empty() ||
         !arguments.keep_rows.empty() || !arguments.keep_tokens.empty() ||
         (as.empty() && input != "-" && (holds_tensors(input) || is_tensor_artifact(input)));
}

Result<Exit> run_cut_tensors(const Session& session, const std::filesystem::path& input,
                             const std::filesystem::path& output, bool force, const std::optional<Budget>& budget) {
  if (!budget)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} is packed already; name the size to cut it to: --budget SIZE", printable(input.string())));
  ATTAR_TRY(check_output(output, {input}, force, true));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".attar", session));
  ATTAR_ASSIGN(const CutReport report, cut_tensors(input, file.path(), *budget));
  const Json json = {{"path", output.string()},
                     {"bytes", report.bytes},
                     {"former_bytes", report.former_bytes},
                     {"refinements", report.refinements},
                     {"former_refinements", report.former_refinements},
                     {"weighed_error", report.weighed_error},
                     {"former_weighed_error", report.former_weighed_error},
                     {"seconds", report.seconds}};
  ATTAR_TRY(tell_written(session, file, output.string(), json, [&](const std::string& name) {
    return fmt::format("{}: {} bytes of {}, with {} of {} refinements; weighed error {:.4g}, before {:.4g}; {:.3f} s\n",
                       printable(name), grouped(report.bytes), grouped(report.former_bytes),
                       grouped(report.refinements), grouped(report.former_refinements), report.weighed_error,
                       report.former_weighed_error, report.seconds);
  }));
  return Exit::done;
}

Result<Exit> run_pack_tensors(const Session& session, const std::filesystem::path& input,
                              const std::filesystem::path& output, bool force, const PackOptions& goals,
                              const TensorArguments& arguments) {
  ATTAR_ASSIGN(PackTensorsOptions options, options_of(goals, arguments));
  if (is_tensor_artifact(input)) {
    ATTAR_TRY(check_cut(arguments, options));
    return run_cut_tensors(session, input, output, force, options.loss.budget);
  }
  ATTAR_TRY(check_pack(input, output, arguments, options));
  std::vector<std::filesystem::path> inputs{
      input, arguments.base, arguments.sensitivity, arguments.frequencies, arguments.calibrate, arguments.keep_tokens};
  for (const KeptRows& rows : options.trim.rows) inputs.push_back(rows.rows);
  ATTAR_TRY(check_output(output, inputs, force, true));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".attar", session));
  PackModelReport report;
  {
    ProgressBar bar(session);
    options.progress = &bar;
    if (arguments.calibrate.empty()) {
      ATTAR_ASSIGN(report.pack, pack_tensors(input, file.path(), options));
    } else {
      const PackModelOptions model{.pack = options,
                                   .sensitivity = {.seed = goals.seed, .threads = goals.threads, .progress = &bar},
                                   .confidence = goals.confidence};
      ATTAR_ASSIGN(report, pack_model(input, file.path(), arguments.calibrate, model));
    }
  }
  report.pack.path = output.string();
  Json json = packed_json(report.pack);
  if (!arguments.calibrate.empty()) json["certificate"] = model_certificate_json(report.certificate);
  ATTAR_TRY(tell_written(session, file, report.pack.path, json, [&](const std::string& name) {
    PackTensorsReport named = report.pack;
    named.path = name;
    return packed_text(named) + (arguments.calibrate.empty() ? "" : "\n" + model_certificate_text(report.certificate));
  }));
  return Exit::done;
}

Result<Exit> run_plan_tensors(const Session& session, const std::filesystem::path& input, const PackOptions& goals,
                              const TensorArguments& arguments) {
  ATTAR_ASSIGN(PackTensorsOptions options, options_of(goals, arguments));
  PackTensorsReport report;
  {
    ProgressBar bar(session);
    options.progress = &bar;
    ATTAR_ASSIGN(report, plan_tensors(input, options));
  }
  ATTAR_TRY(session.json ? print_json(packed_json(report)) : print(planned_text(report)));
  return Exit::done;
}

Result<Exit> run_unpack_tensors(const Session& session, const std::filesystem::path& artifact,
                                const std::filesystem::path& output, const std::filesystem::path& base,
                                const std::optional<Budget>& budget, bool force, unsigned threads,
                                const OpenOptions& open) {
  ATTAR_ASSIGN(TensorArtifact opened, TensorArtifact::open(artifact, open, base));
  if (budget) ATTAR_TRY(opened.cut(*budget));
  const TensorsInfo info = opened.info();
  RestoreReport report;
  const auto restore = [&](const std::filesystem::path& path) -> Status {
    ProgressBar bar(session);
    ATTAR_ASSIGN(report, opened.restore(path, threads, &bar));
    return {};
  };
  const auto text = [&](const std::string& name) {
    return fmt::format("{}: {} files, {} bytes, as they were packed, {:.1f} s\n", printable(name),
                       grouped(report.sources), grouped(report.bytes), report.seconds);
  };
  const std::string path = output.string();
  const auto json = [&] {
    return Json{{"path", path}, {"sources", report.sources}, {"bytes", report.bytes}, {"seconds", report.seconds}};
  };
  if (info.sources.size() > 1) {
    if (output == "-")
      return fail(ErrorCode::invalid_argument, "several files do not go to standard output; give a folder with -o");
    std::error_code error;
    if (!force && std::filesystem::exists(output, error) && !std::filesystem::is_empty(output, error))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is there and not empty; give a new folder, or --force", printable(path)));
    ATTAR_TRY(restore(output));
    ATTAR_TRY(session.json ? print_json(json()) : print(text(path)));
    return Exit::done;
  }
  ATTAR_TRY(check_output(output, {artifact, base}, force, false));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".safetensors", session));
  ATTAR_TRY(restore(file.path()));
  ATTAR_TRY(tell_written(session, file, path, json(), text));
  return Exit::done;
}

Result<Exit> run_info_tensors(const Session& session, const std::filesystem::path& artifact, const OpenOptions& open) {
  ATTAR_ASSIGN(const TensorArtifact opened, TensorArtifact::open(artifact, open));
  const TensorsInfo info = opened.info();
  ATTAR_TRY(session.json ? print_json(info_json(info)) : print(info_text(info)));
  return Exit::done;
}

namespace {

Json compared_json(const TensorComparison& comparison) {
  return {{"tensors", comparison.tensors},
          {"identical", comparison.identical},
          {"lost", lost_json(comparison.lost)},
          {"weighed_error", comparison.weighed_error},
          {"trimmed", trimmed_json(comparison.trimmed)}};
}

std::string compared_text(const TensorComparison& comparison) {
  std::string out = fmt::format("{} of {} tensors are the same bytes as the original's\n",
                                grouped(comparison.identical), grouped(comparison.tensors));
  for (const TrimmedTable& own : comparison.trimmed)
    out += fmt::format("{} keeps {} of its {} rows; what is said of it is said of these\n", printable(own.name),
                       grouped(own.rows - own.dropped), grouped(own.rows));
  if (comparison.lost.empty()) return out;
  out += fmt::format("those that lost are as far from it as the file states: {}\n\n{}", lost_in_all(comparison.lost),
                     lost_text(comparison.lost, true));
  return out;
}

}  // namespace

Result<Exit> run_verify_tensors(const Session& session, const std::filesystem::path& artifact,
                                const std::filesystem::path& base, const std::filesystem::path& texts,
                                double confidence, unsigned threads, const OpenOptions& open) {
  // A base is an artifact that this one needs, or the original that it is measured against.
  const bool original = !base.empty() && !is_tensor_artifact(base);
  ATTAR_ASSIGN(const TensorArtifact opened,
               TensorArtifact::open(artifact, open, original ? std::filesystem::path() : base));
  if (!texts.empty() && !original)
    return fail(ErrorCode::invalid_argument,
                "--queries: texts are run through the model before and after; name it with --base MODEL");
  std::optional<TensorComparison> comparison;
  std::optional<ModelCertificate> certificate;
  {
    ProgressBar bar(session);
    ATTAR_TRY(opened.verify(threads, &bar));
    if (original) {
      ATTAR_ASSIGN(comparison, opened.compare(base, threads, &bar));
    }
    if (!texts.empty()) {
      ATTAR_ASSIGN(certificate, certify_model(artifact, base.string(), texts,
                                              {.confidence = confidence, .threads = threads, .progress = &bar}));
    }
  }
  const TensorsInfo info = opened.info();
  if (session.json) {
    ATTAR_TRY(print_json({{"path", info.path},
                          {"intact", true},
                          {"bytes", info.bytes},
                          {"tensors", info.tensors.size()},
                          {"comparison", comparison ? compared_json(*comparison) : Json(nullptr)},
                          {"certificate", certificate ? model_certificate_json(*certificate) : Json(nullptr)},
                          {"content_digest", info.content_digest}}));
  } else {
    ATTAR_TRY(
        print(fmt::format("{}: intact; every checksum of {} bytes holds, and {} tensors decode to what was packed\n{}",
                          printable(info.path), grouped(info.bytes), grouped(info.tensors.size()),
                          (certificate ? model_certificate_text(*certificate) + "\n" : "") +
                              (comparison ? compared_text(*comparison) : ""))));
  }
  return Exit::done;
}

}  // namespace attar::cli
