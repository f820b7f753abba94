#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <unistd.h>

const int bulkhead_clone_newnet = CLONE_NEWNET;
const int bulkhead_clone_newns = CLONE_NEWNS;
const int bulkhead_spawn_setsid = 0x80;

int bulkhead_setns(int descriptor, int type) { return setns(descriptor, type); }
int bulkhead_unshare(int flags) { return unshare(flags); }
int bulkhead_gettid(void) { return (int)syscall(SYS_gettid); }
int bulkhead_namespace_type(int descriptor) { return ioctl(descriptor, NS_GET_NSTYPE); }

long bulkhead_file_system_magic(int descriptor) {
  struct statfs info;
  return fstatfs(descriptor, &info) == 0 ? (long)info.f_type : -1;
}

const char *bulkhead_error_name(int number) { return strerrorname_np(number); }
const char *bulkhead_error_text(int number) { return strerrordesc_np(number); }

int bulkhead_open(const char *path, int flags, unsigned mode) { return open(path, flags | O_CLOEXEC, mode); }

int bulkhead_open_beneath(int directory, const char *path, int flags, unsigned mode) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = (unsigned long long)(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

void bulkhead_keep_memory(void) {
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 27);
  mallopt(M_MMAP_THRESHOLD, 1 << 22);
  // Fast bins are merged at every larger request, all of them; the caches of threads serve small sizes as well.
  mallopt(M_MXFAST, 0);
}

void bulkhead_keep_thread_memory(void) {
  // Each piece below the size that is mapped by itself.
  void *pieces[4];
  for (int i = 0; i < 4; i++) pieces[i] = malloc((1 << 22) - (1 << 12));
  // Whoever compiles this must believe that somebody looks at them.
  __asm__ volatile("" : : "g"(pieces) : "memory");
  for (int i = 0; i < 4; i++) free(pieces[i]);
}

int bulkhead_open_at(int directory, const char *path, int flags) {
  return openat(directory, path, flags | O_CLOEXEC);
}

int bulkhead_own_proc(void) {
  // fsopen(2), fsconfig(2) and fsmount(2); the C library of Debian 12 has them, their constants clash with linux/mount.h.
  int context = (int)syscall(SYS_fsopen, "proc", 1 /* FSOPEN_CLOEXEC */);
  if (context < 0) return -1;
  int root = -1;
  if (syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
    root = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0x2 | 0x4 | 0x8 /* nosuid, nodev, noexec */);
  int error = errno;
  close(context);
  errno = error;
  return root;
}

int bulkhead_tap_make(int descriptor, const char *name, unsigned index, int several_queues) {
  if (ioctl(descriptor, TUNSETIFINDEX, &index) < 0) return -1;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
  if (several_queues) request.ifr_flags |= IFF_MULTI_QUEUE;
  return ioctl(descriptor, TUNSETIFF, &request);
}

int bulkhead_tap_owner(int descriptor, unsigned user) { return ioctl(descriptor, TUNSETOWNER, (unsigned long)user); }
int bulkhead_tap_group(int descriptor, unsigned group) { return ioctl(descriptor, TUNSETGROUP, (unsigned long)group); }
int bulkhead_tap_persist(int descriptor) { return ioctl(descriptor, TUNSETPERSIST, 1ul); }

// What some name services say of a name that nobody has; a group of thousands wants much room.
static int found(int status, void *entry) {
  if (entry != NULL) return 1;
  if (status == 0 || status == ENOENT || status == ESRCH || status == EBADF || status == EPERM) return 0;
  errno = status;
  return -1;
}

int bulkhead_user(const char *name, uint32_t *number) {
  for (size_t room = 1 << 12;; room *= 4) {
    struct passwd entry, *result = NULL;
    char *buffer = malloc(room);
    if (buffer == NULL) return -1;
    int status = getpwnam_r(name, &entry, buffer, room, &result);
    if (result != NULL) *number = entry.pw_uid;
    free(buffer);
    if (status != ERANGE || room >= 1 << 22) return found(status, result);
  }
}

int bulkhead_group(const char *name, uint32_t *number) {
  for (size_t room = 1 << 12;; room *= 4) {
    struct group entry, *result = NULL;
    char *buffer = malloc(room);
    if (buffer == NULL) return -1;
    int status = getgrnam_r(name, &entry, buffer, room, &result);
    if (result != NULL) *number = entry.gr_gid;
    free(buffer);
    if (status != ERANGE || room >= 1 << 22) return found(status, result);
  }
}

int bulkhead_netlink_open(int protocol, uint32_t *port) {
  int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (s < 0) return -1;
  struct sockaddr_nl address;
  memset(&address, 0, sizeof address);
  address.nl_family = AF_NETLINK;
  socklen_t length = sizeof address;
  if (bind(s, (struct sockaddr *)&address, sizeof address) < 0 ||
      getsockname(s, (struct sockaddr *)&address, &length) < 0) {
    int saved = errno;
    close(s);
    errno = saved;
    return -1;
  }
  *port = address.nl_pid;
  return s;
}

int bulkhead_netlink_option(int s, int option, int value) {
  return setsockopt(s, SOL_NETLINK, option, &value, sizeof value);
}

void bulkhead_socket_buffers(int s, int receive, int send) {
  if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive) < 0)
    (void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
  if (setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send) < 0)
    (void)setsockopt(s, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
}

void bulkhead_nftables_send_buffers(int count, int size) {
  for (int s = 0; s < count; s++) {
    int family = 0, protocol = 0;
    socklen_t length = sizeof family;
    if (getsockopt(s, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0 || family != AF_NETLINK) continue;
    length = sizeof protocol;
    if (getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0 || protocol != NETLINK_NETFILTER) continue;
    (void)setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
}

int bulkhead_receive_timeout(int s, long milliseconds) {
  struct timeval t = {.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};
  return setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

ssize_t bulkhead_netlink_send(int s, const void *bytes, size_t count) {
  struct sockaddr_nl kernel;
  memset(&kernel, 0, sizeof kernel);
  kernel.nl_family = AF_NETLINK;
  return sendto(s, bytes, count, 0, (struct sockaddr *)&kernel, sizeof kernel);
}

ssize_t bulkhead_netlink_hear(int s, void *buffer, size_t count, uint32_t *sender, int32_t *space) {
  struct sockaddr_nl address;
  memset(&address, 0, sizeof address);
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  ssize_t n = recvmsg(s, &message, MSG_TRUNC);
  *sender = address.nl_pid;
  *space = -1;
  if (n < 0) return n;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
      memcpy(space, CMSG_DATA(c), sizeof *space);
  return n;
}

uint64_t bulkhead_effective_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  if (syscall(SYS_capget, &header, data) < 0) return 0;
  return (uint64_t)data[1].effective << 32 | data[0].effective;
}

void bulkhead_close_from(unsigned first) { syscall(SYS_close_range, first, ~0U, 0); }

int bulkhead_part_files(unsigned first) {
  return (int)syscall(SYS_close_range, first, ~0U, 1U << 1 /* CLOSE_RANGE_UNSHARE */);
}

static _Thread_local int aborts_on_exit;

static void abort_here(void) {
  if (aborts_on_exit) abort();
}

void bulkhead_abort_on_exit(void) {
  aborts_on_exit = 1;
  atexit(abort_here);
}

int bulkhead_syncfs(int file) { return (int)syscall(SYS_syncfs, file); }

#ifndef BULKHEAD_COMMIT
#define BULKHEAD_COMMIT ""
#endif
const char *bulkhead_commit(void) { return BULKHEAD_COMMIT; }
