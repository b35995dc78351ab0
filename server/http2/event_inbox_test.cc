#include "server/http2/event_inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/http2/event.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NoEvent : public Event {
 public:
  bool Happened() override { return false; }
};

bool IsReadable(const EventInbox& inbox, absl::Duration patience = absl::ZeroDuration()) {
  pollfd ready = {.fd = inbox.fd(), .events = POLLIN, .revents = 0};
  return poll(&ready, 1, static_cast<int>(patience / absl::Milliseconds(1))) == 1;
}

TEST(EventInboxTest, WhatIsPostedIsTakenOnceInItsOrder) {
  EventInbox inbox;
  NoEvent first, second, third;
  std::vector<Event*> events = {&first};
  std::vector<Event*> more = {&third};
  inbox.Post(second);
  inbox.PostAll(more);
  EXPECT_THAT(more, IsEmpty());
  inbox.Take(events);
  EXPECT_THAT(events, ElementsAre(&first, &second, &third));
  inbox.Take(more);
  EXPECT_THAT(more, IsEmpty());
}

TEST(EventInboxTest, NobodyIsWokenWhoDoesNotSleep) {
  EventInbox inbox;
  NoEvent event;
  inbox.Post(event);
  EXPECT_FALSE(IsReadable(inbox));
  EXPECT_FALSE(inbox.PrepareToSleep()) << "something is there";
  std::vector<Event*> events;
  inbox.Take(events);
  EXPECT_TRUE(inbox.PrepareToSleep());
  inbox.Awake();
  inbox.Post(event);
  EXPECT_FALSE(IsReadable(inbox));
}

TEST(EventInboxTest, TheSleeperIsWokenOnceByWhatIsPosted) {
  for (const bool several : {false, true}) {
    EventInbox inbox;
    NoEvent event;
    ASSERT_TRUE(inbox.PrepareToSleep());
    std::thread other([&] {
      std::vector<Event*> events = {&event, &event};
      several ? inbox.PostAll(events) : inbox.Post(event);
    });
    EXPECT_TRUE(IsReadable(inbox, absl::Seconds(60)));
    other.join();
    inbox.OnReadable();
    EXPECT_FALSE(IsReadable(inbox));
    inbox.Post(event);
    EXPECT_TRUE(IsReadable(inbox)) << "it is still about to sleep";
  }
}

TEST(EventInboxTest, TheSleeperMayBeWokenForNothing) {
  EventInbox inbox;
  inbox.Wake();
  EXPECT_TRUE(IsReadable(inbox));
  inbox.OnReadable();
  EXPECT_FALSE(IsReadable(inbox));
}

}  // namespace
}  // namespace weir
