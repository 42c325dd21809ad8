// From the library's words to Python's: errors become exceptions, reports become dicts with the keys of docs/cli.md.
#pragma once

#include <pybind11/pybind11.h>

#include <string_view>
#include <utility>
#include <vector>

#include "attar/artifact.h"
#include "attar/documents.h"
#include "attar/evaluate.h"
#include "attar/pack.h"
#include "attar/result.h"

namespace attar::python {

namespace py = pybind11;

/// Text from outside, such as paths and ids: bytes that are not UTF-8 become surrogates, as in os.fsdecode().
[[nodiscard]] py::str text(std::string_view bytes);
[[nodiscard]] py::list texts(const std::vector<std::string>& all);

/// Throws attar.Error with all that the error tells.
[[noreturn]] void raise(const Error& error);
/// Throws attar.GoalUnreachable.
[[noreturn]] void raise_unreachable(const PlanOutcome& outcome);

/// The value, or its error thrown. Under the GIL.
template <class T>
[[nodiscard]] T take(Result<T> result) {
  if (!result) raise(result.error());
  return *std::move(result);
}
inline void take(Status status) {
  if (!status) raise(status.error());
}

[[nodiscard]] py::dict report_dict(const PackReport& report);
[[nodiscard]] py::dict info_dict(const ArtifactInfo& info);
/// Recall by number: {10: {"mean": …}}.
[[nodiscard]] py::dict evaluation_dict(const Evaluation& evaluation);

[[nodiscard]] py::dict documents_dict(const DocumentsReport& report);
/// Places of marks count characters of the snippet, as Python's slices do.
[[nodiscard]] py::dict answer_dict(const Answer& answer);
/// `hybrid`: its legs stand beside it.
[[nodiscard]] py::dict documents_evaluation_dict(const DocumentsEvaluation& evaluation, bool hybrid);

}  // namespace attar::python
