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
	STEPS_MAX = 8,           // room in the counters for new kinds of steps
	CHUNK_ROWS = 4096,       // 16 KB: what one update of a map writes
	SHARD_CHUNKS = 64,       // a shard is 262,144 rows, 1 MB: made when it is needed, which costs a grace period of 20 to 50 ms
	SHARDS_MAX = 64,         // 16 M rows; the whole of a large host has 1.25 M
	VMAS_MAX = 65536,        // 2,000 processes of 32 executable mappings
	PAGES_MAX = 65536,       // 64 KiB of text each: 4 GiB
	RULES_MAX = 8192,        // a whole host was measured at 1,427 distinct ones
	ROW_ABSENT = 0xffffffff, // what a look-up gives where nothing is: no rule has the id 0xffff
	PAGE_ROWS_MAX = 8191,    // what 13 halvings can search; the densest page seen has 3,740
	PYTHONS_MAX = 1024,      // runs of mappings with an interpreter in them; forks share their parent's
	PYTHON_WORDS_MAX = 1024, // frames of Python and the marks between them; 512 of them fit a record
	PYTHON_FRAME_BYTES = 128, // of a frame of the interpreter that are read: the farthest field ends at 108
	SNAPSHOT_PIECE = 4096,   // the smallest page there is: a piece that crosses none is read as a whole or not at all
	SNAPSHOT_STACK_MAX = 32768, // bytes; most stacks of a compiler are 2 to 12 KB deep
};

enum record_kind { RECORD_CPU };

// Values of record.flags.
enum record_flag {
	FRAMES_PLAIN,
	FRAMES_BUILD_ID, // a user entry is 32 bytes: struct bpf_stack_build_id
	FRAMES_SNAPSHOT, // the extra words are the leaf's registers, as ptrace(2) gives them, and the user's stack
	                 // from sp on (rounded down to 8): user space can walk it
};

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
	STOP_ROOT,       // the rows say that nothing called this: a clean end
	STOP_NO_MAPPING, // the last frame lies in no mapping that user space published: they have changed, or it is no code
	STOP_UNKNOWN,    // user space has published nothing of this process: frame pointers all the way
	// Never said by the sampler, only of a walk in user space over a copy of the stack:
	STOP_COPY_ENDED, // the copy was cut at its bound, and the frame's memory lies behind it
};

