// Enters namespaces before the .NET runtime starts: afterwards the process has several threads and unshare(2) refuses, or breaks it.
// Acts only when it is called as
//
//   kimg --nsenter FLAGS PID_FD GO_FD PARENT ARGS…
//
//   FLAGS   sum of CLONE_NEW…, decimal, as unshare(2) takes them
//   PID_FD  where this process's id is written once its user namespace exists (decimal and a newline), or -1
//   GO_FD   where one byte arrives when the id maps are written; end of file means give up; -1: there is nothing to wait for
//   PARENT  process id of the caller: if it is not the parent any more, it died before the death signal was set
//
// and then executes itself again with ARGS, which no longer contain the marker. Two pipes, because on a shared one the two sides could read
// their own bytes. With CLONE_NEWPID this process stays outside, forks the first process of the new namespace, and ends as that one ends: same exit
// status or same signal. SIGTERM to it kills the namespace.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// 125 is what docker and kin use for "the sandbox itself failed"; the reason is on standard error.
enum { FAILED = 125 };

static volatile pid_t inner;

static void fail(const char *what)
{
    dprintf(STDERR_FILENO, "kimg: %s: %s\n", what, strerror(errno));
    _exit(FAILED);
}

static void on_terminate(int number)
{
    (void)number;
    if (inner > 0) kill(inner, SIGKILL);
    else _exit(FAILED);
}

static long number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        errno = EINVAL;
        fail("nsenter argument");
    }
    return value;
}

static void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail("prctl(PR_SET_PDEATHSIG)");
    if (getppid() != parent) _exit(FAILED);
}

static void wait_for_maps(int pid_fd, int go_fd)
{
    char go;
    ssize_t got;
    if (dprintf(pid_fd, "%d\n", (int)getpid()) < 0) fail("write process id");
    close(pid_fd);
    do got = read(go_fd, &go, 1); while (got < 0 && errno == EINTR);
    if (got != 1) _exit(FAILED);
    close(go_fd);
}

static void end_as(int status)
{
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        sigset_t all;
        prctl(PR_SET_DUMPABLE, 0); // the core, if any, was written by the process itself
        signal(number, SIG_DFL);
        sigemptyset(&all);
        sigaddset(&all, number);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        raise(number);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
}

static void fork_into_pid_namespace(void)
{
    struct sigaction terminate = { .sa_handler = on_terminate };
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    sigaction(SIGTERM, &terminate, NULL);
    // The parent's id is not visible from the new namespace: whether it still lives is seen on this pipe instead.
    int alive[2];
    if (pipe2(alive, O_CLOEXEC) != 0) fail("pipe2");
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        char byte;
        signal(SIGTERM, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail("prctl(PR_SET_PDEATHSIG)");
        close(alive[1]);
        if (fcntl(alive[0], F_SETFL, O_NONBLOCK) != 0 || read(alive[0], &byte, 1) == 0) _exit(FAILED);
        close(alive[0]);
        return;
    }
    // The descriptors belong to the step: a copy here would keep its pipes open after its end.
    int keep = fcntl(alive[1], F_DUPFD_CLOEXEC, 3);
    for (int fd = 0, last = (int)sysconf(_SC_OPEN_MAX); fd < last && fd < 4096; fd++)
        if (fd != keep) close(fd);
    inner = child;
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) _exit(FAILED);
    end_as(status);
}

__attribute__((constructor)) static void enter_namespaces(int argc, char **argv, char **envp)
{
    if (argc < 2 || strcmp(argv[1], "--nsenter") != 0) return;
    if (argc < 7) {
        errno = EINVAL;
        fail("nsenter");
    }
    int flags = (int)number(argv[2]), pid_fd = (int)number(argv[3]), go_fd = (int)number(argv[4]);
    pid_t parent = (pid_t)number(argv[5]);
    die_with(parent);
    if (unshare(flags) != 0) fail("unshare");
    if (flags & CLONE_NEWUSER) {
        if (go_fd >= 0) wait_for_maps(pid_fd, go_fd);
        // Nothing is mapped but what the parent wrote; id 0 of the namespace is the one that owns everything below.
        if (setresgid(0, 0, 0) != 0) fail("setresgid");
        if (setresuid(0, 0, 0) != 0) fail("setresuid");
        die_with(parent); // changing ids forgets the death signal
    }
    if (flags & CLONE_NEWPID) fork_into_pid_namespace();
    argv[5] = argv[0];
    execve("/proc/self/exe", argv + 5, envp);
    fail("execve /proc/self/exe");
}
