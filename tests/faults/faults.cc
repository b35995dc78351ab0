#include "tests/faults/faults.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr absl::Duration kNone = absl::ZeroDuration();
constexpr absl::Duration kShortly = absl::Milliseconds(300);
constexpr absl::Duration kAWhile = absl::Milliseconds(1000);
constexpr absl::Duration kTimeout = absl::Seconds(30);

absl::Status KillAServer(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  const int server = scene.SomeServer();
  scene.KillServer(server);
  scene.Pause(kNone, kShortly);
  return scene.site.StartServer(server);
}

// Again while it starts, loads, or pushes what the boot before had counted.
absl::Status KillAServerAgainAndAgain(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  const int server = scene.SomeServer();
  for (int i = 0; i < 2; ++i) {
    scene.KillServer(server);
    WEIR_RETURN_IF_ERROR(scene.site.StartServer(server));
    scene.Pause(kNone, kAWhile);
  }
  scene.KillServer(server);
  return absl::OkStatus();
}

absl::Status KillTheGateway(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  scene.KillGateway();
  scene.Pause(kNone, kAWhile);
  return scene.site.StartGateway();
}

absl::Status KillTheGatewayAgainAndAgain(Scene& scene) {
  for (int i = 0; i < 3; ++i) {
    scene.Pause(kNone, 2 * kShortly);
    scene.KillGateway();
    WEIR_RETURN_IF_ERROR(scene.site.StartGateway());
  }
  return absl::OkStatus();
}

absl::Status KillAServerAndTheGateway(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  const int server = scene.SomeServer();
  const bool gateway_first = scene.Flip();
  if (gateway_first) scene.KillGateway();
  scene.KillServer(server);
  if (!gateway_first) scene.KillGateway();
  // The server's next boot may find no gateway to tell.
  if (scene.Flip()) WEIR_RETURN_IF_ERROR(scene.site.StartServer(server));
  scene.Pause(kNone, kShortly);
  return absl::OkStatus();
}

absl::Status KillAll(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  for (int i = 0; i < Site::kServers; ++i) scene.KillServer(i);
  scene.KillGateway();
  return absl::OkStatus();
}

// Nothing is in flight, but not all has been pushed: nothing is lost all the same.
absl::Status KillAnIdleServer(Scene& scene) {
  scene.KillServer(scene.SomeServer());
  scene.broke = {};
  return absl::OkStatus();
}

absl::Status KillAllIdle(Scene& scene) {
  for (int i = 0; i < Site::kServers; ++i) scene.KillServer(i);
  scene.KillGateway();
  scene.broke = {};
  return absl::OkStatus();
}

absl::Status StopAServer(Scene& scene) {
  scene.Pause(kNone, kShortly);
  const int server = scene.SomeServer();
  scene.site.server(server).Stop();
  scene.Pause(kShortly, kAWhile);
  scene.site.server(server).Continue();
  return absl::OkStatus();
}

// Pushes fill its sockets, and their senders give up before it reads them.
absl::Status StopTheGateway(Scene& scene) {
  scene.Pause(kNone, kShortly);
  scene.gateway_was_away = true;
  scene.site.gateway().Stop();
  scene.Pause(kAWhile, 2 * kAWhile);
  if (scene.Flip()) scene.KillGateway();
  scene.site.gateway().Continue();
  return absl::OkStatus();
}

absl::Status StopAndKillAServer(Scene& scene) {
  scene.Pause(kNone, kShortly);
  const int server = scene.SomeServer();
  scene.site.server(server).Stop();
  scene.Pause(kShortly, kAWhile);
  scene.KillServer(server);
  return absl::OkStatus();
}

// Nothing is in flight at its end; but it refuses whom it no longer serves, and those it does not
// count who did not reach it.
absl::Status DrainAServer(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  const int server = scene.SomeServer();
  scene.broke[server] = true;
  WEIR_RETURN_IF_ERROR(scene.site.server(server).Drain());
  return scene.site.StartServer(server);
}

absl::Status DrainTheGateway(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  scene.gateway_was_away = true;
  WEIR_RETURN_IF_ERROR(scene.site.gateway().Drain());
  scene.Pause(kNone, kShortly);
  return scene.site.StartGateway();
}

// Room for a part of a push; and if the gateway finds more, by beginning another file, none at all.
// /metrics goes on and says so.
absl::Status FillTheDisk(Scene& scene) {
  scene.Pause(kNone, kShortly);
  const Selector writable{std::string(metric::kGatewayJournalWritable.name), {}};
  const auto full = [&](const Scrape& scrape) { return scrape.Sum(writable) == 0; };
  scene.site.gateway().LimitFiles(scene.site.GatewayFileBytes() +
                                  static_cast<int64_t>(scene.random() % 4096));
  if (scene.scraper.Await(full, kAWhile) == nullptr) {
    scene.site.gateway().LimitFiles(0);
    if (scene.scraper.Await(full, kTimeout) == nullptr) {
      return absl::InternalError("/metrics does not say that the disk is full");
    }
  }
  scene.Pause(kNone, kAWhile);
  return absl::OkStatus();
}

absl::Status FillTheDiskAndKillTheGateway(Scene& scene) {
  WEIR_RETURN_IF_ERROR(FillTheDisk(scene));
  scene.KillGateway();
  return absl::OkStatus();
}

