#include "convert.h"

namespace attar::python {
namespace {

py::object text_or_none(const std::string& value) { return value.empty() ? py::object(py::none()) : text(value); }

py::object exception_type(const char* name) { return py::module_::import("attar._errors").attr(name); }

py::dict candidate_dict(const Candidate& candidate) {
  py::dict out;
  out["codec"] = text(candidate.codec);
  out["settings"] = text(candidate.settings);
  out["bytes"] = candidate.bytes;
  out["bytes_per_row"] = candidate.bytes_per_row;
  out["code_bytes_per_row"] = candidate.code_bytes_per_row;
  out["state"] = candidate.state == Candidate::State::measured ? "measured" : "estimated";
  out["recall"] = candidate.recall;
  out["distortion"] = candidate.distortion;
  out["scan_cost"] = candidate.scan_cost;
  out["chosen"] = candidate.chosen;
  return out;
}

py::list candidates_list(const std::vector<Candidate>& candidates) {
  py::list out;
  for (const Candidate& candidate : candidates) out.append(candidate_dict(candidate));
  return out;
}

py::dict certificate_dict(const Certificate& certificate) {
  py::dict out;
  out["kind"] = certificate.kind == Certificate::Kind::mean ? "mean" : "tail";
  out["metric"] = text(metric_name(certificate.metric));
  out["k"] = certificate.k;
  out["estimate"] = certificate.estimate;
  out["floor"] = certificate.floor;
  out["share"] = certificate.share;
  out["lower_bound"] = certificate.lower_bound;
  out["confidence"] = certificate.confidence;
  out["passed"] = certificate.passed;
  out["queries"] = certificate.queries;
  out["queries_needed"] = certificate.queries_needed;
  out["queries_given"] = certificate.queries_given;
  out["plans_tested"] = certificate.plans_tested;
  out["proxy"] = certificate.proxy;
  out["reused_log"] = certificate.reused_log;
  out["seed"] = certificate.seed;
  out["content_digest"] = text(certificate.content_digest);
  out["queries_digest"] = text(certificate.queries_digest);
  out["plan"] = text(certificate.plan);
  out["build"] = text(certificate.build);
  out["scope"] = text(certificate.scope);
  out["sentence"] = text(describe(certificate));
  return out;
}

py::list certificates_list(const std::vector<Certificate>& certificates) {
  py::list out;
  for (const Certificate& certificate : certificates) out.append(certificate_dict(certificate));
  return out;
}

py::dict parts_dict(const std::vector<Part>& parts) {
  py::dict out;
  for (const Part& part : parts) out[text(part.name)] = part.bytes;
  return out;
}

py::object measured(double value) { return value > 0 ? py::object(py::float_(value)) : py::object(py::none()); }

py::object explanation_dict(const std::optional<Explanation>& explanation) {
  if (!explanation) return py::none();
  py::dict out;
  out["codec_recall"] = explanation->codec_recall;
  out["plan_recall"] = explanation->plan_recall;
  out["rows_read"] = explanation->rows;
  out["row_share"] = explanation->row_share;
  out["lists"] = explanation->lists;
  out["lists_read"] = explanation->lists_read;
  out["links"] = explanation->links;
  out["steps"] = explanation->steps;
  out["prepare_seconds"] = explanation->prepare_seconds;
  out["search_seconds"] = explanation->search_seconds;
  out["latency_seconds"] = measured(explanation->latency_seconds);
  out["queries_per_second"] = measured(explanation->queries_per_second);
  return out;
}

py::object value_object(const FieldValue& value) {
  return std::visit(
      [](const auto& held) -> py::object {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return py::none();
        } else if constexpr (std::is_same_v<Held, std::string>) {
          return text(held);
        } else if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
          py::list out;
          for (const std::string& one : held) out.append(text(one));
          return out;
        } else {
          return py::cast(held);
        }
      },
      value);
}

py::list fields_list(const std::vector<FieldInfo>& fields) {
  py::list out;
  for (const FieldInfo& field : fields) {
    py::dict entry;
    entry["name"] = text(field.name);
    entry["type"] = text(field.type);
    entry["nulls"] = field.nulls;
    entry["distinct"] = field.distinct ? py::object(py::int_(*field.distinct)) : py::object(py::none());
    entry["least"] = value_object(field.least);
    entry["most"] = value_object(field.most);
    entry["bytes"] = field.bytes;
    entry["sorted"] = field.sorted;
    out.append(std::move(entry));
  }
  return out;
}

