// The objects that --json prints. Keys are an interface: docs/cli.md names them all, tests/cli checks them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/certificate.h"
#include "attar/evaluate.h"
#include "attar/pack.h"
#include "attar/result.h"

namespace attar::cli {

using Json = nlohmann::ordered_json;

/// {"error": {code, message, file, section, offset, fix}}; what is not known is null.
[[nodiscard]] Json error_json(const Error& error, const std::string& fix);
[[nodiscard]] Json certificate_json(const Certificate& certificate);
[[nodiscard]] Json certificates_json(const std::vector<Certificate>& certificates);
/// {name: bytes}.
[[nodiscard]] Json parts_json(const std::vector<Part>& parts);
/// A value of an attribute; null for none.
[[nodiscard]] Json value_json(const FieldValue& value);
[[nodiscard]] Json fields_json(const std::vector<FieldInfo>& fields);
[[nodiscard]] Json candidates_json(const std::vector<Candidate>& candidates);
[[nodiscard]] Json pack_json(const PackReport& report);
[[nodiscard]] Json measure_json(const Measure& measure);

/// One line on standard output; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] Status print_json(const Json& json);

}  // namespace attar::cli
