// A traffic for tests: it sends what it is told and writes down what becomes of it.
#ifndef WEIR_LOADGEN_LOAD_RECORDED_TRAFFIC_H_
#define WEIR_LOADGEN_LOAD_RECORDED_TRAFFIC_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/load/traffic.h"

namespace weir {

class RecordedTraffic : public Traffic {
 public:
  struct Sent {
    absl::Time due, sent;
    uint64_t tag = 0;
  };
  struct Ended {
    absl::Time due, now;
    uint64_t tag = 0;
    absl::Status status;
    std::string response;
  };

  // `next` chooses the n-th shot, from 0, whose tag is n.
  explicit RecordedTraffic(std::function<Shot(uint64_t n)> next) : next_(std::move(next)) {}

  Shot Next(absl::Time /*due*/) override {
    Shot shot = next_(shots_);
    shot.tag = shots_++;
    return shot;
  }

  void OnSent(const Shot& shot, absl::Time due, absl::Time at) override {
    sent.push_back({due, at, shot.tag});
  }

  void OnEnd(const Shot& shot, absl::Time due, absl::Time now, const absl::Status& status,
             absl::string_view response) override {
    ended.push_back({due, now, shot.tag, status, std::string(response)});
    if (on_end) on_end();
  }

  std::vector<Sent> sent;
  std::vector<Ended> ended;
  std::function<void()> on_end;

 private:
  const std::function<Shot(uint64_t n)> next_;
  uint64_t shots_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_RECORDED_TRAFFIC_H_