// How a frame found its caller.
enum step_kind {
	STEP_ROW,            // by its row
	STEP_SIGNAL,         // from the registers that a signal saved
	// By frame pointer, because
	STEP_FP_UNKNOWN,     // the process is unknown
	STEP_FP_ANONYMOUS,   // the mapping has no pages: anonymous text, mostly a compiler's, or a file without a table
	STEP_FP_NO_PAGE,     // the file has a table, but no rows near this address
	STEP_FP_GAP,         // between two functions' rows
	STEP_FP_UNSUPPORTED, // the row asks for what rules cannot say
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

// How a row says that the caller is found. CFA: the caller's stack pointer at the call.
enum rule_kind {
	RULE_SP,          // CFA = sp + cfa
	RULE_FP,          // CFA = fp + cfa
	RULE_PLT,         // CFA = sp + 8, and 8 more where (pc & 15) >= aux: a stub that has pushed
	RULE_ROOT,        // nobody called this
	RULE_GAP,         // no function is known here; rule id 0 is always this
	RULE_UNSUPPORTED, // there is a rule, and it fits no kind
	RULE_SIGNAL,      // a signal's trampoline: the interrupted registers stand on the stack
	RULE_DEREF,       // CFA = *(fp + aux) + cfa: a function that realigned its stack
	RULE_LR,          // arm64: as RULE_SP, the return address is still in x30
	RULE_DEREF_SP,    // CFA = *(sp + aux) + cfa: hand-written code that aligned its stack
	RULE_SP_FAR,      // CFA = sp + aux * 65536 + cfa: more than 32 KiB of local variables
	RULE_REGISTER,    // CFA = a register + cfa: hand-written code; aux: see REGISTER_PLACE
	RULE_OTHER_STACK, // as RULE_FP, and the caller may be on another stack: Go's functions that switch stacks
	RULE_GO_DEPTH,    // CFA = *(*(sp + aux + 8) + 8) - *(sp + aux) + cfa: Go's call of C keeps how deep the goroutine's
	                  // stack was and the goroutine, whose second word is the end of that stack: it may move meanwhile
	RULE_GO_CURRENT,  // CFA = *(goroutine + cfa) + 8: where the thread's current goroutine left its own stack, before Go
	                  // 1.21; it is found from the thread's register fs: see GO_CURRENT_BITS
	RULE_INDEXED,     // CFA = *(sp + words * 8 + register * 8) + cfa: OpenSSL's vectors of a length known at run time; aux as
	                  // of RULE_REGISTER, words above the place
};

#define RULE_LAST RULE_INDEXED

// x86-64: where the caller's rbx is, on which the loader's resolvers hang their CFA. aux of RULE_SP and RULE_FP is one of
// these, or it is at CFA + aux. RULE_REGISTER has in its low bits the register's place in struct pt_regs, and above them
// where rbx is, in words instead of bytes.
enum bx_place {
	BX_SAME, // in the register
	BX_LOST, // nobody knows; as words: BX_WORDS_LOST
	REGISTER_PLACE = 31,
	REGISTER_PLACE_BITS = 5,
	BX_WORDS_LOST = -1024,
};

// RULE_GO_CURRENT: at fs + fp_off is what runs on the thread, in it at (aux & 63) words the thread's own structure, and in
// that at aux >> 6 words the current goroutine.
enum { GO_CURRENT_BITS = 6 };

// Where the caller's frame pointer is.
enum fp_kind {
	FP_SAME,   // in the register
	FP_AT_CFA, // at CFA + fp_off
	FP_AT_FP,  // at fp + fp_off: a function that realigned its stack cannot say it from the CFA
};

// Values of proc.flags.
enum proc_flag {
	PROC_TAKE,
	PROC_SKIP, // its ticks are filtered
};

// How an interpreter of Python keeps its frames.
enum python_kind {
	PYTHON_FRAME_OBJECTS, // to 3.10: each function of Python is one call of the evaluation loop
	PYTHON_C_FRAMES,      // 3.11: each call of the loop has a struct on its C stack that names its newest frame
	PYTHON_ENTRY_FRAMES,  // from 3.12: the chain itself has a frame on the C stack where the loop was called
};

// Where an interpreter keeps what we walk; offsets in bytes.
struct python {
	__u64 interpreters;               // address of the pointer to the first interpreter
	__u64 loop_start, loop_end;       // the evaluation loop, addresses; only PYTHON_FRAME_OBJECTS is asked for them
	__u64 cold_start, cold_end;       // the part of it that the compiler moved away; 0: none
	__u32 interpreter_next, interpreter_threads;
	__u32 thread_next, thread_id, thread_frame;
	__u16 code_instructions;          // of the first instruction in a code object; 0: instructions are counted already
	__u8 kind;                        // enum python_kind
	__u8 is_indirect;                 // thread_frame leads to a struct whose first word is the frame
	__u8 frame_bytes;                 // at most PYTHON_FRAME_BYTES
	__u8 frame_code, frame_back, frame_instruction;
	__u8 frame_entry;                 // PYTHON_C_FRAMES: not 0 in a call's first frame; PYTHON_ENTRY_FRAMES: who owns it
	__u8 unit_shift;                  // of a counted instruction: bytes are halved
	__u8 loop_begins;                 // bytes of the loop in which the thread's frame is still the caller's
	__u8 pad[5];
};
_Static_assert(sizeof(struct python) == 80, "an interpreter is 80 bytes");

// What user space publishes of a process: key tgid. Valid only while start_ticks is the process's own; a PID comes again.
struct proc {
	__u32 first_vma, n_vma; // its run in `vmas`
	__u32 start_ticks;
	__u16 flags, runtime;   // enum proc_flag; runtime: 0, or its place in `pythons`, plus 1
};
_Static_assert(sizeof(struct proc) == 16, "a process is 16 bytes");

// An executable mapping. A run is sorted by start and without overlaps.
struct vma {
	__u64 start;
	__u32 len_pages;           // of 4,096 bytes
	__u32 page_base;           // vaddr >> 16 of the file's first page
	__u64 bias;                // vaddr in the file = address - bias
	__u32 first_page, n_pages; // its file's run in `pages`; n_pages 0: no rows at all
};
_Static_assert(sizeof(struct vma) == 32, "a mapping is 32 bytes");

// The rows of 64 KiB of a file's text, sorted. The first repeats the rule that was valid before, so a look-up never needs
// the page before.
struct range {
	__u32 first; // shard << 18 | chunk << 12 | slot
	__u32 n;     // at most PAGE_ROWS_MAX
};
_Static_assert(sizeof(struct range) == 8, "a page is 8 bytes");

// Unless a kind says otherwise: return address at CFA - 8 (arm64: at CFA + aux), sp of the caller = CFA.
struct rule {
	__u8 kind, fp_kind;      // enum rule_kind, enum fp_kind
	__s16 cfa, fp_off, aux;  // bytes
};
_Static_assert(sizeof(struct rule) == 8, "a rule is 8 bytes");

struct chunk {
	__u32 row[CHUNK_ROWS];   // low 16 bits of the vaddr << 16 | rule id: valid from there to the next row
};

// One sample: this, then n_kernel and n_user words of 8 bytes, leaf first. Kernel words are as the kernel's unwinder
// gave them (return addresses but for the first); user words are the address to look up: exact for the leaf, for what
// a signal interrupted and for what is entered by a return, return address - 1 for callers. A user word
// with the highest bit set is a frame of Python:
//   1 | 20 bits: instruction in units of 2 bytes, 0xffffe where it is not known | 43 bits: address of the code object / 16
// It stands in the place of the evaluation loop that ran it.
struct record {
	__u32 tgid, tid;      // as the initial PID namespace counts
	__u32 start_ticks;    // start of the process since boot in 10 ms ticks, modulo 2^32: field 22 of /proc/PID/stat
	__u16 cpu;
	__u8 kind, stop;      // enum record_kind, enum stop_reason
	__u16 n_kernel, n_user, n_ext;
	__u16 flags;          // enum record_flag
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
	__u64 steps[STEPS_MAX];     // user frames that found a caller, by enum step_kind
	__u64 snapshots;            // records that carry a copy of the user's stack
	__u64 snapshots_left_out;   // records that should, and the ring was too full for it
};
_Static_assert(sizeof(struct counters) == 8 * (8 + 2 * REASONS_MAX + STEPS_MAX), "counters are plain words");

// Settings, written by user space before the first tick. There are no global variables: a generated loader would round
// them to the page size of the machine that built it.
struct config {
	__u32 user_frames_max;
	__u32 has_tables; // 1: user space publishes processes, and one that is not there is STOP_UNKNOWN
	__u32 snapshot_bytes; // of a stack that is copied when its process is unknown, at most SNAPSHOT_STACK_MAX; 0: never
	__u32 pad;
	// Never read. clang writes a type into BTF only when a map's value holds it; these are what user space must know.
	struct {
		enum record_kind record_kind;
		enum stop_reason stop_reason;
		enum drop_reason drop_reason;
		enum event_kind event_kind;
		enum cgroup_verdict cgroup_verdict;
		enum record_flag record_flag;
		enum step_kind step_kind;
		enum rule_kind rule_kind;
		enum fp_kind fp_kind;
		enum proc_flag proc_flag;
		enum python_kind python_kind;
		struct event event;
	} shapes;
};
_Static_assert(sizeof(struct config) == 96, "config is 96 bytes");
