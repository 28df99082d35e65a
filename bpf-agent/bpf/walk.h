// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What does a walk through a user stack carry from frame to frame? It lives in a map, not on the stack of the program:
// kernels before 6.7 verify the body of bpf_loop once, with what is known of the stack at its first round, and would
// take `n` for 0 for ever. Of a map's value they know nothing.
#pragma once

struct walk {
	__u64 pc;         // the address to look up: see struct record
	__u64 sp, fp;
	__u64 lr;         // arm64: x30 while it is the frame's own, else 0
	__u64 bx_at;      // address of the frame's rbx, or BX_SAME: in the leaf's registers, or BX_LOST
	struct registers leaf;
	__u64 thread;     // x86-64: fs, where the thread's own variables end
	struct vma vma;   // where the last address was found; len_pages 0: nowhere yet
	__u32 first_vma, n_vma;
	__u32 base;       // first word of the user frames
	__u32 n, n_max;   // user frames so far, and allowed
	__u8 stop;        // enum stop_reason
	__u8 is_known;    // user space has published the process
	__u8 is_guess;    // pc came by frame pointer: it may be anything
	__u8 is_exact;    // pc is where the frame goes on, not the byte before
	__u8 may_leave;   // of the rule: it leads to another stack
	__u8 pad[3];
	__s32 bx_offset;  // of the rule: where rbx is, as aux of RULE_SP says it
	__u32 forgotten;  // see forget
	__u32 python_next, python_n; // of scratch.python.words: the next one, and their number; 0: no Python here
	__u8 python_kind;  // enum python_kind
	__u8 is_python;    // the next frames are those of a call of the evaluation loop
	__u8 is_rest;      // the native walk has ended early: the next frames are all that Python has left
	__u8 pad2[5];
};

// Gives a number back as one that the verifier knows nothing of. It keeps apart all the ways on which an index into
// memory came about, and halvings have very many; it does not look behind what was read from a map's value.
static __always_inline __u32 forget(struct walk *walk, __u32 number)
{
	*(volatile __u32 *)&walk->forgotten = number;
	return *(volatile __u32 *)&walk->forgotten;
}

// Frames of Python as a thread has them, innermost first, before they find their places among the native ones. Each
// call of the evaluation loop begins with a mark, an address within its C frame; PYTHON_FRAME_OBJECTS has no marks.
struct python_stack {
	__u64 words[PYTHON_WORDS_MAX];
	__u64 read[PYTHON_FRAME_BYTES / 8]; // the frame that was read last
	__u64 frame, c_frame;               // to be read next
	__u64 interpreter, thread, found, self; // the search for the thread
	__u64 loop_start, loop_bytes;       // PYTHON_FRAME_OBJECTS: the evaluation loop
	__u64 cold_start, cold_bytes;
	__u64 loop_begins;
	__u32 n, mark;                      // words so far; where the mark of the call goes
};

// What is remembered of a thread.
struct python_thread {
	__u64 self;      // its thread pointer
	__u64 state;     // PyThreadState; 0: it was not found
	__u64 retry_ns;  // until then it is not searched for again
	__u32 tgid, pad;
};

// What one tick works in: too large for the 512-byte stack.
struct scratch {
	struct walk walk;
	struct python_stack python;
	struct record record;
	__u64 words[FRAMES_MAX]; // follow the record in the ring
	__u32 is_busy;
	__u32 pad;
};
