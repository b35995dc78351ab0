// What BatchQueue is to decide, written to be obviously right: every call looks at everything.
#ifndef WEIR_SERVER_BATCHING_SLOW_QUEUE_H_
#define WEIR_SERVER_BATCHING_SLOW_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/batching/batch_cost.h"
#include "server/batching/batch_queue.h"
#include "server/batching/batch_room.h"
#include "server/model/model_settings.h"

namespace weir {

class SlowQueue {
 public:
  struct Request {
    int id = 0;
    int shape = 0;
    int64_t rows = 1;
    uint32_t priority = 0;
    absl::Time deadline;
  };

  struct Cut {
    std::vector<int> batch;
    std::vector<std::pair<int, Refusal>> refused;
  };

  SlowQueue(const BatchingSettings& settings, int64_t max_batch_rows,
            std::function<bool(int)> is_cancelled)
      : settings_(settings),
        has_rows_(max_batch_rows > 0),
        largest_(!has_rows_                        ? 1
                 : settings.preferred_rows.empty() ? max_batch_rows
                                                   : settings.preferred_rows.back()),
        is_cancelled_(std::move(is_cancelled)) {}

  std::optional<Refusal> Push(const Request& request, absl::Time now, const BatchCost& cost,
                              const BatchQueue::Outlook& outlook) {
    ++pushes_since_search_;
    if (request.deadline <= now) return Refusal::kExpired;
    if (is_cancelled_(request.id)) return Refusal::kCancelled;
    Settle(now);
    Item item{.request = request, .arrival = next_arrival_++};
    const size_t levels = settings_.levels.size();
    item.level = (request.priority == 0 ? settings_.default_level : request.priority) - 1;
    item.level = std::min(item.level, levels - 1);
    if (IsFull(item)) {
      if (pushes_since_search_ >= items_.size()) {
        pushes_since_search_ = 0;
        Refuse(Refusal::kCancelled,
               [this](const Item& item) { return is_cancelled_(item.request.id); });
      }
      if (IsFull(item)) return Refusal::kQueueFull;
    }

    int64_t ahead = 0;
    for (const Item& other : items_) {
      if (RankOf(other) <= item.level) ahead += other.request.rows;
    }
    int64_t batches = ahead / largest_;
    int64_t own = ahead % largest_ + request.rows;
    if (ahead % largest_ > 0 && own > largest_) ++batches;
    if (own > largest_) own = request.rows;
    if (batches > 0) own = std::max(own, largest_);
    double needed_ns = cost.EstimateNs(own);
    const bool is_known = needed_ns > 0;
    needed_ns += absl::ToDoubleNanoseconds(std::max(outlook.next_free - now, absl::ZeroDuration()));
    needed_ns += static_cast<double>(batches) / outlook.parallel * cost.EstimateNs(largest_);
    if (is_known && !IsInTime(needed_ns, request.deadline - now)) {
      item.is_probe = items_.empty() && outlook.next_free <= now && now >= next_probe_ &&
                      IsInTime(cost.AtBestNs(request.rows), request.deadline - now);
      if (!item.is_probe) return Refusal::kUnreachableDeadline;
      next_probe_ = now + 10 * cost.Estimate(request.rows);
    }

    const QueueLevel& level = settings_.levels[item.level];
    item.timeout = now + level.default_timeout;
    absl::Duration spare_time = request.deadline - cost.Estimate(largest_) - now;
    if (!level.delay_on_timeout) spare_time = std::min(spare_time, level.default_timeout);
    spare_time = std::max(spare_time, absl::ZeroDuration());
    item.waits_until = now + std::min(settings_.max_delay, spare_time / 2);
    items_.push_back(item);
    return std::nullopt;
  }

  Cut Next(absl::Time now, const BatchCost& cost, int64_t max_rows) {
    Settle(now);
    Cut cut;
    while (cut.batch.empty()) {
      const std::vector<Item> order = Order();
      const auto head = std::find_if(order.begin(), order.end(), [&](const Item& item) {
        return ReadyTime(Group(order, item)) <= now;
      });
      if (head == order.end()) break;
      cut.batch = Take(Group(order, *head), now, cost, std::clamp<int64_t>(max_rows, 1, largest_));
    }
    cut.refused.swap(refused_);
    return cut;
  }

  absl::Time ReadyAt(absl::Time now) const {
    if (!refused_.empty()) return now;
    const std::vector<Item> order = Order();
    absl::Time ready = absl::InfiniteFuture();
    for (const Item& item : order) ready = std::min(ready, ReadyTime(Group(order, item)));
    return std::max(ready, now);
  }

  int64_t queued_rows() const { return Rows(items_); }

 private:
  struct Item {
    Request request;
    uint64_t arrival = 0;
    size_t level = 0;
    absl::Time timeout;
    absl::Time waits_until;
    bool is_probe = false;
  };

  static int64_t Rows(const std::vector<Item>& items) {
    int64_t rows = 0;
    for (const Item& item : items) rows += item.request.rows;
    return rows;
  }