py::dict measure_dict(const Measure& measure) {
  py::dict out;
  out["mean"] = measure.mean;
  out["low"] = measure.low;
  out["high"] = measure.high;
  out["p05"] = measure.p05;
  out["p50"] = measure.p50;
  out["p95"] = measure.p95;
  out["minimum"] = measure.minimum;
  return out;
}

template <class T>
py::object value_or_none(const std::optional<T>& value) {
  return value ? py::object(py::cast(*value)) : py::object(py::none());
}

py::object number_or_none(std::uint64_t number) {
  return number != 0 ? py::object(py::int_(number)) : py::object(py::none());
}

py::list marks_list(const Answer& answer) {
  const auto characters = [&](std::uint32_t bytes) {
    return py::len(text(std::string_view(answer.snippet).substr(0, bytes)));
  };
  py::list out;
  for (const auto& [begin, end] : answer.marks) out.append(py::make_tuple(characters(begin), characters(end)));
  return out;
}

py::dict measures_dict(const DocumentMeasures& measures) {
  py::dict out;
  for (const auto& [name, measure] : measures) out[text(name)] = measure_dict(measure);
  return out;
}

py::dict difference_dict(const PairedDifference& difference) {
  py::dict out;
  out["mean"] = difference.mean;
  out["low"] = difference.low;
  out["high"] = difference.high;
  return out;
}

py::dict leg_dict(const DocumentMeasures& measures, const std::map<std::string, PairedDifference>& above) {
  py::dict differences, out;
  for (const auto& [name, one] : above) differences[text(name)] = difference_dict(one);
  out["relevance"] = measures_dict(measures);
  out["above"] = std::move(differences);
  return out;
}

[[noreturn]] void throw_as(const py::object& type, const py::object& exception) {
  PyErr_SetObject(type.ptr(), exception.ptr());
  throw py::error_already_set();
}

}  // namespace

