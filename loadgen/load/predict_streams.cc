#include "loadgen/load/predict_streams.h"

#include <utility>

#include "absl/status/statusor.h"

namespace weir {

// One call. Opened again when it is needed after its end.
class PredictStreams::Stream : public Call {
 public:
  Stream(PredictStreams& streams, int target, int connection, const CallMethod& method)
      : streams_(streams), target_(target), connection_(connection), method_(method) {}

  bool open() const { return open_; }

  // The message's number.
  int64_t Send(absl::string_view message) {
    if (!open_) {
      open_ = true;
      ++streams_.open_calls_;
      streams_.client_.StartStream(target_, connection_, method_, *this);
    }
    return streams_.client_.SendMessage(*this, message);
  }

  void Drop(int64_t message) { streams_.client_.DropMessage(*this, message); }

  void Finish() { streams_.client_.EndMessages(*this); }
  void Cancel() { streams_.client_.Cancel(*this); }

  void OnMessage(absl::string_view message) override {
    if (!broken_.ok()) return;
    const absl::StatusOr<StreamAnswer> answer = ParseStreamAnswer(message);
    if (answer.ok()) {
      streams_.OnAnswer(*this, *answer);
    } else {
      // Who knows which request that was to answer, and what comes next.
      broken_ = answer.status();
      Cancel();
    }
  }

  void OnEnd(const absl::Status& status) override {
    open_ = false;
    --streams_.open_calls_;
    if (!broken_.ok()) {
      streams_.EndAllOf(*this, std::exchange(broken_, absl::OkStatus()));
    } else if (status.ok()) {
      streams_.EndAllOf(*this,
                        ClientError(absl::StatusCode::kUnavailable,
                                    "the server ended the stream without an answer to this"));
    } else {
      streams_.EndAllOf(*this, status);
    }
  }

 private:
  PredictStreams& streams_;
  const int target_;
  const int connection_;
  const CallMethod& method_;
  bool open_ = false;
  absl::Status broken_;  // What was wrong with an answer, until the call has ended.
};

PredictStreams::PredictStreams(CallClient& client, OnEnd on_end)
    : client_(client), on_end_(std::move(on_end)) {}

PredictStreams::~PredictStreams() = default;

void PredictStreams::Send(const SentRequest& request, absl::Time now) {
  uint32_t index = 0;
  if (free_slots_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.request = request;
  slot.deadline = request.due + request.shot.timeout;
  slot.stream = &NextStream(request.shot);
  deadlines_.emplace(slot.deadline, index);
  message_.assign(request.shot.message.data(), request.shot.message.size());
  AppendRequestFields(uint64_t{slot.generation} << 32 | index, slot.deadline - now, message_);
  slot.message = slot.stream->Send(message_);
}

PredictStreams::Stream& PredictStreams::NextStream(const Shot& shot) {
  Lane& lane = lanes_[{shot.target, shot.method}];
  if (lane.streams.empty()) {
    for (int i = 0; i < client_.connections(shot.target); ++i) {
      lane.streams.push_back(std::make_unique<Stream>(*this, shot.target, i, *shot.method));
    }
  }
  // Where no connection stands, any of them says why.
  for (size_t i = 0; i < lane.streams.size(); ++i) {
    lane.next = (lane.next + 1) % lane.streams.size();
    if (client_.connected(shot.target, static_cast<int>(lane.next))) break;
  }
  return *lane.streams[lane.next];
}

void PredictStreams::Expire(absl::Time now) {
  while (next_deadline() <= now) {
    const uint32_t index = deadlines_.begin()->second;
    slots_[index].stream->Drop(slots_[index].message);
    End(index, ClientError(absl::StatusCode::kDeadlineExceeded, "no answer came in time"), "");
  }
}

absl::Time PredictStreams::next_deadline() const {
  return deadlines_.empty() ? absl::InfiniteFuture() : deadlines_.begin()->first;
}

void PredictStreams::Finish() {
  for (const auto& [key, lane] : lanes_) {
    for (const auto& stream : lane.streams) {
      if (stream->open()) stream->Finish();
    }
  }
}

void PredictStreams::Cancel() {
  while (!deadlines_.empty()) {
    End(deadlines_.begin()->second,
        ClientError(absl::StatusCode::kCancelled, "the load ended before the answer came"), "");
  }
  for (const auto& [key, lane] : lanes_) {
    for (const auto& stream : lane.streams) {
      if (stream->open()) stream->Cancel();
    }
  }
}

void PredictStreams::OnAnswer(const Stream& stream, const StreamAnswer& answer) {
  const auto index = static_cast<uint32_t>(answer.id);
  const auto generation = static_cast<uint32_t>(answer.id >> 32);
  if (index >= slots_.size()) return;
  const Slot& slot = slots_[index];
  // Else it is late, and what it answers has ended.
  if (slot.stream == &stream && slot.generation == generation) {
    End(index, answer.status, answer.response);
  }
}

void PredictStreams::End(uint32_t index, const absl::Status& status, absl::string_view response) {
  Slot& slot = slots_[index];
  const SentRequest request = slot.request;
  deadlines_.erase({slot.deadline, index});
  slot.stream = nullptr;
  ++slot.generation;
  free_slots_.push_back(index);
  on_end_(request, status, response);
}

void PredictStreams::EndAllOf(const Stream& stream, const absl::Status& status) {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].stream == &stream) End(index, status, "");
  }
}

}  // namespace weir
