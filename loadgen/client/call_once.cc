#include "loadgen/client/call_once.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "loadgen/client/call.h"
#include "loadgen/client/call_client.h"

namespace weir {
namespace {

// A call that is waited for.
class LoneCall final : public Call {
 public:
  void OnMessage(absl::string_view message) override { response_ = std::string(message); }
  void OnEnd(const absl::Status& status) override { status_ = status; }

  bool ended() const { return status_.has_value(); }
  absl::StatusOr<std::string> Result() && {
    if (!status_->ok()) return *status_;
    return std::move(response_);
  }

 private:
  std::string response_;
  std::optional<absl::Status> status_;
};

}  // namespace

absl::StatusOr<std::string> CallOnce(const std::string& address, const std::string& path,
                                     absl::string_view message, absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  const CallMethod method = {.path = path, .metadata = {}};
  LoneCall call;
  CallClient client;
  WEIR_ASSIGN_OR_RETURN(const int target, client.AddTarget(address, /*connections=*/1, timeout));
  client.Start(target, method, message, deadline, call);
  while (!call.ended()) client.Poll(absl::InfiniteFuture());
  return std::move(call).Result();
}

}  // namespace weir
