// What this machine and build are.
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/sysinfo.h>
#include <xxhash.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "attar/evaluate.h"
#include "attar/version.h"
#include "base/file.h"
#include "base/threads.h"
#include "codec/registry.h"
#include "math/blas.h"
#include "simd/isa.h"

namespace attar {
namespace {

// What the kernel thinks can be had without swapping; 0 where it does not say.
std::uint64_t available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kib) == 1) return kib * 1024;
  }
  return 0;
}

}  // namespace

Diagnosis diagnose() {
  Diagnosis out;
  out.version = version();
  out.build = build_description();
  out.features = simd::describe_features();
  out.level = simd::level_name(simd::active_level());
  out.isa_request_refused = simd::isa_request_refused();
  out.cores = base::available_cores();
  if (struct sysinfo info = {}; sysinfo(&info) == 0) out.memory_bytes = std::uint64_t{info.totalram} * info.mem_unit;
  out.memory_available = available_memory();
  out.scratch = base::temporary_directory().string();
  std::error_code error;
  const auto space = std::filesystem::space(out.scratch, error);
  if (!error) out.scratch_available = space.available;
  for (const codec::Codec* codec : codec::registry()) {
    const codec::CodecInfo& info = codec->info();
    out.codecs.push_back(fmt::format("{} (wire {}–{}): {}", info.name, info.wire_min, info.wire_max, info.summary));
  }
  out.libraries = {
      {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"nlohmann-json",
       fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"openblas kernels", std::string(math::blas_kernels())},
      {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
      {"xxhash", fmt::format("{}.{}.{}", XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE)},
  };
  return out;
}

}  // namespace attar
