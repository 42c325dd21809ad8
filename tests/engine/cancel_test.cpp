// Ctrl-C at any moment: the old file stays whole, and nothing is left beside it.
#include <atomic>
#include <mutex>

#include "attar/evaluate.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

// Says "stop" from the n-th time that it is asked, and remembers how work reported itself.
class Stopping final : public Progress {
 public:
  explicit Stopping(int after) : after_(after) {}

  void stage(std::string_view name, std::uint64_t) override {
    EXPECT_FALSE(name.empty());
    ++stages;
  }
  void advance(std::uint64_t) override {
    const std::unique_lock lock(busy_, std::try_to_lock);
    EXPECT_TRUE(lock.owns_lock()) << "advance() came from two threads at once";
  }
  [[nodiscard]] bool cancelled() const noexcept override { return asked++ >= after_; }

  mutable std::atomic<int> asked = 0;
  int stages = 0;

 private:
  int after_;
  std::mutex busy_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int most_stops = 12;  // each is some ten times slower
#else
constexpr int most_stops = 40;
#endif

class Cancels : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    base_ = put_vectors("base.npy", clustered(1200, 16, 1), 16);
    queries_ = put_vectors("queries.npy", clustered(300, 16, 2), 16);
  }
  // Runs the work to its end, then stops it at every call (at most `most` of them, evenly spread).
  template <class Work>
  void stop_everywhere(Work&& work, int most = most_stops) {
    Stopping whole(1 << 30);
    const Status done = work(&whole);
    ASSERT_TRUE(done) << error_of(done);
    EXPECT_GT(whole.stages, 0);
    const int calls = whole.asked;
    ASSERT_GT(calls, 0) << "nobody asked whether to stop";
    const auto before = files();
    for (int i = 0; i < std::min(calls, most); ++i) {
      const int after = calls <= most ? i : i * calls / most;
      Stopping stopping(after);
      expect_error(work(&stopping), ErrorCode::cancelled);
      EXPECT_EQ(files(), before) << "stopped at call " << after << " of " << calls;
    }
  }

  std::filesystem::path base_, queries_;
};

template <class T>
Status status_of(const Result<T>& result) {
  return result ? Status() : Status(std::unexpected(result.error()));
}

TEST_F(Cancels, Packing) {
  const PackOptions goals[] = {
      {.budget = parse_budget("30B/vec").value(), .ids = put_ids("ids.txt", 1200), .keep_originals = ""},
      {.floor = parse_floor("0.8@10").value(), .queries = queries_, .keep_originals = "f16"}};
  for (PackOptions options : goals) {
    put("out.attar", "what was there");
    stop_everywhere([&](Progress* progress) {
      options.progress = progress;
      options.threads = 2;
      Status out = status_of(pack(base_, at("out.attar"), options));
      // After the run to the end the file is the new one.
      if (out) put("out.attar", "what was there");
      EXPECT_EQ(read_whole(at("out.attar")), "what was there");
      return out;
    });
  }
}

TEST_F(Cancels, EverythingThatReadsAllRows) {
  auto packed = pack_and_open(base_, at("a.attar"), {.codec = "lvq", .keep_originals = "f32"});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const Artifact& artifact = *packed.artifact;
  const auto query = clustered(3, 16, 9);
  stop_everywhere([&](Progress* progress) { return artifact.verify(2, progress); });
  stop_everywhere([&](Progress* progress) {
    return status_of(evaluate(artifact, {.queries = queries_, .base = base_, .progress = progress}));
  });
  put("b.attar", "what was there");
  stop_everywhere([&](Progress* progress) {
    Status out = status_of(
        certify_again(artifact, {.queries = queries_, .base = base_, .output = at("b.attar"), .progress = progress}));
    if (out) put("b.attar", "what was there");
    EXPECT_EQ(read_whole(at("b.attar")), "what was there");
    return out;
  });
  put("back.npy", "what was there");
  stop_everywhere([&](Progress* progress) {
    Status out = status_of(unpack(artifact, at("back.npy"), base_, progress));
    if (out) put("back.npy", "what was there");
    EXPECT_EQ(read_whole(at("back.npy")), "what was there");
    return out;
  });
}

}  // namespace
}  // namespace attar::engine
