#include "server/model/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "server/model/repository_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Tells where it was destroyed.
class Mortal : public FakeServable {
 public:
  Mortal(ModelSettings settings, int64_t version, std::promise<std::thread::id> death)
      : FakeServable(std::move(settings), version), death_(std::move(death)) {}
  ~Mortal() override { death_.set_value(std::this_thread::get_id()); }

 private:
  std::promise<std::thread::id> death_;
};

class RepositoryTest : public testing::Test {
 protected:
  RepositoryTest() { disk_.AddModel("a", {"1"}); }

  void Open(Repository::Options options = {}) {
    options.root = disk_.root();
    auto repository = Repository::Open(
        options,
        [this](ModelSettings settings, int64_t version,
               const std::string& path) -> absl::StatusOr<std::shared_ptr<Servable>> {
          niceness_ = getpriority(PRIO_PROCESS, 0);
          absl::StatusOr<std::shared_ptr<Servable>> fake = loader_.Make()(settings, version, path);
          if (!fake.ok()) return fake;
          std::promise<std::thread::id> death;
          deaths_.push_back(death.get_future());
          return std::make_shared<Mortal>(std::move(settings), version, std::move(death));
        });
    ASSERT_TRUE(repository.ok()) << repository.status();
    repository_ = *std::move(repository);
  }

  absl::Status Start() {
    return Await([this](Repository::Done on_loaded) {
      repository_->Start([this](const ModelStatus& model) { OnChange(model); },
                         std::move(on_loaded));
    });
  }

  void OnChange(const ModelStatus& model) {
    absl::MutexLock lock(&mu_);
    repository_thread_ = std::this_thread::get_id();
    ready_[model.name] = absl::StrJoin(model.ReadyVersions(), ",");
  }

  std::thread::id RepositoryThread() {
    absl::MutexLock lock(&mu_);
    return repository_thread_;
  }

  void AwaitReady(const std::string& model, const std::string& versions) {
    const auto ready = [&]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return ready_[model] == versions; };
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&ready), absl::Seconds(60)));
  }

  // Each waits for the outcome.
  absl::Status Load(const std::string& model) {
    return Await([&](Repository::Done done) { repository_->Load(model, std::move(done)); });
  }
  absl::Status Unload(const std::string& model) {
    return Await([&](Repository::Done done) { repository_->Unload(model, std::move(done)); });
  }
  absl::Status Reload() {
    return Await([&](Repository::Done done) { repository_->Reload(std::move(done)); });
  }

  static absl::Status Await(absl::FunctionRef<void(Repository::Done)> command) {
    std::promise<absl::Status> outcome;
    command([&](absl::Status status) { outcome.set_value(std::move(status)); });
    return outcome.get_future().get();
  }

  RepositoryOnDisk disk_;
  FakeLoader loader_{disk_};
  std::atomic<int> niceness_ = 0;  // Of the thread that loads.
  std::vector<std::future<std::thread::id>> deaths_;
  absl::Mutex mu_;
  std::thread::id repository_thread_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> ready_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Repository> repository_;
};

TEST_F(RepositoryTest, ARepositoryThatCannotBeReadIsAnError) {
  const auto repository = Repository::Open({.root = "/nowhere"}, nullptr);
  EXPECT_EQ(repository.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(repository.status().message()), HasSubstr("/nowhere"));
}

TEST_F(RepositoryTest, StartLoadsTheModelsAsideAndAtLowPriority) {
  Open();
  EXPECT_FALSE(repository_->Find("a", 0).ok());
  EXPECT_TRUE(Start().ok());
  EXPECT_TRUE(repository_->Find("a", 0).ok());
  EXPECT_NE(RepositoryThread(), std::this_thread::get_id());
  EXPECT_EQ(niceness_, 19);
}

TEST_F(RepositoryTest, StartTellsWhenNoModelCanAnswer) {
  loader_.broken["a/1/model.pt"] = "broken";
  Open();
  EXPECT_EQ(Start(), absl::FailedPreconditionError("no model could be loaded"));
}

TEST_F(RepositoryTest, AReplacedVersionIsDestroyedOnTheRepositorysThread) {
  Open();
  ASSERT_TRUE(Start().ok());
  std::shared_ptr<Servable> request = *repository_->Find("a", 0);
  disk_.Write("a/2/model.pt", "");
  ASSERT_TRUE(Reload().ok());
  EXPECT_EQ((*repository_->Find("a", 0))->version(), 2);
  request.reset();
  EXPECT_EQ(deaths_[0].get(), RepositoryThread());
  ASSERT_TRUE(Reload().ok());  // Which comes after the burial.
  EXPECT_EQ(Show(repository_->catalog(), "a"), "2 ready");
}

