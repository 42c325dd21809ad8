// pack_documents(): from files with text to rows, vectors, words and texts, and to the artifact that holds them.
#include <fmt/format.h>

#include <algorithm>

#include "attar/documents.h"
#include "base/clock.h"
#include "base/progress.h"
#include "data/documents/beir.h"
#include "engine/document_rows.h"
#include "engine/encoders.h"
#include "engine/packing.h"
#include "engine/row_vectors.h"
#include "index/lexical/builder.h"
#include "text/store/documents.h"
#include "text/store/texts.h"
#include "text/words/words.h"

namespace attar {
namespace {

using base::Clock;
using base::seconds_since;
using format::SectionKind;

constexpr std::size_t rows_at_once = 4096;

Status check_options(const PackDocumentsOptions& options) {
  if (!options.pack.ids.empty() || !options.pack.meta.empty())
    return fail(ErrorCode::invalid_argument,
                "ids and attributes of documents are those of their files and records; leave the files of them out");
  if (options.pack.metric != Metric::cosine)
    return fail(
        ErrorCode::invalid_argument,
        "vectors of texts are compared by cosine, which scores of meaning and of words are weighed by; leave the "
        "metric out");
  if (options.chunk_tokens == 0)
    return fail(ErrorCode::invalid_argument, "rows of no tokens hold no text; name at least 1");
  if (!options.vectors.empty() && (options.late_chunking || !options.reuse.empty()))
    return fail(ErrorCode::invalid_argument,
                "vectors that are given are neither made late nor kept for another time; leave those options out");
  return {};
}

// A text that no token of the encoder stands in has no direction. Its row gets one all the same, so that rows and
// vectors stay one to one; nothing else lies there.
void give_directions(std::span<float> vectors, std::uint32_t dims) {
  for (std::size_t first = 0; first < vectors.size(); first += dims) {
    const auto vector = vectors.subspan(first, dims);
    if (std::ranges::all_of(vector, [](float value) { return value == 0; })) vector.front() = -1;
  }
}

// Whether nothing is known that could encode a question.
bool given_alone(const PackDocumentsOptions& options) { return !options.vectors.empty() && options.encoder.empty(); }

class Gathering {
 public:
  Gathering(const PackDocumentsOptions& options, const text::Encoder& encoder, base::ThreadPool& pool,
            base::Progress& progress, DocumentsReport& report)
      : options_(options), encoder_(encoder), pool_(pool), progress_(progress), report_(report) {}

  Result<engine::Material> run(const std::filesystem::path& input) {
    auto start = Clock::now();
    ATTAR_ASSIGN(rows_, engine::read_documents(input,
                                               {.documents = {.text_fields = options_.text_fields,
                                                              .meta_fields = options_.pack.meta_fields},
                                                .chunk_tokens = chunk_tokens(),
                                                .whole = !options_.vectors.empty(),
                                                .memory_bytes = options_.pack.memory_bytes},
                                               encoder_, pool_, progress_));
    report_.documents = rows_.documents.size();
    report_.text_bytes = rows_.text_bytes;
    report_.skipped = rows_.skipped;
    report_.read_seconds = seconds_since(start);
    engine::Material out;
    start = Clock::now();
    ATTAR_ASSIGN(out.base, encode());
    report_.encode_seconds = seconds_since(start);
    ATTAR_ASSIGN(out.queries, queries(*out.base.rows));
    start = Clock::now();
    ATTAR_TRY(add_words(out.sections));
    report_.words_seconds = seconds_since(start);
    start = Clock::now();
    ATTAR_TRY(add_texts(out.sections));
    report_.text_seconds = seconds_since(start);
    ATTAR_ASSIGN(out.meta, attributes());
    return out;
  }

 private:
  Result<engine::Base> encode() {
    ATTAR_ASSIGN(auto made, engine::row_vectors(
                                rows_, encoder_,
                                {.given = options_.vectors, .cache = options_.reuse, .late = options_.late_chunking},
                                pool_, progress_));
    if (made.dims != encoder_.info().dims && !options_.encoder.empty())
      return fail(ErrorCode::invalid_data,
                  fmt::format("the vectors have {} dimensions, those of {} have {}; they must be of one model",
                              made.dims, encoder_.info().name, encoder_.info().dims));
    dims_ = made.dims;
    report_.encoded = made.encoded;
    report_.reused = made.reused;
    report_.reuse_note = made.note;
    give_directions(made.values, made.dims);
    return engine::check_base(data::memory_source(std::move(made.values), made.dims, "the documents"), sizeof(float),
                              Metric::cosine, pool_, progress_);
  }

