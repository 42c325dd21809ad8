// A fresh certificate of an artifact that exists: all queries test, none tunes.
#include <fmt/format.h>

#include <algorithm>

#include "attar/evaluate.h"
#include "base/random.h"
#include "base/threads.h"
#include "certify/certificate.h"
#include "certify/recall.h"
#include "certify/split.h"
#include "data/survey.h"
#include "engine/artifact_state.h"
#include "engine/input.h"
#include "engine/measuring.h"
#include "format/certify_copy.h"

namespace attar {
namespace {

class Certifying {
 public:
  Certifying(const Artifact& artifact, const CertifyOptions& options)
      : artifact_(artifact),
        state_(ArtifactAccess::state(artifact)),
        options_(options),
        progress_(engine::or_silent(options.progress)),
        pool_(options.threads) {}

  Result<Certificate> run() {
    if (options_.queries.empty())
      return fail(ErrorCode::invalid_argument, "name queries that the plan has not seen, such as --queries new.npy");
    ATTAR_TRY(engine::check_confidence(options_.confidence));
    if (options_.floor) ATTAR_TRY(engine::check_floor(*options_.floor));
    ATTAR_ASSIGN(plan_, state_.plan());
    ATTAR_ASSIGN(known_, state_.certificates());
    ATTAR_ASSIGN(const auto base, engine::originals_of(state_, options_.base, options_.input));
    if (!options_.base.empty()) ATTAR_TRY(check_same(*base));
    ATTAR_ASSIGN(queries_, engine::load_queries(options_.queries, options_.input.field, artifact_.dims(),
                                                artifact_.metric(), pool_));
    ATTAR_ASSIGN(const auto observations, observe(*base));
    ATTAR_ASSIGN(const Certificate out, conclude(observations));
    if (!options_.output.empty()) ATTAR_TRY(write(out));
    return out;
  }

 private:
  // A certificate binds this content to those originals: another file of the same shape would measure nonsense.
  Status check_same(const data::VectorSource& base) {
    if (plan_.dropped != 0)
      return std::unexpected(Error{
          .code = ErrorCode::unsupported,
          .message = fmt::format("{} rows were dropped since this was packed, so no file can be shown to hold the "
                                 "vectors of the others; measure without a certificate: attar eval --base",
                                 plan_.dropped),
          .file = state_.reader.path()});
    progress_.stage("checking vectors", base.rows());
    ATTAR_ASSIGN(const auto survey,
                 data::survey(base, {.refuse_zero_rows = artifact_.metric() == Metric::cosine}, pool_, progress_));
    if (survey.digest.hex() == plan_.base) return {};
    return std::unexpected(
        Error{.code = ErrorCode::invalid_data,
              .message = fmt::format("these are not the vectors that were packed (digest {}…, packed {}…)",
                                     survey.digest.hex().substr(0, 12), plan_.base.substr(0, 12)),
              .file = base.name()});
  }

  std::uint32_t k() const { return options_.floor ? options_.floor->k : plan_.k; }

  Result<std::vector<double>> observe(const data::VectorSource& base) {
    if (k() > artifact_.rows())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("recall@{} cannot be measured with {} rows", k(), artifact_.rows()));
    ATTAR_ASSIGN(auto units, certify::near_duplicate_units(queries_, artifact_.dims(), pool_));
    base::Random random(options_.seed);
    for (std::size_t i = units.size(); i > 1; --i) std::swap(units[i - 1], units[random.below(i)]);
    progress_.stage("exact neighbours", base.rows());
    ATTAR_ASSIGN(const auto meter, certify::RecallMeter::over(base, artifact_.metric(), queries_,
                                                              {.k = k(), .progress = &progress_}, pool_));
    progress_.stage("searching", 0);
    ATTAR_ASSIGN(const auto answers, artifact_.search(queries_, {.k = k(), .threads = options_.threads}));
    ATTAR_ASSIGN(const auto per_query, meter.measure(engine::rows_of(answers, k()), k(), k(), pool_));
    return certify::unit_means(units, per_query);
  }

  Result<Certificate> conclude(std::span<const double> observations) {
    const double delta = 1 - options_.confidence;
    const auto floor = options_.floor ? options_.floor : plan_.floor;
    const certify::Claim claim{.floor = floor ? floor->recall : 0, .share = 0, .delta = delta};
    certify::Finding finding;
    if (floor) {
      ATTAR_ASSIGN(finding, certify::examine(claim, observations, {}));
    } else {
      finding = certify::estimate_mean(observations, {}, delta);
    }
    const base::Digest digest = certify::queries_digest(queries_, artifact_.dims());
    // The log that chose the plan has been seen, whether or not it was certified on.
    const bool reused = digest.hex() == plan_.queries ||
                        std::any_of(known_.begin(), known_.end(),
                                    [&](const Certificate& c) { return c.queries_digest == digest.hex(); });
    return certify::make_certificate(claim, finding,
                                     {.metric = artifact_.metric(),
                                      .k = k(),
                                      .rows = artifact_.rows(),
                                      .queries_given = queries_.size() / artifact_.dims(),
                                      .reused_log = reused,
                                      .seed = options_.seed,
                                      .content = state_.reader.content_digest(),
                                      .queries = digest,
                                      .plan = state_.in_words(plan_),
                                      .build = engine::build_in_words()});
  }

  // Beside the certificates that are there; the oldest give way when the reserved room is full.
  Status write(const Certificate& fresh) const {
    std::vector<Certificate> all = known_;
    all.push_back(fresh);
    const auto* entry = state_.reader.find(format::SectionKind::certificate);
    const std::uint64_t room = entry == nullptr ? 0 : entry->length;
    std::string text = certify::to_json(all);
    while (text.size() > room && all.size() > 1) {
      all.erase(all.begin());
      text = certify::to_json(all);
    }
    return format::copy_with_certificate(state_.reader, options_.output,
                                         std::as_bytes(std::span(text.data(), text.size())));
  }

  const Artifact& artifact_;
  const Artifact::State& state_;
  const CertifyOptions& options_;
  Progress& progress_;
  base::ThreadPool pool_;
  engine::PlanText plan_;
  std::vector<Certificate> known_;
  std::vector<float> queries_;
};

}  // namespace

Result<Certificate> certify_again(const Artifact& artifact, const CertifyOptions& options) {
  return Certifying(artifact, options).run();
}

std::string describe(const Certificate& certificate) { return certify::describe(certificate); }

}  // namespace attar
