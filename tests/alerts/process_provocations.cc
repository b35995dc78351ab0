#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/alerts/provocations.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kServer[] = "tables";
constexpr char kForest[] = "accidents-forest";
constexpr char kPrice[] = "flats-price";

Provocation::Wanted NotLoaded(const std::string& model) {
  return {.alert = {"ModelNotLoaded", model},
          .text = absl::StrCat("no server has ", model, " ready")};
}

}  // namespace

Provocation UnloadedModel(WatchedSite& site) {
  return {.name = "an unloaded model",
          .wanted = {NotLoaded(kForest)},
          .begin =
              [&site] {
                return site.Admin(kServer, {"unload", kForest});
              },
          .end =
              [&site] {
                return site.Admin(kServer, {"load", kForest});
              }};
}

Provocation BrokenVersion(WatchedSite& site) {
  const std::string version = absl::StrCat(site.directory(), "/models/", kPrice, "/2");
  return {.name = "a broken version",
          .wanted = {{.alert = {"ModelLoadFailing", kPrice},
                      .text = "flats-price does not load",
                      .at_once = true}},
          .begin =
              [&site, version] {
                fs::create_directories(version);
                std::ofstream(version + "/model.pt") << "no model";
                return site.Admin(kServer, {"reload"});
              },
          .end =
              [&site, version] {
                fs::remove_all(version);
                return site.Admin(kServer, {"reload"});
              }};
}

Provocation KilledServer(WatchedSite& site) {
  return {.name = "a killed server",
          .wanted = {{.alert = {"ServerDown", kServer}, .text = "tables fell silent"},
                     NotLoaded(kPrice),
                     NotLoaded(kForest)},
          .begin =
              [&site] {
                site.server(kServer).Kill();
                return absl::OkStatus();
              },
          .end = [&site] { return site.StartServer(kServer); }};
}

Provocation LittleMemory(WatchedSite& site) {
  return {.name = "little memory",
          .wanted = {{.alert = {"HighMemoryUsage", kServer},
                      .text = "tables uses (8|9)\\d(\\.\\d+)?% of its memory"}},
          .begin = [&site] { return site.LimitMemory(1 / 0.9); },
          .end = [&site] { return site.LimitMemory(0); }};
}

Provocation NoMemory(WatchedSite& site) {
  return {.name = "no memory",
          .wanted = {{.alert = {"CriticalMemoryUsage", kServer},
                      .text = "tables uses (9|10)\\d(\\.\\d+)?% of its memory"}},
          .companions = {{"HighMemoryUsage", kServer}},
          .begin = [&site] { return site.LimitMemory(1); },
          .end = [&site] { return site.LimitMemory(0); }};
}

Provocation StoppedGateway(WatchedSite& site) {
  return {.name = "a stopped gateway",
          .wanted = {{.alert = {"GatewayDown", ""}, .text = "the gateway does not answer"}},
          .begin = [&site] { return site.gateway().Drain(); },
          .end = [&site] { return site.StartGateway(); }};
}

Provocation FullDisk(WatchedSite& site) {
  Provocation full = {
      .name = "a full disk",
      .wanted = {{.alert = {"JournalNotWritable", ""},
                  .text = "the gateway cannot write its journal"},
                 {.alert = {"PushesRejected", ""}, .text = "refused [1-9]\\d* pushes"}},
      .begin =
          [&site] {
            site.gateway().LimitFiles(0);
            return absl::OkStatus();
          },
      .end =
          [&site] {
            site.gateway().LimitFiles(std::nullopt);
            return absl::OkStatus();
          }};
  // Servers whose pushes fail try again every five seconds, which is more than a minute here: to
  // the gateway they are silent for so long.
  for (const char* server : {"fast", "balanced", "accurate", kServer}) {
    full.companions.push_back({"ServerDown", server});
  }
  for (const char* model :
       {"fashion-fast", "fashion-balanced", "fashion-accurate", kPrice, kForest}) {
    full.companions.push_back({"ModelNotLoaded", model});
  }
  return full;
}

Provocation GreedyServer(WatchedSite& site) {
  return {.name = "a greedy server",
          .wanted = {{.alert = {"SeriesDropped", ""},
                      .text = "refused pushes with [1-9]\\d* series",
                      .at_once = true}},
          // Its first push has one model only, and is taken; after that nobody hears of it.
          .companions = {{"PushesRejected", ""}, {"ServerDown", kGreedy}},
          .begin = [&site] { return site.StartServer(kGreedy); },
          .end =
              [&site] {
                site.server(kGreedy).Kill();
                return absl::OkStatus();
              }};
}

}  // namespace weir
