/* What `import Glibc` lacks or imports badly. Every call returns its result, or -errno: no errno to read afterwards. */
#ifndef SENDONCE_CSHIM_H
#define SENDONCE_CSHIM_H
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SO_RESULT(call) ({ long so_r = (long)(call); so_r < 0 ? -(long)errno : so_r; })

/* Single-writer counters: relaxed atomics over plain memory. */
static inline uint64_t so_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void so_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
/* Counters with several writers. Returns the value before. Ordered with each other and with so_load_ordered. */
static inline uint64_t so_fetch_add(uint64_t *p, int64_t v) { return __atomic_fetch_add(p, (uint64_t)v, __ATOMIC_SEQ_CST); }
static inline uint64_t so_load_ordered(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }

/* Events are edge-triggered and registered once: readable, writable, peer's half-close. */
enum { so_readable = 0x001, so_writable = 0x004, so_failed = 0x008, so_hung_up = 0x010, so_peer_closed = 0x2000 };
_Static_assert(so_readable == EPOLLIN && so_writable == EPOLLOUT && so_failed == EPOLLERR && so_hung_up == EPOLLHUP &&
                   so_peer_closed == EPOLLRDHUP,
               "as the kernel's header has them, in a form that Swift imports");
typedef struct { uint64_t tag; uint32_t flags; } so_event;

static inline int so_epoll_create(void) { return (int)SO_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline int so_epoll_add(int epoll, int fd, uint64_t tag, int edge) {
  struct epoll_event e = {.events = edge ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN, .data.u64 = tag};
  return (int)SO_RESULT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
}
static inline int so_epoll_remove(int epoll, int fd) { return (int)SO_RESULT(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0)); }
int so_epoll_wait(int epoll, so_event *events, int capacity, int milliseconds);

