#include "tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"

namespace attar::cli {
namespace {

std::string saved(std::uint64_t before, std::uint64_t after) {
  if (before == 0) return "-";
  return fmt::format("{:.2f}%", 100 * (1 - static_cast<double>(after) / static_cast<double>(before)));
}

Json packed_json(const PackTensorsReport& report) {
  Json types = Json::array();
  for (const TensorTypeShare& type : report.types)
    types.push_back(
        {{"type", type.type}, {"tensors", type.tensors}, {"bytes", type.bytes}, {"packed_bytes", type.packed_bytes}});
  return {{"path", report.path},
          {"sources", report.sources},
          {"tensors", report.tensors},
          {"shared_tensors", report.shared_tensors},
          {"base_tensors", report.base_tensors},
          {"delta_tensors", report.delta_tensors},
          {"depth", report.depth},
          {"source_bytes", report.source_bytes},
          {"bytes", report.bytes},
          {"types", std::move(types)},
          {"notes", report.notes},
          {"seconds", report.seconds}};
}

std::string packed_text(const PackTensorsReport& report) {
  Facts facts;
  facts.add("packed", fmt::format("{} tensors of {} files, without loss, to {}", grouped(report.tensors),
                                  grouped(report.sources), printable(report.path)));
  facts.add("file", fmt::format("{} bytes of {}: {} saved", grouped(report.bytes), grouped(report.source_bytes),
                                saved(report.source_bytes, report.bytes)));
  if (report.shared_tensors != 0)
    facts.add("shared",
              fmt::format("{} tensors stand there once that stood in the files again", grouped(report.shared_tensors)));
  if (report.depth != 0)
    facts.add("base", fmt::format("{} tensors stand in it alone, {} are differences from it; {} artifacts lie below",
                                  grouped(report.base_tensors), grouped(report.delta_tensors), report.depth));
  const double rate = report.seconds > 0 ? static_cast<double>(report.source_bytes) / 1e6 / report.seconds : 0;
  facts.add("time", fmt::format("{:.1f} s, {:.0f} MB/s", report.seconds, rate));
  Table table({"type", "tensors", "bytes", "packed", "saved"});
  for (const TensorTypeShare& type : report.types)
    table.add({printable(type.type), grouped(type.tensors), grouped(type.bytes), grouped(type.packed_bytes),
               saved(type.bytes, type.packed_bytes)});
  return fmt::format("{}{}\n{}", facts.text(), notes_text(report.notes), table.text());
}

Json tensor_json(const TensorInfo& tensor) {
  return {{"source", tensor.source}, {"name", tensor.name},   {"type", tensor.type},
          {"shape", tensor.shape},   {"bytes", tensor.bytes}, {"packed_bytes", tensor.packed_bytes},
          {"codec", tensor.codec}};
}

Json info_json(const TensorsInfo& info) {
  Json tensors = Json::array();
  for (const TensorInfo& tensor : info.tensors) tensors.push_back(tensor_json(tensor));
  return {{"path", info.path},
          {"bytes", info.bytes},
          {"source_bytes", info.source_bytes},
          {"sources", info.sources},
          {"tensors", std::move(tensors)},
          {"parts", parts_json(info.parts)},
          {"format_version", info.format_version},
          {"base_digest", info.base_digest.empty() ? Json(nullptr) : Json(info.base_digest)},
          {"depth", info.depth},
          {"content_digest", info.content_digest}};
}

std::string info_text(const TensorsInfo& info) {
  Facts facts;
  facts.add("file", fmt::format("{}, format {}", printable(info.path), info.format_version));
  facts.add("bytes", fmt::format("{} of {}: {} saved", grouped(info.bytes), grouped(info.source_bytes),
                                 saved(info.source_bytes, info.bytes)));
  facts.add("sources", fmt::format("{}", grouped(info.sources.size())));
  facts.add("content", info.content_digest);
  if (info.depth != 0) facts.add("base", fmt::format("content {}, {} artifacts below", info.base_digest, info.depth));
  Table table({"tensor", "type", "shape", "codec", "bytes", "packed", "saved"}, 4);
  for (const TensorInfo& tensor : info.tensors) {
    const std::string name = info.sources.size() > 1 ? tensor.source + ":" + tensor.name : tensor.name;
    table.add({printable(name), printable(tensor.type), fmt::format("{}", fmt::join(tensor.shape, "x")),
               printable(tensor.codec), grouped(tensor.bytes), grouped(tensor.packed_bytes),
               saved(tensor.bytes, tensor.packed_bytes)});
  }
  return fmt::format("{}\n{}\n{}", facts.text(), parts_text(info.parts, info.bytes, 0), table.text());
}

}  // namespace

void add_tensor_options(Command& command, TensorArguments& arguments) {
  command.add_flag("--lossless", arguments.lossless,
                   "Tensors: pack files or a folder so that unpack gives them back to the byte");
  const auto parse = [](std::string_view text) -> Result<std::uint64_t> {
    ATTAR_ASSIGN(const Budget size, parse_budget(text));
    if (size.unit != Budget::Unit::bytes)
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no size; take one such as 64KiB", text));
    return static_cast<std::uint64_t>(size.value);
  };
  add_value(command, "--block", arguments.block_bytes, parse,
            "Tensors: bytes that are decoded together, 4KiB to 64MiB (default 256KiB)", "SIZE");
  add_path(
      command, "--base", arguments.base,
      "Tensors: the artifact of a former version; what it holds is not packed again, what changed as a difference");
}

bool takes_tensors(const std::filesystem::path& input, const std::string& as, const TensorArguments& arguments) {
  return arguments.lossless || (as.empty() && input != "-" && holds_tensors(input));
}

Result<Exit> run_pack_tensors(const Session& session, const std::filesystem::path& input,
                              const std::filesystem::path& output, bool force, unsigned threads,
                              const TensorArguments& arguments) {
  if (!arguments.lossless)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} holds tensors; add --lossless: attar pack {} -o {} --lossless",
                            printable(input.string()), printable(input.string()), printable(output.string())));
  if (input == "-")
    return fail(ErrorCode::invalid_argument, "tensors are not read from standard input; name a file or a folder");
  ATTAR_TRY(check_output(output, {input, arguments.base}, force, true));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".attar", session));
  PackTensorsReport report;
  {
    ProgressBar bar(session);
    ATTAR_ASSIGN(
        report,
        pack_tensors(
            input, file.path(),
            {.block_bytes = arguments.block_bytes, .base = arguments.base, .threads = threads, .progress = &bar}));
  }
  report.path = output.string();
  ATTAR_TRY(tell_written(session, file, report.path, packed_json(report), [&](const std::string& name) {
    PackTensorsReport named = report;
    named.path = name;
    return packed_text(named);
  }));
  return Exit::done;
}

