#include "index/lexical/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/leb128.h"
#include "index/lexical/builder.h"

namespace attar::index::lexical {
namespace {

constexpr unsigned number_bytes = 5;

// A number of 32 bits.
Result<std::uint32_t> read_number(base::ByteReader& in) {
  ATTAR_ASSIGN(const std::uint64_t value, base::read_leb128(in, number_bytes));
  if (value > 0xffff'ffffu) return fail(ErrorCode::corrupt, "a number of a term's entry is too large");
  return static_cast<std::uint32_t>(value);
}

// Kept's value, made once.
template <class Kept, class Make>
auto kept(Kept& place, const Make& make)
    -> Result<std::add_pointer_t<std::add_const_t<typename std::decay_t<decltype(*place.value)>::value_type>>> {
  std::call_once(place.once, [&] { place.value.emplace(make()); });
  if (!*place.value) return std::unexpected(place.value->error());
  return &**place.value;
}

}  // namespace

Result<LexicalIndex> LexicalIndex::open(format::SectionReader lexical, format::SectionReader terms,
                                        std::uint64_t documents) {
  ATTAR_TRY(lexical.expect_version(wire_version));
  LexicalIndex out(std::move(lexical));
  ATTAR_ASSIGN(out.header_, Header::read(out.section_));
  ATTAR_ASSIGN(out.layout_, Layout::of(out.header_));
  const std::uint64_t size = out.section_.bytes().size();
  if (out.header_.documents != documents)
    return out.section_.fail(ErrorCode::corrupt,
                             fmt::format("{} documents, the artifact has {} rows", out.header_.documents, documents));
  if (size != out.layout_.bytes)
    return out.section_.fail(size < out.layout_.bytes ? ErrorCode::truncated : ErrorCode::corrupt,
                             fmt::format("{} bytes where {} belong", size, out.layout_.bytes));
  ATTAR_ASSIGN(out.names_, format::IdsReader::open(std::move(terms), out.header_.terms));
  return out;
}

Result<const LexicalIndex::Lengths*> LexicalIndex::lengths() const {
  return kept(*lengths_, [this]() -> Result<Lengths> {
    ATTAR_TRY(section_.verify(layout_.codes, header_.documents));
    const auto* codes = reinterpret_cast<const std::uint8_t*>(section_.bytes().data() + layout_.codes);
    return Lengths{{codes, header_.documents},
                   Impacts(header_.parameters, mean_length(header_.total_length, header_.documents))};
  });
}

Result<const std::vector<std::string>*> LexicalIndex::first_names() const {
  return kept(*first_names_, [this]() -> Result<std::vector<std::string>> {
    std::vector<std::string> out;
    for (std::uint64_t term = 0; term < header_.terms; term += group_terms) {
      ATTAR_ASSIGN(auto name, names_->id(term));
      out.push_back(std::move(name));
    }
    return out;
  });
}

Result<std::optional<Term>> LexicalIndex::find(std::string_view term) const {
  ATTAR_ASSIGN(const auto* const firsts, first_names());
  const auto after = std::upper_bound(firsts->begin(), firsts->end(), term);
  if (after == firsts->begin()) return std::nullopt;
  const std::uint64_t first = static_cast<std::uint64_t>(after - firsts->begin() - 1) * group_terms;
  ATTAR_ASSIGN(const auto names, names_->ids(first, std::min<std::uint64_t>(group_terms, header_.terms - first)));
  const auto found = std::lower_bound(names.begin(), names.end(), term);
  if (found == names.end() || *found != term) return std::nullopt;
  ATTAR_ASSIGN(const Term out, entry(first + static_cast<std::uint64_t>(found - names.begin())));
  return out;
}

// A term's entry, by those before it in its group.
Result<Term> LexicalIndex::entry(std::uint64_t term) const {
  const std::uint64_t place = layout_.index + 16 * (term / group_terms);
  ATTAR_TRY(section_.verify(place, 16));
  const std::byte* bytes = section_.bytes().data();
  const auto entries = base::load<std::uint64_t>(bytes + place);
  auto list = base::load<std::uint64_t>(bytes + place + 8);
  if (entries > header_.entry_bytes || list > header_.list_bytes)
    return section_.fail(ErrorCode::corrupt, "an entry of its index points outside", place);
  const std::uint64_t most = std::min(header_.entry_bytes - entries, group_terms * 10);
  ATTAR_TRY(section_.verify(layout_.entries + entries, most));
  base::ByteReader in(section_.bytes().subspan(layout_.entries + entries, most));
  for (std::uint64_t i = term / group_terms * group_terms;; ++i) {
    const auto holding = read_number(in), size = holding ? read_number(in) : holding;
    if (!size || *size > header_.list_bytes - list)
      return section_.fail(ErrorCode::corrupt, fmt::format("the entry of term {} cannot be read", i), place);
    if (i == term)
      return Term{static_cast<std::uint32_t>(term), *holding, section_.bytes().subspan(layout_.lists + list, *size)};
    list += *size;
  }
}

Status LexicalIndex::read(const Term& term, List& out) const {
  const auto at = static_cast<std::uint64_t>(term.list.data() - section_.bytes().data());
  ATTAR_TRY(section_.verify(at, term.list.size()));
  ATTAR_ASSIGN(const auto* const known, lengths());
  if (const Status status = out.read(term.list, term.holding, known->codes, known->impacts); !status)
    return section_.fail(status.error().code, fmt::format("term {}: {}", term.number, status.error().message), at);
  return {};
}

Status LexicalIndex::check() const {
  ATTAR_TRY(section_.verify_all());
  ATTAR_TRY(names_->check());
  std::string before;
  std::uint64_t lists = 0;
  for (std::uint64_t first = 0; first < header_.terms; first += group_terms) {
    ATTAR_ASSIGN(const auto names, names_->ids(first, std::min<std::uint64_t>(group_terms, header_.terms - first)));
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (first + i != 0 && names[i] <= before)
        return section_.fail(ErrorCode::corrupt, fmt::format("term {} is out of order", first + i));
      before = names[i];
      ATTAR_ASSIGN(const Term term, entry(first + i));
      ATTAR_TRY(check_list(term));
      lists += term.list.size();
    }
  }
  if (lists != header_.list_bytes) return section_.fail(ErrorCode::corrupt, "bytes lie between the lists");
  return {};
}

Status LexicalIndex::check_list(const Term& term) const {
  List list;
  ATTAR_TRY(read(term, list));
  ATTAR_ASSIGN(const auto* const known, lengths());
  for (std::size_t i = 0; i < list.blocks().size(); ++i) {
    const ListBlock& block = list.blocks()[i];
    std::uint8_t largest = 0;
    const bool sound = list.each(i, [&](std::uint32_t place, std::uint32_t count) {
      largest = std::max(largest, known->impacts.of(known->codes[block.block * block_documents + place], count));
    });
    if (!sound || largest != block.largest)
      return section_.fail(ErrorCode::corrupt,
                           fmt::format("block {} of term {} contradicts itself", block.block, term.number));
  }
  return {};
}

}  // namespace attar::index::lexical
