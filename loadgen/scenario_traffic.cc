#include "loadgen/scenario_traffic.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "loadgen/load/random_stream.h"
#include "loadgen/scenario/scenario_fields.h"

namespace weir {
namespace {

constexpr char kPredict[] = "/weir.v1.Predictor/Predict";
constexpr char kPredictStream[] = "/weir.v1.Predictor/PredictStream";

// What Shot::tag says of a request.
struct Tag {
  uint16_t phase = 0;
  uint16_t source = 0;
  bool malformed = false;
  uint32_t request = 0;

  uint64_t Pack() const {
    return uint64_t{phase} << 48 | uint64_t{source} << 32 | uint64_t{malformed} << 31 | request;
  }
  static Tag Unpack(uint64_t packed) {
    return {.phase = static_cast<uint16_t>(packed >> 48),
            .source = static_cast<uint16_t>(packed >> 32),
            .malformed = (packed >> 31 & 1) != 0,
            .request = static_cast<uint32_t>(packed & 0x7fffffff)};
  }
};

}  // namespace

CallMethod MethodOf(const v1::LoadTraffic& traffic) {
  CallMethod method = {.path = traffic.stream() ? kPredictStream : kPredict};
  const v1::LoadFaults& faults = traffic.faults();
  const absl::Duration delay = DurationOf(faults.delay(), absl::ZeroDuration());
  if (delay > absl::ZeroDuration()) {
    method.metadata.emplace_back("weir-delay-ms", absl::StrCat(absl::ToDoubleMilliseconds(delay)));
  }
  if (faults.fail_ratio() > 0) {
    method.metadata.emplace_back("weir-fail-code",
                                 faults.code().empty() ? "INTERNAL" : faults.code());
    method.metadata.emplace_back("weir-fail-ratio", absl::StrCat(faults.fail_ratio()));
  }
  return method;
}

ScenarioTraffic::ScenarioTraffic(std::vector<Source> sources, std::vector<std::vector<int>> phases,
                                 uint64_t seed, Tally& tally,
                                 std::function<void(int phase)> on_sent)
    : sources_(std::move(sources)),
      phases_(std::move(phases)),
      turns_(sources_.size()),
      random_(RandomStream(seed, RandomUse::kChoices)),
      tally_(tally),
      on_sent_(std::move(on_sent)) {
  for (const std::vector<int>& phase : phases_) {
    double sum = 0;
    for (const int source : phase) sum += sources_[source].weight;
    weights_.push_back(sum);
  }
}

int ScenarioTraffic::ChooseSource() {
  const std::vector<int>& choices = phases_[phase_];
  if (choices.size() == 1) return choices[0];
  double left = weights_[phase_] * Draw();
  for (const int source : choices) {
    left -= sources_[source].weight;
    if (left < 0) return source;
  }
  return choices.back();  // By rounding.
}

Shot ScenarioTraffic::Next(absl::Time /*due*/) {
  const int chosen = ChooseSource();
  const Source& source = sources_[chosen];
  Turns& turns = turns_[chosen];
  Tag tag = {.phase = static_cast<uint16_t>(phase_), .source = static_cast<uint16_t>(chosen)};
  Shot shot = {.target = source.targets[turns.target],
               .method = &source.method,
               .timeout = source.timeout,
               .stream = source.stream};
  if (++turns.target == static_cast<int>(source.targets.size())) turns.target = 0;
  if (source.malformed_ratio > 0 && Draw() < source.malformed_ratio) {
    tag.malformed = true;
    shot.message = source.requests->malformed();
  } else {
    tag.request = turns.request;
    shot.message = source.requests->message(turns.request);
    if (++turns.request == source.requests->size()) turns.request = 0;
  }
  shot.tag = tag.Pack();
  return shot;
}

void ScenarioTraffic::OnSent(const Shot& shot, absl::Time due, absl::Time sent) {
  const Tag tag = Tag::Unpack(shot.tag);
  tally_.Sent(tag.phase, sources_[tag.source].model, due, sent);
  on_sent_(tag.phase);
}

void ScenarioTraffic::OnEnd(const Shot& shot, absl::Time due, absl::Time now,
                            const absl::Status& status, absl::string_view response) {
  const Tag tag = Tag::Unpack(shot.tag);
  const Source& source = sources_[tag.source];
  tally_.Ended(tag.phase, source.model, due, now, status.code(), source.requests->rows());
  if (status.ok() && !tag.malformed) {
    source.requests->Judge(static_cast<int>(tag.request), response,
                           tally_.quality(tag.phase, source.model));
  }
}

}  // namespace weir
