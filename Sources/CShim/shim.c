#define _GNU_SOURCE
#include "cshim.h"
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { epoll_batch = 256 };

int so_epoll_wait(int epoll, so_event *events, int capacity, int milliseconds) {
  struct epoll_event batch[epoll_batch];
  if (capacity > epoll_batch) capacity = epoll_batch;
  int n = epoll_wait(epoll, batch, capacity, milliseconds);
  if (n < 0) return -errno;
  for (int i = 0; i < n; i++) events[i] = (so_event){.tag = batch[i].data.u64, .flags = batch[i].events};
  return n;
}

int so_accept(int fd, struct sockaddr_storage *a) {
  socklen_t n = sizeof *a;
  return (int)SO_RESULT(accept4(fd, (struct sockaddr *)a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
int so_pipe(int *ends, int bytes) {
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
  (void)fcntl(ends[0], F_SETPIPE_SZ, bytes);
  return 0;
}
long so_splice(int from, int to, size_t n) {
  return SO_RESULT(splice(from, 0, to, 0, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}
int so_no_delay(int fd) { return so_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }
int so_reset_on_close(int fd) {
  struct linger l = {.l_onoff = 1, .l_linger = 0};
  return (int)SO_RESULT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}
int so_reuse_port(int fd) {
  int r = so_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return r < 0 ? r : so_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}
int so_shares_port(int fd) {
  int on = 0;
  socklen_t n = sizeof on;
  return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &n) < 0 ? -errno : on != 0;
}
int so_take_error(int fd) {
  int e = 0;
  socklen_t n = sizeof e;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 ? errno : e;
}
int so_unacknowledged(int fd) {
  int n = 0;
  return ioctl(fd, SIOCOUTQ, &n) < 0 ? -errno : n;
}
int64_t so_bytes_acknowledged(int fd) {
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  socklen_t n = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0) return -errno;
  return info.tcpi_bytes_acked > 0 ? (int64_t)info.tcpi_bytes_acked - 1 : 0;
}
int so_local_address(int fd, struct sockaddr_storage *a) {
  socklen_t n = sizeof *a;
  memset(a, 0, sizeof *a);
  return (int)SO_RESULT(getsockname(fd, (struct sockaddr *)a, &n));
}
int so_format_host(const struct sockaddr_storage *a, char *out, int capacity) {
  char host[INET6_ADDRSTRLEN] = "unknown";
  if (a->ss_family == AF_INET) {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, host, sizeof host);
  } else if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host, sizeof host);
    else inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
  }
  int n = snprintf(out, (size_t)capacity, "%s", host);
  return n < capacity ? n : capacity - 1;
}
int so_format_address(const struct sockaddr_storage *a, char *out, int capacity) {
  int n;
  if (a->ss_family == AF_UNIX) {
    const char *path = ((const struct sockaddr_un *)a)->sun_path;
    n = snprintf(out, (size_t)capacity, "unix:%.*s", (int)sizeof(((struct sockaddr_un *)0)->sun_path), path);
  } else {
    char host[INET6_ADDRSTRLEN + 1];
    so_format_host(a, host, sizeof host);
    int port = ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
                                             : ((const struct sockaddr_in6 *)a)->sin6_port);
    n = snprintf(out, (size_t)capacity, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  }
  return n < capacity ? n : capacity - 1;
}
int so_unix_address(const char *path, struct sockaddr_storage *a) {
  struct sockaddr_un *u = (struct sockaddr_un *)a;
  memset(a, 0, sizeof *a);
  u->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof u->sun_path) return -ENAMETOOLONG;
  strcpy(u->sun_path, path);
  return (int)sizeof *u;
}
socklen_t so_address_length(const struct sockaddr_storage *a) {
  switch (a->ss_family) {
    case AF_INET: return sizeof(struct sockaddr_in);
    case AF_INET6: return sizeof(struct sockaddr_in6);
    default: return sizeof(struct sockaddr_un);
  }
}
int so_signalfd(const int *signals, int count, int nonblocking) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int r = pthread_sigmask(SIG_BLOCK, &set, 0);
  if (r) return -r;
  return (int)SO_RESULT(signalfd(-1, &set, SFD_CLOEXEC | (nonblocking ? SFD_NONBLOCK : 0)));
}
int so_next_signal(int fd) {
  struct signalfd_siginfo info;
  long n = SO_RESULT(read(fd, &info, sizeof info));
  return n < 0 ? (int)n : (int)info.ssi_signo;
}
int so_spawn(const char *program, char *const *arguments, const int *kept, int count, int death_signal) {
  pid_t parent = getpid();
  volatile int error = 0;
  /* fork alone would leave the Swift runtime with what it has cached of the parent's threads, and this costs less. */
  pid_t child = vfork();
  if (child < 0) return -errno;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, death_signal);
    if (getppid() != parent) _exit(1); /* It ended before we had asked for the signal. */
    for (int i = 0; i < count; i++) fcntl(kept[i], F_SETFD, 0);
    execvp(program, arguments);
    error = errno;
    _exit(127);
  }
  if (!error) return child;
  while (waitpid(child, 0, 0) < 0 && errno == EINTR) {}
  return -error;
}
void so_name_process(const char *name) { prctl(PR_SET_NAME, name); }
int so_socket_pair(int *ends) { return (int)SO_RESULT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)); }
int so_memory_file(const char *name, const void *p, size_t n) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return -errno;
  for (size_t written = 0; written < n;) {
    ssize_t r = write(fd, (const char *)p + written, n - written);
    if (r < 0) {
      int error = errno;
      close(fd);
      return -error;
    }
    written += (size_t)r;
  }
  return fd;
}
int so_send_datagram(const char *path, const void *p, size_t n) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof a.sun_path) return -ENAMETOOLONG;
  memcpy(a.sun_path, path, length);
  if (path[0] == '@') a.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
  int r = sendto(fd, p, n, MSG_NOSIGNAL, (struct sockaddr *)&a, size) < 0 ? -errno : 0;
  close(fd);
  return r;
}
int so_send_descriptor(int socket, const void *p, size_t n, int fd) {
  struct iovec v = {.iov_base = (void *)p, .iov_len = n};
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  if (fd >= 0) {
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  return sendmsg(socket, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
long so_receive_descriptor(int socket, void *p, size_t n, int *fd) {
  struct iovec v = {.iov_base = p, .iov_len = n};
  char control[CMSG_SPACE(sizeof(int))];
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *fd = -1;
  long r = SO_RESULT(recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
  if (r < 0) return r;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(c), sizeof *fd);
  return r;
}
void *so_reserve(size_t n) {
  void *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? 0 : p;
}
void so_unreserve(void *p, size_t n) { munmap(p, n); }

typedef struct { void (*body)(void *); void *argument; } start;
static void *run(void *p) {
  start s = *(start *)p;
  free(p);
  s.body(s.argument);
  return 0;
}
int so_start_thread(const char *name, void (*body)(void *), void *argument, unsigned long *thread) {
  start *s = malloc(sizeof *s);
  if (!s) return -ENOMEM;
  *s = (start){body, argument};
  pthread_t t;
  int r = pthread_create(&t, 0, run, s);
  if (r) {
    free(s);
    return -r;
  }
  pthread_setname_np(t, name);
  *thread = (unsigned long)t;
  return 0;
}
void so_join_thread(unsigned long thread) { pthread_join((pthread_t)thread, 0); }
void so_detach_thread(unsigned long thread) { pthread_detach((pthread_t)thread); }
int so_usable_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : CPU_COUNT(&set);
}
int so_random(void *p, size_t n) { return getrandom(p, n, 0) < 0 ? -errno : 0; }

int so_pidfd_open(int process) { return (int)SO_RESULT(syscall(SYS_pidfd_open, process, 0)); }

int so_numeric_address(const char *host, uint16_t port, struct sockaddr_storage *a) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)a;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
  memset(a, 0, sizeof *a);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return 0;
  }
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) return -EINVAL;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return 0;
}