TEST_F(RepositoryTest, WhatNoRequestHoldsIsGoneBeforeTheAnswer) {
  Open();
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Load("a").ok());
  EXPECT_EQ(Show(repository_->catalog(), "a"), "1 ready");
  EXPECT_EQ(deaths_[0].wait_for(std::chrono::seconds(0)), std::future_status::ready);
  ASSERT_TRUE(Unload("a").ok());
  EXPECT_EQ(Show(repository_->catalog(), "a"), "1 unloaded");
  EXPECT_EQ(deaths_[1].wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(RepositoryTest, ARequestMayHoldAVersionForLongerThanTheRepositoryLives) {
  Open();
  ASSERT_TRUE(Start().ok());
  std::shared_ptr<Servable> request = *repository_->Find("a", 0);
  repository_.reset();
  EXPECT_EQ(request->version(), 1);
  request.reset();
  EXPECT_EQ(deaths_[0].get(), std::this_thread::get_id());
}

TEST_F(RepositoryTest, PollingFindsWhatChanges) {
  Open({.poll_interval = absl::Milliseconds(1)});
  ASSERT_TRUE(Start().ok());
  disk_.Write("a/2/model.pt", "");
  AwaitReady("a", "2");
  disk_.AddModel("b", {"1"});
  AwaitReady("b", "1");
  disk_.Remove("a");
  AwaitReady("a", "");
}

TEST_F(RepositoryTest, StopEndsBetweenTwoLoadsAndRefusesWhatHasNotBegun) {
  disk_.AddModel("b", {"1"});
  absl::Notification loading, go_on;
  loader_.on_load = [&](const std::string&) {
    loading.Notify();
    go_on.WaitForNotification();
  };
  Open();
  std::promise<absl::Status> loaded, waiting;
  repository_->Start([](const ModelStatus&) {},
                     [&](absl::Status status) { loaded.set_value(std::move(status)); });
  repository_->Load("b", [&](absl::Status status) { waiting.set_value(std::move(status)); });
  loading.WaitForNotification();
  repository_->Stop();
  // At once, though the load goes on.
  EXPECT_EQ(waiting.get_future().get(), absl::UnavailableError("the server is stopping"));
  go_on.Notify();
  EXPECT_EQ(loaded.get_future().get(), absl::UnavailableError("the server is stopping"));
  EXPECT_EQ(Reload(), absl::UnavailableError("the server is stopping"));
  repository_.reset();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/1/model.pt"));
}

TEST_F(RepositoryTest, StopAnswersTheCommandThatIsRunning) {
  Open();
  ASSERT_TRUE(Start().ok());
  absl::Notification loading, go_on;
  loader_.on_load = [&](const std::string&) {
    loading.Notify();
    go_on.WaitForNotification();
  };
  std::promise<absl::Status> running;
  repository_->Load("a", [&](absl::Status status) { running.set_value(std::move(status)); });
  loading.WaitForNotification();
  repository_->Stop();
  EXPECT_EQ(running.get_future().get(), absl::UnavailableError("the server is stopping"));
  go_on.Notify();
  repository_->Join();
  EXPECT_THAT(Show(repository_->catalog(), "a"), HasSubstr("1 ready"));
}

TEST_F(RepositoryTest, WhatServesGoesOnServingAfterStop) {
  Open();
  ASSERT_TRUE(Start().ok());
  repository_->Stop();
  repository_->Stop();
  EXPECT_TRUE(repository_->Find("a", 0).ok());
}

TEST_F(RepositoryTest, CommandsAreCarriedOutInTheirOrder) {
  Open();
  std::vector<std::string> order;
  std::promise<void> all;
  repository_->Unload("a", [&](const absl::Status&) { order.push_back("unload"); });
  repository_->Load("a", [&](const absl::Status&) { order.push_back("load"); });
  repository_->Reload([&](const absl::Status&) { all.set_value(); });
  ASSERT_TRUE(Start().ok());
  all.get_future().get();
  EXPECT_THAT(order, ElementsAre("unload", "load"));
  EXPECT_EQ(Show(repository_->catalog(), "a"), "1 ready");
}

}  // namespace
}  // namespace weir
