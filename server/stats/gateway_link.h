// A pusher's side of one gateway: the connection, when it is due, what is under way, what it has.
#ifndef WEIR_SERVER_STATS_GATEWAY_LINK_H_
#define WEIR_SERVER_STATS_GATEWAY_LINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"
#include "server/stats/gateway_health.h"
#include "server/stats/orphans.h"
#include "server/stats/push_call.h"
#include "server/stats/push_schedule.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// INVALID_ARGUMENT if `address` is not HOST:PORT.
absl::Status CheckGatewayAddress(absl::string_view address);

// A push as all gateways get it.
struct PushSnapshot {
  uint64_t seq = 0;
  grpc::Slice bytes;  // All but acknowledged_seq, which is a gateway's own.

  // `push` has no acknowledged_seq.
  static PushSnapshot Of(const v1::PushRequest& push);
};

// For one thread.
class GatewayLink {
 public:
  struct Push {
    uint64_t seq = 0;
    uint64_t acknowledged_seq = 0;  // Before it.
    Orphan* orphan = nullptr;       // Null: of this boot.
    bool last = false;              // Of this boot.
  };

  GatewayLink(const std::string& address, const PushSchedule::Options& live, absl::Time now);

  const std::string& address() const { return address_; }
  bool busy() const { return call_ != nullptr; }
  const Push& push() const { return push_; }  // That is under way, or was the last.

  // When it is not busy. `done` is called once, on a thread of gRPC's.
  void Send(const PushSnapshot& snapshot, const Push& push, absl::Duration deadline,
            PushCall::Done done);

  // If it is busy: makes the answer come soon.
  void Cancel();

  // The answer has come: it is not busy any more. What became of the push; CANCELLED if it failed
  // because of Cancel. `max_seq` is the largest that the push's boot has handed out.
  absl::Status Take(const grpc::Status& status, const grpc::ByteBuffer& response, uint64_t max_seq);

  // How a push of this boot ended.
  void Succeeded(absl::Time now);
  void Failed(const absl::Status& why, absl::Time now, double draw);

  PushSchedule live;     // For what this boot counts.
  PushSchedule orphans;  // For what earlier ones did.
  uint64_t acknowledged_seq = 0;
  bool has_last = false;      // The last push of this boot.
  bool refused_last = false;  // It will refuse it again.

 private:
  const std::string address_;
  std::unique_ptr<grpc::GenericStub> stub_;
  GatewayHealth health_;
  std::shared_ptr<PushCall> call_;
  Push push_;
  bool cancelled_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_GATEWAY_LINK_H_
