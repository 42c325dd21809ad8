#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "text/context/alike.h"
#include "text/context/mark.h"
#include "text/context/parse.h"
#include "text/context/render.h"
#include "text/context_support.h"

namespace attar::text::context {
namespace {

using Json = nlohmann::ordered_json;

// The sample outlives the document.
Document parsed(const Sample&& sample) = delete;
Document parsed(const Sample& sample) {
  Document out = parse(sample.text, {.name = sample.name});
  find_alike(out);
  return out;
}

std::string whole(const Document& document) {
  return render(document, std::vector<bool>(document.units.size(), true), {}).text;
}

void expect_sound(const Document& document) {
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < document.units.size(); ++i) {
    const Unit& unit = document.units[i];
    ASSERT_EQ(unit.begin, at);
    ASSERT_LE(unit.begin, unit.end);
    at = unit.end;
    if (unit.parent != none) {
      ASSERT_LT(unit.parent, i);
      ASSERT_EQ(document.units[unit.parent].role, Role::opener);
    }
    ASSERT_TRUE(unit.role != Role::closer || unit.parent != none);
  }
  ASSERT_EQ(at, document.text.size());
}

TEST(ContextUnits, UnitsFollowOneAnotherAndHoldEveryByte) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const Sample& sample : samples(seed)) {
      SCOPED_TRACE(sample.name);
      expect_sound(parsed(sample));
      // And where the text is not what its name says, or ends anywhere.
      for (int kind = 0; kind < 8; ++kind) {
        const std::string cut = sample.text.substr(0, sample.text.size() * seed / 21);
        expect_sound(parse(cut, {.kind = static_cast<Kind>(kind), .name = sample.name}));
      }
    }
}

TEST(ContextUnits, KindsAreFoundByNameAndByContent) {
  const std::vector<Kind> expected = {Kind::prose, Kind::markdown, Kind::code, Kind::code, Kind::log,
                                      Kind::json,  Kind::diff,     Kind::grep, Kind::table};
  const auto all = samples(7);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(find_stretches(all[i].text, {.name = all[i].name}).at(0).kind, expected[i]) << all[i].name;
  for (const std::size_t i : {0UL, 1UL, 4UL, 5UL, 6UL, 7UL, 8UL})
    EXPECT_EQ(find_stretches(all[i].text, {}).at(0).kind, expected[i]) << all[i].name << " without its name";
}

TEST(ContextUnits, MixedInputIsSegmented) {
  const std::string text =
      "# Report\n\nIt failed.\n\n2026-11-28 10:00:01 INFO a\n2026-11-28 10:00:02 INFO b\n2026-11-28 10:00:03 INFO "
      "c\n2026-11-28 10:00:04 ERROR d\n\nThat was it.\n\n"
      "```json\n[1, 2]\n```\n\n```diff\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n```\n";
  std::vector<Kind> kinds;
  for (const Stretch& stretch : find_stretches(text, {})) kinds.push_back(stretch.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::markdown, Kind::log, Kind::markdown, Kind::json, Kind::diff}));
}

TEST(ContextUnits, HeadingsStandOverTheirSentences) {
  const std::string text = "# A\n\nOne thing. Two things.\n\n## B\n\nThree things.\n\n# C\n\nFour things.\n";
  const Document document = parse(text, {.kind = Kind::markdown});
  ASSERT_EQ(document.units.size(), 7u);
  EXPECT_EQ(document.units[1].parent, 0u);
  EXPECT_EQ(document.units[3].parent, 0u);  // B below A
  EXPECT_EQ(document.units[4].parent, 3u);
  EXPECT_EQ(document.units[5].parent, none);
  EXPECT_EQ(document.units[6].parent, 5u);
}

TEST(ContextUnits, BodiesStandBelowTheirSignatures) {
  const std::string text =
      "@decorated\ndef f(a,\n      b):\n    # why\n    x = 1\n    y = 2\n    if x:\n        return 3\n    return "
      "y\n\nz = 1\n";
  const Document document = parse(text, {.name = "a.py"});
  EXPECT_EQ(document.shown(document.units[0]), "@decorated\ndef f(a,\n      b):\n");
  EXPECT_EQ(document.units[0].role, Role::opener);
  EXPECT_EQ(document.shown(document.units.back()), "z = 1\n");
  EXPECT_EQ(document.units.back().parent, none);
  for (std::size_t i = 1; i + 1 < document.units.size(); ++i) EXPECT_EQ(document.units[i].parent, 0u) << i;
  const Document cpp = parse("int f() {\n  a();\n  b();\n  c();\n  d();\n  e();\n}\n", {.name = "a.cpp"});
  EXPECT_EQ(cpp.shown(cpp.units[0]), "int f() {\n");
  EXPECT_EQ(cpp.units.back().role, Role::closer);
  EXPECT_EQ(cpp.shown(cpp.units.back()), "}\n");
}

