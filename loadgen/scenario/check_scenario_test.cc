#include "loadgen/scenario/check_scenario.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "loadgen/scenario/scenario.h"

namespace weir {
namespace {

// What is said of a scenario that came from no file.
std::string Complaint(const std::string& text) {
  v1::LoadScenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario)) << text;
  const absl::Status status = CheckScenario(scenario);
  if (status.ok()) return "";
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

// The same of one phase with `fields`.
std::string PhaseComplaint(const std::string& fields) {
  return Complaint(absl::StrCat("traffic { model: 'm' } phases { name: 'p' ", fields, " }"));
}

// The same of traffic to model m with `fields`.
std::string TrafficComplaint(const std::string& fields) {
  return Complaint(absl::StrCat("traffic { model: 'm' ", fields,
                                " } phases { name: 'p' duration: '1s' rate: 1 }"));
}

TEST(CheckScenarioTest, EveryKindOfPhaseIsAccepted) {
  EXPECT_EQ(PhaseComplaint("duration: '1h30m' concurrency: 8"), "");
  EXPECT_EQ(PhaseComplaint("duration: '500ms' rate: 0.5 poisson: true"), "");
  EXPECT_EQ(PhaseComplaint("duration: '1s' ramp { from: 0 to: 10 }"), "");
  EXPECT_EQ(PhaseComplaint("duration: '1s' ramp { from: 10 } poisson: true"), "");
  EXPECT_EQ(PhaseComplaint("duration: '1s' steps { rates: [ 1, 0, 3 ] }"), "");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { base: 1 peak: 9 at: '0s' length: '10s' }"), "");
  EXPECT_EQ(PhaseComplaint("replay_file: 'times.txt'"), "");
  EXPECT_EQ(Complaint("traffic { model: 'm' }"
                      "phases { name: 'a' duration: '1s' warm_up: true concurrency: 8 }"
                      "phases { name: 'b' duration: '1s' capacity_multiple: 3 poisson: true }"),
            "");
}

TEST(CheckScenarioTest, EveryFieldOfTrafficIsAccepted) {
  EXPECT_EQ(TrafficComplaint("version: 2 weight: 0.5 rows: 8 timeout: '20ms' stream: true "
                             "priority: 1 shift { brightness: -255 invert: true area_factor: 2 } "
                             "faults { delay: '60s' fail_ratio: 1 code: 'UNAVAILABLE' "
                             "malformed_ratio: 0.5 }"),
            "");
  for (const char* input : {"fashion", "flats", "accidents", "flat_rows", "random", "file:a"}) {
    EXPECT_EQ(TrafficComplaint(absl::StrCat("input: '", input, "'")), "");
  }
}

TEST(CheckScenarioTest, PhasesMustBeThereAndBeCounted) {
  EXPECT_EQ(Complaint("traffic { model: 'm' }"), "phases: there are none");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: 1 warm_up: true"),
            "phases: all of them are warm_up: nothing would be counted");
}

TEST(CheckScenarioTest, AScenarioHasALimitedSize) {
  std::string text = "traffic { model: 'm' }";
  for (int i = 0; i < 1001; ++i) text += " phases { rate: 1 }";
  EXPECT_EQ(Complaint(text), "phases: there are 1001, expected at most 1000");
  text = "phases {}";
  for (int i = 0; i < 10'001; ++i) text += " traffic {}";
  EXPECT_EQ(Complaint(text), "traffic: there are 10001 in all phases, expected at most 10000");
}

TEST(CheckScenarioTest, PhasesHaveNamesOfTheirOwn) {
  EXPECT_EQ(Complaint("phases { duration: '1s' rate: 1 }"), "phases[0].name: is empty");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: 1 } phases { name: 'p' duration: '1s' rate: 1"),
            "phases[1].name: an earlier phase is called \"p\" too");
  EXPECT_EQ(Complaint("phases { name: 'a\\nb' }"),
            "phases[0].name: must be one line of plain text");
  EXPECT_EQ(Complaint("description: 'a\\tb'"), "description: must be one line of plain text");
}

