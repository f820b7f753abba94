#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static socklen_t fill(struct sockaddr_storage *storage, const void *address, size_t count, uint16_t port) {
  memset(storage, 0, sizeof *storage);
  if (count == 4) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, address, 4);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  memcpy(&v6->sin6_addr, address, 16);
  return sizeof *v6;
}

int bulkhead_probe_socket(int family, int type, int protocol) {
  int s = socket(family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  int on = 1;
  if (s >= 0 && family == 6 && type != SOCK_RAW) (void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return s;
}

int bulkhead_probe_bind(int s, const void *address, size_t count, uint16_t port) {
  struct sockaddr_storage storage;
  socklen_t length = fill(&storage, address, count, port);
  return bind(s, (struct sockaddr *)&storage, length);
}

int bulkhead_probe_connect(int s, const void *address, size_t count, uint16_t port) {
  struct sockaddr_storage storage;
  socklen_t length = fill(&storage, address, count, port);
  return connect(s, (struct sockaddr *)&storage, length);
}

int bulkhead_probe_listen(int s) { return listen(s, 128); }

int bulkhead_probe_reset_on_close(int s) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  return setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

int bulkhead_probe_error(int s) {
  int code = 0;
  socklen_t length = sizeof code;
  return getsockopt(s, SOL_SOCKET, SO_ERROR, &code, &length) < 0 ? -1 : code;
}

ssize_t bulkhead_probe_echo(int s) {
  unsigned char buffer[2048];
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  ssize_t n = recvfrom(s, buffer, sizeof buffer, 0, (struct sockaddr *)&peer, &length);
  if (n < 0) return -1;
  return sendto(s, buffer, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&peer, length);
}

ssize_t bulkhead_probe_send(int s, const void *bytes, size_t count) { return send(s, bytes, count, MSG_NOSIGNAL); }

ssize_t bulkhead_probe_receive(int s, void *buffer, size_t count) { return recv(s, buffer, count, MSG_DONTWAIT); }

int64_t bulkhead_monotonic_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
