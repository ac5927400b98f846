/*
 * The clock of a process, mainly of a redis-server, that a test moves. The process is started with this
 * library in LD_PRELOAD, so its calls of gettimeofday, clock_gettime and time come here. A file that the test writes
 * (test/support/clock.ts) is mapped into memory and says what the time of day is; reading it costs no call.
 *
 * The monotonic clock stays the machine's: Redis measures its timers and the run time of scripts by it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct timespec) == 16, "the kernel's time is taken for 64 bits");

/* While the clock runs, `micros` is its offset from the machine's clock; while it is stopped, the time since 1970. */
struct setting {
  int64_t stands, micros;
};

/* The test writes the setting that is not in use, and then counts the changes up: an even count means that
 * the first one is in use, an odd one the second. So no process reads a half-written setting. */
struct file {
  int64_t changes;
  struct setting settings[2];
};

static const struct file *file;

__attribute__((constructor)) static void map(void) {
  const char *path = getenv("DELAYER_TEST_CLOCK");
  if (!path) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *memory = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *file, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    perror(path);
    _exit(1);
  }
  close(fd);
  file = memory;
}

static struct setting read_setting(void) {
  struct setting setting;
  int64_t changes;
  do {
    changes = __atomic_load_n(&file->changes, __ATOMIC_ACQUIRE);
    setting = file->settings[changes & 1];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
  } while (__atomic_load_n(&file->changes, __ATOMIC_RELAXED) != changes);
  return setting;
}

/* The kernel is asked directly: dlsym, which would find the function hidden by this one, may allocate, and
 * an allocator may ask for the time. */
int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = (int)syscall(SYS_clock_gettime, clock, at);
  if (failed || !file || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
  struct setting setting = read_setting();
  int64_t nanos = setting.stands ? 0 : at->tv_sec * 1000000000LL + at->tv_nsec;
  nanos += setting.micros * 1000;
  at->tv_sec = nanos / 1000000000;
  at->tv_nsec = nanos % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