TEST(CheckScenarioTest, APhaseNeedsADurationThatIsOne) {
  EXPECT_EQ(PhaseComplaint("rate: 1"),
            "phases[0].duration: \"\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(PhaseComplaint("duration: '10 s' rate: 1"),
            "phases[0].duration: \"10 s\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(PhaseComplaint("duration: '10' rate: 1"),
            "phases[0].duration: \"10\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(PhaseComplaint("duration: '-1s' rate: 1"),
            "phases[0].duration: must be above 0 and at most 720h, is \"-1s\"");
  EXPECT_EQ(PhaseComplaint("duration: '0s' rate: 1"),
            "phases[0].duration: must be above 0 and at most 720h, is \"0s\"");
  EXPECT_EQ(PhaseComplaint("duration: 'inf' rate: 1"),
            "phases[0].duration: must be above 0 and at most 720h, is \"inf\"");
}

TEST(CheckScenarioTest, AReplayHasNoDurationOfItsOwn) {
  EXPECT_EQ(PhaseComplaint("duration: '1s' replay_file: 'a'"),
            "phases[0].duration: a phase with replay_file ends with the last line of the file");
  EXPECT_EQ(PhaseComplaint("replay_file: ''"), "phases[0].replay_file: is empty");
}

TEST(CheckScenarioTest, APhaseNeedsAPace) {
  EXPECT_EQ(PhaseComplaint("duration: '1s'"),
            "phases[0].rate: is not set, nor is concurrency, ramp, steps, spike, replay_file or "
            "capacity_multiple");
}

TEST(CheckScenarioTest, RatesAreAboveZeroAndFinite) {
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: -5"),
            "phases[0].rate: must be above 0 and at most 1000000, is -5");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: 0"),
            "phases[0].rate: must be above 0 and at most 1000000, is 0");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: nan"),
            "phases[0].rate: must be above 0 and at most 1000000, is nan");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: inf"),
            "phases[0].rate: must be above 0 and at most 1000000, is inf");
  EXPECT_EQ(PhaseComplaint("duration: '1s' concurrency: 0"),
            "phases[0].concurrency: must be 1 to 100000, is 0");
  EXPECT_EQ(PhaseComplaint("duration: '1s' concurrency: -1"),
            "phases[0].concurrency: must be 1 to 100000, is -1");
}

TEST(CheckScenarioTest, CurvesSendSomethingAndNeverLessThanNothing) {
  EXPECT_EQ(PhaseComplaint("duration: '1s' ramp { from: -1 to: 5 }"),
            "phases[0].ramp.from: must be 0 to 1000000, is -1");
  EXPECT_EQ(PhaseComplaint("duration: '1s' ramp { from: 1 to: 1e7 }"),
            "phases[0].ramp.to: must be 0 to 1000000, is 10000000");
  EXPECT_EQ(PhaseComplaint("duration: '1s' ramp {}"),
            "phases[0].ramp.to: goes from 0 to 0: nothing would be sent");
  EXPECT_EQ(PhaseComplaint("duration: '1s' steps { rates: [ 1, -2 ] }"),
            "phases[0].steps.rates: must be 0 to 1000000, is -2");
  EXPECT_EQ(PhaseComplaint("duration: '1s' steps { rates: 0 }"),
            "phases[0].steps.rates: there is none above 0: nothing would be sent");
  EXPECT_EQ(PhaseComplaint("duration: '1s' steps {}"),
            "phases[0].steps.rates: there is none above 0: nothing would be sent");
}

TEST(CheckScenarioTest, ASpikeLiesWithinItsPhase) {
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { base: 1 peak: -1 at: '1s' length: '1s' }"),
            "phases[0].spike.peak: must be 0 to 1000000, is -1");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { at: '1s' length: '1s' }"),
            "phases[0].spike.peak: base and peak are 0: nothing would be sent");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { peak: 5 length: '1s' }"),
            "phases[0].spike.at: \"\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { peak: 5 at: '-1s' length: '1s' }"),
            "phases[0].spike.at: must be 0 to 720h, is \"-1s\"");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { peak: 5 at: '1s' length: '0s' }"),
            "phases[0].spike.length: must be above 0 and at most 720h, is \"0s\"");
  EXPECT_EQ(PhaseComplaint("duration: '10s' spike { peak: 5 at: '9s' length: '2s' }"),
            "phases[0].spike.length: the peak ends 11s after the phase begins, which lasts 10s");
}

