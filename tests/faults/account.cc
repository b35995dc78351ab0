#include "tests/faults/account.h"

#include "absl/strings/str_cat.h"

namespace weir {

std::string Discrepancy::Text() const {
  return absl::StrCat(what, ": counted ", counted, ", expected ",
                      expected.low == expected.high
                          ? absl::StrCat(expected.low)
                          : absl::StrCat(expected.low, " to ", expected.high),
                      lost() > 0 ? absl::StrCat(", lost ", lost()) : "",
                      doubled() > 0 ? absl::StrCat(", too many by ", doubled()) : "");
}

void Account::Expect(const Selector& selector, Bounds more) {
  Entry& entry = entries_[selector.Text()];
  entry.selector = selector;
  entry.bounds.low += more.low;
  entry.bounds.high += more.high;
}

void Account::Merge(const Account& other) {
  for (const auto& [text, entry] : other.entries_) Expect(entry.selector, entry.bounds);
}

std::optional<Bounds> Account::Expected(const Selector& selector) const {
  const auto found = entries_.find(selector.Text());
  if (found == entries_.end()) return std::nullopt;
  return found->second.bounds;
}

std::vector<Discrepancy> Account::Check(const Counted& counted) const {
  std::vector<Discrepancy> discrepancies;
  for (const auto& [text, entry] : entries_) {
    const double count = counted(entry.selector).value_or(0);
    if (count < entry.bounds.low || count > entry.bounds.high) {
      discrepancies.push_back({text, entry.bounds, count});
    }
  }
  return discrepancies;
}

std::vector<Discrepancy> Account::Check(const Scrape& before, const Scrape& after) const {
  return Check([&](const Selector& selector) {
    return after.Sum(selector).value_or(0) - before.Sum(selector).value_or(0);
  });
}

}  // namespace weir
