// A semantic cache as programs use it: hits and misses, its file, its ceilings, its crashes.
#include "attar/cache.h"

#include <sys/wait.h>

#include "engine/support.h"

namespace attar::engine {
namespace {

class Cache : public EngineTest {
 protected:
  [[nodiscard]] SemanticCache opened(CacheOptions options = {}) const {
    options.sync = false;
    auto cache = SemanticCache::open(at("answers"), options);
    EXPECT_TRUE(cache) << error_of(cache);
    return *std::move(cache);
  }
};

// Sentences about a topic, some hundreds for each.
std::string sentence(std::uint64_t topic, base::Random& random) {
  static const std::vector<std::vector<std::string>> words = {
      {"reset", "forgotten", "password", "account", "login", "change"},
      {"weather", "rain", "sunny", "forecast", "clouds", "storm"},
      {"recipe", "bread", "flour", "oven", "dough", "bake"},
      {"train", "ticket", "station", "platform", "delay", "seat"},
      {"guitar", "chords", "strings", "song", "melody", "tune"},
      {"engine", "car", "brakes", "tyres", "oil", "repair"}};
  const auto& own = words[topic % words.size()];
  std::string out = "please tell me about";
  for (int i = 0; i < 3; ++i) out += " " + own[random.below(own.size())];
  return out + " " + std::to_string(topic % words.size() + 1);
}

TEST_F(Cache, AnAnswerComesBackForTheSamePrompt) {
  SemanticCache cache = opened();
  const auto miss = cache.get("How do I reset my PIN?");
  ASSERT_TRUE(miss) << error_of(miss);
  EXPECT_FALSE(miss->hit);
  EXPECT_EQ(miss->reason, CacheReason::empty);
  ASSERT_TRUE(cache.put("How do I reset my PIN?", "In the app."));
  const auto hit = cache.get("  how do I reset my pin ");
  ASSERT_TRUE(hit && hit->hit);
  EXPECT_EQ(hit->answer, "In the app.");
  EXPECT_EQ(hit->reason, CacheReason::exact);
  EXPECT_EQ(hit->prompt, "How do I reset my PIN?");
  // A new answer for the same prompt takes the place of the old one.
  ASSERT_TRUE(cache.put("How do I reset my PIN?", "At the counter."));
  EXPECT_EQ(cache.get("How do I reset my PIN?")->answer, "At the counter.");
  EXPECT_EQ(cache.stats().entries, 1u);
  EXPECT_EQ(cache.stats().answers, 1u);
  EXPECT_EQ(cache.stats().hits(), 2u);
}

TEST_F(Cache, GatesKeepNearPromptsApart) {
  SemanticCache cache = opened();
  ASSERT_TRUE(cache.put("What is the weather in Paris today?", "sunny"));
  const auto other = cache.get("What is the weather in London today?");
  ASSERT_TRUE(other) << error_of(other);
  EXPECT_EQ(other->reason, CacheReason::gated);
  EXPECT_EQ(other->gate, "name");
  EXPECT_GT(other->similarity, 0.5);
  SemanticCache without = *SemanticCache::open("", {.gates = false});
  ASSERT_TRUE(without.put("What is the weather in Paris today?", "sunny"));
  EXPECT_EQ(without.get("What is the weather in London today?")->reason, CacheReason::unsure);
}

TEST_F(Cache, OutcomesTeachItToServe) {
  SemanticCache cache = opened({.error = 0.05});
  base::Random random(1);
  std::uint64_t wrong = 0, late = 0;
  for (int i = 0; i < 1500; ++i) {
    const std::uint64_t topic = random.below(6);
    const std::string prompt = sentence(topic, random), answer = "answer " + std::to_string(topic);
    const auto found = cache.get(prompt);
    ASSERT_TRUE(found) << error_of(found);
    if (!found->hit) {
      ASSERT_TRUE(cache.put(prompt, answer));
      continue;
    }
    if (found->answer != answer) ++wrong;
    if (i >= 1000) ++late;
  }
  EXPECT_GT(late, 350u);
  EXPECT_LE(wrong, 75u);
  EXPECT_LE(cache.stats().wrong_estimate, 0.05 * 1500);
  EXPECT_GT(cache.stats().by[static_cast<std::size_t>(CacheReason::served)], 50u);
}

TEST_F(Cache, WhatTheCallerSaysOfAnAnswerCounts) {
  SemanticCache cache = opened();
  ASSERT_TRUE(cache.put("How do I change my password?", "Under settings."));
  const auto near = cache.get("How can I change my password?");
  ASSERT_TRUE(near && !near->hit);
  expect_error(cache.put("How can I change my password?", "x", {.after = near->entry + 5}), ErrorCode::invalid_argument,
               {"considered entry 1"});
  ASSERT_TRUE(cache.put("How can I change my password?", "Go to settings.",
                        {.outcome = CacheOutcome::same, .after = near->entry}));
  EXPECT_EQ(cache.stats().answers, 1u) << "kept with the answer that is right in other words";
  EXPECT_EQ(cache.get("how can i change my password")->answer, "Under settings.");
  const double before = cache.get("Can I change my password?")->probability;
  ASSERT_TRUE(cache.put("Can I change my password?", "Yes.", {.outcome = CacheOutcome::other}));
  EXPECT_EQ(cache.stats().answers, 2u);
  EXPECT_GT(before, 0);
  expect_error(cache.put("never asked", "x", {.outcome = CacheOutcome::same}), ErrorCode::invalid_argument);
}

TEST_F(Cache, GoesOnWhereItWasClosed) {
  SemanticCache whole = *SemanticCache::open("", {.error = 0.05});
  base::Random random(2);
  for (int round = 0; round < 12; ++round) {
    SemanticCache cache = opened({.error = 0.05});
    for (int i = 0; i < 40; ++i) {
      const std::string prompt = sentence(random.below(6), random);
      const auto one = whole.get(prompt), other = cache.get(prompt);
      ASSERT_TRUE(one && other) << error_of(other);
      ASSERT_EQ(one->reason, other->reason);
      EXPECT_EQ(one->probability, other->probability);
      EXPECT_EQ(one->answer, other->answer);
      if (one->hit) continue;
      ASSERT_TRUE(whole.put(prompt, prompt.substr(prompt.size() - 1)));
      ASSERT_TRUE(cache.put(prompt, prompt.substr(prompt.size() - 1)));
    }
  }
}

TEST_F(Cache, SettingsStayUntilTheyAreChanged) {
  { SemanticCache cache = opened({.error = 0.1, .max_entries = 50}); }
  EXPECT_EQ(opened().stats().error, 0.1);
  EXPECT_EQ(opened({.error = 0.01}).stats().error, 0.01);
  EXPECT_EQ(opened().stats().error, 0.01);
  EXPECT_EQ(opened().stats().max_entries, 50u);
}

TEST_F(Cache, TheCeilingsAreNeverPassed) {
  constexpr std::uint64_t ceiling = 256 << 10;
  SemanticCache cache = opened({.max_bytes = ceiling, .max_entries = 300});
  base::Random random(3);
  const std::string kept = "the prompt that is asked again and again";
  ASSERT_TRUE(cache.put(kept, "kept"));
  for (int i = 0; i < 1500; ++i) {
    const std::string prompt = "prompt number " + std::to_string(i) + std::string(random.below(300), 'y');
    ASSERT_TRUE(cache.get(prompt));
    ASSERT_TRUE(cache.put(prompt, std::string(random.below(4000), 'z') + std::to_string(i)));
    ASSERT_LE(std::filesystem::file_size(at("answers/cache")), ceiling);
    ASSERT_EQ(std::filesystem::file_size(at("answers/cache")), cache.stats().bytes);
    ASSERT_LE(cache.stats().entries, 300u);
    ASSERT_TRUE(cache.get(kept)->hit) << "the one used last is the last to go";
  }
  EXPECT_GT(cache.stats().entries, 20u);
  expect_error(cache.put("too long", std::string(ceiling, 'x')), ErrorCode::over_limit);
  expect_error(SemanticCache::open("", {.max_bytes = 1000}), ErrorCode::invalid_argument);
}

TEST_F(Cache, ASmallerCeilingHoldsAtOnce) {
  {
    SemanticCache cache = opened();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(cache.put("prompt " + std::to_string(i), std::string(3000, 'a') + std::to_string(i)));
  }
  SemanticCache cache = opened({.max_bytes = 300'000});
  EXPECT_LE(std::filesystem::file_size(at("answers/cache")), 300'000u);
  EXPECT_GT(cache.stats().entries, 30u);
}

TEST_F(Cache, OneProcessAtATime) {
  SemanticCache cache = opened();
  expect_error(SemanticCache::open(at("answers"), {.wait_seconds = 0}), ErrorCode::io, {"another process"});
}

TEST_F(Cache, AKilledProcessLosesNothingThatWasPut) {
  const pid_t child = fork();
  if (child == 0) {
    auto cache = SemanticCache::open(at("answers"));
    if (!cache) _exit(1);
    for (int i = 0; i < 30; ++i)
      if (!cache->put("prompt " + std::to_string(i), "answer")) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(opened().stats().entries, 30u);
  // A torn end is cut off, and what comes next follows the last whole record.
  std::filesystem::resize_file(at("answers/cache"), std::filesystem::file_size(at("answers/cache")) - 5);
  {
    SemanticCache cache = opened();
    EXPECT_EQ(cache.stats().entries, 29u);
    ASSERT_TRUE(cache.put("one more", "answer"));
  }
  EXPECT_EQ(opened().stats().entries, 30u);
}

TEST_F(Cache, DamageAndStrangersAreRefused) {
  {
    SemanticCache cache = opened();
    ASSERT_TRUE(cache.put("a", "b"));
    ASSERT_TRUE(cache.put("c", "d"));
  }
  std::string bytes = read_whole(at("answers/cache"));
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  put("answers/cache", bytes);
  expect_error(SemanticCache::open(at("answers")), ErrorCode::corrupt, {"answers/cache", "damaged"});
  put("answers/cache", "a text of somebody else");
  expect_error(SemanticCache::open(at("answers")), ErrorCode::corrupt, {"no cache"});
  std::filesystem::create_directories(at("full"));
  put("full/file.txt", "x");
  expect_error(SemanticCache::open(at("full")), ErrorCode::invalid_argument, {"no cache"});
  expect_error(SemanticCache::open(at("none"), {.create = false}), ErrorCode::io, {"is no cache"});
  EXPECT_FALSE(std::filesystem::exists(at("none")));
}

TEST_F(Cache, AnotherEncoderIsRefused) {
  { SemanticCache cache = opened({.encoder = "cmd:while read l; do echo 1 2 3; done"}); }
  expect_error(SemanticCache::open(at("answers")), ErrorCode::invalid_argument, {"another one", "--encoder"});
}

TEST_F(Cache, EntriesAreDropped) {
  SemanticCache cache = opened();
  const auto entry = cache.put("a prompt", "an answer");
  ASSERT_TRUE(entry);
  ASSERT_TRUE(cache.remove(*entry));
  expect_error(cache.remove(*entry), ErrorCode::invalid_argument, {"no entry"});
  EXPECT_FALSE(cache.get("a prompt")->hit);
  EXPECT_EQ(cache.stats().answers, 0u);
}

TEST_F(Cache, VectorsMayComeFromTheCaller) {
  SemanticCache cache = opened();
  expect_error(cache.get("x", std::vector<float>(3)), ErrorCode::invalid_argument, {"3 numbers"});
  std::vector<float> bad(256, 1);
  bad[7] = std::numeric_limits<float>::infinity();
  expect_error(cache.get("x", bad), ErrorCode::invalid_argument, {"not finite"});
  EXPECT_TRUE(cache.get("x", std::vector<float>(256)));
}

TEST_F(Cache, AReplayCountsWhatWasWrong) {
  std::string log;
  base::Random random(4);
  for (int i = 0; i < 1200; ++i) {
    const std::uint64_t topic = random.below(6);
    log +=
        "{\"question\": \"" + sentence(topic, random) + "\", \"answer\": \"answer " + std::to_string(topic) + "\"}\n";
  }
  const auto path = put("log.jsonl", log);
  const auto report = replay_cache(path, {.cache = {.error = 0.05}});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->prompts, 1200u);
  EXPECT_EQ(std::accumulate(report->by.begin(), report->by.end(), std::uint64_t{0}), 1200u);
  EXPECT_LE(report->wrong, 60u);
  EXPECT_GT(report->by[0] + report->by[1], 600u);
  EXPECT_GE(report->candidate_right, report->by[0] + report->by[1] - report->wrong);
  EXPECT_GE(report->answer_known, report->candidate_right);
  const auto same = replay_cache(path, {.cache = {.error = 0.05}, .threads = 3});
  EXPECT_EQ(same->by, report->by);
  ASSERT_TRUE(replay_cache(path, {.into = at("warm")}));
  EXPECT_GT(SemanticCache::open(at("warm"))->stats().entries, 50u);
  expect_error(replay_cache(put("bad.jsonl", "{\"question\": \"a\"}\n")), ErrorCode::invalid_data,
               {"line 1", "answer, response"});
}

}  // namespace
}  // namespace attar::engine