TEST(CheckScenarioTest, AMultipleOfTheCapacityNeedsAnEarlierPhaseThatMeasuresIt) {
  const std::string none =
      "phases[1].capacity_multiple: there is no earlier phase with concurrency that measures the "
      "capacity";
  const std::string first = "duration: '1s' rate: 1 } phases { name: 'q' duration: '1s' ";
  EXPECT_EQ(PhaseComplaint(first + "capacity_multiple: 3"), none);
  EXPECT_EQ(PhaseComplaint(first + "capacity_multiple: 3 } phases { name: 'r' duration: '1s' "
                                   "concurrency: 3"),
            none);
  EXPECT_EQ(PhaseComplaint("duration: '1s' concurrency: 3 } phases { name: 'q' duration: '1s' "
                           "capacity_multiple: 0"),
            "phases[1].capacity_multiple: must be above 0 and at most 100, is 0");
}

TEST(CheckScenarioTest, PoissonIsForOpenLoopsOnly) {
  EXPECT_EQ(PhaseComplaint("duration: '1s' concurrency: 3 poisson: true"),
            "phases[0].poisson: does not go with concurrency");
  EXPECT_EQ(PhaseComplaint("replay_file: 'a' poisson: true"),
            "phases[0].poisson: does not go with replay_file");
}

TEST(CheckScenarioTest, TrafficMustBeSomewhere) {
  EXPECT_EQ(Complaint("phases { name: 'p' duration: '1s' rate: 1 }"),
            "phases[0].traffic: is empty, and the scenario has none either");
  EXPECT_EQ(Complaint("phases { name: 'p' duration: '1s' rate: 1 traffic { model: 'm' } }"), "");
  EXPECT_EQ(Complaint("phases { name: 'p' duration: '1s' rate: 1 traffic { model: 'm' } }"
                      "phases { name: 'q' duration: '1s' rate: 1 }"),
            "phases[1].traffic: is empty, and the scenario has none either");
}

TEST(CheckScenarioTest, TrafficNamesAModel) {
  EXPECT_EQ(Complaint("traffic {} phases {}"), "traffic[0].model: is empty");
  EXPECT_EQ(Complaint("traffic { model: 'a\\nb' } phases {}"),
            "traffic[0].model: must be one line of plain text");
  EXPECT_EQ(PhaseComplaint("duration: '1s' rate: 1 traffic { model: 'm' } traffic {}"),
            "phases[0].traffic[1].model: is empty");
  EXPECT_EQ(TrafficComplaint("version: -1"), "traffic[0].version: must not be negative, is -1");
}

TEST(CheckScenarioTest, WeightsAndRowsAreAboveZero) {
  EXPECT_EQ(TrafficComplaint("weight: 0"),
            "traffic[0].weight: must be above 0 and at most 1000000, is 0");
  EXPECT_EQ(TrafficComplaint("weight: -1"),
            "traffic[0].weight: must be above 0 and at most 1000000, is -1");
  EXPECT_EQ(TrafficComplaint("weight: inf"),
            "traffic[0].weight: must be above 0 and at most 1000000, is inf");
  EXPECT_EQ(TrafficComplaint("rows: 0"), "traffic[0].rows: must be 1 to 100000, is 0");
}

TEST(CheckScenarioTest, InputsAndTimeoutsAreKnown) {
  EXPECT_EQ(TrafficComplaint("input: 'mnist'"),
            "traffic[0].input: \"mnist\" is none of fashion, flats, accidents, flat_rows, random, "
            "file:PATH");
  EXPECT_EQ(TrafficComplaint("input: 'file:'"), "traffic[0].input: there is no path behind file:");
  EXPECT_EQ(TrafficComplaint("timeout: 'soon'"),
            "traffic[0].timeout: \"soon\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(TrafficComplaint("timeout: '2h'"),
            "traffic[0].timeout: must be above 0 and at most 1h, is \"2h\"");
}