// The columns and rows of a folded array as the objects that they were.
Json unfolded(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(unfolded(item));
    return out;
  }
  if (!value.is_object()) return value;
  if (value.size() == 2 && value.contains("columns") && value.contains("rows")) {
    Json out = Json::array();
    for (const Json& row : value["rows"]) {
      Json object = Json::object();
      for (std::size_t i = 0; i < row.size(); ++i) object[value["columns"][i].get<std::string>()] = row[i];
      out.push_back(object);
    }
    return out;
  }
  Json out = Json::object();
  for (const auto& [key, item] : value.items()) out[key] = unfolded(item);
  return out;
}

TEST(ContextFolds, FoldedJsonUnfoldsToWhatItWas) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::Random random(seed);
    const std::string text = json_rows(random, static_cast<int>(1 + random.below(60)));
    const std::string folded = whole(parse(text, {.name = "a.json"}));
    EXPECT_LT(folded.size(), text.size());
    EXPECT_EQ(unfolded(Json::parse(folded)), Json::parse(text)) << folded;
    // Numbers as they were written, too.
    EXPECT_NE(folded.find("2.50"), std::string::npos);
    EXPECT_NE(folded.find("-3e7"), std::string::npos);
  }
}

TEST(ContextFolds, AnyJsonStaysWhatItWas) {
  base::Random random(5);
  const std::function<Json(int)> make = [&](int depth) -> Json {
    switch (random.below(depth > 3 ? 4 : 7)) {
      case 0: return random.below(1000);
      case 1: return std::string(random.below(500), 'a') + "\"\\\n" + std::string(random.below(9), 'b');
      case 2: return nullptr;
      case 3: return random.below(2) == 0;
      case 4: {
        Json out = Json::array();
        for (std::uint64_t i = random.below(8); i > 0; --i) out.push_back(make(depth + 1));
        return out;
      }
      default: {
        Json out = Json::object();
        for (std::uint64_t i = random.below(6); i > 0; --i)
          out["k" + std::to_string(random.below(20))] = make(depth + 1);
        return out;
      }
    }
  };
  for (int i = 0; i < 300; ++i) {
    const Json value = make(0);
    const std::string text = value.dump(static_cast<int>(random.below(3)) - 1 + 0);
    const Document document = parse(text, {.kind = Kind::json});
    expect_sound(document);
    EXPECT_EQ(unfolded(Json::parse(whole(document))), value) << text;
  }
}

TEST(ContextFolds, FoundLinesStandBelowTheirPath) {
  const std::string text = "src/a.cpp:1:one\nsrc/a.cpp:22:two: three\nsrc/b.cpp:3:four\n";
  const std::string folded = whole(parse(text, {.kind = Kind::grep}));
  EXPECT_EQ(folded, "src/a.cpp:\n1:one\n22:two: three\nsrc/b.cpp:\n3:four\n");
  // Unfolding puts the path before each line again.
  std::string unfolded, path;
  for (std::size_t at = 0; at < folded.size();) {
    const std::size_t end = folded.find('\n', at);
    const std::string line = folded.substr(at, end - at);
    at = end + 1;
    if (line.ends_with(':'))
      path = line;
    else
      unfolded += path + line + "\n";
  }
  EXPECT_EQ(unfolded, text);
}

TEST(ContextFolds, WhatStandsTwiceIsMarkedOnceAndRestored) {
  const std::string block = "The registry's token had expired on the third of May, and nobody saw it.";
  const std::string text = "First words here. " + block + "\n\nSomething else is said here. " + block + "\n";
  const Sample sample{"a.txt", text};
  const Document document = parsed(sample);
  std::vector<bool> kept;
  kept.reserve(document.units.size());
  for (const Unit& unit : document.units) kept.push_back(!unit.repeated);
  EXPECT_EQ(std::ranges::count(kept, false), 1);
  const Rendering rendering = render(document, kept, {});
  ASSERT_EQ(rendering.runs.size(), 1u);
  EXPECT_NE(rendering.text.find("[1 sentence again " + id_of(document, rendering.runs[0]) + "]"), std::string::npos)
      << rendering.text;
  EXPECT_EQ(bytes_of(document, rendering.runs[0]), block + "\n");
}

