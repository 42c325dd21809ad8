#include "tensors.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attar/sensitivity.h"
#include "attar/tensors.h"
#include "buffer.h"
#include "convert.h"
#include "options.h"
#include "watch.h"

namespace attar::python {
namespace {

PackTensorsOptions tensor_options(const py::dict& given) {
  PackTensorsOptions out{.block_bytes = option<std::uint64_t>(given, "block"),
                         .base = option<Path>(given, "base"),
                         .threads = option<unsigned>(given, "threads")};
  const auto budget = option<std::string>(given, "budget"), bound = option<std::string>(given, "max_error");
  if (!budget.empty()) out.loss.budget = take(parse_budget(budget));
  if (!bound.empty()) out.loss.max_error = take(parse_error_bound(bound));
  for (const auto& pin : option<std::vector<std::string>>(given, "pins"))
    out.loss.pins.push_back(take(parse_tensor_pin(pin)));
  out.loss.sensitivity = option<Path>(given, "sensitivity");
  out.loss.frequencies = option<Path>(given, "frequencies");
  out.loss.table = option<std::string>(given, "table");
  out.trim.tokens = option<Path>(given, "keep_tokens");
  for (const auto& [pattern, rows] : option<std::vector<std::pair<std::string, Path>>>(given, "keep_rows"))
    out.trim.rows.push_back({.pattern = pattern, .rows = rows});
  out.loss.progressive = option<bool>(given, "progressive");
  return out;
}

py::dict loss_dict(const TensorLoss& loss) {
  py::dict out;
  out["relative_error"] = loss.relative_error;
  out["max_error"] = loss.max_error;
  out["sensitivity"] = loss.sensitivity;
  return out;
}

py::list lost_list(const std::vector<LostTensor>& lost) {
  py::list out;
  for (const LostTensor& tensor : lost) {
    py::dict own = loss_dict(tensor.loss);
    own["name"] = text(tensor.name);
    own["type"] = text(tensor.type);
    own["weights"] = tensor.weights;
    own["bits"] = tensor.bits;
    out.append(own);
  }
  return out;
}

py::list trimmed_list(const std::vector<TrimmedTable>& trimmed) {
  py::list out;
  for (const TrimmedTable& table : trimmed) {
    py::dict own;
    own["name"] = text(table.name);
    own["rows"] = table.rows;
    own["dropped"] = table.dropped;
    out.append(own);
  }
  return out;
}

py::dict report_dict(const PackTensorsReport& report) {
  py::list types;
  for (const TensorTypeShare& type : report.types) {
    py::dict own;
    own["type"] = text(type.type);
    own["tensors"] = type.tensors;
    own["bytes"] = type.bytes;
    own["packed_bytes"] = type.packed_bytes;
    types.append(own);
  }
  py::dict out;
  out["path"] = text(report.path);
  out["sources"] = report.sources;
  out["tensors"] = report.tensors;
  out["shared_tensors"] = report.shared_tensors;
  out["base_tensors"] = report.base_tensors;
  out["delta_tensors"] = report.delta_tensors;
  out["depth"] = report.depth;
  out["source_bytes"] = report.source_bytes;
  out["bytes"] = report.bytes;
  out["types"] = types;
  out["budget_bytes"] = report.budget_bytes == 0 ? py::object(py::none()) : py::int_(report.budget_bytes);
  out["lost"] = lost_list(report.lost);
  out["weighed_error"] = report.weighed_error;
  out["trimmed"] = trimmed_list(report.trimmed);
  out["certificate"] = py::none();
  out["notes"] = texts(report.notes);
  out["seconds"] = report.seconds;
  return out;
}

py::dict pack_tensors_file(const Path& input, const Path& output, const py::dict& given, const py::object& callback) {
  PackTensorsOptions options = tensor_options(given);
  return report_dict(take(watched<PackTensorsReport>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return pack_tensors(input, output, options);
  })));
}

