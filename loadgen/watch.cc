#include "loadgen/watch.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/termination.h"

namespace weir {
namespace {

// Whole, or not at all where nobody reads: what is shown on the way matters to nobody afterwards.
void WriteToStderr(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(written);
  }
}

LoadProgress::Terminal TerminalOf(int fd) {
  LoadProgress::Terminal terminal = {.colours = HasColours(fd)};
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terminal.width = size.ws_col;
    terminal.height = size.ws_row;
  }
  return terminal;
}

// The cursor can be moved back.
bool IsTerminal(int fd) {
  const char* const kind = getenv("TERM");
  return isatty(fd) == 1 && kind != nullptr && absl::string_view(kind) != "dumb";
}

}  // namespace

bool HasColours(int fd) {
  const char* const no_colour = getenv("NO_COLOR");
  return IsTerminal(fd) && (no_colour == nullptr || *no_colour == '\0');
}

Watch::Watch(bool quiet, bool tells_seconds)
    : quiet_(quiet), tells_seconds_(tells_seconds), is_terminal_(IsTerminal(STDERR_FILENO)) {
  signals_ = std::thread([this] { AwaitSignal(); });
}

Watch::~Watch() {
  CancelWait();
  signals_.join();
}

void Watch::AwaitSignal() {
  if (WaitForTermination() == 0) return;
  const absl::MutexLock lock(&mu_);
  interrupted_ = true;
  if (run_ != nullptr) run_->Stop();
}

void Watch::Run(LoadRun& run, const std::string& title) {
  LoadProgress progress(title, run.Phases(), MonotonicNow());
  {
    const absl::MutexLock lock(&mu_);
    run_ = &run;
    done_ = false;
    if (interrupted_) run.Stop();
  }
  std::thread load([this, &run] {
    run.Run();
    const absl::MutexLock lock(&mu_);
    run_ = nullptr;
    done_ = true;
  });
  for (News news = News::kNone; news != News::kDone;) {
    const absl::Time now = MonotonicNow();
    news = AwaitNews(progress.NextLook(now) - now);
    if (news == News::kInterrupted) {
      WriteToStderr(progress.Clear());
      Say("stopping; the last answers are waited for, and a second signal ends at once");
    } else if (news == News::kNone) {
      Show(run, progress);
    }
  }
  load.join();
  WriteToStderr(progress.Clear());
}

Watch::News Watch::AwaitNews(absl::Duration timeout) {
  const absl::MutexLock lock(&mu_);
  const auto has_news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return done_ || (interrupted_ && !told_);
  };
  mu_.AwaitWithTimeout(absl::Condition(&has_news), timeout);
  if (interrupted_ && !told_) {
    told_ = true;
    return News::kInterrupted;
  }
  return done_ ? News::kDone : News::kNone;
}

void Watch::Show(LoadRun& run, LoadProgress& progress) const {
  const LiveView live = run.Live();
  if (quiet_ || !(is_terminal_ || tells_seconds_)) return;
  const absl::Time now = MonotonicNow();
  WriteToStderr(is_terminal_ ? progress.Block(live, now, TerminalOf(STDERR_FILENO))
                             : progress.Lines(live, now));
}

void Watch::Say(absl::string_view line) const {
  if (!quiet_) WriteToStderr(absl::StrCat("weir-loadgen: ", line, "\n"));
}

}  // namespace weir
