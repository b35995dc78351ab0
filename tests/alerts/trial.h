// Provokes alerts and follows each until somebody has read of it, and of its end.
#ifndef WEIR_TESTS_ALERTS_TRIAL_H_
#define WEIR_TESTS_ALERTS_TRIAL_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/alerts/message.h"
#include "tests/alerts/watched_site.h"

namespace weir {

// Something that goes wrong, and what people shall be told of it.
struct Provocation {
  struct Wanted {
    AlertId alert;
    std::string text;      // A regular expression, found in the message.
    std::string or_else;   // The name of an alert that may mute this one, and is as good.
    bool at_once = false;  // It has no `for`, so that it need not be pending first.
  };

  std::string name;
  std::vector<Wanted> wanted;
  std::vector<AlertId> companions;  // That may come too.
  std::vector<AlertId> aftermath;   // That may come once it has ended.
  std::function<absl::Status()> begin;
  std::function<absl::Status()> end;
};

// Says on stdout what happens. Not thread-safe; used by one thread only.
class Trial {
 public:
  struct Totals {
    int provoked = 0;   // Alerts that were wanted,
    int delivered = 0;  // of which people were told, and that they are over,
    int missed = 0;     // and not.
    int wrong = 0;      // Alerts of which nobody was to be told.

    bool all_is_well() const { return provoked > 0 && missed == 0 && wrong == 0; }
  };

  // The site outlives the trial. `patience`: how long is waited for each thing.
  Trial(WatchedSite& site, absl::Duration patience)
      : site_(site), patience_(patience), began_(absl::Now()) {}

  // What is wrong with alerts goes into the totals; errors are those of the site, of which
  // something does not work at all. Begins once all that is wanted is inactive.
  absl::Status Begin(Provocation provocation);

  // Of the provocation of this name. Waits until all that is wanted is told of, and looks whether
  // it was pending, and then firing.
  absl::Status AwaitTold(const std::string& name);
  absl::Status End(const std::string& name);
  // Waits until people know that all of which they were told is over.
  void AwaitOver(const std::string& name);

  // All four.
  absl::Status Run(const Provocation& provocation);

  // At the end: looks for alerts that nobody wanted.
  absl::Status Finish();

  const Totals& totals() const { return totals_; }

 private:
  struct Story {  // Of what is wanted.
    Provocation::Wanted wanted;
    bool is_told = false;
    AlertId told;       // It, or what mutes it.
    std::string times;  // For people.
  };
  struct Episode {
    Provocation provocation;
    absl::Time began;
    size_t first_message = 0;
    std::vector<Story> stories;
  };

  absl::Status AwaitInactive(const AlertId& alert);
  void AwaitTold(const Episode& episode, Story& story);
  absl::Status CheckHistory(const Episode& episode, Story& story);
  void AwaitOver(const Episode& episode, Story& story);
  void Miss(const Episode& episode, Story& story, const std::string& why);
  void JudgeMessages();

  WatchedSite& site_;
  const absl::Duration patience_;
  const absl::Time began_;
  Totals totals_;
  std::map<std::string, Episode> episodes_;
  std::set<AlertId> allowed_;
  size_t judged_messages_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_TRIAL_H_
