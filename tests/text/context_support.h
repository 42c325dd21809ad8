// What the tests of context compression share: texts of every kind, made from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "text/context/parse.h"

namespace attar::text::context {

struct Sample {
  std::string name;  ///< with the ending that tells its kind
  std::string text;
};

inline std::string_view some(base::Random& random, std::span<const std::string_view> words) {
  return words[random.below(words.size())];
}

inline std::string sentence(base::Random& random) {
  constexpr std::array<std::string_view, 16> words = {"the",   "deploy", "token",  "of",  "registry", "expired",
                                                      "image", "and",    "nobody", "saw", "a",        "warning",
                                                      "in",    "Berlin", "build",  "12"};
  std::string out = "We";
  for (std::uint64_t i = 3 + random.below(12); i > 0; --i) out += " " + std::string(some(random, words));
  return out + ".";
}

inline std::string markdown(base::Random& random, int sections) {
  std::string out;
  for (int i = 0; i < sections; ++i) {
    out += std::string(1 + random.below(3), '#') + " Part " + std::to_string(i) + "\n\n";
    for (std::uint64_t p = 1 + random.below(3); p > 0; --p) {
      for (std::uint64_t s = 1 + random.below(4); s > 0; --s) out += sentence(random) + " ";
      out += "\n\n";
    }
    if (random.below(3) == 0) out += "| step | seconds |\n|---|---|\n| build | 720 |\n| push | 3 |\n| pull | 17 |\n\n";
    if (random.below(3) == 0)
      out +=
          "```python\ndef f(x):\n    y = x + 1\n    z = y * 2\n    w = z - 3\n    v = w\n    u = v\n    return "
          "u\n```\n\n";
  }
  return out;
}

inline std::string python(base::Random& random, int functions) {
  std::string out = "import os\n\n";
  for (int i = 0; i < functions; ++i) {
    out += "def function_" + std::to_string(i) + "(value, other=(1, 2)):\n    \"\"\"Text: of it.\"\"\"\n";
    for (std::uint64_t s = 1 + random.below(9); s > 0; --s) {
      switch (random.below(4)) {
        case 0: out += "    value = value + " + std::to_string(s) + "  # add\n"; break;
        case 1:
          out +=
              "    if value > other[0]:\n        value = {\n            'a': 1,\n        }['a']\n        print(r'\\(', "
              "value)\n        os.sync()\n    # else\n    else:\n        value = 0\n";
          break;
        case 2: out += "  # a comment that stands anywhere\n    text = '''\nnot a line\n'''\n"; break;
        default: out += "    for i in range(3):\n        value += i\n"; break;
      }
    }
    out += "    return value\n\n\n";
  }
  return out;
}

inline std::string braces(base::Random& random, int functions) {
  std::string out = "#include <vector>\n\nnamespace a {\n\n";
  for (int i = 0; i < functions; ++i) {
    out += "/// Says how many.\nint function_" + std::to_string(i) + "(int value) {\n";
    for (std::uint64_t s = 1 + random.below(9); s > 0; --s) {
      switch (random.below(4)) {
        case 0: out += "  value += " + std::to_string(s) + ";  // add }\n"; break;
        case 1:
          out +=
              "  if (value > 3) {\n    value = 1;\n    call(\"}\", value);\n    value = 2;\n  } else {\n    value = "
              "0;\n  }\n";
          break;
        case 2:
          out += "  const int list[] = {\n      1,\n      2,\n      3,\n      4,\n      5,\n      6,\n  };\n";
          break;
        default: out += "  for (int i = 0; i < 3; ++i) value += i;\n"; break;
      }
    }
    out += "  return value;\n}\n\n";
  }
  return out + "}  // namespace a\n";
}

inline std::string log_lines(base::Random& random, int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    const std::string time = "2026-11-28 10:" + std::to_string(10 + i / 60 % 50) + ":" + std::to_string(10 + i % 50) +
                             "." + std::to_string(random.below(1000));
    switch (random.below(6)) {
      case 0: out += time + " ERROR disk " + std::to_string(random.below(9)) + " is full\n"; break;
      case 1:
        out += time + " INFO  request id=" + std::to_string(random.below(100000)) + " took " +
               std::to_string(random.below(90)) + " ms\n";
        break;
      case 2:
        out += time + " WARN  retry of job 3f2a77b1c0de to host node-" + std::to_string(random.below(4)) + "\n";
        break;
      case 3: out += time + " INFO  user " + std::string(random.below(2) == 0 ? "ann" : "bob") + " logged in\n"; break;
      case 4:
        out += time + " ERROR Traceback of call " + std::to_string(i) + "\n    at one(a.py:12)\n    at two(b.py:7)\n";
        break;
      default: out += time + " DEBUG heartbeat\n"; break;
    }
  }
  return out;
}

