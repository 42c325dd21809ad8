#include "engine/packing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"
#include "certify/certificate.h"
#include "codec/registry.h"
#include "engine/measuring.h"
#include "engine/originals.h"
#include "engine/plan_text.h"
#include "format/reader.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t default_k = 10;

std::string originals_names() {
  std::string out;
  for (const OriginalsKind& kind : originals_kinds()) out += fmt::format("{}, ", kind.name);
  return out;
}

std::string codec_names() {
  std::string out;
  for (const codec::Codec* codec : codec::registry())
    out += fmt::format("{}{}", out.empty() ? "" : ", ", codec->info().name);
  return out;
}

std::string names_of_walkers() {
  std::string out;
  for (const codec::Codec* codec : codec::registry())
    if (codec->info().walks) out += fmt::format("{}{}", out.empty() ? "" : ", ", codec->info().name);
  return out;
}

std::optional<plan::IndexChoice> index_choice(std::string_view name) {
  if (name.empty() || name == "auto") return plan::IndexChoice::automatic;
  if (name == "flat") return plan::IndexChoice::flat;
  if (name == "ivf") return plan::IndexChoice::ivf;
  if (name == "graph") return plan::IndexChoice::graph;
  return std::nullopt;
}

// Of a row, at the most; 0 without a graph.
std::uint32_t links_of(const plan::Decision& decision) {
  return decision.trial->graph() == nullptr ? 0 : decision.trial->graph()->links().degree();
}

Status check_options(const PackOptions& options) {
  ATTAR_TRY(check_confidence(options.confidence));
  if (options.budget && !(options.budget->value > 0))
    return fail(ErrorCode::invalid_argument,
                fmt::format("a budget of {} leaves no room; name a size above 0", options.budget->value));
  if (options.floor) ATTAR_TRY(check_floor(*options.floor));
  if (options.latency && !(options.latency->seconds > 0))
    return fail(ErrorCode::invalid_argument,
                fmt::format("no query takes {} seconds; name a latency above 0", options.latency->seconds));
  if (options.throughput && !(options.throughput->queries_per_second > 0))
    return fail(ErrorCode::invalid_argument, fmt::format("{} queries a second are no goal; name a number above 0",
                                                         options.throughput->queries_per_second));
  if (!options.codec.empty() && codec::find_codec(options.codec) == nullptr)
    return fail(ErrorCode::invalid_argument,
                fmt::format("no codec is called \"{}\"; there are: {}", options.codec, codec_names()));
  if (!index_choice(options.index))
    return fail(ErrorCode::invalid_argument,
                fmt::format("no index is called \"{}\"; there are: auto, flat, ivf, graph", options.index));
  if (options.index == "graph" && !options.codec.empty() && !codec::find_codec(options.codec)->info().walks)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a graph is walked over codes of single rows, which {} does not have; there are: {}",
                            options.codec, names_of_walkers()));
  if (!options.keep_originals.empty() && options.keep_originals != "none" &&
      find_originals_kind(options.keep_originals) == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("originals cannot be kept as \"{}\"; there are: {}none",
                                                         options.keep_originals, originals_names()));
  constexpr std::uint64_t least_memory = 64ull << 20;
  if (options.memory_bytes < least_memory)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("packing needs at least 64 MiB of working memory, {} bytes were allowed", options.memory_bytes));
  return {};
}

// Fails before the work begins where the file could not be written after it.
Status check_output(const std::filesystem::path& output) {
  std::error_code error;
  const auto folder = output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
  if (output.filename().empty() || std::filesystem::is_directory(output, error))
    return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                 .message = "is a folder; name the file to write, such as docs.attar",
                                 .file = output.string()});
  if (!std::filesystem::is_directory(folder, error))
    return std::unexpected(Error{
        .code = ErrorCode::io, .message = "this folder does not exist; create it first", .file = folder.string()});
  return {};
}

// True when the artifact about to be replaced carries a certificate measured on the same queries.
bool graded_before(const std::filesystem::path& output, const std::string& queries_digest) {
  std::error_code ignored;
  if (output.empty() || !std::filesystem::is_regular_file(output, ignored)) return false;
  const auto artifact = format::ArtifactReader::open(output);
  if (!artifact) return false;
  const auto text = artifact->certificate();
  if (!text) return false;
  const auto certificates = certify::certificates_from_json(base::as_text(*text));
  return certificates && std::any_of(certificates->begin(), certificates->end(), [&](const Certificate& certificate) {
           return certificate.queries_digest == queries_digest;
         });
}

}  // namespace