static inline long so_recv(int fd, void *p, size_t n, int flags) { return SO_RESULT(recv(fd, p, n, flags)); }
static inline long so_send(int fd, const void *p, size_t n) { return SO_RESULT(send(fd, p, n, MSG_NOSIGNAL)); }
static inline long so_sendv(int fd, struct iovec *v, int n) {
  struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)n};
  return SO_RESULT(sendmsg(fd, &m, MSG_NOSIGNAL));
}
static inline long so_read(int fd, void *p, size_t n) { return SO_RESULT(read(fd, p, n)); }
static inline long so_write(int fd, const void *p, size_t n) { return SO_RESULT(write(fd, p, n)); }
/* A pipe, read end first; as large as asked for where this user may have one. Returns 0 or -errno. */
int so_pipe(int *ends, int bytes);
/* Moves bytes from a socket into a pipe or from a pipe into a socket, without waiting. */
long so_splice(int from, int to, size_t n);
static inline int so_close(int fd) { return (int)SO_RESULT(close(fd)); }
static inline int so_shutdown_read(int fd) { return (int)SO_RESULT(shutdown(fd, SHUT_RD)); }
static inline int so_shutdown_write(int fd) { return (int)SO_RESULT(shutdown(fd, SHUT_WR)); }
int so_accept(int fd, struct sockaddr_storage *a);
static inline int so_socket(int family) { return (int)SO_RESULT(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }
static inline int so_connect(int fd, const struct sockaddr_storage *a, socklen_t n) {
  return (int)SO_RESULT(connect(fd, (const struct sockaddr *)a, n));
}
static inline int so_bind(int fd, const struct sockaddr_storage *a, socklen_t n) {
  return (int)SO_RESULT(bind(fd, (const struct sockaddr *)a, n));
}
static inline int so_listen(int fd, int backlog) { return (int)SO_RESULT(listen(fd, backlog)); }
static inline int so_set_option(int fd, int level, int name, int value) {
  return (int)SO_RESULT(setsockopt(fd, level, name, &value, sizeof value));
}
int so_no_delay(int fd);
/* Close with RST: the peer must see that the answer was cut. */
int so_reset_on_close(int fd);
int so_reuse_port(int fd);
/* Whether other sockets may join its port: 1, 0 or -errno. */
int so_shares_port(int fd);
static inline int so_duplicate(int fd) { return (int)SO_RESULT(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }
/* Takes the error that a connect or a reset left on the socket: 0 or a positive errno. */
int so_take_error(int fd);
/* Bytes written to the socket that its peer's kernel has not acknowledged (SIOCOUTQ). */
int so_unacknowledged(int fd);
/* tcpi_bytes_acked of TCP_INFO without the SYN: data bytes that the peer has acknowledged on a connection that we opened. -errno otherwise. */
int64_t so_bytes_acknowledged(int fd);
int so_local_address(int fd, struct sockaddr_storage *a);
/* Numeric host and port, "host:port", "[v6]:port" or "unix:/path". Returns its length, at most capacity. */
int so_format_address(const struct sockaddr_storage *a, char *out, int capacity);
/* Numeric host alone, as X-Forwarded-For takes it; "unknown" for Unix-domain peers. */
int so_format_host(const struct sockaddr_storage *a, char *out, int capacity);
/* Fills a Unix-domain address; returns its length or -ENAMETOOLONG. */
int so_unix_address(const char *path, struct sockaddr_storage *a);
/* Address length for bind and connect. */
socklen_t so_address_length(const struct sockaddr_storage *a);
static inline int so_eventfd(void) { return (int)SO_RESULT(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
/* Blocks the signals in this thread (and those it starts) and returns a descriptor that reads them. */
int so_signalfd(const int *signals, int count, int nonblocking);
/* The next signal's number from a signalfd, or -errno. */
int so_next_signal(int fd);

/* Executes a program in a new process, which keeps the descriptors and gets the signal when its parent ends. The child shares our
   memory until then and runs nothing but this. A name without a slash is looked for in PATH. Returns the process, or -errno. */
int so_spawn(const char *program, char *const *arguments, const int *kept, int count, int death_signal);
/* What `ps` shows of this process; the first 15 bytes count. */
void so_name_process(const char *name);
/* Two connected ends for packets with descriptors. */
int so_socket_pair(int *ends);
static inline int so_close_on_exec(int fd, int on) { return (int)SO_RESULT(fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0)); }
static inline int so_set_nonblocking(int fd) { return (int)SO_RESULT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)); }
/* A descriptor that is readable when the process has ended. */
int so_pidfd_open(int process);
/* Fills an address from a numeric host; returns 0 or -EINVAL. */
int so_numeric_address(const char *host, uint16_t port, struct sockaddr_storage *a);
/* A file in memory alone, with these bytes. */
int so_memory_file(const char *name, const void *p, size_t n);
/* Sends one datagram to a Unix-domain socket; a path that begins with @ is an abstract name. */
int so_send_datagram(const char *path, const void *p, size_t n);
/* Sends one packet, with a descriptor unless that is -1. Returns 0 or -errno. */
int so_send_descriptor(int socket, const void *p, size_t n, int fd);
/* Receives one packet and its descriptor, -1 when it has none. Returns its length, 0 at the end, -errno. */
long so_receive_descriptor(int socket, void *p, size_t n, int *fd);

static inline uint64_t so_monotonic_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t so_realtime_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
/* n zeroed bytes that cost memory only where they are touched. */
void *so_reserve(size_t n);
void so_unreserve(void *p, size_t n);
/* Starts a named thread running body(argument). Returns 0 or -errno. */
int so_start_thread(const char *name, void (*body)(void *), void *argument, unsigned long *thread);
void so_join_thread(unsigned long thread);
/* Nobody will join it. */
void so_detach_thread(unsigned long thread);
/* Cores that this process may run on. */
int so_usable_cores(void);
/* Random bytes from the kernel; returns 0 or -errno. */
int so_random(void *p, size_t n);
#endif