  Result<plan::Queries> queries(const data::VectorSource& base) {
    if (options_.pack.queries.empty()) return engine::proxy_queries(base, options_.pack.seed);
    if (given_alone(options_))
      return fail(ErrorCode::invalid_argument,
                  "questions (--queries) need an encoder, and the documents come with vectors of their own; name the "
                  "encoder of both (--encoder), or leave the questions out");
    ATTAR_ASSIGN(const auto log, data::read_queries(options_.pack.queries));
    std::vector<std::string_view> texts;
    texts.reserve(log.size());
    for (const data::Query& query : log) texts.push_back(query.text);
    plan::Queries out;
    out.values.resize(texts.size() * base.dims());
    ATTAR_TRY(encoder_.encode(texts, pool_, out.values));
    give_directions(out.values, base.dims());
    return out;
  }

  Status add_words(std::vector<engine::FixedSection>& sections) {
    index::lexical::Builder builder;
    std::vector<text::WordSplitter> splitters;
    for (unsigned worker = 0; worker < pool_.size(); ++worker) {
      ATTAR_ASSIGN(auto splitter, text::WordSplitter::make(options_.language));
      splitters.push_back(std::move(splitter));
    }
    progress_.stage("indexing words", rows_.rows.size());
    for (std::size_t first = 0; first < rows_.rows.size(); first += rows_at_once) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(rows_at_once, rows_.rows.size() - first);
      // A row's terms one after the other, each with a zero byte behind it.
      std::vector<std::string> terms(count);
      pool_.run(count, [&](std::size_t i, unsigned worker) {
        const std::string text = rows_.in_context(first + i);
        for (const text::Word& word : splitters[worker].split_with_parts(text)) (terms[i] += word.term) += '\0';
      });
      for (const std::string& own : terms) ATTAR_TRY(builder.add(split_at_zeros(own)));
      progress_.advance(count);
    }
    ATTAR_ASSIGN(auto built, builder.finish());
    sections.push_back(
        {{.kind = SectionKind::words, .wire_version = index::lexical::wire_version}, std::move(built.lexical)});
    sections.push_back(
        {{.kind = SectionKind::terms, .wire_version = format::ids_wire_version}, std::move(built.terms)});
    return {};
  }

  static std::vector<std::string_view> split_at_zeros(std::string_view terms) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < terms.size();) {
      const std::size_t end = terms.find('\0', at);
      out.push_back(terms.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  Status add_texts(std::vector<engine::FixedSection>& sections) {
    std::vector<std::string_view> pieces;
    pieces.reserve(rows_.rows.size());
    for (const engine::TextRow& row : rows_.rows) pieces.push_back(row.text);
    ATTAR_ASSIGN(auto texts, text::pack_texts(pieces, {}, pool_, progress_));
    sections.push_back({{.kind = SectionKind::texts, .wire_version = text::texts_wire_version}, std::move(texts)});
    sections.push_back({{.kind = SectionKind::documents, .wire_version = text::documents_wire_version},
                        text::pack_documents(rows_.counts)});
    const text::EncoderInfo& info = encoder_.info();
    const std::string note = engine::to_json(
        engine::EncoderNote{.name = report_.encoder,
                            .digest = given_alone(options_) ? std::string(engine::no_encoder) : info.digest,
                            .dims = dims_,
                            .max_tokens = info.max_tokens,
                            .chunk_tokens = chunk_tokens(),
                            .language = options_.language});
    const auto bytes = std::as_bytes(std::span(note));
    sections.push_back({{.kind = SectionKind::encoder}, {bytes.begin(), bytes.end()}});
    return {};
  }

  Result<filter::Meta> attributes() {
    const auto open = [this]() -> Result<std::unique_ptr<data::RecordReader>> { return rows_.records(); };
    return filter::read_meta(open, {.path = "the documents", .fields = {}, .sorted = options_.pack.meta_sorted},
                             rows_.rows.size(), progress_);
  }

  // What an encoder does not read would be lost to meaning without a word.
  [[nodiscard]] std::uint32_t chunk_tokens() const noexcept {
    return options_.late_chunking ? options_.chunk_tokens : std::min(options_.chunk_tokens, encoder_.info().max_tokens);
  }

  const PackDocumentsOptions& options_;
  const text::Encoder& encoder_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  DocumentsReport& report_;
  engine::DocumentRows rows_;
  std::uint32_t dims_ = 0;
};

}  // namespace

Result<DocumentsOutcome> pack_documents(const std::filesystem::path& input, const std::filesystem::path& output,
                                        const PackDocumentsOptions& options) {
  ATTAR_TRY(engine::check_pack(options.pack, output));
  ATTAR_TRY(check_options(options));
  ATTAR_ASSIGN(const auto encoder, engine::open_encoder(options.encoder));
  base::ThreadPool pool(options.pack.threads);
  Progress& progress = engine::or_silent(options.pack.progress);
  DocumentsOutcome out;
  out.documents.encoder = given_alone(options) ? "vectors of their own" : encoder->info().name;
  engine::Packing packing(output, options.pack, pool, progress);
  ATTAR_ASSIGN(engine::Material material, Gathering(options, *encoder, pool, progress, out.documents).run(input));
  ATTAR_ASSIGN(out.plan, packing.run(std::move(material)));
  return out;
}

}  // namespace attar
