#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "attar/evaluate.h"
#include "curve_svg.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> inputs;
  std::filesystem::path output;
  std::uint32_t k = 10;
  bool force = false;
  OpenOptions open;
  EvaluateOptions options;
};

std::unexpected<Error> input_error(std::string message, const std::string& file) {
  return std::unexpected(Error{.code = ErrorCode::invalid_data, .message = std::move(message), .file = file});
}

/// The point of an artifact, in a curve that carries its codec's name.
Result<Curve> measure(const std::string& path, const ReportArguments& arguments) {
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(path, arguments.open));
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  ATTAR_ASSIGN(const Evaluation evaluation, evaluate(artifact, arguments.options));
  const auto found = evaluation.recall.find(arguments.k);
  if (found == evaluation.recall.end())
    return input_error(fmt::format("has no recall@{}: it holds fewer rows; give a smaller -k", arguments.k), path);
  const Measure& recall = found->second;
  return Curve{info.codec, {CurvePoint{path, info.bytes_per_row, recall.mean, recall.low, recall.high}}};
}

/// A number under a key; nothing where there is none.
std::optional<double> number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// The point of one result of eval (its recall) or pack (its certificate); nothing where it has none at this k.
std::optional<CurvePoint> point_of(const Json& result, std::uint32_t k) {
  if (!result.is_object()) return std::nullopt;
  const auto bytes = number(result, "bytes_per_row");
  std::optional<double> mean, low, high;
  if (result.contains("recall") && result["recall"].is_object()) {
    const auto recall = result["recall"].find(std::to_string(k));
    if (recall == result["recall"].end() || !recall->is_object()) return std::nullopt;
    mean = number(*recall, "mean"), low = number(*recall, "low"), high = number(*recall, "high");
  } else if (result.contains("certificates") && result["certificates"].is_array()) {
    for (const Json& certificate : result["certificates"]) {
      if (!certificate.is_object() || number(certificate, "k") != k || certificate.value("kind", Json()) != "mean")
        continue;
      mean = high = number(certificate, "estimate"), low = number(certificate, "lower_bound");
    }
  }
  const auto share = [](std::optional<double> x) { return x && *x >= 0 && *x <= 1; };
  if (!bytes || !std::isfinite(*bytes) || *bytes <= 0 || !share(mean) || !share(low) || !share(high))
    return std::nullopt;
  const Json path = result.value("path", Json());
  return CurvePoint{path.is_string() ? path.get<std::string>() : std::string{}, *bytes, *mean, *low, *high};
}

/// A file with one JSON value, or with one a line.
Result<Curve> read_results(const std::string& path, std::uint32_t k) {
  constexpr std::uintmax_t most = 64 << 20;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) return std::unexpected(Error{ErrorCode::io, "cannot be read; is the name right?", path});
  if (size > most) return input_error("is no .attar file, and too large for a result of attar eval --json", path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<Json> results{Json::parse(text, nullptr, false)};
  if (results.front().is_discarded()) {
    results.clear();
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (!line.empty()) results.push_back(Json::parse(line, nullptr, false));
  }
  Curve curve{.name = std::filesystem::path(path).stem().string(), .points = {}};
  for (const Json& result : results)
    if (auto point = point_of(result, k)) curve.points.push_back(*std::move(point));
  if (curve.points.empty())
    return input_error(fmt::format("is neither an .attar file nor JSON of attar eval or pack with a recall@{}", k),
                       path);
  return curve;
}