py::str text(std::string_view bytes) {
  PyObject* const decoded =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

py::list texts(const std::vector<std::string>& all) {
  py::list out;
  for (const std::string& one : all) out.append(text(one));
  return out;
}

void raise(const Error& error) {
  const py::object type = exception_type("Error");
  const py::object offset = error.offset ? py::object(py::int_(*error.offset)) : py::object(py::none());
  throw_as(type, type(text(error.message), text(error_name(error.code)), text_or_none(error.file),
                      text_or_none(error.section), offset));
}

void raise_unreachable(const PlanOutcome& outcome) {
  const py::object type = exception_type("GoalUnreachable");
  const Nearest& nearest = outcome.nearest;
  throw_as(type, type(text(outcome.unreachable), nearest.recall_in_budget, nearest.bytes_for_floor, nearest.least_bytes,
                      nearest.recall_in_time, nearest.seconds_for_goal, candidates_list(outcome.report.candidates)));
}

py::dict report_dict(const PackReport& report) {
  py::dict out;
  out["path"] = text_or_none(report.path);
  out["bytes"] = report.bytes;
  out["budget_bytes"] = report.budget_bytes == 0 ? py::object(py::none()) : py::object(py::int_(report.budget_bytes));
  out["rows"] = report.rows;
  out["dims"] = report.dims;
  out["metric"] = text(metric_name(report.metric));
  out["bytes_per_row"] = report.bytes_per_row;
  out["parts"] = parts_dict(report.parts);
  out["goal"] = text(report.goal);
  out["plan"] = text(report.plan);
  out["why"] = text(report.why);
  out["explain"] = explanation_dict(report.explanation);
  out["candidates"] = candidates_list(report.candidates);
  out["certificates"] = certificates_list(report.certificates);
  out["queries"] = report.queries;
  out["tune_queries"] = report.tune_queries;
  out["certify_queries"] = report.certify_queries;
  out["proxy"] = report.proxy;
  out["notes"] = texts(report.notes);
  out["seconds"] = report.seconds;
  return out;
}

py::dict info_dict(const ArtifactInfo& info) {
  py::dict out;
  out["path"] = text(info.path);
  out["rows"] = info.rows;
  out["dims"] = info.dims;
  out["metric"] = text(metric_name(info.metric));
  out["bytes"] = info.bytes;
  out["bytes_per_row"] = info.bytes_per_row;
  out["code_bytes_per_row"] = info.code_bytes_per_row;
  out["codec"] = text(info.codec);
  out["format_version"] = info.format_version;
  out["parts"] = parts_dict(info.parts);
  out["fields"] = fields_list(info.fields);
  out["plan"] = text(info.plan);
  out["certificates"] = certificates_list(info.certificates);
  out["certificate_stale"] = info.certificate_stale;
  out["has_ids"] = info.has_ids;
  out["originals"] = text_or_none(info.originals);
  out["content_digest"] = text(info.content_digest);
  return out;
}

py::dict evaluation_dict(const Evaluation& evaluation) {
  py::dict recall, relevance, out;
  for (const auto& [k, measure] : evaluation.recall) recall[py::int_(k)] = measure_dict(measure);
  for (const auto& [name, measure] : evaluation.relevance) relevance[text(name)] = measure_dict(measure);
  py::list worst;
  for (const WorstQuery& query : evaluation.worst) {
    py::dict entry;
    entry["query"] = query.query;
    entry["recall"] = query.recall;
    worst.append(std::move(entry));
  }
  out["queries"] = evaluation.queries;
  out["recall"] = std::move(recall);
  out["relevance"] = std::move(relevance);
  out["worst"] = std::move(worst);
  out["queries_per_second"] = evaluation.queries_per_second;
  return out;
}

py::dict documents_dict(const DocumentsReport& report) {
  py::list skipped;
  for (const SkippedInput& one : report.skipped) {
    py::dict entry;
    entry["path"] = text(one.path);
    entry["record"] = one.record;
    entry["reason"] = text(one.reason);
    skipped.append(std::move(entry));
  }
  py::dict seconds, out;
  seconds["read"] = report.read_seconds;
  seconds["encode"] = report.encode_seconds;
  seconds["words"] = report.words_seconds;
  seconds["texts"] = report.text_seconds;
  out["count"] = report.documents;
  out["text_bytes"] = report.text_bytes;
  out["encoder"] = text(report.encoder);
  out["encoded"] = report.encoded;
  out["reused"] = report.reused;
  out["skipped"] = std::move(skipped);
  out["seconds"] = std::move(seconds);
  return out;
}

py::dict answer_dict(const Answer& answer) {
  py::dict out;
  out["row"] = answer.row;
  out["document"] = answer.document;
  out["score"] = answer.score;
  out["semantic"] = value_or_none(answer.semantic);
  out["lexical"] = value_or_none(answer.lexical);
  out["reading"] = value_or_none(answer.reading);
  out["relevance"] = value_or_none(answer.relevance);
  out["path"] = text(answer.path);
  out["title"] = text(answer.title);
  out["heading"] = text(answer.heading);
  out["id"] = text(answer.id);
  out["line"] = number_or_none(answer.line);
  out["record"] = number_or_none(answer.record);
  out["snippet"] = text(answer.snippet);
  out["marks"] = marks_list(answer);
  out["more"] = answer.more;
  out["folded"] = answer.folded;
  return out;
}

py::dict documents_evaluation_dict(const DocumentsEvaluation& evaluation, bool hybrid) {
  py::dict out;
  out["questions"] = evaluation.questions;
  out["judged"] = evaluation.judged;
  out["relevance"] = measures_dict(evaluation.measures);
  out["legs"] = py::none();
  if (hybrid) {
    py::dict legs;
    legs["semantic"] = leg_dict(evaluation.semantic, evaluation.above_semantic);
    legs["lexical"] = leg_dict(evaluation.lexical, evaluation.above_lexical);
    out["legs"] = std::move(legs);
  }
  out["tuned"] = py::none();
  if (evaluation.tuned) {
    py::dict tuned;
    tuned["meaning"] = evaluation.tuned->meaning;
    tuned["gain"] = difference_dict(evaluation.tuned->gain);
    out["tuned"] = std::move(tuned);
  }
  out["questions_per_second"] = evaluation.questions_per_second;
  return out;
}

}  // namespace attar::python
