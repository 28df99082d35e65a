// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Where among the native frames do those of Python belong? In the place of the evaluation loop that runs them. From 3.11
// on each call of the loop leaves an address within its own C frame (its mark), so the place is known without names or
// symbols, in stripped and split code too, and a call that has only just begun takes nothing. Before, each frame of the
// loop is one of Python, and the loop is known by its range.
// A part of unwind.h: also compiled for user space.
#pragma once

#define IS_PYTHON(word) ((word) >> 63)

static __always_inline __u64 python_word_at(struct scratch *scratch, __u32 index)
{
	return scratch->python.words[index & (PYTHON_WORDS_MAX - 1)];
}

// The next frame of the loop's call.  out  false: there is no more
static __always_inline bool put_python(struct scratch *scratch, __u32 word)
{
	struct walk *walk = &scratch->walk;
	__u64 frame = python_word_at(scratch, walk->python_next);

	if (walk->python_next >= walk->python_n || !IS_PYTHON(frame) || word >= FRAMES_MAX) {
		walk->is_python = false;
		return false;
	}
	scratch->words[word] = frame;
	walk->python_next++;
	walk->n++;
	return true;
}

// The native walk could not go on, and Python still can: its frames are callers of what was found, whatever native frames
// are missing between them.  out  false: there is no more
static __always_inline bool put_rest_of_python(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	__u32 word = walk->base + walk->n;
	__u64 frame = python_word_at(scratch, walk->python_next);

	if (walk->python_next >= walk->python_n || word >= FRAMES_MAX)
		return false;
	walk->python_next++;
	if (IS_PYTHON(frame)) {
		scratch->words[word] = frame;
		walk->n++;
	}
	return true;
}

// A native frame has found its caller: if it is the loop, what it runs takes its place.
// in   pc, sp  of the frame; that of the caller is in walk
static __always_inline void meet_loop(struct scratch *scratch, __u64 pc, __u64 sp)
{
	struct walk *walk = &scratch->walk;
	struct python_stack *python = &scratch->python;
	__u32 next = walk->python_next;

	if (next >= walk->python_n)
		return;
	if (walk->python_kind == PYTHON_FRAME_OBJECTS) {
		bool is_loop = pc - python->loop_start < python->loop_bytes;
		// The loop makes its frame the thread's own some instructions in; until then the newest is the caller's.
		bool is_begun = walk->n > 1 || pc - python->loop_start >= python->loop_begins;
		if ((!is_loop || !is_begun) && pc - python->cold_start >= python->cold_bytes)
			return;
		walk->n--;
		put_python(scratch, walk->base + walk->n);
		return;
	}
	__u64 mark = python_word_at(scratch, next);
	if (IS_PYTHON(mark) || walk->sp <= sp || mark - sp >= walk->sp - sp)
		return;
	walk->python_next = next + 1;
	if (!IS_PYTHON(python_word_at(scratch, next + 1)) || next + 1 >= walk->python_n)
		return; // the loop was called, and has no frame yet
	walk->n--;
	walk->is_python = true;
}
