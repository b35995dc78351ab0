#include "server/model/repository_inbox.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir {
namespace {

absl::Status Closed() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

void RepositoryInbox::Post(Command command, Done done) {
  {
    absl::MutexLock lock(&mu_);
    if (!closed_) {
      commands_.emplace_back(std::move(command), std::move(done));
      return;
    }
  }
  std::move(done)(Closed());
}

void RepositoryInbox::Retire(RetiredLoad load) {
  absl::MutexLock lock(&mu_);
  if (!closed_) retired_.push_back(std::move(load));
}

RepositoryInbox::Mail RepositoryInbox::Take(absl::Duration at_most) {
  absl::MutexLock lock(&mu_);
  const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closed_ || !commands_.empty() || !retired_.empty();
  };
  mu_.AwaitWithTimeout(absl::Condition(&any), std::max(absl::ZeroDuration(), at_most));
  Mail mail{.closed = closed_, .retired = std::exchange(retired_, {})};
  if (!commands_.empty()) {
    std::tie(mail.command, running_) = std::move(commands_.front());
    commands_.pop_front();
  }
  return mail;
}

std::vector<RetiredLoad> RepositoryInbox::TakeRetired() {
  absl::MutexLock lock(&mu_);
  return std::exchange(retired_, {});
}

void RepositoryInbox::Answer(absl::Status outcome) {
  Done done;
  {
    absl::MutexLock lock(&mu_);
    std::swap(done, running_);
  }
  if (done != nullptr) std::move(done)(std::move(outcome));
}

void RepositoryInbox::Close() {
  std::deque<std::pair<Command, Done>> refused;
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    std::swap(refused, commands_);
  }
  Answer(Closed());
  for (auto& [command, done] : refused) std::move(done)(Closed());
}

bool RepositoryInbox::closed() const {
  absl::ReaderMutexLock lock(&mu_);
  return closed_;
}

}  // namespace weir
