// The first process of a container (id 1) has duties of its own: it inherits orphans, it gets signals that end others by default, and .NET, which knows that, waits for every
// child there is once it has started a program, also for those whose end somebody else waits for. So kimg as first process forks before the runtime starts: the
// child is kimg, and what stays is this. It passes signals on, waits for whatever ends, and ends as the child does.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

// Verbs by which kimg starts itself (src/Cli/WorkerCommands.cs): a step's first process is the first of its own namespace.
static const char *const own[] = { "--nsenter", "worker", "sandbox-init", "follow" };

// The kernel kills what is largest when memory is used up. This process is small, so it can still tell the kubelet.
static void tell_killed(void)
{
    static const char text[] = "KIMG3005: kimg was killed (signal 9), as the kernel does where a memory limit is reached\n"
                               "hint: give the container more memory: resources: { limits: { memory: 1Gi } }\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    const char *path = getenv("KIMG_TERMINATION_LOG");
    if (path == NULL || *path == '\0') path = getenv("KUBERNETES_SERVICE_HOST") != NULL ? "/dev/termination-log" : NULL;
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file >= 0) written = write(file, text, sizeof text - 1);
    (void)written; // nobody is left to tell
}

static void watch(pid_t child, const sigset_t *signals)
{
    for (;;) {
        siginfo_t information;
        int number = sigwaitinfo(signals, &information), status;
        pid_t ended;
        if (number != SIGCHLD) {
            // What a terminal sends reaches the child by itself.
            if (number > 0 && information.si_code != SI_KERNEL) kill(child, number);
            continue;
        }
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
            if (ended != child) continue;
            if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
            if (WTERMSIG(status) == SIGKILL) tell_killed();
            _exit(128 + WTERMSIG(status)); // a first process cannot end by a signal of its own
        }
    }
}

__attribute__((constructor)) static void be_first_process(int argc, char **argv)
{
    if (getpid() != 1) return;
    for (size_t i = 0; argc > 1 && i < sizeof own / sizeof *own; i++)
        if (strcmp(argv[1], own[i]) == 0) return;
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) sigaddset(&signals, passed[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t child = fork();
    if (child > 0) watch(child, &signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    // Without a second process, as where a limit forbids it, this one is all there is.
}
