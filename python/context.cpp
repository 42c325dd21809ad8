#include "context.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attar/context.h"
#include "convert.h"
#include "options.h"
#include "watch.h"

namespace attar::python {
namespace {

std::optional<ContextKind> kind_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return take(parse_context_kind(name));
}

/// Tuples of name, text and title.
std::vector<ContextInput> inputs_of(const py::list& texts, const std::string& kind) {
  std::vector<ContextInput> out;
  for (const py::handle given : texts) {
    const auto tuple = given.cast<py::tuple>();
    out.push_back({.name = tuple[0].cast<std::string>(),
                   .text = tuple[1].cast<std::string>(),
                   .title = tuple[2].cast<std::string>(),
                   .kind = kind_of(kind)});
  }
  return out;
}

ContextOptions options_of(const py::dict& given) {
  return {.tokens = option<std::uint64_t>(given, "tokens"),
          .ratio = option<double>(given, "ratio"),
          .query = option<std::string>(given, "query"),
          .keep = option<std::vector<std::string>>(given, "keep"),
          .tokenizer = option<std::string>(given, "tokenizer"),
          .encoder = option<std::string>(given, "encoder"),
          .min_relevance = option<float>(given, "min_relevance"),
          .threads = option<unsigned>(given, "threads")};
}

py::dict context_dict(const Context& context, bool asked) {
  constexpr std::array<std::string_view, 3> outcomes = {"whole", "folded", "cut"};
  const auto relevance = [&](float value) -> py::object { return asked ? py::object(py::float_(value)) : py::none(); };
  py::list kept, cuts, kinds, left_out;
  for (const ContextSpan& span : context.kept) {
    py::dict own;
    own["input"] = span.input;
    own["begin"] = span.begin;
    own["end"] = span.end;
    own["relevance"] = relevance(span.relevance);
    kept.append(own);
  }
  for (const ContextCut& cut : context.cuts) {
    py::dict own;
    own["input"] = cut.input;
    own["id"] = cut.id;
    own["unit"] = cut.unit;
    own["begin"] = cut.begin;
    own["end"] = cut.end;
    own["tokens"] = cut.tokens;
    own["alike"] = cut.alike;
    own["repeated"] = cut.repeated;
    own["relevance"] = relevance(cut.relevance);
    cuts.append(own);
  }
  for (const ContextKind kind : context.kinds) kinds.append(text(context_kind_name(kind)));
  for (const std::uint32_t input : context.left_out) left_out.append(input);
  py::dict out;
  out["text"] = text(context.text);
  out["outcome"] = text(outcomes[static_cast<std::size_t>(context.outcome)]);
  out["tokens"] = context.tokens;
  out["input_tokens"] = context.input_tokens;
  out["budget"] = context.budget;
  out["tokenizer"] = text(context.tokenizer);
  out["estimated"] = context.estimated;
  out["kinds"] = kinds;
  out["kept"] = kept;
  out["cuts"] = cuts;
  out["left_out"] = left_out;
  return out;
}

py::dict fit(const py::list& texts, const std::string& kind, const py::dict& given) {
  const auto inputs = inputs_of(texts, kind);
  const ContextOptions options = options_of(given);
  Result<Context> out = fail(ErrorCode::cancelled, {});
  {
    const py::gil_scoped_release others_may_run;
    out = fit_context(inputs, options);
  }
  return context_dict(take(std::move(out)), !options.query.empty());
}

py::str restore(const py::list& texts, const std::string& kind, const std::string& id) {
  return text(take(restore_context(inputs_of(texts, kind), id)));
}

py::list read(const std::vector<Path>& paths) {
  py::list out;
  for (const ContextInput& input : take(read_context(paths)))
    out.append(py::make_tuple(text(input.name), text(input.text), text(input.title)));
  return out;
}

py::dict evaluate_file(const Path& questions, const py::list& texts, const std::string& kind, const py::dict& given,
                       double confidence, const py::object& callback) {
  const auto inputs = inputs_of(texts, kind);
  EvaluateContextOptions options{.questions = questions, .fit = options_of(given), .confidence = confidence};
  const auto made = take(watched<ContextEvaluation>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return evaluate_context(inputs, options);
  }));
  py::list asked;
  for (const ContextQuestion& question : made.questions) {
    py::dict own;
    own["question"] = text(question.question);
    own["kept"] = question.kept;
    own["tokens"] = question.tokens;
    own["budget"] = question.budget;
    own["input_tokens"] = question.input_tokens;
    asked.append(own);
  }
  py::dict out;
  out["kept"] = made.kept;
  out["lower_bound"] = made.lower_bound;
  out["all_kept"] = made.all_kept;
  out["evidence"] = made.evidence;
  out["evidence_kept"] = made.evidence_kept;
  out["tokens"] = made.tokens;
  out["input_tokens"] = made.input_tokens;
  out["seconds"] = made.seconds;
  out["scope"] = text(made.scope);
  out["questions"] = asked;
  return out;
}

}  // namespace

void add_context(py::module_& module) {
  module.def("fit_context", &fit);
  module.def("restore_context", &restore);
  module.def("read_context", &read);
  module.def("evaluate_context", &evaluate_file);
}

}  // namespace attar::python