py::dict plan_tensors_file(const Path& input, const py::dict& given, const py::object& callback) {
  PackTensorsOptions options = tensor_options(given);
  return report_dict(take(watched<PackTensorsReport>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return plan_tensors(input, options);
  })));
}

py::dict cut_tensors_file(const Path& artifact, const Path& output, const std::string& budget) {
  const Budget wanted = take(parse_budget(budget));
  Result<CutReport> cut = [&] {
    const py::gil_scoped_release others_may_run;
    return cut_tensors(artifact, output, wanted);
  }();
  const CutReport report = take(std::move(cut));
  py::dict out;
  out["path"] = text(report.path);
  out["bytes"] = report.bytes;
  out["former_bytes"] = report.former_bytes;
  out["refinements"] = report.refinements;
  out["former_refinements"] = report.former_refinements;
  out["weighed_error"] = report.weighed_error;
  out["former_weighed_error"] = report.former_weighed_error;
  out["seconds"] = report.seconds;
  return out;
}

py::dict sensitivity_of(const std::string& model, const Path& texts, double noise, std::uint64_t seed, unsigned threads,
                        const py::object& callback) {
  const auto report = take(watched<SensitivityReport>(callback, [&](Progress& progress) {
    return measure_sensitivity(model, texts, {.noise = noise, .seed = seed, .threads = threads, .progress = &progress});
  }));
  py::dict tensors, out;
  for (const TensorSensitivity& tensor : report.tensors) tensors[text(tensor.name)] = tensor.alpha;
  out["model"] = text(report.model);
  out["digest"] = text(report.digest);
  out["texts"] = report.texts;
  out["noise"] = report.noise;
  out["seed"] = report.seed;
  out["tensors"] = tensors;
  out["seconds"] = report.seconds;
  return out;
}

TensorArtifact open_file(const Path& path, bool mmap, const std::string& budget) {
  OpenOptions options;
  options.mmap = mmap;
  std::optional<Budget> wanted;
  if (!budget.empty()) wanted = take(parse_budget(budget));
  Result<TensorArtifact> artifact = [&]() -> Result<TensorArtifact> {
    const py::gil_scoped_release others_may_run;
    ATTAR_ASSIGN(TensorArtifact opened, TensorArtifact::open(path, options));
    if (wanted) ATTAR_TRY(opened.cut(*wanted));
    return opened;
  }();
  return take(std::move(artifact));
}

py::dict tensor_dict(const TensorInfo& tensor) {
  py::dict out;
  out["source"] = text(tensor.source);
  out["name"] = text(tensor.name);
  out["type"] = text(tensor.type);
  out["shape"] = tensor.shape;
  out["bytes"] = tensor.bytes;
  out["packed_bytes"] = tensor.packed_bytes;
  out["codec"] = text(tensor.codec);
  out["loss"] = tensor.loss ? py::object(loss_dict(*tensor.loss)) : py::object(py::none());
  out["dropped_rows"] = tensor.dropped_rows;
  return out;
}

py::dict certificate_dict(const ModelCertificate& certificate) {
  py::dict out;
  out["texts"] = certificate.texts;
  out["lost"] = certificate.lost;
  out["upper_bound"] = certificate.upper_bound;
  out["confidence"] = certificate.confidence;
  out["predicted"] = certificate.predicted;
  out["content_digest"] = text(certificate.content_digest);
  out["texts_digest"] = text(certificate.texts_digest);
  out["model_digest"] = text(certificate.model_digest);
  out["build"] = text(certificate.build);
  out["scope"] = text(certificate.scope);
  return out;
}