Status check_pack(const PackOptions& options, const std::filesystem::path& output) {
  ATTAR_TRY(check_options(options));
  return output.empty() ? Status() : check_output(output);
}

Result<PlanOutcome> Packing::run(Material material) {
  material_ = std::move(material);
  ATTAR_TRY(prepare());
  ATTAR_TRY(keep_originals());
  ATTAR_ASSIGN(const plan::Decision decision, plan::choose(setting_));
  PlanOutcome out;
  ATTAR_ASSIGN(out.report, report(decision));
  if (decision.trial == nullptr) {
    out.reachable = false;
    out.nearest = nearest(decision.nearest);
    out.unreachable = words().unreachable(decision.nearest);
  } else if (output_.empty()) {
    // A plan binds no content: nothing was written.
    if (decision.finding.queries > 0) out.report.certificates = {certificate(decision, {})};
  } else {
    ATTAR_TRY(write(decision, out.report));
  }
  out.report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return out;
}

// Originals are encoded first, so that the plan is measured with the bytes that the file will hold.
Status Packing::keep_originals() {
  if (options_.keep_originals.empty() || options_.keep_originals == "none") return {};
  ATTAR_ASSIGN(auto originals,
               encode_originals(*find_originals_kind(options_.keep_originals), *material_.base.rows, options_.metric,
                                options_.memory_bytes, options_.seed, pool_, progress_));
  setting_.originals = &originals->view();
  assembly_->keep(std::move(originals));
  return {};
}

Status Packing::prepare() {
  const data::VectorSource& rows = *material_.base.rows;
  setting_.base = &rows;
  setting_.schema = {.rows = rows.rows(), .dims = rows.dims(), .metric = options_.metric};
  assembly_.emplace(material_, setting_.schema);
  setting_.queries = std::move(material_.queries);
  queries_digest_ = certify::queries_digest(setting_.queries.values, rows.dims());
  setting_.file_size = [this](const plan::PartSizes& parts) { return assembly_->file_bytes(parts); };
  setting_.seed = options_.seed;
  setting_.memory_bytes = options_.memory_bytes;
  setting_.pool = &pool_;
  setting_.progress = &progress_;
  return set_goal();
}

Status Packing::set_goal() {
  plan::Goal& goal = setting_.goal;
  const codec::Schema& schema = setting_.schema;
  goal.codec = options_.codec;
  goal.index = index_choice(options_.index).value();
  goal.delta = 1 - options_.confidence;
  if (options_.budget)
    goal.budget_bytes = options_.budget->bytes(schema.rows, schema.dims, material_.base.input_bytes_per_value);
  if (options_.latency) goal.time.alone = options_.latency->seconds;
  if (options_.throughput) goal.time.together = 1 / options_.throughput->queries_per_second;
  const std::uint64_t neighbours = schema.rows - (setting_.queries.proxy ? 1 : 0);
  if (options_.floor) {
    goal.floor = options_.floor->recall;
    goal.k = options_.floor->k;
    if (goal.k > neighbours)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("recall@{} cannot be measured with {} rows; ask for a smaller k, such as {}@{}", goal.k,
                              schema.rows, options_.floor->recall, std::max<std::uint64_t>(1, neighbours)));
  } else {
    goal.k = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(neighbours, 1, default_k));
  }
  return {};
}

Result<PackReport> Packing::report(const plan::Decision& decision) const {
  PackReport out;
  out.rows = setting_.schema.rows;
  out.dims = setting_.schema.dims;
  out.metric = setting_.schema.metric;
  out.budget_bytes = setting_.goal.budget_bytes.value_or(0);
  out.goal = words().goal(decision);
  out.queries = setting_.queries.count(setting_.schema.dims);
  out.tune_queries = decision.tune_units;
  out.certify_queries = decision.certify_units;
  out.proxy = setting_.queries.proxy;
  out.notes = assembly_->notes();
  const auto rows = static_cast<double>(out.rows);
  for (const plan::Contender& contender : decision.contenders)
    out.candidates.push_back({.codec = std::string(contender.codec->info().name),
                              .settings = contender.option.variant,
                              .bytes = contender.file_bytes,
                              .bytes_per_row = static_cast<double>(contender.file_bytes) / rows,
                              .code_bytes_per_row = contender.option.bytes_per_row,
                              .state = contender.measured ? Candidate::State::measured : Candidate::State::estimated,
                              .recall = contender.recall,
                              .distortion = contender.option.distortion,
                              .scan_cost = contender.option.scan_cost,
                              .chosen = contender.chosen});
  if (decision.trial != nullptr) {
    out.bytes = decision.file_bytes;
    out.bytes_per_row = static_cast<double>(out.bytes) / rows;
    out.plan = plan_in_words(decision);
    out.why = words().why(decision);
    if (decision.account) out.explanation = explanation(decision);
    ATTAR_ASSIGN(out.parts, assembly_->parts(decision.trial->sizes()));
  }
  return out;
}

