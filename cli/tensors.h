// What pack, unpack, info and verify do with artifacts of tensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attar/pack.h"
#include "attar/tensors.h"
#include "command.h"
#include "session.h"

namespace attar::cli {

struct TensorArguments {
  bool lossless = false;
  bool progressive = false;
  std::uint64_t block_bytes = PackTensorsOptions{}.block_bytes;
  std::filesystem::path base;
  std::optional<ErrorBound> max_error;
  std::vector<std::string> pins, keep_rows;
  std::filesystem::path sensitivity, frequencies, calibrate;
  std::filesystem::path keep_tokens;
  std::string table;
};

/// --block, --base, --max-error, --pin, --sensitivity, --frequencies, --table, --keep-rows and --keep-tokens; for
/// packing --lossless, --progressive and --calibrate too.
void add_tensor_options(Command& command, TensorArguments& arguments, bool packs);

/// Whether the input is to be taken as tensors: an option for them was given, or it holds files of tensors.
[[nodiscard]] bool takes_tensors(const std::filesystem::path& input, const std::string& as,
                                 const TensorArguments& arguments);
[[nodiscard]] Result<Exit> run_pack_tensors(const Session& session, const std::filesystem::path& input,
                                            const std::filesystem::path& output, bool force, const PackOptions& goals,
                                            const TensorArguments& arguments);
/// Of a progressive artifact: a smaller one of the same kind.
[[nodiscard]] Result<Exit> run_cut_tensors(const Session& session, const std::filesystem::path& input,
                                           const std::filesystem::path& output, bool force,
                                           const std::optional<Budget>& budget);
[[nodiscard]] Result<Exit> run_plan_tensors(const Session& session, const std::filesystem::path& input,
                                            const PackOptions& goals, const TensorArguments& arguments);
[[nodiscard]] Result<Exit> run_unpack_tensors(const Session& session, const std::filesystem::path& artifact,
                                              const std::filesystem::path& output, const std::filesystem::path& base,
                                              const std::optional<Budget>& budget, bool force, unsigned threads,
                                              const OpenOptions& open);
[[nodiscard]] Result<Exit> run_info_tensors(const Session& session, const std::filesystem::path& artifact,
                                            const OpenOptions& open);
[[nodiscard]] Result<Exit> run_verify_tensors(const Session& session, const std::filesystem::path& artifact,
                                              const std::filesystem::path& base, const std::filesystem::path& texts,
                                              double confidence, unsigned threads, const OpenOptions& open);

}  // namespace attar::cli
