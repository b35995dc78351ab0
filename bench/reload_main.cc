// weir-bench-reload: what the callers of other models notice while a model is loaded anew.
//
// All processors are busy with one model, whose latency is measured, and a little with another one.
// Of that one a new version appears and goes again, over and over, each time loaded and warmed up
// while it is asked; or nothing changes, in turns.
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/precedence.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/scratch_directory.h"
#include "bench/server_under_test.h"
#include "grpcpp/client_context.h"
#include "loadgen/load/load_client.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/held_out.h"
#include "server/model/model_settings.h"
#include "weir/v1/admin.grpc.pb.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::string, scratch, "/tmp", "Where a directory for a repository that changes is made.");
ABSL_FLAG(std::string, model, "fashion-balanced", "Whose latency is measured.");
ABSL_FLAG(std::vector<std::string>, in_flight, std::vector<std::string>({"64", "512"}),
          "How many calls of it, with commas between the numbers.");
ABSL_FLAG(std::string, changing_model, "fashion-fast", "What is loaded anew.");
ABSL_FLAG(int, changing_in_flight, 4, "How many calls of it.");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "More flags for the server.");
ABSL_FLAG(double, seconds, 5, "How long each of the two is measured in each repeat.");
ABSL_FLAG(int, repeats, 7, "How often all is measured.");

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kWarmUp = absl::Milliseconds(500);
constexpr absl::Duration kPatience = absl::Minutes(2);  // For one reload.

// Changes a model of a server again and again, on a thread of its own.
class Reloads {
 public:
  // `directory` is the model's, in a repository that the server has.
  Reloads(const ServerUnderTest& server, std::string model, fs::path directory)
      : admin_(v1::Admin::NewStub(server.channel())),
        model_(std::move(model)),
        directory_(std::move(directory)) {}
  ~Reloads() { Stop().IgnoreError(); }
  Reloads(const Reloads&) = delete;
  Reloads& operator=(const Reloads&) = delete;

  void Start() {
    stop_ = false;
    thread_ = std::thread([this] {
      while (!stop_ && status_.ok()) status_ = ReloadOnce();
    });
  }

  // Once the one that is under way is over.
  absl::Status Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return status_;
  }

  // After Stop.
  int count() const { return count_; }
  absl::Duration taken() const { return taken_; }  // By all of them.

 private:
  // By turns a second version takes over, and the first one again.
  absl::Status ReloadOnce() {
    const int version = 2 - count_ % 2;
    std::error_code error;
    if (version == 2) {
      const fs::path aside = directory_ / ".aside";
      fs::copy(directory_ / "1", aside, fs::copy_options::recursive, error);
      if (!error) fs::rename(aside, directory_ / "2", error);  // It appears as a whole.
    } else {
      fs::remove_all(directory_ / "2", error);
    }
    if (error) return absl::InternalError(absl::StrCat(model_, ": ", error.message()));
    const absl::Time begin = MonotonicNow();
    WEIR_RETURN_IF_ERROR(AwaitVersion(version));
    taken_ += MonotonicNow() - begin;
    ++count_;
    return absl::OkStatus();
  }

  absl::Status AwaitVersion(int version) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::ReloadRepositoryResponse response;
    const grpc::Status status = admin_->ReloadRepository(&context, {}, &response);
    if (!status.ok()) return absl::InternalError(status.error_message());
    for (const v1::ModelState& model : response.models()) {
      if (model.name() != model_) continue;
      for (const v1::VersionState& state : model.versions()) {
        if (state.version() == version && state.state() == v1::VersionState::READY) {
          return absl::OkStatus();
        }
      }
      return absl::InternalError(
          absl::StrCat("version ", version, " does not get ready: ", model.ShortDebugString()));
    }
    return absl::InternalError(absl::StrCat("the server has no model ", model_));
  }

  const std::unique_ptr<v1::Admin::Stub> admin_;
  const std::string model_;
  const fs::path directory_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;  // Relaxed would do: it guards nothing.
  absl::Status status_;
  int count_ = 0;
  absl::Duration taken_;
};

LoadResult Ask(LoadClient& client, int in_flight) {
  return client.RunClosedLoop(in_flight, kWarmUp, absl::Seconds(absl::GetFlag(FLAGS_seconds)));
}

absl::StatusOr<std::unique_ptr<LoadClient>> Connect(const ServerUnderTest& server,
                                                    const std::string& repository,
                                                    const std::string& model) {
  WEIR_ASSIGN_OR_RETURN(const ModelSettings settings,
                        LoadModelSettings(absl::StrCat(repository, "/", model)));
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(settings.family, kFashionMnistDirectory));
  return LoadClient::Create({.address = server.address(),
                             .method = kPredictMethod,
                             .requests = {PredictRequestBytes(settings, held_out, 1)}});
}

class ReloadBenchmark {
 public:
  // All outlive it.
  ReloadBenchmark(LoadClient& measured, LoadClient& changing, Reloads& reloads)
      : measured_(measured), changing_(changing), reloads_(reloads) {}

