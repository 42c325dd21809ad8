#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/evaluate.h"
#include "json.h"
#include "output.h"
#include "session.h"

namespace attar::cli {
namespace {

std::string gib(std::uint64_t bytes) { return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / 0x1p30); }

Json json_of(const Diagnosis& d) {
  return {{"version", d.version},
          {"build", d.build},
          {"features", d.features},
          {"level", d.level},
          {"isa_request_refused", d.isa_request_refused},
          {"cores", d.cores},
          {"memory_bytes", d.memory_bytes},
          {"memory_available", d.memory_available},
          {"scratch", d.scratch},
          {"scratch_available", d.scratch_available},
          {"codecs", d.codecs},
          {"libraries", d.libraries}};
}

std::string text_of(const Diagnosis& d) {
  Facts facts;
  facts.add("build", d.build);
  facts.add("processor", d.features);
  facts.add("kernels", d.level + (d.isa_request_refused ? " (ATTAR_ISA names no level of this machine)" : ""));
  facts.add("cores", std::to_string(d.cores));
  facts.add("memory", fmt::format("{}, {} available", gib(d.memory_bytes), gib(d.memory_available)));
  facts.add("scratch", fmt::format("{}, {} free", printable(d.scratch), gib(d.scratch_available)));
  for (const auto& [name, version] : d.libraries) facts.add(name, version);
  std::string out = facts.text() + "\ncodecs\n";
  for (const std::string& codec : d.codecs) out += fmt::format("  {}\n", codec);
  return out;
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  Command command = add_command(app, session, "doctor", "Instruction set, cores, memory, codecs, versions",
                                {"attar doctor", "attar doctor --json", "ATTAR_ISA=avx2 attar doctor"});
  command.on_named([&session] {
    session.run = [&session]() -> Result<Exit> {
      const Diagnosis diagnosis = diagnose();
      ATTAR_TRY(session.json ? print_json(json_of(diagnosis)) : print(text_of(diagnosis)));
      return Exit::done;
    };
  });
}

}  // namespace attar::cli
