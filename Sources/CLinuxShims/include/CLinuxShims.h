// What Swift cannot see of Linux: function-like macros, variadic calls, and calls glibc declares only with _GNU_SOURCE.
#ifndef CLINUXSHIMS_H
#define CLINUXSHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int bulkhead_setns(int descriptor, int type);
int bulkhead_unshare(int flags);
int bulkhead_gettid(void);
/// ioctl(NS_GET_NSTYPE): CLONE_NEWNET for a network namespace, or -1.
int bulkhead_namespace_type(int descriptor);
/// f_type of fstatfs(2), or -1.
long bulkhead_file_system_magic(int descriptor);
/// strerrorname_np(3) and strerrordesc_np(3).
const char *bulkhead_error_name(int number);
const char *bulkhead_error_text(int number);
int bulkhead_open(const char *path, int flags, unsigned mode);
/// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS.
int bulkhead_open_beneath(int directory, const char *path, int flags, unsigned mode);
/// mallopt(3): memory is taken in larger pieces, and kept.
void bulkhead_keep_memory(void);
/// Room in the memory of a thread that just began, so that it does not grow page by page, a call of mprotect(2) each: pages
/// that nothing is put into take none.
void bulkhead_keep_thread_memory(void);
/// openat(2), close-on-exec.
int bulkhead_open_at(int directory, const char *path, int flags);
/// A descriptor of a procfs of our own, mounted nowhere: it goes when the last descriptor in it does.
int bulkhead_own_proc(void);
/// socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), bound to a port id the kernel chooses, written to port.
int bulkhead_netlink_open(int protocol, uint32_t *port);
int bulkhead_netlink_option(int socket, int option, int value);
/// ioctl(TUNSETIFF) on an open /dev/net/tun: a new tap of this name and index, never one that is there (IFF_TUN_EXCL).
int bulkhead_tap_make(int descriptor, const char *name, unsigned index, int several_queues);
/// ioctl(TUNSETOWNER), ioctl(TUNSETGROUP) and ioctl(TUNSETPERSIST).
int bulkhead_tap_owner(int descriptor, unsigned user);
int bulkhead_tap_group(int descriptor, unsigned group);
int bulkhead_tap_persist(int descriptor);
/// getpwnam_r(3) and getgrnam_r(3): 1 and the number, 0 where there is none of that name, or -1.
int bulkhead_user(const char *name, uint32_t *number);
int bulkhead_group(const char *name, uint32_t *number);
/// SO_RCVBUFFORCE, else SO_RCVBUF; the same for sending.
void bulkhead_socket_buffers(int socket, int receive, int send);
/// SO_SNDBUF, as much of it as net.core.wmem_max allows, for all sockets of nftables among descriptors 0 to count - 1.
void bulkhead_nftables_send_buffers(int count, int size);
int bulkhead_receive_timeout(int socket, long milliseconds);
ssize_t bulkhead_netlink_send(int socket, const void *bytes, size_t count);
/// One datagram; the sender's port id in sender, its real length as the result even where the buffer was too small.
/// Where NETLINK_LISTEN_ALL_NSID is on, space is the id of the network namespace that it came from; -1 for the socket's own.
ssize_t bulkhead_netlink_hear(int socket, void *buffer, size_t count, uint32_t *sender, int32_t *space);
/// capget(2): effective capabilities as a bit set.
uint64_t bulkhead_effective_capabilities(void);

/// socket(2) for a family of 4 or 6, close-on-exec and not blocking; an IPv6 socket takes IPv6 alone.
int bulkhead_probe_socket(int family, int type, int protocol);
/// bind(2) and connect(2) to 4 or 16 bytes of address and a port in host order.
int bulkhead_probe_bind(int socket, const void *address, size_t count, uint16_t port);
int bulkhead_probe_connect(int socket, const void *address, size_t count, uint16_t port);
/// listen(2); the kernel itself completes connections, nobody need take them.
int bulkhead_probe_listen(int socket);
/// Closing resets a TCP connection, so that nothing stays in TIME_WAIT: SO_LINGER of 0.
int bulkhead_probe_reset_on_close(int socket);
/// SO_ERROR, or -1.
int bulkhead_probe_error(int socket);
/// One datagram back to where it came from; its length, or -1.
ssize_t bulkhead_probe_echo(int socket);
ssize_t bulkhead_probe_send(int socket, const void *bytes, size_t count);
ssize_t bulkhead_probe_receive(int socket, void *buffer, size_t count);
/// CLOCK_MONOTONIC in milliseconds.
int64_t bulkhead_monotonic_milliseconds(void);

extern const int bulkhead_clone_newnet;
/// syncfs(2), which only GNU's header shows.
int bulkhead_syncfs(int file);
/// Closes all descriptors from a number on (close_range(2)).
void bulkhead_close_from(unsigned first);
/// Gives the calling thread open files of its own, those below a number (CLOSE_RANGE_UNSHARE).
int bulkhead_part_files(unsigned first);
/// From now on exit(3) in the calling thread aborts the process.
void bulkhead_abort_on_exit(void);
extern const int bulkhead_clone_newns;
/// The commit that a release was built from; empty where the build was not told.
const char *bulkhead_commit(void);
/// POSIX_SPAWN_SETSID, which only GNU's header shows.
extern const int bulkhead_spawn_setsid;

/// Blocks HUP, INT and TERM in the calling thread, and those that it starts; a signalfd(2) that tells of them instead.
int bulkhead_signal_open(void);
/// The next signal that came; 0 where none did.
int bulkhead_signal_next(int descriptor);
/// One datagram to a service manager's socket: a path, or an abstract name that begins with @.
int bulkhead_notify(const char *path, const void *bytes, size_t count);
/// A descriptor that can be read from when the process has ended (pidfd_open(2)).
int bulkhead_process_open(int process);

#endif
