#include "export.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attar/export.h"
#include "convert.h"
#include "options.h"
#include "watch.h"

namespace attar::python {
namespace {

ExportGgufOptions export_options(const py::dict& given) {
  ExportGgufOptions out;
  out.type = option<std::string>(given, "type");
  if (const auto budget = option<std::optional<std::string>>(given, "budget")) out.budget = take(parse_budget(*budget));
  out.pins = option<std::vector<std::string>>(given, "pins");
  out.sensitivity = option<TensorSensitivities>(given, "sensitivity");
  out.architecture = option<std::string>(given, "architecture");
  out.name = option<std::string>(given, "name");
  out.metadata = option<std::vector<std::pair<std::string, std::string>>>(given, "metadata");
  out.base = option<Path>(given, "base");
  out.threads = option<unsigned>(given, "threads");
  return out;
}

py::dict export_dict(const ExportGgufReport& report) {
  py::list types, tensors;
  for (const ExportTypeShare& type : report.types) {
    py::dict own;
    own["type"] = text(type.type);
    own["tensors"] = type.tensors;
    own["values"] = type.values;
    own["bytes"] = type.bytes;
    own["error"] = type.error;
    types.append(own);
  }
  for (const ExportedTensor& tensor : report.tensors) {
    py::dict own;
    own["name"] = text(tensor.name);
    own["type"] = text(tensor.type);
    own["values"] = tensor.values;
    own["bytes"] = tensor.bytes;
    own["alpha"] = tensor.alpha;
    own["error"] = tensor.error;
    tensors.append(own);
  }
  py::dict out;
  out["path"] = text(report.path);
  out["architecture"] = text(report.architecture);
  out["bytes"] = report.bytes;
  out["budget"] = report.budget;
  out["values"] = report.values;
  out["error"] = report.error;
  out["predicted"] = report.predicted;
  out["bound"] = report.bound;
  out["optimal"] = report.optimal;
  out["types"] = types;
  out["tensors"] = tensors;
  out["notes"] = texts(report.notes);
  out["seconds"] = report.seconds;
  return out;
}

py::dict export_file(const Path& input, const Path& output, const py::dict& given, const py::object& callback) {
  ExportGgufOptions options = export_options(given);
  return export_dict(take(watched<ExportGgufReport>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return export_gguf(input, output, options);
  })));
}

py::dict read_sensitivities_of(const Path& path) {
  py::dict out;
  for (const auto& [name, alpha] : take(read_sensitivity(path))) out[text(name)] = alpha;
  return out;
}

}  // namespace

void add_export(py::module_& module) {
  module.def("export_gguf", &export_file);
  module.def("read_sensitivity", &read_sensitivities_of);
}

}  // namespace attar::python
