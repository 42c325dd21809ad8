#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/tensors.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "session.h"

namespace attar::cli {
namespace {

struct GetTensorArguments {
  std::filesystem::path artifact, output, base;
  std::string name;
  bool force = false;
  unsigned threads = 0;
  OpenOptions open;
};

Result<Exit> run_get_tensor(const Session& session, const GetTensorArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.artifact, arguments.base}, arguments.force, false));
  ATTAR_ASSIGN(const TensorArtifact artifact, TensorArtifact::open(arguments.artifact, arguments.open, arguments.base));
  ATTAR_ASSIGN(const std::size_t number, artifact.find(arguments.name));
  const TensorInfo tensor = artifact.tensor(number);
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".npy", session));
  ATTAR_TRY(artifact.save_npy(number, file.path(), arguments.threads));
  const std::string path = arguments.output.string();
  const Json json = {{"path", path},
                     {"name", tensor.name},
                     {"source", tensor.source},
                     {"type", tensor.type},
                     {"shape", tensor.shape},
                     {"bytes", tensor.bytes},
                     {"packed_bytes", tensor.packed_bytes}};
  ATTAR_TRY(tell_written(session, file, path, json, [&](const std::string& name) {
    return fmt::format("{}: {}, {} {}\n", printable(name), printable(tensor.name), printable(tensor.type),
                       fmt::join(tensor.shape, "x"));
  }));
  return Exit::done;
}

}  // namespace

void add_get(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<GetTensorArguments>();
  Command command =
      add_command(app, session, "get", "One tensor out of an artifact, as .npy, without reading the others",
                  {"attar get model.attar encoder.layer.3.output.dense.weight -o w.npy",
                   "attar get model.attar model-00001.safetensors:lm_head.weight -o head.npy"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  command
      .add_text("name", arguments->name, "The tensor, as attar info names it; source:name where several have it",
                "NAME")
      .required();
  add_path(command, "-o,--output", arguments->output, "Where to, as .npy; - for standard output").required();
  add_path(command, "--base", arguments->base, "The artifact that this one is coded against; else one of its folder");
  command.add_flag("-f,--force", arguments->force, "Overwrite the output");
  add_open_options(command, arguments->open);
  add_threads(command, arguments->threads);
  run_with(command, session, arguments, run_get_tensor);
}

}  // namespace attar::cli
