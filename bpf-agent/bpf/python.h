// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What does a thread run in Python? Its frames, innermost first, are collected before the native walk, which then puts
// them in their places (python_merge.h). Nothing is asked of user space but where things lie: a thread is found in the
// interpreter's own list by its thread pointer, the moment it is first sampled, and a fork's child by its parent's entry.
// All that is read is another process's memory: every list is bounded, every word is only a word.
#pragma once

enum {
	PYTHON_THREADS_MAX = 4096,         // links followed in a search
	PYTHON_RETRY_NS = 100 * 1000 * 1000, // a thread that is not Python's, or not yet
	PYTHON_OWNER_C_STACK = 3,          // from here on it is a frame that marks an entry: 3.12 to 3.14
	PYTHON_UNITS_UNKNOWN = 0xffffe,    // all 20 bits set is left out: such words are addresses of [vsyscall]
};
#define PYTHON_CODE_MASK ((1ULL << 43) - 1)

struct python_context {
	struct scratch *scratch;
	const struct python *python;
};

// One link: the next thread of an interpreter, or the first one of the next interpreter.
static long search_step(__u32 index, void *context)
{
	struct python_context *here = context;
	struct python_stack *stack = &here->scratch->python;
	const struct python *python = here->python;
	__u64 id;

	if (stack->thread == 0) {
		if (stack->interpreter == 0 ||
		    !read_user(&stack->thread, 8, stack->interpreter + python->interpreter_threads) ||
		    !read_user(&stack->interpreter, 8, stack->interpreter + python->interpreter_next)) {
			stack->thread = 0;
			return 1;
		}
		return 0;
	}
	if (!read_user(&id, 8, stack->thread + python->thread_id)) {
		stack->thread = 0;
		return 1;
	}
	if (stack->self - id <= THREAD_POINTER_ABOVE) {
		stack->found = stack->thread;
		return 1;
	}
	if (!read_user(&stack->thread, 8, stack->thread + python->thread_next))
		stack->thread = 0;
	return 0;
}

// The PyThreadState of the current thread; 0: it has none.
static __always_inline __u64 find_python_thread(struct python_context *here, __u32 tgid, __u32 tid, __u64 time_ns)
{
	struct python_stack *stack = &here->scratch->python;
	struct python_thread *known = bpf_map_lookup_elem(&python_threads, &tid);
	__u64 id = 0;

	if (known && known->tgid == tgid && known->self == stack->self) {
		if (known->state == 0 && time_ns < known->retry_ns)
			return 0;
		if (known->state != 0 && read_user(&id, 8, known->state + here->python->thread_id) &&
		    stack->self - id <= THREAD_POINTER_ABOVE)
			return known->state;
	}
	stack->thread = stack->found = 0;
	if (!read_user(&stack->interpreter, 8, here->python->interpreters))
		stack->interpreter = 0;
	repeat(PYTHON_THREADS_MAX, search_step, here);
	struct python_thread found = { .self = stack->self, .state = stack->found, .tgid = tgid,
				       .retry_ns = time_ns + PYTHON_RETRY_NS };
	bpf_map_update_elem(&python_threads, &tid, &found, BPF_ANY);
	return found.state;
}

static __always_inline __u64 python_read_word(const struct python_stack *stack, __u32 offset)
{
	return stack->read[(offset / 8) & (PYTHON_FRAME_BYTES / 8 - 1)];
}

static __always_inline __u64 python_units(const struct python *python, const struct python_stack *stack, __u64 code)
{
	__u64 units;

	if (python->code_instructions != 0) {
		units = python_read_word(stack, python->frame_instruction) - (code & ~15ULL) - python->code_instructions;
		units >>= 1;
	} else {
		units = python_read_word(stack, python->frame_instruction);
		if (python->frame_instruction & 4)
			units >>= 32;
		units = (__u32)units >> (python->unit_shift & 31); // not begun: -1
	}
	return units < PYTHON_UNITS_UNKNOWN ? units : PYTHON_UNITS_UNKNOWN;
}

// One frame, or one mark.
static long collect_step(__u32 index, void *context)
{
	struct python_context *here = context;
	struct python_stack *stack = &here->scratch->python;
	const struct python *python = here->python;
	__u32 n = stack->n;

	if (n >= PYTHON_WORDS_MAX)
		return 1;
	if (stack->frame == 0) {
		// 3.11: the struct that a call of the loop has on its C stack: its newest frame, and the call before.
		if (python->kind != PYTHON_C_FRAMES || stack->c_frame == 0 ||
		    !read_user(stack->read, 16, stack->c_frame + 8) || stack->read[0] == 0)
			return 1;
		stack->words[n] = stack->c_frame & ~(1ULL << 63);
		stack->n = n + 1;
		stack->frame = stack->read[0];
		stack->c_frame = stack->read[1];
		return 0;
	}
	__u32 bytes = python->frame_bytes & (PYTHON_FRAME_BYTES - 1);
	if (bytes == 0 || !read_user(stack->read, bytes, stack->frame))
		return 1;
	__u64 code = python_read_word(stack, python->frame_code);
	__u64 back = python_read_word(stack, python->frame_back);
	__u64 shift = (python->frame_entry & 7) * 8;
	__u8 entry = python_read_word(stack, python->frame_entry) >> shift;
	if (python->kind == PYTHON_ENTRY_FRAMES && entry >= PYTHON_OWNER_C_STACK) {
		stack->words[stack->mark & (PYTHON_WORDS_MAX - 1)] = stack->frame & ~(1ULL << 63);
		stack->mark = n;
		stack->words[n] = 0;
		stack->n = n + 1;
		stack->frame = back;
		return back == 0;
	}
	stack->words[n] = 1ULL << 63 | python_units(python, stack, code) << 43 | ((code >> 4) & PYTHON_CODE_MASK);
	stack->n = n + 1;
	stack->frame = python->kind == PYTHON_C_FRAMES && entry != 0 ? 0 : back;
	return stack->frame == 0 && python->kind != PYTHON_C_FRAMES;
}

// Fills scratch.python with the frames of the current thread.
static __always_inline void collect_python(struct task_struct *task, struct scratch *scratch, __u32 index)
{
	struct python *python = bpf_map_lookup_elem(&pythons, &index);
	struct python_stack *stack = &scratch->python;

	if (!python)
		return;
	struct python_context here = { .scratch = scratch, .python = python };
	stack->self = THREAD_POINTER(task);
	__u64 thread = find_python_thread(&here, scratch->record.tgid, scratch->record.tid, scratch->record.time_ns);
	if (thread == 0)
		return;
	__u64 frame;
	if (!read_user(&frame, 8, thread + python->thread_frame))
		return;
	if (python->is_indirect && !read_user(&frame, 8, frame))
		return;
	stack->n = 0;
	stack->c_frame = frame;
	stack->frame = frame;
	if (python->kind == PYTHON_C_FRAMES) {
		stack->frame = 0;
	} else if (python->kind == PYTHON_ENTRY_FRAMES) {
		stack->words[0] = 0; // the mark is known when its frame is reached
		stack->mark = 0;
		stack->n = 1;
	} else {
		stack->loop_start = python->loop_start;
		stack->loop_bytes = python->loop_end - python->loop_start;
		stack->loop_begins = python->loop_begins;
		stack->cold_start = python->cold_start;
		stack->cold_bytes = python->cold_end - python->cold_start;
	}
	if (frame == 0)
		return;
	repeat(PYTHON_WORDS_MAX, collect_step, &here);
	scratch->walk.python_kind = python->kind;
	scratch->walk.python_next = 0;
	scratch->walk.python_n = stack->n;
}
