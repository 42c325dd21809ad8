#include "attar/export.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"
#include "session.h"
#include "tensors.h"

namespace attar::cli {
namespace {

struct ExportArguments {
  std::filesystem::path input, output, sensitivity;
  std::vector<std::string> metadata;
  bool force = false;
  ExportGgufOptions options;
};

Json type_json(const ExportTypeShare& type) {
  return {{"type", type.type},
          {"tensors", type.tensors},
          {"values", type.values},
          {"bytes", type.bytes},
          {"error", type.error}};
}

Json tensor_json(const ExportedTensor& tensor) {
  return {{"name", tensor.name},   {"type", tensor.type},   {"values", tensor.values},
          {"bytes", tensor.bytes}, {"alpha", tensor.alpha}, {"error", tensor.error}};
}

Json export_json(const ExportGgufReport& report) {
  Json types = Json::array(), tensors = Json::array();
  for (const ExportTypeShare& type : report.types) types.push_back(type_json(type));
  for (const ExportedTensor& tensor : report.tensors) tensors.push_back(tensor_json(tensor));
  return {{"path", report.path},           {"architecture", report.architecture},
          {"bytes", report.bytes},         {"budget", report.budget ? Json(*report.budget) : Json(nullptr)},
          {"values", report.values},       {"error", report.error},
          {"predicted", report.predicted}, {"bound", report.bound},
          {"optimal", report.optimal},     {"types", std::move(types)},
          {"tensors", std::move(tensors)}, {"notes", report.notes},
          {"seconds", report.seconds}};
}

double bits(std::uint64_t bytes, std::uint64_t values) noexcept {
  return values == 0 ? 0 : 8 * static_cast<double>(bytes) / static_cast<double>(values);
}

std::string sum_text(const ExportGgufReport& report) {
  const std::string_view judged = report.optimal ? "the least that the budget allows" : "near the least";
  const std::string bound =
      report.optimal ? std::string() : fmt::format(" (no choice has less than {:.6g})", report.bound);
  return fmt::format("{:.6g}, {}{}", report.predicted, judged, bound);
}

std::string export_text(const ExportGgufReport& report, bool chosen) {
  Facts facts;
  facts.add("wrote", fmt::format("{} tensors, {} values, to {}", grouped(report.tensors.size()), grouped(report.values),
                                 printable(report.path)));
  const std::string budget = report.budget ? fmt::format(" (budget {})", grouped(*report.budget)) : std::string();
  facts.add("file", fmt::format("{} bytes{}, {:.3f} bits a value", grouped(report.bytes), budget,
                                bits(report.bytes, report.values)));
  facts.add("error", fmt::format("t2 = {:.3g} over all floats", report.error));
  if (chosen) facts.add("choice", fmt::format("sum of alpha t2 = {}", sum_text(report)));
  facts.add("model", printable(report.architecture));
  Table table({"type", "tensors", "values", "bytes", "bits", "t2"});
  for (const ExportTypeShare& type : report.types)
    table.add({type.type, grouped(type.tensors), grouped(type.values), grouped(type.bytes),
               fmt::format("{:.2f}", bits(type.bytes, type.values)), fmt::format("{:.3g}", type.error)});
  return fmt::format("{}{}\n{}", facts.text(), notes_text(report.notes), table.text());
}

Result<std::pair<std::string, std::string>> parse_entry(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("--meta '{}' is no KEY=VALUE; give one as general.license=mit", printable(text)));
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

Result<Exit> run_export(const Session& session, const ExportArguments& arguments) {
  if (arguments.input == "-")
    return fail(ErrorCode::invalid_argument, "tensors are not read from standard input; name a file or a folder");
  if (arguments.output.extension() == ".attar")
    return run_cut_tensors(session, arguments.input, arguments.output, arguments.force, arguments.options.budget);
  ExportGgufOptions options = arguments.options;
  for (const std::string& text : arguments.metadata) {
    ATTAR_ASSIGN(auto entry, parse_entry(text));
    options.metadata.push_back(std::move(entry));
  }
  if (!arguments.sensitivity.empty()) {
    ATTAR_ASSIGN(options.sensitivity, read_sensitivity(arguments.sensitivity));
  }
  ATTAR_TRY(
      check_output(arguments.output, {arguments.input, arguments.sensitivity, options.base}, arguments.force, false));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".gguf", session));
  ExportGgufReport report;
  {
    ProgressBar bar(session);
    options.progress = &bar;
    ATTAR_ASSIGN(report, export_gguf(arguments.input, file.path(), options));
  }
  report.path = arguments.output.string();
  ATTAR_TRY(tell_written(session, file, report.path, export_json(report), [&](const std::string& name) {
    ExportGgufReport named = report;
    named.path = name;
    return export_text(named, options.type == "auto");
  }));
  return Exit::done;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<ExportArguments>();
  Command command = add_command(
      app, session, "export", "A model as a GGUF file, each tensor in the type that serves best within a budget",
      {"attar export model.safetensors -o model.gguf --type auto --budget 60MB",
       "attar export model.attar -o model.gguf --type auto --budget 4.5bit --pin 'embed*=Q8_0'",
       "attar export model-f16.gguf -o model-q8.gguf --type Q8_0",
       "attar export progressive.attar -o smaller.attar --budget 20MB"});
  ExportGgufOptions& options = arguments->options;
  add_path(command, "input", arguments->input,
           "Model file (.safetensors, .gguf, .npy), a folder of such, or an artifact of tensors")
      .required();
  add_path(command, "-o,--output", arguments->output,
           "Where to, as .gguf; - for standard output. A name in .attar: the input, packed with --progressive, cut to "
           "the budget")
      .required();
  command.add_text("--type", options.type,
                   "auto (default), which needs --budget; or one for all matrices: F32, F16, BF16, Q8_0, Q6_K, Q5_1, "
                   "Q5_0, Q4_1, Q4_0, Q4_K",
                   "TYPE");
  add_value(command, "--budget", options.budget, parse_budget,
            "Ceiling on the whole file, never exceeded: 60MB, 30% (of the input), 4.5bit (a value)", "SIZE");
  command.add_each("--pin", options.pins,
                   "Tensors whose name fits the pattern (* any text, ? any byte) have this type; may be repeated, the "
                   "first that fits holds",
                   "GLOB=TYPE");
  add_path(
      command, "--sensitivity", arguments->sensitivity,
      "What an error on each tensor costs, for auto, as attar sensitivity measures it (JSON); without it, the square "
      "root of its number of values");
  command.add_text("--architecture", options.architecture,
                   "general.architecture; else as the input or a config.json beside it says", "NAME");
  command.add_text("--name", options.name, "general.name; else the input's", "NAME");
  command.add_each("--meta", arguments->metadata, "A text in the file's metadata; may be repeated", "KEY=VALUE");
  add_path(command, "--base", options.base, "The artifact that the input is coded against; else one of its folder");
  command.add_flag("-f,--force", arguments->force, "Overwrite the output");
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_export);
}

}  // namespace attar::cli