inline std::string json_rows(base::Random& random, int rows) {
  std::string out = "{\n  \"name\": \"a run\",\n  \"rows\": [\n";
  for (int i = 0; i < rows; ++i)
    out += "    {\"id\": " + std::to_string(i) + ", \"status\": \"" + (random.below(4) == 0 ? "failed" : "ok") +
           "\", \"text\": \"caf\\u00e9 \\\"" + std::to_string(random.below(99)) + "\\\"\"}" +
           (i + 1 < rows ? ",\n" : "\n");
  out += "  ],\n  \"note\": \"";
  for (int i = 0; i < 12; ++i) out += sentence(random) + (random.below(3) == 0 ? "\\n\\n" : " ");
  return out + "\",\n  \"nested\": {\"a\": [1, 2.50, -3e7, null, true], \"b\": {\"c\": \"" + std::string(200, 'x') +
         "\"}}\n}\n";
}

inline std::string diff(base::Random& random, int files) {
  std::string out;
  for (int i = 0; i < files; ++i) {
    std::string name = "src/file";
    name += std::to_string(i) + ".c";
    for (const std::string_view line : {"diff --git a/", " b/", "\n--- a/", "\n+++ b/"}) out.append(line).append(name);
    out += "\n";
    for (std::uint64_t h = 1 + random.below(3); h > 0; --h) {
      out += "@@ -" + std::to_string(h * 10) + ",7 +" + std::to_string(h * 10) + ",8 @@ int main() {\n";
      for (std::uint64_t l = 3 + random.below(12); l > 0; --l)
        out += std::string(1, " +-"[random.below(3)]) + "  line " + std::to_string(random.below(50)) + ";\n";
    }
  }
  return out;
}

inline std::string grep(base::Random& random, int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i)
    out += "src/part" + std::to_string(i / 5) + ".cpp:" + std::to_string(i * 3 + 1) + ":  " + sentence(random) + "\n";
  return out;
}

inline std::string table(base::Random& random, int rows) {
  std::string out = "name,city,amount\n";
  for (int i = 0; i < rows; ++i)
    out += "user" + std::to_string(i) + ",city" + std::to_string(random.below(5)) + "," +
           std::to_string(random.below(1000)) + "\n";
  return out;
}

/// A text of each kind; another seed gives others.
inline std::vector<Sample> samples(std::uint64_t seed) {
  base::Random random(seed);
  std::string prose;
  for (int i = 0; i < 60; ++i) prose += sentence(random) + (random.below(6) == 0 ? "\n\n" : " ");
  return {{"a.txt", prose},
          {"a.md", markdown(random, 8)},
          {"a.py", python(random, 8)},
          {"a.cpp", braces(random, 8)},
          {"a.log", log_lines(random, 150)},
          {"a.json", json_rows(random, 40)},
          {"a.diff", diff(random, 4)},
          {"found", grep(random, 40)},
          {"a.csv", table(random, 60)},
          {"mixed.md", markdown(random, 3) + "\n" + log_lines(random, 20) + "\n" + markdown(random, 2)}};
}

}  // namespace attar::text::context
