#include "attar/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct SensitivityArguments {
  std::string model;
  std::filesystem::path texts, output;
  bool force = false;
  SensitivityOptions options;
};

Json json_of(const SensitivityReport& report, const std::string& path) {
  Json tensors = Json::object();
  for (const TensorSensitivity& tensor : report.tensors) tensors[tensor.name] = tensor.alpha;
  return {
      {"path", path},          {"model", report.model}, {"digest", report.digest},       {"texts", report.texts},
      {"noise", report.noise}, {"seed", report.seed},   {"tensors", std::move(tensors)}, {"seconds", report.seconds}};
}

std::string text_of(const SensitivityReport& report, const std::string& path) {
  std::vector<const TensorSensitivity*> order;
  order.reserve(report.tensors.size());
  for (const TensorSensitivity& tensor : report.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater{}, [](const TensorSensitivity* tensor) { return tensor->alpha; });
  Table table({"tensor", "shape", "alpha"}, 1);
  for (const TensorSensitivity* tensor : order)
    table.add({printable(tensor->name), fmt::format("{}x{}", tensor->rows, tensor->columns),
               fmt::format("{:.4f}", tensor->alpha)});
  return fmt::format("{}: {} tensors of {}, {} texts, noise {:g}, {:.1f} s\n\n{}", printable(path),
                     grouped(report.tensors.size()), printable(report.model), grouped(report.texts), report.noise,
                     report.seconds, table.text());
}

Result<Exit> run_sensitivity(const Session& session, SensitivityArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.model, arguments.texts}, arguments.force, false));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".json", session));
  SensitivityReport report;
  {
    ProgressBar bar(session);
    arguments.options.progress = &bar;
    ATTAR_ASSIGN(report, measure_sensitivity(arguments.model, arguments.texts, arguments.options));
  }
  ATTAR_TRY(save_sensitivity(report, file.path()));
  const std::string path = arguments.output.string();
  ATTAR_TRY(tell_written(session, file, path, json_of(report, path),
                         [&](const std::string& name) { return text_of(report, name); }));
  return Exit::done;
}

}  // namespace

void add_sensitivity(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<SensitivityArguments>();
  Command command =
      add_command(app, session, "sensitivity", "How much a model's vectors change with each of its tensors, on texts",
                  {"attar sensitivity models/minilm --calibrate texts.txt -o alpha.json",
                   "attar sensitivity minilm.attar --calibrate texts.txt -o alpha.json --noise 0.005"});
  command.add_text("model", arguments->model, "A folder with a BERT model, or an artifact of one", "MODEL").required();
  add_path(command, "--calibrate", arguments->texts,
           "Texts as the model will read: one a line, .jsonl with \"text\", or .tsv: id, text")
      .required();
  add_path(command, "-o,--output", arguments->output, "Where to, as JSON; - for standard output").required();
  add_value(
      command, "--noise", arguments->options.noise, [](std::string_view text) { return parse_between(text, 0, 1); },
      "Squares of the noise over those of the weights (default 0.01)", "SHARE");
  add_whole(command, "--seed", arguments->options.seed, 0, ~std::uint64_t{0} >> 1U, "Of the noise (default 1)");
  command.add_flag("-f,--force", arguments->force, "Overwrite the output");
  add_threads(command, arguments->options.threads);
  run_with(command, session, arguments, run_sensitivity);
}

}  // namespace attar::cli
