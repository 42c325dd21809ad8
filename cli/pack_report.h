// How plan and pack tell what they found: the same table, the same JSON, the same words for a goal out of reach.
#pragma once

#include <string>
#include <vector>

#include "attar/certificate.h"
#include "attar/pack.h"
#include "session.h"

namespace attar::cli {

/// The candidates as a table; the chosen one carries a star.
[[nodiscard]] std::string candidates_text(const std::vector<Candidate>& candidates);
/// Where the plan loses recall and what a query looks at, and what each candidate's codes lose, as tables.
[[nodiscard]] std::string explanation_text(const PackReport& report);
/// The parts of a file as a table, with their share of the whole.
[[nodiscard]] std::string parts_text(const std::vector<Part>& parts, std::uint64_t bytes, std::uint64_t rows);
/// Each certificate in words, one a paragraph; a sentence where there is none.
/// A line a note.
[[nodiscard]] std::string notes_text(const std::vector<std::string>& notes);
[[nodiscard]] std::string certificates_text(const std::vector<Certificate>& certificates);

/// Says that the goal is out of reach and what can be had instead.
[[nodiscard]] Exit print_unreachable(const Session& session, const PlanOutcome& outcome);

/// At most one of the paths may be standard input.
[[nodiscard]] Status check_streams(const std::vector<std::filesystem::path>& inputs);

}  // namespace attar::cli
