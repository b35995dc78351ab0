#include "server/model/repository.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// Loading and warming up a model takes all of a core for seconds. At this niceness the threads that
// serve get seventy times its share of a core that both want; that they are on it at all, and not
// behind each other on another one, is up to CallLoop::Apart. A reload takes longer on a busy
// machine. Threads that a thread starts inherit its niceness, so that those of a warm-up are as
// modest.
constexpr int kNiceness = 19;

void LowerPriorityOfThisThread() {
  // On Linux a thread has a priority of its own, and its id stands for it alone.
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  if (setpriority(PRIO_PROCESS, thread, kNiceness) != 0) {
    WEIR_LOG(kWarning, "models load at full priority: the system refuses a lower one");
  }
}

// Makes a servable on a thread of its own and of low priority, and waits for it. All else that is
// done to change a model is short and takes locks that requests need (of the catalog, of malloc):
// there a low priority would harm, since who holds a lock and gets no core keeps all others
// waiting. A thread cannot have its priority back, so that it takes another one.
absl::StatusOr<std::shared_ptr<Servable>> MakeAtLowPriority(const MakeServable& make,
                                                            ModelSettings settings, int64_t version,
                                                            const std::string& path) {
  absl::StatusOr<std::shared_ptr<Servable>> servable;
  std::thread loader([&] {
    LowerPriorityOfThisThread();
    servable = make(std::move(settings), version, path);
  });
  loader.join();
  return servable;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Repository>> Repository::Open(Options options,
                                                             MakeServable make_servable) {
  auto repository = absl::WrapUnique(new Repository(std::move(options), std::move(make_servable)));
  WEIR_RETURN_IF_ERROR(repository->reconciler_.Enter());
  return repository;
}

Repository::Repository(Options options, MakeServable make_servable)
    : options_(std::move(options)),
      reconciler_(options_.root, options_.models, catalog_,
                  {.make_servable =
                       [make = std::move(make_servable)](ModelSettings settings, int64_t version,
                                                         const std::string& path) {
                         return MakeAtLowPriority(make, std::move(settings), version, path);
                       },
                   .retire = [inbox = inbox_](RetiredLoad load) { inbox->Retire(std::move(load)); },
                   .stopping = [this] { return inbox_->closed(); },
                   .on_change = [this](const ModelStatus& model) { on_change_(model); }}) {}

Repository::~Repository() {
  Stop();
  Join();
}

void Repository::Join() {
  if (thread_.joinable()) thread_.join();
}

void Repository::Start(std::function<void(const ModelStatus&)> on_change, Done on_loaded) {
  on_change_ = std::move(on_change);
  thread_ = std::thread(
      [this, on_loaded = std::move(on_loaded)]() mutable { Run(std::move(on_loaded)); });
}

void Repository::Load(absl::string_view model, Done done) {
  inbox_->Post(
      [name = std::string(model)](Reconciler& reconciler) { return reconciler.Load(name); },
      std::move(done));
}

void Repository::Unload(absl::string_view model, Done done) {
  inbox_->Post(
      [name = std::string(model)](Reconciler& reconciler) { return reconciler.Unload(name); },
      std::move(done));
}

void Repository::Reload(Done done) {
  inbox_->Post([](Reconciler& reconciler) { return reconciler.Reload(); }, std::move(done));
}

void Repository::Run(Done on_loaded) {
  LoadEntered(std::move(on_loaded));
  const bool polls = options_.poll_interval > absl::ZeroDuration();
  absl::Time next_poll = polls ? MonotonicNow() + options_.poll_interval : absl::InfiniteFuture();
  while (true) {
    RepositoryInbox::Mail mail = inbox_->Take(next_poll - MonotonicNow());
    Bury(std::move(mail.retired));
    if (mail.closed) return;
    if (mail.command.has_value()) Obey(*std::move(mail.command));
    if (MonotonicNow() >= next_poll) {
      Poll();
      next_poll = MonotonicNow() + options_.poll_interval;
    }
  }
}

void Repository::LoadEntered(Done on_loaded) {
  reconciler_.LoadEntered();
  absl::Status status = absl::FailedPreconditionError("no model could be loaded");
  for (const ModelStatus& model : catalog_.List()) {
    if (!model.ReadyVersions().empty()) status = absl::OkStatus();
  }
  if (inbox_->closed()) status = absl::UnavailableError("the server is stopping");
  std::move(on_loaded)(status);
}

void Repository::Obey(RepositoryInbox::Command command) {
  absl::Status outcome = std::move(command)(reconciler_);
  // What no request holds is gone before the answer.
  Bury(inbox_->TakeRetired());
  inbox_->Answer(std::move(outcome));
}

void Repository::Poll() {
  const absl::Status status = reconciler_.Poll();
  // The same trouble is told once.
  if (!status.ok() && status != last_poll_ && !inbox_->closed()) {
    WEIR_LOG(kError, status.message());
  }
  last_poll_ = status;
}

void Repository::Bury(std::vector<RetiredLoad> loads) {
  for (RetiredLoad& load : loads) {
    load.servable.reset();
    reconciler_.Forget(load.model, load.load_id);
  }
}

}  // namespace weir
