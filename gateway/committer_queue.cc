#include "gateway/committer_queue.h"

#include <utility>

namespace weir {

bool CommitterQueue::Add(SubmittedPush& push) {
  const auto bytes = static_cast<int64_t>(push.bytes.size());
  if (pushes_ >= limits_.max_pushes || (pushes_ > 0 && bytes_ + bytes > limits_.max_bytes)) {
    return false;
  }
  ++pushes_;
  bytes_ += bytes;
  const BootId boot_id = push.push->boot_id;
  std::deque<SubmittedPush>& pushes = by_boot_[boot_id];
  if (pushes.empty()) order_.push_back(boot_id);
  pushes.push_back(std::move(push));
  return true;
}

std::vector<SubmittedPush> CommitterQueue::TakeRound() {
  std::vector<SubmittedPush> round;
  int64_t round_bytes = 0;
  for (size_t boots = order_.size(); boots > 0; --boots) {
    const auto it = by_boot_.find(order_.front());
    std::deque<SubmittedPush>& pushes = it->second;
    const auto bytes = static_cast<int64_t>(pushes.front().bytes.size());
    if (!round.empty() && round_bytes + bytes > limits_.max_round_bytes) break;
    round_bytes += bytes;
    round.push_back(std::move(pushes.front()));
    pushes.pop_front();
    if (pushes.empty()) {
      by_boot_.erase(it);
    } else {
      order_.push_back(order_.front());
    }
    order_.pop_front();
  }
  pushes_ -= static_cast<int64_t>(round.size());
  bytes_ -= round_bytes;
  return round;
}

void CommitterQueue::PutBack(std::vector<SubmittedPush> pushes) {
  for (size_t i = pushes.size(); i-- > 0;) {
    ++pushes_;
    bytes_ += static_cast<int64_t>(pushes[i].bytes.size());
    const BootId boot_id = pushes[i].push->boot_id;
    std::deque<SubmittedPush>& waiting = by_boot_[boot_id];
    if (waiting.empty()) order_.push_front(boot_id);
    waiting.push_front(std::move(pushes[i]));
  }
}

std::vector<SubmittedPush> CommitterQueue::TakeAll() {
  std::vector<SubmittedPush> all;
  for (auto& [boot_id, pushes] : by_boot_) {
    for (SubmittedPush& push : pushes) all.push_back(std::move(push));
  }
  by_boot_.clear();
  order_.clear();
  pushes_ = 0;
  bytes_ = 0;
  return all;
}

}  // namespace weir
