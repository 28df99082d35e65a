// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who called this? One step takes a frame to its caller, or says why it cannot. A step by .eh_frame rows has its seat
// in `to_caller`, before the frame pointer; the loop does not change with it.
#pragma once

enum {
	FRAME_BYTES_MAX = 1 << 20, // no sane frame is larger; a wild register rarely points within 1 MiB above the stack pointer
	STEP_ON = 0xff,            // not a stop reason: there is a caller
};

struct walk {
	struct scratch *scratch;
	__u64 pc, sp, fp;
	__u32 base;       // first word of the user frames
	__u32 n, n_max;   // user frames so far, and allowed
	__u32 stop;       // enum stop_reason
};

// Code that keeps frame pointers has at fp the caller's fp, above it the return address. Other code has anything in that
// register, hence the guards. They demand fp >= sp of the frame, so every step climbs and the walk ends.
static __always_inline __u32 to_caller_by_frame_pointer(struct walk *walk)
{
	__u64 frame[2];

	if (walk->fp == 0)
		return STOP_FP_ZERO;
	if ((walk->fp & 7) != 0 || walk->fp < walk->sp || walk->fp - walk->sp > FRAME_BYTES_MAX)
		return STOP_BAD_FP;
	if (bpf_probe_read_user(frame, sizeof(frame), (void *)walk->fp) != 0)
		return STOP_READ_FAULT;
	__u64 caller = code_address(frame[1]);
	if (caller == 0)
		return STOP_PC_ZERO;
	// The call before the return address, not what follows it: that may be another function already.
	walk->pc = caller - 1;
	walk->sp = walk->fp + sizeof(frame);
	walk->fp = frame[0];
	return STEP_ON;
}

static __always_inline __u32 to_caller(struct walk *walk)
{
	return to_caller_by_frame_pointer(walk);
}

static long walk_step(__u32 index, void *context)
{
	struct walk *walk = context;
	__u32 word = walk->base + walk->n;

	if (walk->n >= walk->n_max || word >= FRAMES_MAX)
		return 1; // walk->stop is STOP_DEPTH from the start
	walk->scratch->words[word] = walk->pc;
	walk->n++;
	__u32 next = to_caller(walk);
	if (next == STEP_ON)
		return 0;
	walk->stop = next;
	return 1;
}

// Fills the user frames of the record, leaf first.
static __always_inline enum stop_reason unwind_user(struct walk *walk)
{
	walk->stop = STOP_DEPTH;
	bpf_loop(USER_FRAMES_MAX + 1, walk_step, walk, 0);
	return walk->stop;
}