TEST(CheckScenarioTest, ShiftsStayInBounds) {
  EXPECT_EQ(TrafficComplaint("shift { brightness: 256 }"),
            "traffic[0].shift.brightness: must be -255 to 255, is 256");
  EXPECT_EQ(TrafficComplaint("shift { area_factor: 0 }"),
            "traffic[0].shift.area_factor: must be above 0 and at most 1000, is 0");
}

TEST(CheckScenarioTest, FaultsAreWhatServersTake) {
  EXPECT_EQ(TrafficComplaint("faults { delay: '61s' }"),
            "traffic[0].faults.delay: must be 0 to 1m, is \"61s\"");
  EXPECT_EQ(TrafficComplaint("faults { delay: 'long' }"),
            "traffic[0].faults.delay: \"long\" is not a duration such as 500ms, 10s or 1h30m");
  EXPECT_EQ(TrafficComplaint("faults { fail_ratio: 1.5 }"),
            "traffic[0].faults.fail_ratio: must be 0 to 1, is 1.5");
  EXPECT_EQ(TrafficComplaint("faults { malformed_ratio: -0.5 }"),
            "traffic[0].faults.malformed_ratio: must be 0 to 1, is -0.5");
  EXPECT_EQ(TrafficComplaint("faults { code: 'INTERNAL' }"),
            "traffic[0].faults.code: says how requests fail, but there is no fail_ratio");
  for (const char* code : {"OK", "internal", "13", "BROKEN"}) {
    EXPECT_EQ(TrafficComplaint(absl::StrCat("faults { fail_ratio: 1 code: '", code, "' }")),
              absl::StrCat("traffic[0].faults.code: \"", code,
                           "\" is not the name of a gRPC code such as INTERNAL, other than OK"));
  }
}

// What is said of a scenario in file s: where, above all.
std::string ComplaintOfFile(const std::string& text) {
  return std::string(ParseScenario(text, "s").status().message());
}

TEST(CheckScenarioTest, InAFileTheFieldIsFound) {
  EXPECT_EQ(ComplaintOfFile("traffic { model: 'm' }\n"
                            "phases {\n"
                            "  name: 'p'\n"
                            "  duration: '1s'\n"
                            "  ramp {\n"
                            "    from: 5\n"
                            "    to: -5\n"
                            "  }\n"
                            "}\n"),
            "s:7:5: phases[0].ramp.to: must be 0 to 1000000, is -5");
  EXPECT_EQ(ComplaintOfFile("traffic { model: 'm' }\n"
                            "traffic { model: 'm'\n"
                            "  faults { fail_ratio: 2 } }\n"
                            "phases {}\n"),
            "s:3:12: traffic[1].faults.fail_ratio: must be 0 to 1, is 2");
}

TEST(CheckScenarioTest, InAFileAnElementOfAListIsFoundWithItsList) {
  EXPECT_EQ(ComplaintOfFile("traffic { model: 'm' }\n"
                            "phases { name: 'p' duration: '1s'\n"
                            "  steps { rates: [ 1, 2, -3 ] } }\n"),
            "s:3:11: phases[0].steps.rates: must be 0 to 1000000, is -3");
  EXPECT_EQ(ComplaintOfFile("traffic { model: 'm' }\n"
                            "phases { name: 'p' duration: '1s'\n"
                            "  steps { rates: 1\n"
                            "    rates: -3 } }\n"),
            "s:4:5: phases[0].steps.rates: must be 0 to 1000000, is -3");
}

TEST(CheckScenarioTest, InAFileWhatLacksAFieldIsFound) {
  EXPECT_EQ(ComplaintOfFile("traffic { model: 'm' }\n"
                            "phases { name: 'p' duration: '1s' rate: 1 }\n"
                            "  phases { name: 'q' rate: 1 }\n"),
            "s:3:3: phases[1].duration: \"\" is not a duration such as 500ms, 10s or 1h30m");
}

}  // namespace
}  // namespace weir
