// What can go wrong, and how it is done.
#ifndef WEIR_TESTS_FAULTS_FAULTS_H_
#define WEIR_TESTS_FAULTS_FAULTS_H_

#include <array>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/faults/load.h"
#include "tests/faults/scraper.h"
#include "tests/faults/site.h"

namespace weir {

// One round as a fault sees it. Not thread-safe.
struct Scene {
  Site& site;
  Scraper& scraper;
  std::mt19937_64& random;
  Load* load = nullptr;  // While requests are sent.

  int kills = 0;  // SIGKILLs.
  // Servers with requests that may have had no answer.
  std::array<bool, Site::kServers> broke = {};
  bool gateway_was_away = false;  // So that nobody answered scrapes.

  bool Flip();
  int SomeServer();
  absl::Duration Between(absl::Duration from, absl::Duration to);
  // Lets the load run on for a random time, at most until it ends.
  void Pause(absl::Duration from, absl::Duration to);

  void KillServer(int server);
  void KillGateway();
};

// Steps leave it to Site::Heal to put things right, unless they do so themselves. OK unless
// something did not happen that had to.
using FaultStep = absl::Status (*)(Scene&);

struct Fault {
  const char* name;
  FaultStep before = nullptr;  // All is quiet, and all has been pushed.
  FaultStep during = nullptr;  // Requests are sent.
  FaultStep after = nullptr;   // All have been answered, and not all has been pushed.
  FaultStep at_end = nullptr;  // All is quiet again, and all has been pushed and compared.
  // The gateway loses what it had counted, which is a new beginning.
  bool gateway_forgets = false;
};

absl::Span<const Fault> AllFaults();

// None of them: what a server counts is counted twice, which a trial has to find.
Fault DoubleCounting();

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_FAULTS_H_
