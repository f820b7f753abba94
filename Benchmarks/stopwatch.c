/*
 * Runs a command and prints, as JSON, what it took: seconds until its end and until the first byte of its output,
 * seconds of processor in the program and inside system calls, and the most memory that it held. What starts it is
 * small, so that nothing of that is the starter's: Linux counts what a process held before it became another program.
 *
 *   stopwatch [-o FILE] COMMAND [ARGUMENT…]    what the command prints goes into the file, or nowhere; its errors go
 *                                              where those of stopwatch go; status 1 if it fails
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

int main(int count, char **word) {
    static char text[1 << 16];
    int ends[2], status;
    struct rusage usage;
    int copy = -1;
    if (count > 3 && !strcmp(word[1], "-o")) {
        copy = open(word[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (copy < 0) return 2;
        word += 2, count -= 2;
    }
    if (count < 2 || pipe(ends)) return 2;
    double start = now(), first = 0;
    pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execvp(word[1], word + 1);
        perror(word[1]);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t size; (size = read(ends[0], text, sizeof text)) > 0;) {
        if (first == 0) first = now() - start;
        if (copy >= 0 && write(copy, text, (size_t)size) != size) return 2;
    }
    if (wait4(child, &status, 0, &usage) != child) return 2;
    printf("{\"seconds\": %.6f, \"first\": %.6f, \"user\": %.6f, \"system\": %.6f, \"kilobytes\": %ld, "
           "\"status\": %d}\n", now() - start, first, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
