#include "server/batching/fair_share.h"

#include <algorithm>

namespace weir {

FairShare::Member FairShare::Add(double weight) {
  members_[next_member_] = {.weight = weight, .seconds = rejoin_seconds_};
  return next_member_++;
}

void FairShare::Remove(Member member) { members_.erase(member); }

void FairShare::Rejoin(State& state) const {
  if (!state.waiting) state.seconds = std::max(state.seconds, rejoin_seconds_);
}

void FairShare::SetWaiting(Member member, bool waiting) {
  State& state = members_.at(member);
  if (waiting) Rejoin(state);
  state.waiting = waiting;
}

void FairShare::Charge(Member member, absl::Duration busy) {
  State& state = members_.at(member);
  if (busy > absl::ZeroDuration()) {
    Rejoin(state);  // It may run without ever having waited.
    double least = state.seconds;
    for (const auto& [other, waits] : members_) {
      if (waits.waiting) least = std::min(least, waits.seconds);
    }
    rejoin_seconds_ = std::max(rejoin_seconds_, least);
  }
  state.seconds += absl::ToDoubleSeconds(busy) / state.weight;
}

std::optional<FairShare::Member> FairShare::Next() const {
  std::optional<Member> first;
  double least = 0;
  for (const auto& [member, state] : members_) {
    if (!state.waiting || (first && state.seconds >= least)) continue;
    first = member;
    least = state.seconds;
  }
  return first;
}

bool FairShare::MayGoAhead(Member member, absl::Duration slack) const {
  const double latest = members_.at(member).seconds - absl::ToDoubleSeconds(slack);
  return std::none_of(members_.begin(), members_.end(), [&](const auto& other) {
    return other.first != member && other.second.waiting && other.second.seconds < latest;
  });
}

double FairShare::Share(Member member) const {
  const double weight = members_.at(member).weight;
  double total = weight;
  for (const auto& [other, state] : members_) {
    if (other != member && state.waiting) total += state.weight;
  }
  return weight / total;
}

}  // namespace weir
