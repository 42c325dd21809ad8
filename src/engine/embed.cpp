// embed(): texts of a file to a file of vectors.
#include "attar/documents.h"
#include "base/clock.h"
#include "base/progress.h"
#include "data/documents/beir.h"
#include "data/write.h"
#include "engine/encoders.h"
#include "engine/input.h"

namespace attar {
namespace {

constexpr std::size_t texts_at_once = 4096;

}  // namespace

Result<EmbedReport> embed(const std::filesystem::path& input, const std::filesystem::path& output,
                          const EmbedOptions& options) {
  Progress& progress = engine::or_silent(options.progress);
  ATTAR_ASSIGN(const auto encoder, engine::open_encoder(options.encoder, options.precision));
  ATTAR_ASSIGN(const auto texts, data::read_queries(input));
  const std::uint32_t dims = encoder->info().dims;
  ATTAR_ASSIGN(auto writer, data::VectorWriter::create(output, data::ElementType::f32, dims));
  base::ThreadPool pool(options.threads);
  EmbedReport out{.texts = texts.size(), .dims = dims, .encoder = encoder->info().name};
  progress.stage("encoding", texts.size());
  std::vector<std::string_view> views;
  std::vector<float> vectors;
  for (std::size_t first = 0; first < texts.size(); first += texts_at_once) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::size_t count = std::min(texts_at_once, texts.size() - first);
    views.clear();
    for (std::size_t i = first; i < first + count; ++i) views.push_back(texts[i].text);
    vectors.resize(count * dims);
    const auto start = base::Clock::now();
    ATTAR_TRY(encoder->encode(views, pool, vectors));
    out.seconds += base::seconds_since(start);
    ATTAR_TRY(writer.append(std::span<const float>(vectors)));
    progress.advance(count);
  }
  ATTAR_TRY(writer.finish());
  return out;
}

}  // namespace attar
