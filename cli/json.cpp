#include "json.h"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <variant>

#include "output.h"

namespace attar::cli {
namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json candidate_json(const Candidate& candidate) {
  return {{"codec", candidate.codec},
          {"settings", candidate.settings},
          {"bytes", candidate.bytes},
          {"bytes_per_row", candidate.bytes_per_row},
          {"code_bytes_per_row", candidate.code_bytes_per_row},
          {"state", candidate.state == Candidate::State::measured ? "measured" : "estimated"},
          {"recall", candidate.recall},
          {"distortion", candidate.distortion},
          {"scan_cost", candidate.scan_cost},
          {"chosen", candidate.chosen}};
}

Json explanation_json(const std::optional<Explanation>& explanation) {
  if (!explanation) return nullptr;
  const auto measured = [](double value) { return value > 0 ? Json(value) : Json(nullptr); };
  return {{"codec_recall", explanation->codec_recall},
          {"plan_recall", explanation->plan_recall},
          {"rows_read", explanation->rows},
          {"row_share", explanation->row_share},
          {"lists", explanation->lists},
          {"lists_read", explanation->lists_read},
          {"links", explanation->links},
          {"steps", explanation->steps},
          {"prepare_seconds", explanation->prepare_seconds},
          {"search_seconds", explanation->search_seconds},
          {"latency_seconds", measured(explanation->latency_seconds)},
          {"queries_per_second", measured(explanation->queries_per_second)}};
}

}  // namespace

Json error_json(const Error& error, const std::string& fix) {
  return {{"error",
           {{"code", error_name(error.code)},
            {"message", error.message},
            {"file", text_or_null(error.file)},
            {"section", text_or_null(error.section)},
            {"offset", error.offset ? Json(*error.offset) : Json(nullptr)},
            {"fix", text_or_null(fix)}}}};
}

Json certificate_json(const Certificate& certificate) {
  return {{"kind", certificate.kind == Certificate::Kind::mean ? "mean" : "tail"},
          {"metric", metric_name(certificate.metric)},
          {"k", certificate.k},
          {"estimate", certificate.estimate},
          {"floor", certificate.floor},
          {"share", certificate.share},
          {"lower_bound", certificate.lower_bound},
          {"confidence", certificate.confidence},
          {"passed", certificate.passed},
          {"queries", certificate.queries},
          {"queries_needed", certificate.queries_needed},
          {"queries_given", certificate.queries_given},
          {"plans_tested", certificate.plans_tested},
          {"proxy", certificate.proxy},
          {"reused_log", certificate.reused_log},
          {"seed", certificate.seed},
          {"content_digest", certificate.content_digest},
          {"queries_digest", certificate.queries_digest},
          {"plan", certificate.plan},
          {"build", certificate.build},
          {"scope", certificate.scope},
          {"sentence", describe(certificate)}};
}

Json certificates_json(const std::vector<Certificate>& certificates) {
  Json out = Json::array();
  for (const Certificate& certificate : certificates) out.push_back(certificate_json(certificate));
  return out;
}

Json parts_json(const std::vector<Part>& parts) {
  Json out = Json::object();
  for (const Part& part : parts) out[part.name] = part.bytes;
  return out;
}

Json value_json(const FieldValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          return nullptr;
        } else {
          return held;
        }
      },
      value);
}

Json fields_json(const std::vector<FieldInfo>& fields) {
  Json out = Json::array();
  for (const FieldInfo& field : fields)
    out.push_back({{"name", field.name},
                   {"type", field.type},
                   {"nulls", field.nulls},
                   {"distinct", field.distinct ? Json(*field.distinct) : Json(nullptr)},
                   {"least", value_json(field.least)},
                   {"most", value_json(field.most)},
                   {"bytes", field.bytes},
                   {"sorted", field.sorted}});
  return out;
}

Json candidates_json(const std::vector<Candidate>& candidates) {
  Json out = Json::array();
  for (const Candidate& candidate : candidates) out.push_back(candidate_json(candidate));
  return out;
}

Json pack_json(const PackReport& report) {
  return {{"path", text_or_null(report.path)},
          {"bytes", report.bytes},
          {"budget_bytes", report.budget_bytes == 0 ? Json(nullptr) : Json(report.budget_bytes)},
          {"rows", report.rows},
          {"dims", report.dims},
          {"metric", metric_name(report.metric)},
          {"bytes_per_row", report.bytes_per_row},
          {"parts", parts_json(report.parts)},
          {"goal", report.goal},
          {"plan", report.plan},
          {"why", report.why},
          {"explain", explanation_json(report.explanation)},
          {"candidates", candidates_json(report.candidates)},
          {"certificates", certificates_json(report.certificates)},
          {"queries", report.queries},
          {"tune_queries", report.tune_queries},
          {"certify_queries", report.certify_queries},
          {"proxy", report.proxy},
          {"notes", report.notes},
          {"seconds", report.seconds}};
}

Json measure_json(const Measure& measure) {
  return {{"mean", measure.mean}, {"low", measure.low}, {"high", measure.high},      {"p05", measure.p05},
          {"p50", measure.p50},   {"p95", measure.p95}, {"minimum", measure.minimum}};
}

Status print_json(const Json& json) { return print(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"); }

}  // namespace attar::cli
