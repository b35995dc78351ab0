#include "tests/alerts/history.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "google/protobuf/struct.pb.h"
#include "tests/faults/http_get.h"
#include "tests/faults/json.h"

namespace weir {
namespace {

using google::protobuf::Value;

constexpr absl::Duration kTimeout = absl::Seconds(10);

std::string Label(const Value& series, const std::string& name) {
  return JsonField(JsonField(series, "metric"), name).string_value();
}

AlertId IdOf(const Value& series) {
  const std::string model = Label(series, "model");
  return {Label(series, "alertname"), model.empty() ? Label(series, "replica") : model};
}

// Samples are lists of a time and a value.
absl::Time FirstSample(const Value& series, absl::Time since) {
  for (const Value& sample : JsonField(series, "values").list_value().values()) {
    const absl::Time time =
        absl::UnixEpoch() + absl::Seconds(sample.list_value().values(0).number_value());
    if (time >= since) return time;
  }
  return absl::InfiniteFuture();
}

}  // namespace

absl::StatusOr<std::map<AlertId, AlertTimes>> AlertHistory(int port, absl::Time since) {
  const int64_t ms = absl::ToInt64Milliseconds(absl::Now() - since) + 1000;
  WEIR_ASSIGN_OR_RETURN(
      const std::string body,
      HttpGet(port,
              absl::StrCat("/api/v1/query?query=", UrlEncoded(absl::StrCat("ALERTS[", ms, "ms]"))),
              kTimeout));
  WEIR_ASSIGN_OR_RETURN(const Value answer, ParseJson(body));
  std::map<AlertId, AlertTimes> history;
  for (const Value& series : JsonField(JsonField(answer, "data"), "result").list_value().values()) {
    const absl::Time first = FirstSample(series, since);
    if (first == absl::InfiniteFuture()) continue;
    AlertTimes& times = history[IdOf(series)];
    absl::Time& time = Label(series, "alertstate") == "firing" ? times.firing : times.pending;
    time = std::min(time, first);
  }
  return history;
}

}  // namespace weir