  bool IsDelayed(const Item& item) const {
    return settings_.levels[item.level].delay_on_timeout && item.timeout <= settled_;
  }

  size_t RankOf(const Item& item) const {
    return IsDelayed(item) ? settings_.levels.size() : item.level;
  }

  std::vector<Item> Order() const {
    const auto key = [this](const Item& item) {
      return std::tuple(RankOf(item), IsDelayed(item) ? item.timeout : absl::InfinitePast(),
                        item.arrival);
    };
    std::vector<Item> order = items_;
    std::sort(order.begin(), order.end(),
              [&key](const Item& a, const Item& b) { return key(a) < key(b); });
    return order;
  }

  // Those that may be in one batch with `member`.
  std::vector<Item> Group(const std::vector<Item>& order, const Item& member) const {
    std::vector<Item> group;
    for (const Item& item : order) {
      if (!has_rows_ || item.request.shape == member.request.shape) group.push_back(item);
    }
    return group;
  }

  bool IsPreferred(int64_t rows) const {
    return std::count(settings_.preferred_rows.begin(), settings_.preferred_rows.end(), rows) > 0;
  }

  absl::Time ReadyTime(const std::vector<Item>& group) const {
    if (settings_.max_delay == absl::ZeroDuration()) return absl::InfinitePast();
    absl::Time ready = absl::InfiniteFuture();
    int64_t rows = 0;
    for (const Item& item : group) {
      rows += item.request.rows;
      if (IsPreferred(rows) || rows >= largest_) return absl::InfinitePast();
      ready = std::min(ready, item.waits_until);
    }
    return ready;
  }

  bool IsFull(const Item& item) const {
    int64_t rows = 0;
    for (const Item& other : items_) rows += other.level == item.level ? other.request.rows : 0;
    const int64_t bound = settings_.levels[item.level].max_rows;
    return rows > 0 && rows + item.request.rows > (bound == 0 ? kDefaultQueueRows : bound);
  }

  void Settle(absl::Time now) {
    settled_ = now;
    Refuse(Refusal::kExpired, [this, now](const Item& item) {
      return item.request.deadline <= now ||
             (item.timeout <= now && !settings_.levels[item.level].delay_on_timeout);
    });
  }

  void Refuse(Refusal why, const std::function<bool(const Item&)>& which) {
    for (const Item& item : items_) {
      if (which(item)) refused_.emplace_back(item.request.id, why);
    }
    items_.erase(std::remove_if(items_.begin(), items_.end(), which), items_.end());
  }

  void Remove(int id) {
    items_.erase(std::find_if(items_.begin(), items_.end(),
                              [id](const Item& item) { return item.request.id == id; }));
  }

  std::vector<int> Take(const std::vector<Item>& group, absl::Time now, const BatchCost& cost,
                        int64_t full) {
    std::vector<int> batch;
    size_t preferred = 0;
    int64_t waiting = Rows(group);
    int64_t most = full;
    int64_t rows = 0;
    const auto is_efficient = [&](int64_t size) {
      return size >= full ||
             static_cast<double>(size) * cost.Estimate(full) >=
                 (1 - kPredictionMargin) * static_cast<double>(full) * cost.Estimate(size);
    };
    for (const Item& item : group) {
      const int64_t own = item.request.rows;
      const auto refuse = [&](Refusal why) {
        refused_.emplace_back(item.request.id, why);
        Remove(item.request.id);
        waiting -= own;
      };
      if (rows >= most) break;
      if (is_cancelled_(item.request.id)) {
        refuse(Refusal::kCancelled);
        continue;
      }
      if (rows > 0 && rows + own > most) break;
      const bool crowded = waiting >= full;
      const absl::Duration left = item.request.deadline - now;
      const auto in_time = [&](int64_t size) {
        return item.is_probe || cost.Estimate(size) <= (crowded ? WithoutMargin(left) : left);
      };
      if (!in_time(own)) {
        refuse(Refusal::kUnreachableDeadline);
        continue;
      }
      int64_t allowed = own;  // The largest batch that is in time for it.
      while (allowed < most && in_time(allowed + 1)) ++allowed;
      const bool joins = rows + own <= allowed;
      if (allowed < most && crowded && !is_efficient(joins ? allowed : rows)) {
        refuse(Refusal::kUnreachableDeadline);
        continue;
      }
      if (!joins) break;
      most = std::min(most, allowed);
      rows += own;
      batch.push_back(item.request.id);
      if (IsPreferred(rows)) preferred = batch.size();
    }
    if (preferred > 0) batch.resize(preferred);
    for (const int id : batch) Remove(id);
    return batch;
  }

  const BatchingSettings settings_;
  const bool has_rows_;
  const int64_t largest_;
  const std::function<bool(int)> is_cancelled_;
  std::vector<Item> items_;  // In the order of their arrival.
  std::vector<std::pair<int, Refusal>> refused_;
  uint64_t next_arrival_ = 0;
  size_t pushes_since_search_ = 0;
  absl::Time settled_ = absl::InfinitePast();
  absl::Time next_probe_ = absl::InfinitePast();
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_SLOW_QUEUE_H_