TEST(ContextAlike, LinesOfATemplateDifferInNumbersAndIdentifiersAlone) {
  const auto alike = [](std::string_view a, std::string_view b) { return template_hash(a) == template_hash(b); };
  EXPECT_TRUE(alike("took 12 ms", "took 7 ms"));
  EXPECT_TRUE(alike("[req-38101a0b-2096-447d-96ea-a692162415ae]", "[req-9bc36dd9-91c5-4314-898a-47625eb93b09]"));
  EXPECT_TRUE(alike("[b9000564-fe1a-abcd-b8cc-1e88b294cd1d]", "[b9000564-fe1a-4095-b8cc-aaaaaaaaaaaa]"));
  EXPECT_TRUE(alike("at 0x7fed806eb5d", "at 0x7fefa006ade"));
  EXPECT_FALSE(alike("user ann", "user bob"));
  EXPECT_FALSE(alike("a=1", "b=1"));
  EXPECT_FALSE(alike("12", "1 2"));
  EXPECT_FALSE(alike("steps=1", "steps=1##2"));
  EXPECT_EQ(variables("R02-M1 took 0x1f2e ms"), (std::vector<std::string_view>{"02", "1", "0x1f2e"}));
}

TEST(ContextAlike, TheMarkOfAGroupTellsHowItsLinesDiffer) {
  const std::vector<std::string_view> lines = {
      "10:00:01 status: 200 len: 18 id: 5", "10:00:02 status: 404 len: 25 id: 6", "10:00:07 status: 200 len: 17 id: 7",
      "10:00:09 status: 200 len: 11 id: 8"};
  EXPECT_EQ(differences(lines, 96), "until 10:00:09; status 200 404; len 11..25; id 5..8");
  EXPECT_EQ(differences(lines, 29), "until 10:00:09; len 11..25");
  EXPECT_EQ(differences(lines, 0), "");
}

TEST(ContextMark, EveryIdIsFoundAgain) {
  const Sample sample{"a.txt", "One is here. Two is here. Three is here. Four is here. Five is here."},
      lines = samples(3).at(4);
  const Document document = parsed(sample);
  const auto units = static_cast<std::uint32_t>(document.units.size());
  ASSERT_EQ(units, 5u);
  std::set<std::string> ids;
  for (std::uint32_t first = 0; first < units; ++first)
    for (std::uint32_t count = 1; count <= units - first; ++count) {
      const Cut cut{.first = first, .count = count};
      const std::string id = id_of(document, cut);
      EXPECT_TRUE(ids.insert(id).second) << id;
      const auto found = find_cut(document, id);
      ASSERT_TRUE(found) << id;
      EXPECT_EQ(*found, cut);
    }
  const Document log = parsed(lines);
  for (std::uint32_t i = 0; i < log.units.size(); ++i) {
    if (log.units[i].group != i) continue;
    const Cut cut{.first = i, .count = 1, .group = true};
    const auto found = find_cut(log, id_of(log, cut));
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, cut);
  }
}

TEST(ContextMark, IdsOfOtherTextsAreRefused) {
  const Sample sample{"a.txt", "One is here. Two is here. Three is here. Four is here. Five is here."};
  const Sample changed{"a.txt", "One is here. Two was here. Three is here. Four is here. Five is here."};
  const Document document = parsed(sample), other = parsed(changed);
  const std::string id = id_of(document, {.first = 1, .count = 2});
  ASSERT_FALSE(find_cut(other, id));
  EXPECT_EQ(find_cut(other, id).error().code, ErrorCode::invalid_argument);
  for (const std::string_view bad : {"", "x", "uuuu", "ZZZZ", "[3f2", "00000000000000000000000000"})
    EXPECT_FALSE(find_cut(document, bad)) << bad;
  // Of all texts of an id's length nearly all are refused.
  base::Random random(1);
  constexpr std::string_view signs = "0123456789abcdefghjkmnpqrstvwxyz";
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string guess;
    while (guess.size() < id.size()) guess += signs[random.below(signs.size())];
    taken += find_cut(document, guess) ? 1 : 0;
  }
  EXPECT_LE(taken, 60);
  EXPECT_FALSE(find_cut(parse("", {}), "0"));
}

}  // namespace
}  // namespace attar::text::context
