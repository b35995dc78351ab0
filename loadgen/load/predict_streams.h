// Requests as messages of PredictStream calls: many on one call, each answered on its own.
#ifndef WEIR_LOADGEN_LOAD_PREDICT_STREAMS_H_
#define WEIR_LOADGEN_LOAD_PREDICT_STREAMS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call_client.h"
#include "loadgen/load/stream_answer.h"
#include "loadgen/load/traffic.h"

namespace weir {

// A request that was sent.
struct SentRequest {
  Shot shot;
  absl::Time due;
  Traffic* traffic = nullptr;
};

// Used by one thread.
class PredictStreams {
 public:
  // Called in CallClient::Poll, Expire and Cancel, once for each request.
  using OnEnd = std::function<void(const SentRequest& request, const absl::Status& status,
                                   absl::string_view response)>;

  // `client` must outlive this object.
  PredictStreams(CallClient& client, OnEnd on_end);
  ~PredictStreams();  // Requires that no call is open.
  PredictStreams(const PredictStreams&) = delete;
  PredictStreams& operator=(const PredictStreams&) = delete;

  // Sends `request` on the next call of its target and method whose connection stands, with a
  // request_id by which its answer is found, and with what is left of its timeout.
  void Send(const SentRequest& request, absl::Time now);

  // Ends requests whose time has passed. What the server has not begun to read is not sent.
  void Expire(absl::Time now);
  absl::Time next_deadline() const;

  // Tells the servers that no more requests come. Nothing is sent until all calls have ended.
  void Finish();

  // Ends all requests with CANCELLED, and calls in the next Poll.
  void Cancel();

  int open_requests() const { return static_cast<int>(slots_.size() - free_slots_.size()); }
  int open_calls() const { return open_calls_; }

 private:
  class Stream;

  // A place for a request in flight. An id is its index and generation, so that a late answer is
  // not taken for that to the next request in the same place.
  struct Slot {
    SentRequest request;
    absl::Time deadline;
    Stream* stream = nullptr;  // Null if the place is free.
    int64_t message = 0;       // Its number on the stream.
    uint32_t generation = 0;
  };

  // The calls of one target and method, by connection.
  struct Lane {
    std::vector<std::unique_ptr<Stream>> streams;
    size_t next = 0;
  };

  Stream& NextStream(const Shot& shot);
  void OnAnswer(const Stream& stream, const StreamAnswer& answer);
  void End(uint32_t index, const absl::Status& status, absl::string_view response);
  void EndAllOf(const Stream& stream, const absl::Status& status);

  CallClient& client_;
  const OnEnd on_end_;
  std::map<std::pair<int, const CallMethod*>, Lane> lanes_;
  int open_calls_ = 0;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::set<std::pair<absl::Time, uint32_t>> deadlines_;  // Of taken slots.
  std::string message_;                                  // Of Send; keeps its memory.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_PREDICT_STREAMS_H_
