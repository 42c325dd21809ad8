#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/support.h"

namespace attar::cli {
namespace {

class Pack : public CliTest {};

void expect_pack_keys(const Json& report, char path) {
  expect_keys(report, {{"path", path},
                       {"bytes", 'n'},
                       {"budget_bytes", 'n'},
                       {"rows", 'n'},
                       {"dims", 'n'},
                       {"metric", 's'},
                       {"bytes_per_row", 'n'},
                       {"parts", 'o'},
                       {"goal", 's'},
                       {"plan", 's'},
                       {"why", 's'},
                       {"explain", 'o'},
                       {"candidates", 'a'},
                       {"certificates", 'a'},
                       {"queries", 'n'},
                       {"tune_queries", 'n'},
                       {"certify_queries", 'n'},
                       {"proxy", 'b'},
                       {"notes", 'a'},
                       {"seconds", 'n'}});
  for (const Json& candidate : report["candidates"])
    expect_keys(candidate, {{"codec", 's'},
                            {"settings", 's'},
                            {"bytes", 'n'},
                            {"bytes_per_row", 'n'},
                            {"code_bytes_per_row", 'n'},
                            {"state", 's'},
                            {"recall", 'n'},
                            {"distortion", 'n'},
                            {"scan_cost", 'n'},
                            {"chosen", 'b'}});
  EXPECT_EQ(std::ranges::count_if(report["candidates"], [](const Json& c) { return c["chosen"].get<bool>(); }), 1);
  for (const Json& certificate : report["certificates"]) expect_certificate(certificate);
}

TEST_F(Pack, WritesWhatItReportsInsideTheBudget) {
  const Ran ran = attar({"pack", "docs.npy", "-o", "docs.attar", "--budget", "60B/vec", "--recall", "0.6@10",
                         "--queries", "q.npy", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  const Json report = ran.json();
  expect_pack_keys(report, 's');
  EXPECT_EQ(report["path"], "docs.attar");
  EXPECT_EQ(report["rows"], rows);
  EXPECT_EQ(report["dims"], dims);
  EXPECT_EQ(report["metric"], "cosine");
  EXPECT_EQ(report["budget_bytes"], 60 * rows);
  EXPECT_EQ(report["bytes"], std::filesystem::file_size(at("docs.attar")));
  EXPECT_LE(report["bytes"], report["budget_bytes"]);
  std::uint64_t sum = 0;
  for (const Json& part : report["parts"]) sum += part.get<std::uint64_t>();
  EXPECT_EQ(sum, report["bytes"]);
  EXPECT_FALSE(report["proxy"].get<bool>());
  ASSERT_FALSE(report["certificates"].empty());
  EXPECT_EQ(report["certificates"][0]["k"], 10);
}

TEST_F(Pack, TellsPeopleWhereTheBytesWentAndWhatWasShown) {
  const Ran ran = attar({"pack", "docs.npy", "-o", "docs.attar", "--budget", "60B/vec", "--codec", "lvq"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  for (const char* word : {"1,200 rows x 32", "lvq", "codes", "whole file", "proxy"})
    EXPECT_NE(ran.out.find(word), std::string::npos) << "no \"" << word << "\" in " << ran.out;
  EXPECT_EQ(ran.out.find('\t'), std::string::npos);
  EXPECT_EQ(ran.err.find('\x1b'), std::string::npos) << "no terminal, no bar";
}

TEST_F(Pack, QuietSaysNothingOnStandardError) {
  const Ran ran = attar({"pack", "docs.npy", "-o", "docs.attar", "--budget", "60B/vec", "--codec", "lvq", "-q"});
  ASSERT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
  const Ran again = attar({"pack", "docs.npy", "-o", "-", "--budget", "60B/vec", "--codec", "lvq", "--quiet"});
  ASSERT_EQ(again.status, 0);
  EXPECT_EQ(again.err, "");
}

TEST_F(Pack, PlanWritesNothing) {
  const auto before = names();
  const Ran ran = attar({"plan", "docs.npy", "--budget", "60B/vec", "--codec", "lvq", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_pack_keys(ran.json(), '0');
  EXPECT_EQ(names(), before);
  const Ran words = attar({"plan", "docs.npy", "--budget", "60B/vec", "--codec", "lvq"});
  EXPECT_NE(words.out.find("* "), std::string::npos) << "the chosen one carries a star: " << words.out;
  EXPECT_NE(words.out.find("nothing written"), std::string::npos) << words.out;
}

TEST_F(Pack, AGoalOutOfReachEndsWithThreeAndTheNearestTwo) {
  const std::vector<std::string> goal{"--budget", "12B/vec", "--recall", "0.999@10", "--codec", "lvq", "--json"};
  const auto before = names();
  for (const std::vector<std::string>& words : {std::vector<std::string>{"pack", "docs.npy", "-o", "docs.attar"},
                                                std::vector<std::string>{"plan", "docs.npy"}}) {
    std::vector<std::string> call = words;
    call.insert(call.end(), goal.begin(), goal.end());
    const Ran ran = attar(call);
    EXPECT_EQ(ran.status, 3) << ran.out << ran.err;
    const Json json = ran.json();
    ASSERT_TRUE(json.contains("error")) << ran.out;
    EXPECT_EQ(json["error"]["code"], "goal_unreachable");
    expect_keys(json["error"]["nearest"], {{"recall_in_budget", 'n'},
                                           {"bytes_for_floor", 'n'},
                                           {"least_bytes", 'n'},
                                           {"recall_in_time", 'n'},
                                           {"seconds_for_goal", 'n'}});
    EXPECT_TRUE(json["candidates"].is_array());
    EXPECT_EQ(names(), before);
    call.pop_back();
    const Ran in_words = attar(call);
    EXPECT_EQ(in_words.status, 3);
    EXPECT_NE(in_words.err.find("attar: "), std::string::npos);
    EXPECT_EQ(names(), before);
  }
}

TEST_F(Pack, ExplainsWhereRecallIsLost) {
  const std::vector<std::string> goal{"--budget", "60B/vec", "--codec", "lvq", "--latency", "10s", "-q"};
  for (const std::vector<std::string>& words : {std::vector<std::string>{"pack", "docs.npy", "-o", "docs.attar"},
                                                std::vector<std::string>{"plan", "docs.npy"}}) {
    std::vector<std::string> call = words;
    call.insert(call.end(), goal.begin(), goal.end());
    const Ran short_form = attar(call);
    ASSERT_EQ(short_form.status, 0) << short_form.err;
    EXPECT_NE(short_form.out.find("why "), std::string::npos) << short_form.out;
    EXPECT_EQ(short_form.out.find("codes lose"), std::string::npos) << short_form.out;
    call.push_back("--explain");
    const Ran ran = attar(call);
    for (const char* word : {"every row scored whole", "codes lose", "ms a query, alone", "1,200 rows"})
      EXPECT_NE(ran.out.find(word), std::string::npos) << "no \"" << word << "\" in " << ran.out;
    call.push_back("--json");
    const Json report = attar(call).json();
    expect_keys(report["explain"], {{"codec_recall", 'n'},
                                    {"plan_recall", 'n'},
                                    {"rows_read", 'n'},
                                    {"row_share", 'n'},
                                    {"lists", 'n'},
                                    {"lists_read", 'n'},
                                    {"links", 'n'},
                                    {"steps", 'n'},
                                    {"prepare_seconds", 'n'},
                                    {"search_seconds", 'n'},
                                    {"latency_seconds", 'n'},
                                    {"queries_per_second", '0'}});
    EXPECT_LE(report["explain"]["plan_recall"], report["explain"]["codec_recall"]);
  }
}

TEST_F(Pack, ATimeOutOfReachEndsWithThree) {
  for (const std::vector<std::string>& goal :
       {std::vector<std::string>{"--latency", "0.001us"}, {"--qps", "1000000000000"}}) {
    std::vector<std::string> call{"plan", "docs.npy", "--budget", "60B/vec", "--codec", "lvq", "--json"};
    call.insert(call.end(), goal.begin(), goal.end());
    const Ran ran = attar(call);
    EXPECT_EQ(ran.status, 3) << ran.err;
    const Json nearest = ran.json()["error"]["nearest"];
    EXPECT_GT(nearest["seconds_for_goal"], 0);
    EXPECT_EQ(nearest["recall_in_time"], 0);
    EXPECT_NE(ran.err.find("nothing was found within the time"), std::string::npos) << ran.err;
  }
}

TEST_F(Pack, OverwritesArtifactsAndNothingElseWithoutForce) {
  write_whole(at("notes.txt"), "dear diary");
  const std::vector<std::string> call{"pack",    "docs.npy", "-o",  "notes.txt", "--budget",
                                      "60B/vec", "--codec",  "lvq", "--json"};
  expect_error(attar(call), 2, "invalid_argument", "add -f to overwrite");
  EXPECT_EQ(read_whole(at("notes.txt")), "dear diary");
  std::vector<std::string> forced = call;
  forced.push_back("-f");
  EXPECT_EQ(attar(forced).status, 0);
  EXPECT_EQ(attar(call).status, 0) << "now it is an artifact";
  std::vector<std::string> onto_input = call;
  onto_input[3] = "docs.npy";
  onto_input.push_back("-f");
  expect_error(attar(onto_input), 2, "invalid_argument", "is also an input");
  std::vector<std::string> onto_folder = call;
  onto_folder[3] = ".";
  expect_error(attar(onto_folder), 2, "invalid_argument", "is a folder");
  std::vector<std::string> into_nowhere = call;
  into_nowhere[3] = "nowhere/docs.attar";
  expect_error(attar(into_nowhere), 2, "invalid_argument", "mkdir -p 'nowhere'");
}

TEST_F(Pack, StandardInputAndOutputCarryTheSameBytes) {
  const std::vector<std::string> goal{"--budget", "60B/vec", "--codec", "lvq", "-q"};
  const auto with_goal = [&](std::vector<std::string> words) {
    words.insert(words.end(), goal.begin(), goal.end());
    return words;
  };
  ASSERT_EQ(attar(with_goal({"pack", "docs.npy", "-o", "docs.attar"})).status, 0);
  const Ran piped = attar(with_goal({"pack", "-", "-o", "-"}), read_whole(at("docs.npy")));
  ASSERT_EQ(piped.status, 0) << piped.err;
  EXPECT_TRUE(piped.out == read_whole(at("docs.attar"))) << "packing is deterministic";
  expect_error(attar({"pack", "-", "-o", "x.attar", "--queries", "-", "--json"}), 2, "invalid_argument",
               "only one input");
  expect_error(attar({"pack", "docs.npy", "-o", "-", "--json"}), 2, "invalid_argument", "both want standard output");
}

TEST_F(Pack, BadDataNamesFileAndRow) {
  auto values = clustered(rows, dims, 1);
  values[17 * dims + 3] = std::numeric_limits<float>::quiet_NaN();
  write_whole(at("nan.npy"), npy_bytes(values, dims));
  const Ran ran = attar({"pack", "nan.npy", "-o", "nan.attar", "--budget", "60B/vec", "--json"});
  expect_error(ran, 2, "invalid_data", "17");
  EXPECT_EQ(ran.json()["error"]["file"], "nan.npy");
  expect_error(attar({"pack", "none.npy", "-o", "x.attar", "--json"}), 2, "io", "");
  EXPECT_EQ(names(), (std::vector<std::string>{"docs.npy", "nan.npy", "q.npy"}));
}

TEST_F(Pack, NeverExceedsTheBudgetOverManyShapes) {
  std::mt19937 random(5);
  int written = 0;
  for (int i = 0; i < 6; ++i) {
    const std::size_t d = 8 + random() % 60, n = 200 + random() % 900;
    write_whole(at("shape.npy"), npy_bytes(clustered(n, d, 10 + static_cast<unsigned>(i)), d));
    const std::uint64_t budget = n * (d / 2 + 8 + random() % (2 * d)) + random() % 1000;
    const Ran ran =
        attar({"pack", "shape.npy", "-o", "shape.attar", "--budget", std::to_string(budget) + "B", "--json", "-f"});
    ASSERT_TRUE(ran.status == 0 || ran.status == 3) << ran.err;
    if (ran.status == 3) continue;
    ++written;
    EXPECT_LE(std::filesystem::file_size(at("shape.attar")), budget) << n << " x " << d;
    EXPECT_EQ(ran.json()["budget_bytes"], budget);
  }
  EXPECT_GE(written, 3);
}

/// True once the process has a handler for the signal.
bool hears(pid_t process, int signal) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(8), nullptr, 16) >> (signal - 1) & 1) != 0;
  return false;
}

TEST_F(Pack, StoppedByASignalItLeavesTheOldFileWhole) {
  pack_docs();
  const std::string before = read_whole(at("docs.attar"));
  const auto listed = names();
  for (const int signal : {SIGINT, SIGTERM}) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    // It waits for its input, so the signal is sure to come while it works.
    const pid_t child = start({"pack", "-", "-o", "docs.attar", "--budget", "50B/vec", "--json"}, ends[0]);
    close(ends[0]);
    for (int i = 0; i < 1000 && !hears(child, signal); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(hears(child, signal));
    kill(child, signal);
    const std::string input = read_whole(at("docs.npy"));
    // The child may have gone already: then nobody reads, and that is no failure of this test.
    ::signal(SIGPIPE, SIG_IGN);
    for (std::size_t sent = 0; sent < input.size();) {
      const ssize_t count = write(ends[1], input.data() + sent, input.size() - sent);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    close(ends[1]);
    const Ran ran = finish(child);
    EXPECT_EQ(ran.status, 130) << ran.err;
    EXPECT_EQ(ran.json()["error"]["code"], "cancelled") << ran.out;
    EXPECT_TRUE(read_whole(at("docs.attar")) == before);
    EXPECT_EQ(names(), listed);
  }
}

}  // namespace
}  // namespace attar::cli
