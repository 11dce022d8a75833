/**
 * Runs a program under a filter of system calls: `filter ACTION NAMES PROGRAM ARGUMENTS…`. NAMES is a file with a number per
 * line, each the number of a call that is allowed. ACTION says what meets every other call: `kill`, or the number of an
 * error.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct sock_filter program[BPF_MAXINSNS];
static unsigned short length = 0;

static void add(unsigned short code, unsigned char whenTrue, unsigned char whenFalse, unsigned value) {
  struct sock_filter instruction = {code, whenTrue, whenFalse, value};
  if (length == BPF_MAXINSNS) exit(120);
  program[length++] = instruction;
}

int main(int count, char** arguments) {
  if (count < 4) return 121;
  FILE* names = fopen(arguments[2], "r");
  if (names == NULL) return 122;
  add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
  unsigned number;
  while (fscanf(names, "%u", &number) == 1) {
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number);
    add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  }
  fclose(names);
  const int kills = strcmp(arguments[1], "kill") == 0;
  add(BPF_RET | BPF_K, 0, 0, kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | (unsigned)atoi(arguments[1]));
  struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 123;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return 124;
  execv(arguments[3], arguments + 3);
  return 125;
}
