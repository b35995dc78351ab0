// Tells ThreadSanitizer what abseil does. The system's abseil is not built for it: the sanitizer
// would see nobody take a lock, and would take all that locks guard for races.
//
// The functions below have the names of abseil's own. The program's definitions go before those of
// its shared libraries, also for calls within a library; each tells what is about to happen and
// goes on to the one that it hides. Between "pre" and "post" the sanitizer looks away: from
// abseil's code, and from the conditions that one thread evaluates for another while it holds the
// lock.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdint>

#include "absl/base/options.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

#define STRING_OF(name) #name
#define STRING_OF_VALUE(name) STRING_OF(name)

// Of the sanitizer, in none of its headers.
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);

namespace {

constexpr unsigned kWrite = 0;
constexpr unsigned kRead = __tsan_mutex_read_lock;

// The hidden function of namespace absl whose mangled name ends so.
template <typename Function>
Function* Hidden(absl::string_view end, absl::string_view begin = "_ZN4absl") {
  constexpr absl::string_view kVersion = STRING_OF_VALUE(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  void* const function =
      dlsym(RTLD_NEXT, absl::StrCat(begin, kVersion.size(), kVersion, end).c_str());
  if (function == nullptr) __builtin_trap();
  return reinterpret_cast<Function*>(function);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

Mutex::~Mutex() {
  static const auto hidden = Hidden<void(Mutex*)>("5MutexD1Ev");
  hidden(this);
  __tsan_mutex_destroy(this, __tsan_mutex_not_static);
}

void Mutex::Lock() {
  static const auto hidden = Hidden<void(Mutex*)>("5Mutex4LockEv");
  __tsan_mutex_pre_lock(this, kWrite);
  hidden(this);
  __tsan_mutex_post_lock(this, kWrite, 0);
}

void Mutex::Unlock() {
  static const auto hidden = Hidden<void(Mutex*)>("5Mutex6UnlockEv");
  __tsan_mutex_pre_unlock(this, kWrite);
  hidden(this);
  __tsan_mutex_post_unlock(this, kWrite);
}

bool Mutex::TryLock() {
  static const auto hidden = Hidden<bool(Mutex*)>("5Mutex7TryLockEv");
  constexpr unsigned kTry = kWrite | __tsan_mutex_try_lock;
  __tsan_mutex_pre_lock(this, kTry);
  const bool locked = hidden(this);
  __tsan_mutex_post_lock(this, locked ? kTry : kTry | __tsan_mutex_try_lock_failed, 0);
  return locked;
}

void Mutex::ReaderLock() {
  static const auto hidden = Hidden<void(Mutex*)>("5Mutex10ReaderLockEv");
  __tsan_mutex_pre_lock(this, kRead);
  hidden(this);
  __tsan_mutex_post_lock(this, kRead, 0);
}

void Mutex::ReaderUnlock() {
  static const auto hidden = Hidden<void(Mutex*)>("5Mutex12ReaderUnlockEv");
  __tsan_mutex_pre_unlock(this, kRead);
  hidden(this);
  __tsan_mutex_post_unlock(this, kRead);
}

void Mutex::LockWhen(const Condition& condition) {
  static const auto hidden =
      Hidden<void(Mutex*, const Condition&)>("5Mutex8LockWhenERKNS0_9ConditionE");
  __tsan_mutex_pre_lock(this, kWrite);
  hidden(this, condition);
  __tsan_mutex_post_lock(this, kWrite, 0);
}

// LockWhenWithTimeout calls it.
bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  static const auto hidden = Hidden<bool(Mutex*, const Condition&, Time)>(
      "5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  __tsan_mutex_pre_lock(this, kWrite);
  const bool result = hidden(this, condition, deadline);
  __tsan_mutex_post_lock(this, kWrite, 0);
  return result;
}

// To wait is to unlock and to lock again. Nobody waits here who holds the lock for reading.
void Mutex::Await(const Condition& condition) {
  static const auto hidden =
      Hidden<void(Mutex*, const Condition&)>("5Mutex5AwaitERKNS0_9ConditionE");
  __tsan_mutex_pre_unlock(this, kWrite);
  __tsan_mutex_post_unlock(this, kWrite);
  __tsan_mutex_pre_lock(this, kWrite);
  hidden(this, condition);
  __tsan_mutex_post_lock(this, kWrite, 0);
}

// AwaitWithTimeout calls it.
bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static const auto hidden = Hidden<bool(Mutex*, const Condition&, Time)>(
      "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  __tsan_mutex_pre_unlock(this, kWrite);
  __tsan_mutex_post_unlock(this, kWrite);
  __tsan_mutex_pre_lock(this, kWrite);
  const bool result = hidden(this, condition, deadline);
  __tsan_mutex_post_lock(this, kWrite, 0);
  return result;
}

// All ways to wait call it.
bool CondVar::WaitCommon(Mutex* mutex, synchronization_internal::KernelTimeout timeout) {
  static const auto hidden =
      Hidden<bool(CondVar*, Mutex*, synchronization_internal::KernelTimeout)>(
          "7CondVar10WaitCommonEPNS0_5MutexENS0_24synchronization_internal13KernelTimeoutE");
  __tsan_mutex_pre_unlock(mutex, kWrite);
  __tsan_mutex_post_unlock(mutex, kWrite);
  __tsan_mutex_pre_lock(mutex, kWrite);
  const bool result = hidden(this, mutex, timeout);
  __tsan_mutex_post_lock(mutex, kWrite, 0);
  return result;
}

// A notification is seen without its lock.
void Notification::Notify() {
  static const auto hidden = Hidden<void(Notification*)>("12Notification6NotifyEv");
  __tsan_release(this);
  hidden(this);
}

void Notification::WaitForNotification() const {
  static const auto hidden =
      Hidden<void(const Notification*)>("12Notification19WaitForNotificationEv", "_ZNK4absl");
  hidden(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

// Gives back a share of a status that has a text.
void Status::UnrefNonInlined(uintptr_t shared) {
  static const auto hidden = Hidden<void(uintptr_t)>("6Status15UnrefNonInlinedEm");
  __tsan_release(reinterpret_cast<void*>(shared));  // NOLINT(performance-no-int-to-ptr)
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);    // The last one deletes it, after all others.
  hidden(shared);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}

ABSL_NAMESPACE_END
}  // namespace absl
