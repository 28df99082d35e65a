// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What do kernel and user space say to each other? Every struct and enum that crosses the border, and nothing else.
// User space reads offsets and names from the object's BTF (build.mjs writes them into the manifest): this is their
// only home. Fixed widths, padded by hand.
#pragma once

enum {
	KERNEL_FRAMES_MAX = 64,  // 99.9 % of kernel stacks are shorter; what is cut is the entry, not the work
	USER_FRAMES_MAX = 512,   // deepest stack of our truth programs; the largest record is then 4,672 bytes
	FRAMES_MAX = KERNEL_FRAMES_MAX + USER_FRAMES_MAX,
	COMM_BYTES = 16,         // TASK_COMM_LEN
	REASONS_MAX = 16,        // room in the counters for new drop and stop reasons
};

enum record_kind { RECORD_CPU };

// How a stack ended. The sample is kept in every case.
enum stop_reason {
	STOP_FP_ZERO,    // the frame pointer is zero: the first function of a thread, or code that uses it as a register
	STOP_DEPTH,      // more than user_frames_max frames: the roots are missing
	STOP_BAD_FP,     // not a frame pointer: unaligned, below the stack pointer, or more than 1 MiB above it
	STOP_READ_FAULT, // the frame's memory could not be read
	STOP_PC_ZERO,    // the return address is zero
	STOP_KTHREAD,    // a kernel thread: there is no user stack
	STOP_COMPAT32,   // 32-bit code: kernel frames and the leaf only
	STOP_NO_REGS,    // the user's registers could not be read: kernel frames only
};

// Why a tick became no record.
enum drop_reason {
	DROP_NONE,
	DROP_FILTERED,   // the cgroup is excluded by a setting
	DROP_RING_FULL,  // user space did not drain in time
	DROP_NO_SCRATCH, // the CPU's scratch memory was missing or in use
};

enum event_kind { EVENT_FORK, EVENT_EXEC, EVENT_EXIT };

enum cgroup_verdict { CGROUP_TAKE, CGROUP_SKIP };

// One sample: this, then n_kernel and n_user words of 8 bytes, leaf first. Kernel words are as the kernel's unwinder
// gave them (return addresses but for the first); user words are the address to look up: exact for the leaf, return
// address - 1 for callers.
struct record {
	__u32 tgid, tid;      // as the initial PID namespace counts
	__u32 start_ticks;    // start of the process since boot in 10 ms ticks, modulo 2^32: field 22 of /proc/PID/stat
	__u16 cpu;
	__u8 kind, stop;      // enum record_kind, enum stop_reason
	__u16 n_kernel, n_user, n_ext, flags;
	__u64 time_ns;        // CLOCK_MONOTONIC
	__u64 cgroup_id;      // inode of the cgroup v2 directory
	__u64 value;          // 1 tick
	char comm[COMM_BYTES];
};
_Static_assert(sizeof(struct record) == 64, "a record's head is 64 bytes");

// A process began, changed its program, or ended (its last thread, which need not be the leader).
struct event {
	__u32 kind;           // enum event_kind
	__u32 tgid;
	__u32 other;          // FORK: the parent's tgid
	__u32 start_ticks;    // of tgid
	__u64 time_ns, cgroup_id;
};
_Static_assert(sizeof(struct event) == 32, "an event is 32 bytes");

// Per CPU, cumulative. ticks = idle + records + Σ dropped, exactly.
struct counters {
	__u64 ticks, idle, records;
	__u64 dropped[REASONS_MAX]; // by enum drop_reason
	__u64 stopped[REASONS_MAX]; // records by enum stop_reason
	__u64 events, events_lost;  // events_lost: the events ring was full
	__u64 own_ns;               // time spent in on_tick
};
_Static_assert(sizeof(struct counters) == 8 * (6 + 2 * REASONS_MAX), "counters are plain words");

// Settings, written by user space before the first tick. There are no global variables: a generated loader would round
// them to the page size of the machine that built it.
struct config {
	__u32 user_frames_max;
	__u32 pad;
	// Never read. clang writes a type into BTF only when a map's value holds it; these are what user space must know.
	struct {
		enum record_kind record_kind;
		enum stop_reason stop_reason;
		enum drop_reason drop_reason;
		enum event_kind event_kind;
		enum cgroup_verdict cgroup_verdict;
		__u32 pad;
		struct event event;
	} shapes;
};
_Static_assert(sizeof(struct config) == 64, "config is 64 bytes");
