// What a service needs of Linux that Swift cannot see.
#include "CLinuxShims.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

int bulkhead_signal_open(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (error != 0) {
    errno = error;
    return -1;
  }
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int bulkhead_signal_next(int descriptor) {
  struct signalfd_siginfo found;
  ssize_t n = read(descriptor, &found, sizeof found);
  return n == (ssize_t)sizeof found ? (int)found.ssi_signo : 0;
}

int bulkhead_notify(const char *path, const void *bytes, size_t count) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) {
    errno = EINVAL;
    return -1;
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, length);
  // An abstract name begins with a zero byte, which the environment cannot hold.
  if (path[0] == '@') address.sun_path[0] = 0;
  int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return -1;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  ssize_t n = sendto(s, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size);
  int error = errno;
  close(s);
  errno = error;
  return n < 0 ? -1 : 0;
}

int bulkhead_process_open(int process) {
  // pidfd_open(2); the descriptor is close-on-exec.
  return (int)syscall(SYS_pidfd_open, process, 0);
}
