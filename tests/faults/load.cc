#include "tests/faults/load.h"

#include <numeric>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "loadgen/load/pacer.h"
#include "tests/faults/request_kinds.h"

namespace weir {
namespace {

constexpr char kPredictMethod[] = "/weir.v1.Predictor/Predict";

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> Load::Start(const Site& site, absl::Duration duration,
                                                  uint64_t seed) {
  auto load = absl::WrapUnique(new Load);
  const std::vector<RequestKind>& kinds = RequestKinds();
  for (int server = 0; server < Site::kServers; ++server) {
    for (int kind = 0; kind < static_cast<int>(kinds.size()); ++kind) {
      auto part = std::make_unique<Part>();
      part->server = server;
      part->kind = kind;
      WEIR_ASSIGN_OR_RETURN(part->client,
                            LoadClient::Create({.address = site.server_address(server),
                                                .method = kPredictMethod,
                                                .requests = {kinds[kind].bytes},
                                                .timeout = absl::Minutes(2),
                                                .wait_for_server = true,
                                                .is_answer = IsCountedAnswer}));
      load->parts_.push_back(std::move(part));
    }
  }
  {
    absl::MutexLock lock(&load->mu_);
    load->running_ = static_cast<int>(load->parts_.size());
  }
  for (const auto& part : load->parts_) {
    part->thread = std::thread([&load = *load, &part = *part, duration, seed = seed++] {
      const double per_second = RequestKinds()[part.kind].per_second;
      part.result =
          part.client->RunOpenLoop(PacePoisson({{per_second, per_second, duration}}, seed));
      absl::MutexLock lock(&load.mu_);
      --load.running_;
    });
  }
  return load;
}

Load::~Load() { Join(); }

void Load::Join() {
  for (const auto& part : parts_) {
    if (part->thread.joinable()) part->thread.join();
  }
}

void Load::WaitForEnd(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return running_ == 0; };
  mu_.AwaitWithTimeout(absl::Condition(&ended), timeout);
}

Account Load::Expected(const std::array<bool, Site::kServers>& broke) {
  Join();
  Account account;
  for (const auto& part : parts_) {
    ExpectCounted(RequestKinds()[part->kind], part->result, broke[part->server], account);
  }
  return account;
}

std::string Load::Text() const {
  LoadResult all;
  for (const auto& part : parts_) all.Merge(part->result);
  const int64_t unanswered =
      std::accumulate(all.unanswered_by_code.begin(), all.unanswered_by_code.end(), int64_t{0});
  return absl::StrCat(all.calls(), " sent: ", all.Codes(), "; no answer: ", unanswered);
}

}  // namespace weir