absl::Status FillTheDiskAndKillAServer(Scene& scene) {
  WEIR_RETURN_IF_ERROR(FillTheDisk(scene));
  const int server = scene.SomeServer();
  scene.KillServer(server);
  return scene.site.StartServer(server);
}

// Under a server that runs: it goes on counting. It is not killed before all is pushed.
absl::Status DeleteServerState(Scene& scene) {
  scene.Pause(kNone, kAWhile);
  scene.site.DeleteServerState(scene.SomeServer());
  return absl::OkStatus();
}

// All has been pushed, so that nothing goes with it.
absl::Status KillServersWithTheirState(Scene& scene) {
  for (int i = 0; i < Site::kServers; ++i) {
    scene.KillServer(i);
    scene.site.DeleteServerState(i);
  }
  scene.broke = {};
  return scene.site.Heal();
}

// What the servers have counted before is the baseline of the new gateway: only what comes then
// counts.
absl::Status KillTheGatewayWithItsState(Scene& scene) {
  scene.KillGateway();
  scene.site.DeleteGatewayState();
  scene.scraper.ExpectNewBeginning();
  return scene.site.Heal();
}

absl::Status DisturbTheNetwork(Scene& scene) {
  scene.site.proxy().Disturb({.lose_request = 0.3,
                              .lose_answer = 0.3,
                              .delay = 0.5,
                              .copy = 0.5,
                              .max_delay = absl::Seconds(1)},
                             scene.random());
  scene.Pause(kShortly, kAWhile);
  return absl::OkStatus();
}

// Server 0 is behind the network.
absl::Status DisturbTheNetworkAndKillAServer(Scene& scene) {
  WEIR_RETURN_IF_ERROR(DisturbTheNetwork(scene));
  scene.KillServer(0);
  WEIR_RETURN_IF_ERROR(scene.site.StartServer(0));
  scene.Pause(kNone, kAWhile);
  return absl::OkStatus();
}

absl::Status DisturbTheNetworkAndKillTheGateway(Scene& scene) {
  WEIR_RETURN_IF_ERROR(DisturbTheNetwork(scene));
  scene.KillGateway();
  WEIR_RETURN_IF_ERROR(scene.site.StartGateway());
  scene.Pause(kNone, kAWhile);
  return absl::OkStatus();
}

absl::Status ForgeBoots(Scene& scene) {
  scene.site.proxy().ForgeBoots();
  scene.Pause(kAWhile, kAWhile);
  return absl::OkStatus();
}

constexpr Fault kFaults[] = {
    {.name = "kill-server", .during = KillAServer},
    {.name = "kill-server-repeatedly", .during = KillAServerAgainAndAgain},
    {.name = "kill-gateway", .during = KillTheGateway},
    {.name = "kill-gateway-repeatedly", .during = KillTheGatewayAgainAndAgain},
    {.name = "kill-server-and-gateway", .during = KillAServerAndTheGateway},
    {.name = "kill-all", .during = KillAll},
    {.name = "kill-idle-server", .after = KillAnIdleServer},
    {.name = "kill-all-idle", .after = KillAllIdle},
    {.name = "stop-server", .during = StopAServer},
    {.name = "stop-gateway", .during = StopTheGateway},
    {.name = "stop-and-kill-server", .during = StopAndKillAServer},
    {.name = "drain-server", .during = DrainAServer},
    {.name = "drain-gateway", .during = DrainTheGateway},
    {.name = "full-disk", .during = FillTheDisk},
    {.name = "full-disk-kill-gateway", .during = FillTheDiskAndKillTheGateway},
    {.name = "full-disk-kill-server", .during = FillTheDiskAndKillAServer},
    {.name = "lost-server-state", .during = DeleteServerState, .at_end = KillServersWithTheirState},
    {.name = "lost-gateway-state", .before = KillTheGatewayWithItsState, .gateway_forgets = true},
    {.name = "bad-network", .during = DisturbTheNetwork},
    {.name = "bad-network-kill-server", .during = DisturbTheNetworkAndKillAServer},
    {.name = "bad-network-kill-gateway", .during = DisturbTheNetworkAndKillTheGateway},
};

}  // namespace

bool Scene::Flip() { return std::bernoulli_distribution(0.5)(random); }

int Scene::SomeServer() {
  return std::uniform_int_distribution<int>(0, Site::kServers - 1)(random);
}

absl::Duration Scene::Between(absl::Duration from, absl::Duration to) {
  return from + (to - from) * std::uniform_real_distribution<double>(0, 1)(random);
}

void Scene::Pause(absl::Duration from, absl::Duration to) { load->WaitForEnd(Between(from, to)); }

void Scene::KillServer(int server) {
  if (!site.server(server).running()) return;
  ++kills;
  broke[server] = true;
  site.server(server).Kill();
}

void Scene::KillGateway() {
  if (!site.gateway().running()) return;
  ++kills;
  gateway_was_away = true;
  site.gateway().Kill();
}

absl::Span<const Fault> AllFaults() { return kFaults; }

Fault DoubleCounting() { return {.name = "double-counting", .during = ForgeBoots}; }

}  // namespace weir
