#include "tests/alerts/trial.h"

#include <iostream>
#include <regex>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/alerts/history.h"

namespace weir {
namespace {

// As it would have been in life.
std::string InLife(absl::Duration time) {
  return absl::FormatDuration(absl::Trunc(time * kSpeed, absl::Seconds(1)));
}

std::string Text(const AlertId& alert) {
  std::ostringstream text;
  text << alert;
  return text.str();
}

}  // namespace

absl::Status Trial::Begin(Provocation provocation) {
  JudgeMessages();
  for (const Provocation::Wanted& wanted : provocation.wanted) {
    WEIR_RETURN_IF_ERROR(AwaitInactive(wanted.alert));
    allowed_.insert(wanted.alert);
    if (!wanted.or_else.empty()) allowed_.insert({wanted.or_else, wanted.alert.subject});
  }
  allowed_.insert(provocation.companions.begin(), provocation.companions.end());
  std::cout << provocation.name << std::endl;
  Episode episode = {.provocation = std::move(provocation),
                     .began = absl::Now(),
                     .first_message = site_.telegram().count()};
  for (const auto& wanted : episode.provocation.wanted) episode.stories.push_back({wanted});
  WEIR_RETURN_IF_ERROR(episode.provocation.begin());
  totals_.provoked += static_cast<int>(episode.stories.size());
  episodes_[episode.provocation.name] = std::move(episode);
  return absl::OkStatus();
}

absl::Status Trial::AwaitInactive(const AlertId& alert) {
  const std::string name = absl::StrCat("ALERTS{alertname='", alert.name, "',");
  const std::string query = absl::StrCat(name, "model='", alert.subject, "'} or ", name,
                                         "replica='", alert.subject, "'}");
  const absl::Time deadline = MonotonicNow() + patience_;
  // Nobody tells when an alert ends; each look waits for an answer.
  while (MonotonicNow() < deadline) {
    WEIR_ASSIGN_OR_RETURN(const auto series, site_.prometheus().Query(query));
    if (series.empty()) return absl::OkStatus();
  }
  return absl::DeadlineExceededError(Text(alert) + " does not get inactive");
}

absl::Status Trial::AwaitTold(const std::string& name) {
  Episode& episode = episodes_.at(name);
  for (Story& story : episode.stories) {
    AwaitTold(episode, story);
    if (story.is_told) WEIR_RETURN_IF_ERROR(CheckHistory(episode, story));
  }
  JudgeMessages();
  return absl::OkStatus();
}

void Trial::AwaitTold(const Episode& episode, Story& story) {
  const std::regex text(story.wanted.text);
  Told found;
  absl::Time came;
  const auto is_it = [&](const FakeTelegram::Message& message) {
    for (const Told& told : ReadMessage(message.text)) {
      if (told.over || told.id.subject != story.wanted.alert.subject) continue;
      if (told.id.name != story.wanted.alert.name && told.id.name != story.wanted.or_else) continue;
      if (!std::regex_search(told.text, text)) continue;
      found = told;
      came = message.came;
      return true;
    }
    return false;
  };
  if (!site_.telegram().Await(is_it, patience_, episode.first_message)) {
    return Miss(episode, story, "nobody is told of it");
  }
  story.is_told = true;
  story.told = found.id;
  story.times = absl::StrCat(", told after ", InLife(came - episode.began));
  std::cout << found.text << std::endl;
}

absl::Status Trial::CheckHistory(const Episode& episode, Story& story) {
  WEIR_ASSIGN_OR_RETURN(const auto history, AlertHistory(site_.prometheus_port(), episode.began));
  const auto times = history.find(story.told);
  if (times == history.end() || times->second.firing == absl::InfiniteFuture()) {
    Miss(episode, story, "people are told of it, but it does not fire");
    return absl::OkStatus();
  }
  const auto [pending, firing] = times->second;
  if (!story.wanted.at_once && pending >= firing) {
    Miss(episode, story, "it fires without having been pending");
    return absl::OkStatus();
  }
  story.times =
      absl::StrCat(pending < firing ? ", pending after " + InLife(pending - episode.began) : "",
                   ", firing after ", InLife(firing - episode.began), story.times);
  return absl::OkStatus();
}

absl::Status Trial::End(const std::string& name) {
  Episode& episode = episodes_.at(name);
  WEIR_RETURN_IF_ERROR(episode.provocation.end());
  JudgeMessages();
  allowed_.insert(episode.provocation.aftermath.begin(), episode.provocation.aftermath.end());
  return absl::OkStatus();
}

void Trial::AwaitOver(const std::string& name) {
  Episode& episode = episodes_.at(name);
  for (Story& story : episode.stories) {
    if (story.is_told) AwaitOver(episode, story);
  }
  JudgeMessages();
}

void Trial::AwaitOver(const Episode& episode, Story& story) {
  absl::Time came;
  const auto is_it = [&](const FakeTelegram::Message& message) {
    for (const Told& told : ReadMessage(message.text)) {
      came = message.came;
      if (told.over && told.id == story.told) return true;
    }
    return false;
  };
  if (!site_.telegram().Await(is_it, patience_, episode.first_message)) {
    return Miss(episode, story, "nobody is told that it is over");
  }
  ++totals_.delivered;
  std::cout << episode.provocation.name << ": " << story.told << story.times << ", over after "
            << InLife(came - episode.began) << std::endl;
}

absl::Status Trial::Run(const Provocation& provocation) {
  WEIR_RETURN_IF_ERROR(Begin(provocation));
  WEIR_RETURN_IF_ERROR(AwaitTold(provocation.name));
  WEIR_RETURN_IF_ERROR(End(provocation.name));
  AwaitOver(provocation.name);
  return absl::OkStatus();
}

absl::Status Trial::Finish() {
  JudgeMessages();
  WEIR_ASSIGN_OR_RETURN(const auto history, AlertHistory(site_.prometheus_port(), began_));
  for (const auto& [alert, times] : history) {
    if (times.firing == absl::InfiniteFuture() || allowed_.count(alert) > 0) continue;
    ++totals_.wrong;
    std::cout << "WRONG: " << alert << " fires" << std::endl;
  }
  return absl::OkStatus();
}

void Trial::JudgeMessages() {
  const auto messages = site_.telegram().messages();
  for (; judged_messages_ < messages.size(); ++judged_messages_) {
    for (const Told& told : ReadMessage(messages[judged_messages_].text)) {
      if (allowed_.count(told.id) > 0) continue;
      ++totals_.wrong;
      std::cout << "WRONG: " << told.text << std::endl;
    }
  }
}

void Trial::Miss(const Episode& episode, Story& story, const std::string& why) {
  story.is_told = false;
  ++totals_.missed;
  std::cout << "MISSED: " << episode.provocation.name << ": " << story.wanted.alert << ": " << why
            << "\nAll that people were told since it began:\n";
  const auto messages = site_.telegram().messages();
  for (size_t i = episode.first_message; i < messages.size(); ++i) std::cout << messages[i].text;
  std::cout.flush();
}

}  // namespace weir