/// Artifacts of one codec make one curve, each file of results makes its own.
Result<std::vector<Curve>> collect(const ReportArguments& arguments) {
  std::vector<Curve> packed, read;
  for (const std::string& input : arguments.inputs) {
    if (!is_artifact(input)) {
      ATTAR_ASSIGN(Curve curve, read_results(input, arguments.k));
      read.push_back(std::move(curve));
      continue;
    }
    if (arguments.options.queries.empty())
      return fail(ErrorCode::invalid_argument, "--queries: .attar files are measured on queries; name a file of them");
    ATTAR_ASSIGN(Curve curve, measure(input, arguments));
    const auto same = std::ranges::find(packed, curve.name, &Curve::name);
    if (same == packed.end())
      packed.push_back(std::move(curve));
    else
      same->points.push_back(std::move(curve.points.front()));
  }
  packed.insert(packed.end(), std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
  return packed;
}

/// The picture appears whole or not at all.
Status write_picture(const std::filesystem::path& path, const std::string& picture) {
  if (path == "-") return print(picture);
  const std::filesystem::path draft = path.string() + ".tmp";
  std::ofstream out(draft, std::ios::binary);
  out << picture;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(draft, path, error);
  if (out && !error) return {};
  std::filesystem::remove(draft, error);
  return std::unexpected(
      Error{ErrorCode::io, "cannot be written; is its folder writable and the disk not full?", path.string()});
}

Json json_of(const std::vector<Curve>& curves, const ReportArguments& arguments) {
  Json list = Json::array();
  for (const Curve& curve : curves) {
    Json points = Json::array();
    for (const CurvePoint& point : curve.points)
      points.push_back({{"path", point.name},
                        {"bytes_per_row", point.bytes_per_row},
                        {"recall", point.recall},
                        {"low", point.low},
                        {"high", point.high}});
    list.push_back({{"name", curve.name}, {"points", std::move(points)}});
  }
  return {{"path", arguments.output.string()}, {"k", arguments.k}, {"curves", std::move(list)}};
}

std::string text_of(const std::vector<Curve>& curves, const ReportArguments& arguments) {
  Table table({"curve", "file", "B/row", fmt::format("recall@{}", arguments.k), "interval"}, 2);
  for (const Curve& curve : curves)
    for (const CurvePoint& point : curve.points)
      table.add({printable(curve.name), printable(point.name), fmt::format("{:.2f}", point.bytes_per_row),
                 fraction(point.recall), fmt::format("[{:.4f}, {:.4f}]", point.low, point.high)});
  return fmt::format("{}\ndrawn in {}\n", table.text(), printable(arguments.output.string()));
}

Result<Exit> run_report(const Session& session, ReportArguments& arguments) {
  if (arguments.output == "-" && session.json)
    return fail(ErrorCode::invalid_argument, "-o - and --json both want standard output; give -o a file");
  std::vector<std::filesystem::path> inputs(arguments.inputs.begin(), arguments.inputs.end());
  inputs.insert(inputs.end(), {arguments.options.queries, arguments.options.base, arguments.options.truth});
  ATTAR_TRY(check_output(arguments.output, inputs, arguments.force || arguments.output.extension() == ".svg", false));
  std::vector<Curve> curves;
  {
    ProgressBar bar(session);
    arguments.options.progress = &bar;
    arguments.options.ks = {arguments.k};
    ATTAR_ASSIGN(curves, collect(arguments));
  }
  ATTAR_TRY(write_picture(arguments.output, draw_curves(curves, arguments.k)));
  if (arguments.output != "-")
    ATTAR_TRY(session.json ? print_json(json_of(curves, arguments)) : print(text_of(curves, arguments)));
  return Exit::done;
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<ReportArguments>();
  EvaluateOptions& options = arguments->options;
  Command command = add_command(app, session, "report", "Draw bytes a row against measured recall, as SVG",
                                {"attar report a.attar b.attar -o curve.svg --queries q.npy --base docs.npy",
                                 "attar report results.jsonl -o curve.svg"});
  command.add_texts("inputs", arguments->inputs, ".attar files, or JSON of attar eval or pack", "FILE").required();
  add_path(command, "-o,--output", arguments->output, "The picture, .svg; - for standard output").required();
  add_path(command, "--queries", options.queries, "The queries that .attar files are measured on");
  Option base = add_path(command, "--base", options.base, "The originals; without it those kept in the files");
  add_path(command, "--truth", options.truth, "True rows of each query: .ivecs or .ibin").excludes(base);
  add_whole(command, "-k", arguments->k, 1, arguments->open.limits.max_hits, "Recall at this (default 10)");
  command.add_flag("-f,--force", arguments->force, "Overwrite a file that is no .svg");
  add_confidence(command, options.confidence);
  add_input_options(command, options.input);
  add_open_options(command, arguments->open);
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_report);
}

}  // namespace attar::cli
