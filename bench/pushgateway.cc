#include "bench/pushgateway.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "bench/http_connection.h"
#include "bench/process_usage.h"

namespace weir {
namespace {

constexpr absl::string_view kListening = "msg=\"Listening on\" address=";

absl::Status PushOne(HttpConnection& connection, PushSource& source) {
  WEIR_ASSIGN_OR_RETURN(
      const HttpConnection::Response response,
      connection.Put(absl::StrCat("/metrics/job/weir/instance/", source.replica()), source.Text()));
  if (response.status == 200 || response.status == 202) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("Pushgateway refused a push: ", response.status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Pushgateway>> Pushgateway::Start(const Options& options) {
  auto pushgateway = absl::WrapUnique(new Pushgateway(options));
  WEIR_RETURN_IF_ERROR(pushgateway->Run(Check::kConsistency));
  return pushgateway;
}

absl::Status Pushgateway::Run(Check check) {
  std::vector<std::string> command = {
      options_.program, "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle",
      absl::StrCat("--persistence.file=", options_.state_dir, "/pushgateway.data")};
  if (check == Check::kNone) command.push_back("--push.disable-consistency-check");
  process_.emplace(command);
  const std::optional<std::string> line = process_->WaitForLine(kListening);
  if (!line) {
    return absl::UnavailableError(
        absl::StrCat("Pushgateway does not listen:\n", process_->output()));
  }
  address_ = line->substr(line->find(kListening.data()) + kListening.size());
  return absl::OkStatus();
}

absl::Status Pushgateway::Restart(Check check) {
  // It then writes all that it holds to its persistence file. It takes SIGTERM as such a wish too,
  // but not from its start on: it may answer requests while a signal would still kill it.
  {
    WEIR_ASSIGN_OR_RETURN(const auto connection, HttpConnection::Connect(address_));
    WEIR_RETURN_IF_ERROR(connection->Put("/-/quit", "").status());
  }
  if (process_->Wait() != 0) {
    return absl::InternalError(absl::StrCat("Pushgateway does not end:\n", process_->output()));
  }
  return Run(check);
}

absl::Duration Pushgateway::Cpu() const { return ProcessCpu(process_->pid()); }

int64_t Pushgateway::ResidentBytes() const { return ProcessResidentBytes(process_->pid()); }

absl::Status Pushgateway::Fill(absl::Span<const std::unique_ptr<PushSource>> sources) {
  WEIR_RETURN_IF_ERROR(Restart(Check::kNone));
  {
    WEIR_ASSIGN_OR_RETURN(const auto connection, HttpConnection::Connect(address_));
    for (const auto& source : sources) WEIR_RETURN_IF_ERROR(PushOne(*connection, *source));
  }
  return Restart(Check::kConsistency);
}

absl::StatusOr<Pushgateway::Report> Pushgateway::Push(
    absl::Span<const std::unique_ptr<PushSource>> sources, int pushers,
    absl::Duration duration) const {
  struct Pusher {
    absl::Status status;
    double per_second = 0;
    int64_t pushes = 0;
  };
  // Each has its own share of the sources, which are not thread-safe.
  pushers = std::min(pushers, static_cast<int>(sources.size()));
  std::vector<Pusher> all(pushers);
  std::vector<std::thread> threads;
  for (int index = 0; index < pushers; ++index) {
    threads.emplace_back([&, index] {
      Pusher& pusher = all[index];
      auto connection = HttpConnection::Connect(address_);
      if (!connection.ok()) {
        pusher.status = connection.status();
        return;
      }
      const absl::Time begin = MonotonicNow();
      absl::Duration passed;
      for (size_t i = index; passed < duration; i += pushers) {
        if (i >= sources.size()) i = index;
        sources[i]->Serve();
        pusher.status = PushOne(**connection, *sources[i]);
        if (!pusher.status.ok()) return;
        ++pusher.pushes;
        passed = MonotonicNow() - begin;
      }
      pusher.per_second = static_cast<double>(pusher.pushes) / absl::ToDoubleSeconds(passed);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Report report;
  for (const Pusher& pusher : all) {
    WEIR_RETURN_IF_ERROR(pusher.status);
    report.pushes += pusher.pushes;
    report.per_second += pusher.per_second;
  }
  return report;
}

}  // namespace weir
