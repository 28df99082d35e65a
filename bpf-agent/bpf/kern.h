// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What do we need to know of the kernel? The few fields we read, found at load time by CO-RE, and the registers.
// Not vmlinux.h: in that of a new kernel a field's type may have changed (regs.cs became a union member), and the
// object then fails on an old one with "unexpected mem size".
#pragma once

#define CORE __attribute__((preserve_access_index))

typedef struct {
	int counter;
} CORE atomic_t;

struct signal_struct {
	atomic_t live; // threads of the process that have not begun to exit
} CORE;

#if defined(__TARGET_ARCH_x86)
struct thread_struct {
	unsigned long fsbase;
} CORE;
#define THREAD_POINTER(task) ((task)->thread.fsbase)
enum { THREAD_POINTER_ABOVE = 0 }; // pthread_self() is the thread pointer
#else
struct user_words {
	unsigned long tp_value;
} CORE;
struct thread_struct {
	struct user_words uw;
} CORE;
#define THREAD_POINTER(task) ((task)->thread.uw.tp_value)
enum { THREAD_POINTER_ABOVE = 4095 }; // pthread_self() lies a struct pthread below it, and no other thread's is that near
#endif
struct mm_struct {
	unsigned long start_stack; // of the main thread: where the program's arguments begin
} CORE;

struct task_struct {
	unsigned int flags;
	int pid, tgid;
	struct task_struct *group_leader;
	__u64 start_boottime; // ns
	struct signal_struct *signal;
	struct thread_struct thread;
	struct mm_struct *mm;
} CORE;

enum { TASK_KTHREAD = 0x00200000 }; // PF_KTHREAD: include/linux/sched.h, unchanged since 2.6

#if defined(__TARGET_ARCH_x86)
// Layout of struct pt_regs, a stable interface of ptrace(2).
struct registers {
	__u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
};
#define REGISTER_PC(regs) ((regs)->rip)
#define REGISTER_SP(regs) ((regs)->rsp)
#define REGISTER_FP(regs) ((regs)->rbp)
#define REGISTER_MODE(regs) ((regs)->cs)
static __always_inline bool is_user_mode(__u64 cs) { return (cs & 3) == 3; }
static __always_inline bool is_32_bit(__u64 cs) { return cs == 0x23; } // __USER32_CS
static __always_inline __u64 code_address(__u64 address) { return address; }
#define REGISTER_LR(regs) 0
#define RETURN_OFFSET(rule) (-8)
#define REGISTER_BX 5    // its place, in words
#define FOLLOWS_BX 1     // aux says where it is

// What a signal's trampoline finds on its stack, from rbp on: struct ucontext of the kernel's user interface.
enum { SIGNAL_REGISTERS = 120, SIGNAL_BX = SIGNAL_REGISTERS + 8 };
struct saved_registers {
	__u64 rbp, rbx, rdx, rax, rcx, rsp, rip;
};
#define SAVED_PC(saved) ((saved)->rip)
#define SAVED_SP(saved) ((saved)->rsp)
#define SAVED_FP(saved) ((saved)->rbp)
#define SAVED_LR(saved) 0

#elif defined(__TARGET_ARCH_arm64)
// Layout of struct user_pt_regs, the head of pt_regs.
struct registers {
	__u64 x[31], sp, pc, pstate;
};
#define REGISTER_PC(regs) ((regs)->pc)
#define REGISTER_SP(regs) ((regs)->sp)
#define REGISTER_FP(regs) ((regs)->x[29])
#define REGISTER_MODE(regs) ((regs)->pstate)
static __always_inline bool is_user_mode(__u64 pstate) { return (pstate & 0xf) == 0; }
static __always_inline bool is_32_bit(__u64 pstate) { return pstate & 0x10; }
#define REGISTER_LR(regs) ((regs)->x[30])
#define RETURN_OFFSET(rule) ((rule)->aux)
#define REGISTER_BX 19   // no code hangs its CFA on it, as far as known
#define FOLLOWS_BX 0

// After 128 bytes of siginfo, 176 of ucontext and the fault's address stand x0 to x30; from x29 on:
enum { SIGNAL_REGISTERS = 312 + 29 * 8, SIGNAL_BX = 312 + REGISTER_BX * 8 };
struct saved_registers {
	__u64 x29, x30, sp, pc;
};
#define SAVED_PC(saved) ((saved)->pc)
#define SAVED_SP(saved) ((saved)->sp)
#define SAVED_FP(saved) ((saved)->x29)
#define SAVED_LR(saved) ((saved)->x30)
// Return addresses may be signed (PAC) in the bits above a 48-bit user address.
static __always_inline __u64 code_address(__u64 address) { return address & 0x0000ffffffffffffULL; }
#else
#error "unknown architecture: pass -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

// Context of a perf_event program.
struct perf_context {
	struct registers regs;
};
