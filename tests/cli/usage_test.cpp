// What is said to someone who mistypes.
#include "attar/version.h"
#include "cli/support.h"

namespace attar::cli {
namespace {

class Usage : public CliTest {};

const std::vector<std::string> commands{"plan",   "pack", "search", "eval",   "verify", "info",
                                        "unpack", "drop", "report", "doctor", "bench"};

TEST_F(Usage, HelpOfEveryCommandHasExamples) {
  for (const std::string& command : commands) {
    const Ran ran = attar({command, "--help"});
    EXPECT_EQ(ran.status, 0) << command;
    EXPECT_EQ(ran.err, "");
    EXPECT_NE(ran.out.find("Examples:\n  "), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("--json"), std::string::npos) << ran.out;
  }
  const Ran all = attar({"--help"});
  for (const std::string& command : commands) EXPECT_NE(all.out.find(command), std::string::npos) << command;
}

TEST_F(Usage, ExamplesUseOptionsThatExist) {
  for (const std::string& command : commands) {
    const std::string help = attar({command, "--help"}).out;
    const std::size_t examples = help.find("Examples:");
    ASSERT_NE(examples, std::string::npos);
    std::istringstream words(help.substr(examples));
    for (std::string word; words >> word;) {
      if (!word.starts_with("--")) continue;
      EXPECT_NE(help.substr(0, examples).find(word), std::string::npos) << command << " " << word;
    }
  }
}

TEST_F(Usage, VersionNamesBuildAndInstructionSet) {
  const Ran ran = attar({"--version"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_TRUE(ran.out.starts_with(std::string(build_description()))) << ran.out;
  EXPECT_NE(ran.out.find("kernels: "), std::string::npos) << ran.out;
}

TEST_F(Usage, NoCommandIsWrongUse) {
  const Ran ran = attar({});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("attar --help"), std::string::npos) << ran.err;
}

TEST_F(Usage, UnknownNamesAreRefusedWithTheNearest) {
  expect_error(attar({"serch", "--json"}), 2, "invalid_argument", "did you mean search?");
  expect_error(attar({"xyzzy", "--json"}), 2, "invalid_argument", "plan, pack, search");
  expect_error(attar({"pack", "docs.npy", "-o", "x.attar", "--bugdet", "1MB", "--json"}), 2, "invalid_argument",
               "unknown option '--bugdet'; did you mean --budget?");
  expect_error(attar({"pack", "docs.npy", "--ouput=x.attar", "--json"}), 2, "invalid_argument",
               "did you mean --output?");
  expect_error(attar({"info", "a.attar", "b.attar", "--json"}), 2, "invalid_argument",
               "'b.attar' is one argument too many");
  const Ran ran = attar({"pack", "docs.npy", "-o", "x.attar", "--qqqqqqqqqq"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("try: attar pack docs.npy -o docs.attar"), std::string::npos) << ran.err;
}

TEST_F(Usage, BadValuesNameOptionValueAndWhatIsValid) {
  struct Case {
    std::vector<std::string> words;
    std::vector<std::string> said;
  };
  const std::vector<std::string> pack{"pack", "docs.npy", "-o", "x.attar"},
      search{"search", "x.attar", "--vector", "q.npy"};
  const auto with = [](std::vector<std::string> words, std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
    return words;
  };
  for (const auto& [words, said] : std::vector<Case>{
           {with(pack, {"--budget", "lots"}), {"--budget", "\"lots\"", "64B/vec"}},
           {with(pack, {"--recall", "95"}), {"--recall", "\"95\"", "0.95@10"}},
           {with(pack, {"--latency", "2"}), {"--latency", "\"2\"", "2ms", "500us"}},
           {with(pack, {"--qps", "fast"}), {"--qps", "\"fast\"", "5000"}},
           {with(pack, {"--metric", "dot"}), {"--metric", "\"dot\"", "cosine, ip or l2"}},
           {with(pack, {"--keep-originals", "f64"}), {"--keep-originals", "\"f64\"", "i8, f16 or f32"}},
           {with(pack, {"--memory", "2"}), {"--memory", "\"2\"", "2GiB"}},
           {with(pack, {"--memory", "1MB"}), {"--memory", "\"1MB\"", "64MiB"}},
           {with(pack, {"--confidence", "1"}), {"--confidence", "\"1\"", "between 0.5 and 1"}},
           {with(pack, {"--seed", "-1"}), {"--seed", "\"-1\"", "whole number"}},
           {with(pack, {"-T", "many"}), {"--threads", "\"many\"", "0 to 1024"}},
           {with(pack, {"--codec", "tqc"}), {"tqc", "tcq"}},
           {with(search, {"-k", "0"}), {"-k", "\"0\"", "from 1"}},
           {with(search, {"-k", "99999999999"}), {"-k", "\"99999999999\"", "from 1"}},
           {with(search, {"--cutoff", "near"}), {"--cutoff", "\"near\"", "number"}},
           {{"eval", "x.attar", "--queries", "q.npy", "-k", "1,,2"}, {"-k", "\"1,,2\"", "1,10,100"}},
           {{"search", "x.attar"}, {"--vector"}},
           {{"pack", "docs.npy"}, {"--output"}},
       }) {
    const Ran ran = attar(words);
    EXPECT_EQ(ran.status, 2) << ran.err;
    EXPECT_EQ(ran.out, "");
    for (const std::string& word : said)
      EXPECT_NE(ran.err.find(word), std::string::npos) << "no " << word << " in " << ran.err;
    EXPECT_NE(ran.err.find("try: attar " + words.front()), std::string::npos) << "a command that works: " << ran.err;
  }
}

TEST_F(Usage, ErrorsAreObjectsUnderJson) {
  const Ran ran = attar({"info", "none.attar", "--json"});
  EXPECT_EQ(ran.status, 2);
  expect_keys(ran.json(), {{"error", 'o'}});
  expect_keys(ran.json()["error"],
              {{"code", 's'}, {"message", 's'}, {"file", 's'}, {"section", '0'}, {"offset", '0'}, {"fix", '0'}});
  EXPECT_EQ(ran.json()["error"]["code"], "io");
}

TEST_F(Usage, NamesCannotDriveTheTerminal) {
  const Ran ran = attar({"info", "evil\x1b[2Jname"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err.find('\x1b'), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("evil\\x1b[2Jname"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace attar::cli