  // With so many calls in flight. Prints a table.
  absl::Status Measure(int in_flight) {
    const int reloads_before = reloads_.count();
    const absl::Duration taken_before = reloads_.taken();
    Repeats repeats;
    for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
      const LoadResult before = Run(in_flight, "nothing changes", repeats);
      reloads_.Start();
      const LoadResult during = Run(in_flight, "reloads", repeats);
      WEIR_RETURN_IF_ERROR(reloads_.Stop());
      if (before.ok() == 0 || during.ok() == 0) return absl::InternalError("nothing is answered");
      repeats.Add(kP99Ratio, absl::FDivDuration(during.Latency(0.99), before.Latency(0.99)));
      repeats.Add("requests/s, reloads / nothing changes",
                  during.OkPerSecond() / before.OkPerSecond());
    }
    const int count = reloads_.count() - reloads_before;
    std::cout << repeats.Table(
                     absl::StrCat(absl::GetFlag(FLAGS_model), ", ", in_flight, " in flight"))
              << absl::StreamFormat("  (%d reloads of %s; each took %.2f s)\n\n", count,
                                    absl::GetFlag(FLAGS_changing_model),
                                    absl::ToDoubleSeconds(reloads_.taken() - taken_before) / count)
              << std::flush;
    absl::StrAppendFormat(&ratios_, "p99_ratio_%d=%.2f ", in_flight, repeats.MedianOf(kP99Ratio));
    return absl::OkStatus();
  }

  std::string Line() const {
    return absl::StrFormat("BENCH reload %sreloads=%d failed=%d", ratios_, reloads_.count(),
                           failed_);
  }

 private:
  static constexpr absl::string_view kP99Ratio = "p99, reloads / nothing changes";

  // What became of the model whose latency is measured.
  LoadResult Run(int in_flight, absl::string_view when, Repeats& repeats) {
    LoadResult of_changing;
    std::thread other(
        [&] { of_changing = Ask(changing_, absl::GetFlag(FLAGS_changing_in_flight)); });
    LoadResult result = [&] {
      const Precedence precedence;
      return Ask(measured_, in_flight);
    }();
    other.join();
    failed_ += result.calls() - result.ok() + of_changing.calls() - of_changing.ok();
    repeats.Add(absl::StrCat(when, ", requests/s"), result.OkPerSecond());
    for (const double quantile : {0.5, 0.99, 0.999}) {
      repeats.Add(absl::StrCat(when, ", p", quantile * 100, " ms"),
                  absl::ToDoubleMilliseconds(result.Latency(quantile)));
    }
    return result;
  }

  LoadClient& measured_;
  LoadClient& changing_;
  Reloads& reloads_;
  std::string ratios_;  // For the last line.
  int64_t failed_ = 0;  // Calls of both models.
};

absl::StatusOr<std::vector<int>> InFlight() {
  std::vector<int> all;
  for (const std::string& word : absl::GetFlag(FLAGS_in_flight)) {
    if (!absl::SimpleAtoi(word, &all.emplace_back()) || all.back() < 1) {
      return absl::InvalidArgumentError(absl::StrCat("--in_flight: not a number: ", word));
    }
  }
  return all;
}

absl::StatusOr<std::string> Run() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> in_flight, InFlight());
  const std::string shipped = absl::GetFlag(FLAGS_model_repository);
  const std::string model = absl::GetFlag(FLAGS_model);
  const std::string changing = absl::GetFlag(FLAGS_changing_model);
  const ScratchDirectory repository(absl::GetFlag(FLAGS_scratch));
  for (const std::string& name : {model, changing}) {
    std::error_code error;
    fs::copy(fs::path(shipped) / name, fs::path(repository.path()) / name,
             fs::copy_options::recursive, error);
    if (error) return absl::NotFoundError(absl::StrCat(shipped, "/", name, ": ", error.message()));
  }
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ServerUnderTest> server,
                        ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                                                .model_repository = repository.path(),
                                                .models = {model, changing},
                                                .more_flags = absl::GetFlag(FLAGS_server_flags)}));
  WEIR_ASSIGN_OR_RETURN(const auto of_model, Connect(*server, repository.path(), model));
  WEIR_ASSIGN_OR_RETURN(const auto of_changing, Connect(*server, repository.path(), changing));
  Reloads reloads(*server, changing, fs::path(repository.path()) / changing);
  ReloadBenchmark benchmark(*of_model, *of_changing, reloads);
  for (const int calls : in_flight) WEIR_RETURN_IF_ERROR(benchmark.Measure(calls));
  WEIR_RETURN_IF_ERROR(server->Stop());
  return benchmark.Line();
}

int Main() {
  const absl::StatusOr<std::string> line = Run();
  if (!line.ok()) {
    std::cerr << "weir-bench-reload: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures what reloads of a model cost the callers of another");
  return weir::Main();
}