Result<Exit> run_unpack_tensors(const Session& session, const std::filesystem::path& artifact,
                                const std::filesystem::path& output, const std::filesystem::path& base, bool force,
                                unsigned threads, const OpenOptions& open) {
  ATTAR_ASSIGN(const TensorArtifact opened, TensorArtifact::open(artifact, open, base));
  const TensorsInfo info = opened.info();
  RestoreReport report;
  const auto restore = [&](const std::filesystem::path& path) -> Status {
    ProgressBar bar(session);
    ATTAR_ASSIGN(report, opened.restore(path, threads, &bar));
    return {};
  };
  const auto text = [&](const std::string& name) {
    return fmt::format("{}: {} files, {} bytes, as they were packed, {:.1f} s\n", printable(name),
                       grouped(report.sources), grouped(report.bytes), report.seconds);
  };
  const std::string path = output.string();
  const auto json = [&] {
    return Json{{"path", path}, {"sources", report.sources}, {"bytes", report.bytes}, {"seconds", report.seconds}};
  };
  if (info.sources.size() > 1) {
    if (output == "-")
      return fail(ErrorCode::invalid_argument, "several files do not go to standard output; give a folder with -o");
    std::error_code error;
    if (!force && std::filesystem::exists(output, error) && !std::filesystem::is_empty(output, error))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is there and not empty; give a new folder, or --force", printable(path)));
    ATTAR_TRY(restore(output));
    ATTAR_TRY(session.json ? print_json(json()) : print(text(path)));
    return Exit::done;
  }
  ATTAR_TRY(check_output(output, {artifact, base}, force, false));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".safetensors", session));
  ATTAR_TRY(restore(file.path()));
  ATTAR_TRY(tell_written(session, file, path, json(), text));
  return Exit::done;
}

Result<Exit> run_info_tensors(const Session& session, const std::filesystem::path& artifact, const OpenOptions& open) {
  ATTAR_ASSIGN(const TensorArtifact opened, TensorArtifact::open(artifact, open));
  const TensorsInfo info = opened.info();
  ATTAR_TRY(session.json ? print_json(info_json(info)) : print(info_text(info)));
  return Exit::done;
}

Result<Exit> run_verify_tensors(const Session& session, const std::filesystem::path& artifact,
                                const std::filesystem::path& base, unsigned threads, const OpenOptions& open) {
  ATTAR_ASSIGN(const TensorArtifact opened, TensorArtifact::open(artifact, open, base));
  {
    ProgressBar bar(session);
    ATTAR_TRY(opened.verify(threads, &bar));
  }
  const TensorsInfo info = opened.info();
  if (session.json) {
    ATTAR_TRY(print_json({{"path", info.path},
                          {"intact", true},
                          {"bytes", info.bytes},
                          {"tensors", info.tensors.size()},
                          {"content_digest", info.content_digest}}));
  } else {
    ATTAR_TRY(
        print(fmt::format("{}: intact; every checksum of {} bytes holds, and {} tensors decode to what was packed\n",
                          printable(info.path), grouped(info.bytes), grouped(info.tensors.size()))));
  }
  return Exit::done;
}

}  // namespace attar::cli
