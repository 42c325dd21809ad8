// Runs a user's command: text in, text out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "attar/result.h"

namespace attar::base {

/// What `/bin/sh -c command` prints when it gets `input`. `io` where it cannot be started or ends with another status
/// than 0, `over_limit` where it prints more than `most_output` bytes. What it prints to standard error goes there.
[[nodiscard]] Result<std::string> run_command(const std::string& command, std::string_view input,
                                              std::size_t most_output);

}  // namespace attar::base
