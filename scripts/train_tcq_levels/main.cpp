// Makes the level tables of the tcq codec (src/vector/tcq/tables.cpp) from nothing but seeds. How to run it:
//
//     cmake --build build/release --target train_tcq_levels
//     build/release/scripts/train_tcq_levels/train_tcq_levels src/vector/tcq/tables.cpp
//
// It takes a few minutes of one core and prints the signal-to-noise ratio of each table. The same build writes the same
// bytes. The tables are part of the wire version: new ones need a new version (spec.md).
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include "scalar_levels.h"
#include "trellis_search.h"
#include "vector/tcq/kernel.h"

namespace {

using attar::tools::LevelSet;
using attar::vector::tcq::max_width;
using attar::vector::tcq::Width;
using attar::vector::tcq::widths;

// Scalar levels by window: a symbol's level for every state.
LevelSet by_window(const Width& width, LevelSet set) {
  LevelSet out{.step = set.step, .distortion = set.distortion};
  for (int w = 0; w < 1 << width.window; ++w)
    out.levels.push_back(set.levels[static_cast<std::size_t>(w >> (width.window - width.bits))]);
  return out;
}

LevelSet make_table(bool trellis, int bits) {
  const Width& width = widths[static_cast<std::size_t>(bits)];
  if (bits == max_width) return attar::tools::uniform_levels();
  // A window no wider than the component has no memory: nothing for a trellis to gain.
  if (!trellis || width.window == width.bits) return by_window(width, attar::tools::lloyd_max_levels(bits));
  LevelSet table = attar::tools::search_levels(width);
  table.distortion = attar::tools::measured_distortion(width, table);
  return table;
}

std::string table_text(const LevelSet& table) {
  std::string out = "    {{{";
  std::string line = "\n     ";
  for (std::size_t i = 0; i < table.levels.size(); ++i) {
    const std::string item = fmt::format(" {}{}", table.levels[i], i + 1 < table.levels.size() ? "," : "}},");
    if (line.size() + item.size() > 116) {
      out += line;
      line = "\n     ";
    }
    line += item;
  }
  // Nine digits name a float exactly, and the '#' keeps the point that its suffix needs.
  return out + line +
         fmt::format("\n     {:#.9g}f,\n     {:.6g}}},\n", static_cast<float>(table.step), table.distortion);
}

constexpr const char* head =
    "// Levels of wire version 1, made by scripts/train_tcq_levels; not to be edited by hand: files depend on every "
    "number.\n"
    "#include \"vector/tcq/kernel.h\"\n\n"
    "namespace attar::vector::tcq {\n"
    "namespace {\n\n"
    "// clang-format off\n";

constexpr const char* tail =
    "// clang-format on\n\n"
    "}  // namespace\n\n"
    "const LevelTable& level_table(bool trellis, int bits) noexcept {\n"
    "  return (trellis ? trellis_tables : scalar_tables)[static_cast<std::size_t>(bits)];\n"
    "}\n\n"
    "}  // namespace attar::vector::tcq\n";

std::string tables_source() {
  std::string out = head;
  for (const bool trellis : {true, false}) {
    const char* name = trellis ? "trellis" : "scalar";
    out += fmt::format("const std::array<LevelTable, max_width + 1> {}_tables = {{{{\n    {{}},\n", name);
    for (int bits = 1; bits <= max_width; ++bits) {
      const LevelSet table = make_table(trellis, bits);
      fmt::print("{} {} bits: {:.3f} dB, step {:.5f}\n", name, bits, -10 * std::log10(table.distortion), table.step);
      std::fflush(stdout);
      out += table_text(table);
    }
    out.replace(out.size() - 2, 2, "}};\n\n");
  }
  return out + tail;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: train_tcq_levels OUTPUT.cpp\n");
    return 2;
  }
  const std::string source = tables_source();
  std::ofstream out(argv[1], std::ios::binary);
  out << source;
  out.close();
  if (out) return 0;
  fmt::print(stderr, "{} cannot be written\n", argv[1]);
  return 1;
}