py::dict tensors_info(const TensorArtifact& artifact) {
  const TensorsInfo info = artifact.info();
  py::list sources, tensors;
  py::dict parts;
  for (const std::string& source : info.sources) sources.append(text(source));
  for (const TensorInfo& tensor : info.tensors) tensors.append(tensor_dict(tensor));
  for (const Part& part : info.parts) parts[text(part.name)] = part.bytes;
  py::dict out;
  out["path"] = text(info.path);
  out["bytes"] = info.bytes;
  out["source_bytes"] = info.source_bytes;
  out["sources"] = sources;
  out["tensors"] = tensors;
  out["parts"] = parts;
  out["format_version"] = info.format_version;
  out["content_digest"] = text(info.content_digest);
  out["base_digest"] = info.base_digest.empty() ? py::object(py::none()) : py::object(py::str(info.base_digest));
  out["depth"] = info.depth;
  out["goal"] = info.goal.empty() ? py::object(py::none()) : py::object(text(info.goal));
  out["refinements"] = info.refinements;
  out["weighed_error"] = info.weighed_error;
  out["certificate"] = info.certificate ? py::object(certificate_dict(*info.certificate)) : py::object(py::none());
  return out;
}

/// Fills `out`, of exactly the tensor's bytes.
void read_tensor(const TensorArtifact& artifact, std::size_t number, const py::handle& out, unsigned threads) {
  const Buffer<std::uint8_t, Access::write> room(out);
  Status status;
  {
    const py::gil_scoped_release others_may_run;
    const auto bytes = artifact.read(number, threads);
    if (!bytes) {
      status = std::unexpected(bytes.error());
    } else if (bytes->size() == room.values().size()) {
      std::ranges::copy(*bytes, std::as_writable_bytes(room.values()).begin());
    } else {
      status = fail(ErrorCode::invalid_argument, "the room for a tensor has another size than the tensor");
    }
  }
  take(std::move(status));
}

void save_tensor(const TensorArtifact& artifact, std::size_t number, const Path& path, unsigned threads) {
  Status status;
  {
    const py::gil_scoped_release others_may_run;
    status = artifact.save_npy(number, path, threads);
  }
  take(std::move(status));
}

py::dict restore_files(const TensorArtifact& artifact, const Path& output, unsigned threads,
                       const py::object& callback) {
  const auto report = take(watched<RestoreReport>(
      callback, [&](Progress& progress) { return artifact.restore(output, threads, &progress); }));
  py::dict out;
  out["path"] = text(output.string());
  out["sources"] = report.sources;
  out["bytes"] = report.bytes;
  out["seconds"] = report.seconds;
  return out;
}

void verify_file(const TensorArtifact& artifact, unsigned threads, const py::object& callback) {
  take(watched<void>(callback, [&](Progress& progress) { return artifact.verify(threads, &progress); }));
}

py::dict compare_files(const TensorArtifact& artifact, const Path& original, unsigned threads,
                       const py::object& callback) {
  const auto found = take(watched<TensorComparison>(
      callback, [&](Progress& progress) { return artifact.compare(original, threads, &progress); }));
  py::dict out;
  out["tensors"] = found.tensors;
  out["identical"] = found.identical;
  out["lost"] = lost_list(found.lost);
  out["weighed_error"] = found.weighed_error;
  out["trimmed"] = trimmed_list(found.trimmed);
  return out;
}

}  // namespace

void add_tensors(py::module_& module) {
  module.def("pack_tensors", &pack_tensors_file);
  module.def("plan_tensors", &plan_tensors_file);
  module.def("cut_tensors", &cut_tensors_file);
  module.def("measure_sensitivity", &sensitivity_of);
  py::class_<TensorArtifact>(module, "TensorArtifact")
      .def(py::init(&open_file), py::arg("path"), py::arg("mmap"), py::arg("budget"))
      .def("info", &tensors_info)
      .def("find", [](const TensorArtifact& artifact, const std::string& name) { return take(artifact.find(name)); })
      .def("tensor",
           [](const TensorArtifact& artifact, std::size_t number) { return tensor_dict(artifact.tensor(number)); })
      .def("read", &read_tensor)
      .def("save", &save_tensor)
      .def("restore", &restore_files)
      .def("verify", &verify_file)
      .def("compare", &compare_files);
}

}  // namespace attar::python
