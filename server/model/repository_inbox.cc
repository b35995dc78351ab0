#include "server/model/repository_inbox.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

void Refuse(RepositoryInbox::Command command) {
  std::move(command.done)(absl::UnavailableError("the server is stopping"));
}

}  // namespace

void RepositoryInbox::Post(Command command) {
  {
    absl::MutexLock lock(&mu_);
    if (!closed_) {
      commands_.push_back(std::move(command));
      return;
    }
  }
  Refuse(std::move(command));
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
    mail.command = std::move(commands_.front());
    commands_.pop_front();
  }
  return mail;
}

std::vector<RetiredLoad> RepositoryInbox::TakeRetired() {
  absl::MutexLock lock(&mu_);
  return std::exchange(retired_, {});
}

void RepositoryInbox::Close() {
  std::deque<Command> refused;
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    std::swap(refused, commands_);
  }
  for (Command& command : refused) Refuse(std::move(command));
}

bool RepositoryInbox::closed() const {
  absl::ReaderMutexLock lock(&mu_);
  return closed_;
}

}  // namespace weir