Nearest Packing::nearest(const plan::Nearest& found) const {
  const plan::Pace &pace = found.time_for_goal, &goal = setting_.goal.time;
  const bool alone = plan::Pace{.alone = pace.alone}.over(goal) >= plan::Pace{.together = pace.together}.over(goal);
  return {.recall_in_budget = found.recall_in_budget,
          .bytes_for_floor = found.bytes_for_floor,
          .least_bytes = found.least_bytes,
          .recall_in_time = found.recall_in_time,
          .seconds_for_goal = alone ? pace.alone : pace.together};
}

Explanation Packing::explanation(const plan::Decision& decision) const {
  const plan::Account& account = *decision.account;
  const plan::Partition* partition = decision.trial->partition();
  return {.codec_recall = account.codec_recall,
          .plan_recall = account.plan_recall,
          .rows = account.rows,
          .row_share = account.rows / static_cast<double>(setting_.schema.rows),
          .lists = partition == nullptr ? 0 : partition->lists().count(),
          .lists_read = account.lists,
          .links = links_of(decision),
          .steps = account.steps,
          .prepare_seconds = account.prepare,
          .search_seconds = account.search,
          .latency_seconds = account.pace.alone,
          .queries_per_second = account.pace.together > 0 ? 1 / account.pace.together : 0};
}

std::string Packing::plan_in_words(const plan::Decision& decision) const {
  const codec::Option& option = decision.trial->option();
  const plan::Partition* partition = decision.trial->partition();
  return in_words(
      {.lists = partition == nullptr ? 0 : partition->lists().count(),
       .links = links_of(decision),
       .codec = decision.trial->codec().info().name,
       .variant = option.variant,
       .originals = assembly_->originals() == nullptr ? std::string_view{}
                                                      : originals_name(assembly_->originals()->codec().info().name),
       .code_bytes_per_row = static_cast<double>(option.codes_bytes) / static_cast<double>(setting_.schema.rows)});
}

Certificate Packing::certificate(const plan::Decision& decision, const base::Digest& content) const {
  return certify::make_certificate(decision.claim, decision.finding,
                                   {.metric = setting_.schema.metric,
                                    .k = setting_.goal.k,
                                    .rows = setting_.schema.rows,
                                    .queries_given = setting_.queries.count(setting_.schema.dims),
                                    .plans_tested = decision.plans_tested,
                                    .proxy = setting_.queries.proxy,
                                    .reused_log = graded_before(output_, queries_digest_.hex()),
                                    .seed = options_.seed,
                                    .content = content,
                                    .queries = queries_digest_,
                                    .plan = plan_in_words(decision),
                                    .build = build_in_words()});
}

Status Packing::write(const plan::Decision& decision, PackReport& report) const {
  const codec::Option& option = decision.trial->option();
  const std::string plan = to_json({.codec = std::string(decision.trial->codec().info().name),
                                    .variant = option.variant,
                                    .params = option.params,
                                    .look = decision.look,
                                    .budget = options_.budget,
                                    .budget_bytes = setting_.goal.budget_bytes.value_or(0),
                                    .floor = options_.floor,
                                    .latency = options_.latency,
                                    .throughput = options_.throughput,
                                    .k = setting_.goal.k,
                                    .confidence = options_.confidence,
                                    .seed = options_.seed,
                                    .proxy = setting_.queries.proxy,
                                    .queries = queries_digest_.hex(),
                                    .base = material_.base.digest.hex()});
  const auto certify = [&](const base::Digest& content) -> Result<std::string> {
    if (decision.finding.queries == 0) return std::string();
    report.certificates = {certificate(decision, content)};
    return certify::to_json(report.certificates);
  };
  ATTAR_TRY(assembly_->write(output_, *decision.trial, plan, certify, progress_));
  report.path = output_.string();
  return {};
}

}  // namespace attar::engine
