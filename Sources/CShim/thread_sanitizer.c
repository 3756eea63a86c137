// For the thread sanitizer alone (scripts/sanitize thread); otherwise nothing.
//
// Swift's Mutex takes a lock that nobody holds in code that is compiled with ours, where the sanitizer sees it. One that is held it waits for in
// libswiftSynchronization, by the kernel's own lock (FUTEX_LOCK_PI), which the sanitizer does not: whoever had waited would be taken for a racer.
// These two stand in front of the library's and tell it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdint.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

SWIFT void so_lock_slowly(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT void so_unlock_slowly(SELF void *mutex) __asm__(UNLOCK);

typedef SWIFT void (*lock)(uint32_t, SELF void *);
typedef SWIFT void (*unlock)(SELF void *);

SWIFT void so_lock_slowly(uint32_t thread, SELF void *mutex) {
  ((lock)dlsym(RTLD_NEXT, LOCK))(thread, mutex);
  __tsan_acquire(mutex);
}

SWIFT void so_unlock_slowly(SELF void *mutex) {
  __tsan_release(mutex);
  ((unlock)dlsym(RTLD_NEXT, UNLOCK))(mutex);
}
#endif
#endif
