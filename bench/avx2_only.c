/* Hides AVX-512 and its kin from a process: preloaded, it has the processor trap CPUID (Linux, arch_prctl ARCH_SET_CPUID) and answers
   in its place with those bits cleared. Libraries that choose their code by CPUID then run as on a machine that ends at AVX2; code that asks
   nobody, or was compiled for AVX-512 alone, is not stopped.

   cc -O2 -shared -fPIC -o avx2_only.so avx2_only.c; LD_PRELOAD=./avx2_only.so command */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012 /* asm/prctl.h */

static int trap_cpuid(int on) { return (int)syscall(SYS_arch_prctl, ARCH_SET_CPUID, on ? 0UL : 1UL); }

/* Leaf 7: EBX, ECX and EDX of subleaf 0, EAX of subleaf 1 (Intel, Software Developer's Manual, CPUID). */
static const unsigned hidden_ebx = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static const unsigned hidden_ecx = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
static const unsigned hidden_edx = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
static const unsigned hidden_eax1 = 1u << 4 | 1u << 5 | 1u << 23;

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *at = (const unsigned char *)registers[REG_RIP];
  (void)info;
  if (at[0] != 0x0f || at[1] != 0xa2) { /* a fault of the program's own */
    signal(number, SIG_DFL);
    return;
  }
  unsigned eax, ebx, ecx, edx;
  const unsigned leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX];
  trap_cpuid(0);
  __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
  trap_cpuid(1);
  if (leaf == 7 && subleaf == 0) {
    ebx &= ~hidden_ebx;
    ecx &= ~hidden_ecx;
    edx &= ~hidden_edx;
  }
  if (leaf == 7 && subleaf == 1) eax &= ~hidden_eax1;
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {0};
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, NULL);
  if (trap_cpuid(1) != 0) _exit(75); /* neither the processor nor the kernel can */
}
