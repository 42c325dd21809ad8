// What is packed, gathered and checked before any plan is made.
#pragma once

#include <string>
#include <vector>

#include "engine/input.h"
#include "filter/meta.h"
#include "format/layout.h"
#include "plan/jury.h"

namespace attar::engine {

/// A part of the file that no plan changes.
struct FixedSection {
  format::SectionSpec spec;
  std::vector<std::byte> bytes;
};

struct Material {
  Base base;
  plan::Queries queries;
  std::vector<std::byte> ids;          ///< an ids section; empty: row numbers
  filter::Meta meta;                   ///< attributes
  std::vector<FixedSection> sections;  ///< others, in the order of the file
};

}  // namespace attar::engine
