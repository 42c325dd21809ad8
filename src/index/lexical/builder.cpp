#include "index/lexical/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/leb128.h"
#include "format/ids.h"
#include "index/lexical/layout.h"
#include "index/lexical/postings.h"

namespace attar::index::lexical {
Result<std::uint32_t> Builder::number_of(std::string_view term) {
  if (const auto found = numbers_.find(term); found != numbers_.end()) return found->second;
  if (term.size() > most_term_bytes)
    return fail(ErrorCode::over_limit,
                fmt::format("a term has {} bytes, at most {} are taken", term.size(), most_term_bytes));
  const auto next = static_cast<std::uint32_t>(numbers_.size());
  numbers_.emplace(term, next);
  return next;
}

Status Builder::add(std::span<const std::string_view> terms) {
  if (lengths_.size() == most_documents)
    return fail(ErrorCode::over_limit, fmt::format("more than {} documents", most_documents));
  present_.clear();
  for (const std::string_view term : terms) {
    ATTAR_ASSIGN(const std::uint32_t number, number_of(term));
    present_.push_back(number);
  }
  std::sort(present_.begin(), present_.end());
  const std::uint32_t document = documents();
  for (std::size_t i = 0; i < present_.size();) {
    const auto end =
        static_cast<std::size_t>(std::upper_bound(present_.begin(), present_.end(), present_[i]) - present_.begin());
    terms_.push_back(present_[i]);
    in_.push_back(document);
    counts_.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(end - i, most_count)));
    i = end;
  }
  lengths_.push_back(terms.size());
  return {};
}

Result<Sections> Builder::finish() const {
  if (lengths_.empty()) return fail(ErrorCode::invalid_data, "there is no document to index");
  const std::uint64_t total = std::accumulate(lengths_.begin(), lengths_.end(), std::uint64_t{0});
  std::vector<std::uint8_t> codes;
  for (const std::uint64_t length : lengths_) codes.push_back(length_code(length));
  const Impacts impacts(parameters_, mean_length(total, documents()));

  std::vector<const std::string*> names(numbers_.size());
  for (const auto& [name, number] : numbers_) names[number] = &name;
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return *names[a] < *names[b]; });

  // Where each term's postings go, in the order of documents.
  std::vector<std::size_t> ends(names.size() + 1);
  for (const std::uint32_t term : terms_) ++ends[term + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<Posting> postings(terms_.size());
  std::vector<std::size_t> next(ends.begin(), ends.end() - 1);
  for (std::size_t i = 0; i < terms_.size(); ++i) postings[next[terms_[i]]++] = {in_[i], counts_[i]};

  base::ByteWriter index, entries, lists;
  base::MemorySink dictionary;
  format::IdsWriter strings(dictionary);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i % group_terms == 0) {
      index.write<std::uint64_t>(entries.size());
      index.write<std::uint64_t>(lists.size());
    }
    const std::uint32_t term = order[i];
    const auto own = std::span(postings).subspan(ends[term], ends[term + 1] - ends[term]);
    const std::vector<std::byte> list = encode_list(own, codes, impacts);
    base::write_leb128(entries, own.size());
    base::write_leb128(entries, list.size());
    lists.write_bytes(list);
    ATTAR_TRY(strings.append(*names[term]));
  }
  ATTAR_TRY(strings.finish());

  base::ByteWriter out;
  const Header header{.documents = documents(),
                      .terms = static_cast<std::uint32_t>(order.size()),
                      .parameters = parameters_,
                      .total_length = total,
                      .list_bytes = lists.size(),
                      .entry_bytes = entries.size()};
  header.write(out);
  out.write_array<std::uint8_t>(codes);
  out.pad_to(8);
  out.write_bytes(index.bytes());
  out.write_bytes(entries.bytes());
  out.pad_to(8);
  out.write_bytes(lists.bytes());
  out.pad_to(8);
  return Sections{std::move(out).release(), std::move(dictionary).release()};
}

}  // namespace attar::index::lexical
