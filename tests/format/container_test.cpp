// What is written can be read, has the size that was promised, and appears whole or not at all.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "format/certify_copy.h"
#include "format/reader.h"
#include "format/samples.h"

namespace attar::format {
namespace {

TEST(Container, ReadsBackEverySectionFromMapCopyAndMemory) {
  const ScratchFile file;
  ATTAR_ASSERT_OK(write_sample(file.path(), 200'000));
  const raw::Bytes bytes = read_file(file.path());
  base::ThreadPool pool(2);
  const auto check = [&](Result<ArtifactReader> opened) {
    ASSERT_TRUE(opened) << opened.error().describe();
    ATTAR_ASSERT_OK(opened->verify_all());
    ATTAR_ASSERT_OK(opened->verify_all(&pool));
    ASSERT_EQ(opened->sections().size(), 6u);
    const auto codes = opened->section(SectionKind::codes);
    ASSERT_TRUE(codes);
    EXPECT_TRUE(std::ranges::equal(codes->bytes(), noise(200'000, 2)));
    EXPECT_EQ(opened->find(SectionKind::codes)->offset % 4096, 0u);
    const auto model = opened->section(SectionKind::model);
    ASSERT_TRUE(model);
    EXPECT_EQ(model->codec_id(), 7u);
    EXPECT_EQ(model->wire_version(), 3);
    EXPECT_EQ(opened->find(SectionKind::model)->digest, base::sha256(noise(1001, 1)));
    EXPECT_TRUE(std::ranges::equal(opened->section(static_cast<SectionKind>(99))->bytes(), noise(77, 3)));
    const auto certificate = opened->certificate();
    ASSERT_TRUE(certificate);
    EXPECT_EQ(base::as_text(*certificate), sample_certificate);
    EXPECT_EQ(opened->find(SectionKind::certificate)->length, 300u);
    EXPECT_EQ(opened->find(SectionKind::originals), nullptr);
    const auto missing = opened->section(SectionKind::originals);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("originals"), std::string::npos);
  };
  check(ArtifactReader::open(file.path()));
  check(ArtifactReader::open(file.path(), {}, base::MappedFile::Mode::copy));
  check(ArtifactReader::open_bytes(bytes));
}

TEST(Container, NamesItsDigests) {
  const ScratchFile file;
  auto writer = ArtifactWriter::create(file.path());
  ASSERT_TRUE(writer);
  ATTAR_ASSERT_OK(writer->add({.kind = SectionKind::codes}, noise(500, 1)));
  const base::Digest content = writer->content_digest();
  ATTAR_ASSERT_OK(writer->finish());
  const auto opened = ArtifactReader::open(file.path());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->content_digest(), content);

  // The definition of FORMAT.md, from the file's own bytes.
  const raw::Bytes bytes = read_file(file.path());
  base::Sha256 by_hand;
  const auto all = base::ByteView(bytes);
  by_hand.update(all.subspan(raw::required_at, 8));
  by_hand.update(all.subspan(raw::entry_at(bytes, 0), 16));
  by_hand.update(all.subspan(raw::entry_at(bytes, 0) + raw::length_in, 8));
  by_hand.update(all.subspan(raw::entry_at(bytes, 0) + raw::digest_in, 32));
  EXPECT_EQ(by_hand.finish(), content);
  EXPECT_TRUE(std::ranges::equal(opened->root_digest().bytes, all.subspan(raw::root_at, 32)));
}

// Random numbers, sizes and alignments of sections, written in pieces of random size.
TEST(Container, HasExactlyThePromisedSize) {
  constexpr std::uint64_t sizes[] = {0, 1, 7, 63, 64, 65, 4095, 4096, 4097, 65'535, 65'536, 65'537, 131'072};
  base::Random random(20'260);
  for (int round = 0; round < 150; ++round) {
    const ScratchFile file;
    const std::uint64_t reserved = random.below(3) == 0 ? 0 : random.below(5000);
    auto writer = ArtifactWriter::create(file.path(), {.certificate_bytes = reserved});
    ASSERT_TRUE(writer);
    std::vector<PlannedSection> planned;
    const std::uint64_t count = random.below(9);
    for (std::uint64_t i = 0; i < count; ++i) {
      const SectionSpec spec{.kind = static_cast<SectionKind>(1 + random.below(6)),
                             .instance = static_cast<std::uint32_t>(i),
                             .alignment = random.below(2) == 0 ? Alignment::page : Alignment::cache_line};
      const std::uint64_t length = random.below(2) == 0 ? sizes[random.below(std::size(sizes))] : random.below(200'000);
      const raw::Bytes content = noise(length, i);
      const auto sink = writer->begin(spec);
      ASSERT_TRUE(sink);
      for (base::ByteView rest = content; !rest.empty();) {
        const auto part = rest.first(std::min<std::size_t>(rest.size(), 1 + random.below(100'000)));
        ATTAR_ASSERT_OK((*sink)->write(part));
        rest = rest.subspan(part.size());
      }
      planned.push_back({.spec = spec, .length = length});
      ASSERT_EQ(writer->final_bytes().value(), size_of(planned, reserved).value()) << "with the section still open";
      ATTAR_ASSERT_OK(writer->end());
    }
    const std::uint64_t promised = size_of(planned, reserved).value();
    ASSERT_EQ(writer->final_bytes().value(), promised);
    ATTAR_ASSERT_OK(writer->finish());
    ASSERT_EQ(std::filesystem::file_size(file.path()), promised) << "round " << round;
    const auto opened = ArtifactReader::open(file.path());
    ASSERT_TRUE(opened) << opened.error().describe();
    ATTAR_ASSERT_OK(opened->verify_all());
    for (std::uint64_t i = 0; i < count; ++i)
      ASSERT_TRUE(std::ranges::equal(opened->section(planned[i].spec.kind, static_cast<std::uint32_t>(i))->bytes(),
                                     noise(planned[i].length, i)));
  }
}

TEST(Container, PricingRefusesSizesThatOverflow) {
  const PlannedSection huge{.spec = {.kind = SectionKind::codes, .alignment = Alignment::page},
                            .length = UINT64_MAX - 1000};
  EXPECT_FALSE(size_of({{huge}}, 0));
  EXPECT_FALSE(size_of({{{.spec = {}, .length = UINT64_MAX / 2}, {.spec = {}, .length = UINT64_MAX / 2}}}, 4096));
}

TEST(Container, EqualInputsMakeEqualBytes) { EXPECT_EQ(sample_bytes(70'000), sample_bytes(70'000)); }

TEST(Container, AFormerFileStaysUntilTheNewOneIsWhole) {
  const ScratchFile file;
  ATTAR_ASSERT_OK(write_sample(file.path(), 100));
  const raw::Bytes before = read_file(file.path());
  {
    auto writer = ArtifactWriter::create(file.path());
    ASSERT_TRUE(writer);
    ATTAR_ASSERT_OK(writer->add({.kind = SectionKind::codes}, noise(100'000, 9)));
  }
  EXPECT_EQ(read_file(file.path()), before);
}

TEST(Container, TheWriterRefusesMisuse) {
  const ScratchFile file;
  auto writer = ArtifactWriter::create(file.path(), {.certificate_bytes = 10});
  ASSERT_TRUE(writer);
  const auto refused = [](const auto& result) { return !result && result.error().code == ErrorCode::invalid_argument; };
  EXPECT_TRUE(refused(writer->end())) << "nothing is open";
  EXPECT_TRUE(refused(writer->begin({.kind = SectionKind::certificate})));
  EXPECT_TRUE(refused(writer->begin({.kind = static_cast<SectionKind>(0)})));
  const auto sink = writer->begin({.kind = SectionKind::codes});
  ASSERT_TRUE(sink);
  EXPECT_TRUE(refused(writer->begin({.kind = SectionKind::plan}))) << "codes are still open";
  EXPECT_TRUE(refused(writer->finish())) << "codes are still open";
  ATTAR_ASSERT_OK(writer->end());
  EXPECT_TRUE(refused((*sink)->write(view("late"))));
  EXPECT_TRUE(refused(writer->begin({.kind = SectionKind::codes}))) << "a second section of the pair";
  EXPECT_TRUE(refused(writer->finish(view("eleven byte")))) << "more than reserved";
  EXPECT_TRUE(refused(writer->finish(view(std::string_view("a\0b", 3))))) << "not text";
  ATTAR_ASSERT_OK(writer->finish(view("ten bytes.")));
  EXPECT_TRUE(refused(writer->finish(view("ten bytes.")))) << "finished";
  const auto opened = ArtifactReader::open(file.path());
  ASSERT_TRUE(opened);
  EXPECT_EQ(base::as_text(opened->certificate().value()), "ten bytes.");
}

TEST(Container, AnotherCertificateLeavesContentAndSize) {
  const ScratchFile first;
  const ScratchFile second;
  ATTAR_ASSERT_OK(write_sample(first.path(), 9000));
  const auto before = ArtifactReader::open(first.path());
  ASSERT_TRUE(before);
  ATTAR_ASSERT_OK(copy_with_certificate(*before, second.path(), view("another")));
  const auto after = ArtifactReader::open(second.path());
  ASSERT_TRUE(after);
  ATTAR_ASSERT_OK(after->verify_all());
  EXPECT_EQ(base::as_text(after->certificate().value()), "another");
  EXPECT_EQ(after->content_digest(), before->content_digest());
  EXPECT_NE(after->root_digest(), before->root_digest());
  EXPECT_EQ(after->file_bytes(), before->file_bytes());

  // Back again, over the file itself: the same bytes as at first.
  ATTAR_ASSERT_OK(copy_with_certificate(*after, second.path(), view(sample_certificate)));
  EXPECT_EQ(read_file(second.path()), read_file(first.path()));
}

TEST(Container, ACertificateNeedsItsReservedRoom) {
  const ScratchFile file;
  auto writer = ArtifactWriter::create(file.path(), {.certificate_bytes = 0});
  ASSERT_TRUE(writer);
  ATTAR_ASSERT_OK(writer->add({.kind = SectionKind::codes}, noise(10, 1)));
  ATTAR_ASSERT_OK(writer->finish());
  const auto opened = ArtifactReader::open(file.path());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->certificate().value().empty());
  const Status refused = copy_with_certificate(*opened, file.path(), view("x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
}

TEST(Container, AnArtifactWithoutSectionsIsHeaderAlone) {
  const ScratchFile file;
  auto writer = ArtifactWriter::create(file.path(), {.certificate_bytes = 0});
  ASSERT_TRUE(writer);
  ATTAR_ASSERT_OK(writer->finish());
  EXPECT_EQ(std::filesystem::file_size(file.path()), header_bytes);
  const auto opened = ArtifactReader::open(file.path());
  ASSERT_TRUE(opened);
  ATTAR_ASSERT_OK(opened->verify_all());
}

/// Counts what it is told, and asks to stop after `stop_after` bytes.
class CountingProgress final : public base::Progress {
 public:
  explicit CountingProgress(std::uint64_t stop_after) : stop_after_(stop_after) {}
  void stage(std::string_view, std::uint64_t total) override { total_ = total; }
  void advance(std::uint64_t done) override { done_ += done; }
  [[nodiscard]] bool cancelled() const noexcept override { return done_ >= stop_after_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  std::uint64_t stop_after_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

// The bytes between header and directory are made unreadable: a reader that touches one ends the test with SIGSEGV.
TEST(Container, OpeningTouchesHeaderAndDirectoryOnly) {
  const raw::Bytes bytes = sample_bytes(3'000'000);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memcpy(memory, bytes.data(), bytes.size());
  const std::uint64_t directory_page = raw::directory_at(bytes) / page * page;
  ASSERT_GT(directory_page, page);
  ASSERT_EQ(::mprotect(static_cast<std::byte*>(memory) + page, directory_page - page, PROT_NONE), 0);
  {
    const auto opened = ArtifactReader::open_bytes({static_cast<const std::byte*>(memory), bytes.size()});
    ASSERT_TRUE(opened) << opened.error().describe();
    EXPECT_EQ(opened->find(SectionKind::codes)->length, 3'000'000u);
  }
  ::munmap(memory, bytes.size());
}

TEST(Container, VerificationReportsAndStops) {
  const raw::Bytes bytes = sample_bytes(3'000'000);
  const auto opened = ArtifactReader::open_bytes(bytes);
  ASSERT_TRUE(opened);
  base::ThreadPool pool(2);
  CountingProgress whole(UINT64_MAX);
  ATTAR_ASSERT_OK(opened->verify_all(&pool, &whole));
  EXPECT_EQ(whole.done(), whole.total());
  EXPECT_GT(whole.total(), 3'000'000u);
  CountingProgress stopped(1'000'000);
  const Status status = opened->verify_all(nullptr, &stopped);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::cancelled);
  EXPECT_LT(stopped.done(), 3'000'000u);
}

}  // namespace
}  // namespace attar::format
