// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who called this? One step takes a frame to its caller, or says why it cannot: address -> mapping -> page of the file's
// text -> row -> rule. Where there is no row, one step by frame pointer. The loop does not know which it was.
// Also compiled for user space (replay/), over look-ups of its own.
#pragma once

#include "python_merge.h"

enum {
	FRAME_BYTES_MAX = 1 << 20, // no sane frame is larger; a wild register rarely points within 1 MiB above the stack pointer
	HAS_CALLER = 0xff,         // not a stop reason
	ENTERED = 1 << 16,         // no rule's id; its low half is the gap's
	STEP_ENTERED = 0xff,       // not a kind of step
};
#define NOWHERE (~0ULL >> 1) // above every address of a process

struct walk_context {
	struct scratch *scratch;
	struct counters *count;
};

static __always_inline void count_step(struct counters *count, __u32 kind)
{
	count->steps[kind & (STEPS_MAX - 1)]++;
}

// 1 if a > b, both below 2^63; else 0. As arithmetic that the compiler does not see through: a branch in a search would
// double what the verifier has to follow at each of its steps: 6.1 knew no better and followed 31,000 instructions.
static __always_inline __u64 is_above(__u64 a, __u64 b)
{
	__u64 difference = b - a;
	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

// Both searches go up in ever smaller steps, from the first element, as long as what lies there is not above what they
// look for. They end at the last such element, or at the first, which may lie above.

// Finds the mapping of pc. Most frames lie in that of the frame before.
static __always_inline bool find_vma(struct walk *walk)
{
	__u64 pc = walk->pc;
	__u32 first = walk->first_vma, n = walk->n_vma, found = 0;
	struct vma *vma;

	if (pc - walk->vma.start < (__u64)walk->vma.len_pages << 12)
		return true;
	if (n == 0 || pc >> 63)
		return false;
	for (__u32 step = VMAS_MAX / 2; step > 0; step /= 2) {
		__u32 probe = found + step;
		__u64 start = NOWHERE;
		vma = vma_at(first + probe);
		if (vma)
			start = vma->start;
		found += step & ((__u32)(is_above(start, pc) | is_above(probe + 1, n)) - 1);
	}
	vma = vma_at(first + found);
	if (!vma || pc - vma->start >= (__u64)vma->len_pages << 12)
		return false;
	walk->vma = *vma;
	return true;
}

// Finds the rule that is valid at an address of a page: that of the last row at or below it.
// A function of its own, and not static: the verifier goes through it once, and not on every way that leads to it, which
// are half of all its work.
// out  its id, 0: the gap; ENTERED: the gap, and right behind it a function begins
__attribute__((noinline)) __u32 find_rule_id(struct walk *walk, __u32 first, __u32 n, __u32 pc_low)
{
	__u32 found = 0;
	__u32 key = pc_low << 16 | 0xfffe; // above every row of pc_low, below ROW_ABSENT

	if (!walk)
		return 0; // cannot be; the verifier takes a pointer that is handed on for one that may be null

	for (__u32 step = (PAGE_ROWS_MAX + 1) / 2; step > 0; step /= 2) {
		__u32 probe = found + step;
		__u32 row = ROW_ABSENT;
		if (probe < n)
			row = row_at(forget(walk, first + probe));
		found += step & ((__u32)is_above(row, key) - 1);
	}
	__u32 row = row_at(forget(walk, first + found));
	if (row > key)
		return 0;
	if ((row & 0xffff) != 0 || walk->is_exact || found + 1 >= n)
		return row & 0xffff;
	// No function is here, and at the very next byte begins one: nobody has called anything, it was a return to there.
	row = row_at(forget(walk, first + found + 1));
	return row >> 16 == pc_low + 1 && (row & 0xffff) != 0 ? ENTERED : 0;
}

// Looks up the rule for pc in its mapping.
// out  RULE_GAP and the like: *why says how the frame pointer's step is to be counted
static __always_inline struct rule *find_rule_of(struct walk *walk, __u32 *why)
{
	__u64 vaddr = walk->pc - walk->vma.bias;
	__u64 page = (vaddr >> 16) - walk->vma.page_base;

	*why = STEP_FP_ANONYMOUS;
	if (walk->vma.n_pages == 0)
		return 0;
	*why = STEP_FP_NO_PAGE;
	if (page >= walk->vma.n_pages)
		return 0;
	struct range *range = page_at(walk->vma.first_page + page);
	if (!range || range->n == 0)
		return 0;
	*why = STEP_FP_GAP;
	__u32 id = find_rule_id(walk, range->first, range->n, vaddr & 0xffff);
	*why = id == ENTERED ? STEP_ENTERED : STEP_FP_GAP;
	return rule_at(forget(walk, id & 0xffff));
}

// As find_rule_of. Code that is entered by a return is known here: of it alone the address itself is what counts, since
// the byte before it belongs to something else. Signals come back to their trampoline so, and contexts to where they end.
static __always_inline struct rule *find_rule(struct walk *walk, __u32 *why)
{
	struct rule *rule = find_rule_of(walk, why);

	if (!walk->is_exact && (*why == STEP_ENTERED || (rule && rule->kind == RULE_SIGNAL))) {
		walk->pc++;
		walk->is_exact = true;
	}
	return rule;
}

// A return address was found: the call is before it, and what follows it may be another function already.
static __always_inline __u32 go_to(struct walk *walk, __u64 return_address, __u64 sp, __u64 fp)
{
	__u64 caller = code_address(return_address);
	if (caller == 0)
		return STOP_PC_ZERO;
	walk->pc = caller - 1;
	walk->sp = sp;
	walk->fp = fp;
	walk->lr = 0;
	walk->is_guess = walk->may_leave; // whether that was the stack, nothing says
	walk->is_exact = false;
	return HAS_CALLER;
}

// Code that keeps frame pointers has at fp the caller's fp, above it the return address. Other code has anything in that
// register, hence the guards. They demand fp >= sp of the frame, so every step climbs and the walk ends.
static __always_inline __u32 to_caller_by_frame_pointer(struct walk *walk)
{
	__u64 frame[2];

	if (walk->fp == 0)
		return STOP_FP_ZERO;
	// Go before 1.21 clears and copies with the frame pointer parked below the stack: there it points to the true one.
	if (walk->fp == walk->sp - 16 && !read_user(&walk->fp, 8, walk->fp))
		return STOP_READ_FAULT;
	if ((walk->fp & 7) != 0 || walk->fp < walk->sp || walk->fp - walk->sp > FRAME_BYTES_MAX)
		return STOP_BAD_FP;
	if (!read_user(frame, sizeof(frame), walk->fp))
		return STOP_READ_FAULT;
	walk->may_leave = false;
	__u32 next = go_to(walk, frame[1], walk->fp + sizeof(frame), frame[0]);
	walk->is_guess = true;
	walk->bx_at = BX_LOST;
	return next;
}

// The kernel put the interrupted registers on the stack. They may belong to another stack: nothing is asked of them.
static __always_inline __u32 to_interrupted(struct walk *walk)
{
	struct saved_registers saved;

	if (!read_user(&saved, sizeof(saved), walk->sp + SIGNAL_REGISTERS))
		return STOP_READ_FAULT;
	walk->bx_at = walk->sp + SIGNAL_BX;
	walk->pc = code_address(SAVED_PC(&saved)); // exact: it was interrupted, it called nobody
	walk->sp = SAVED_SP(&saved);
	walk->fp = SAVED_FP(&saved);
	walk->lr = SAVED_LR(&saved);
	walk->is_guess = false;
	walk->is_exact = true;
	return walk->pc == 0 ? STOP_PC_ZERO : HAS_CALLER;
}

// Whether the value of a register is known in this frame, by its place. In the leaf all are; later rbx alone is followed.
static __always_inline bool knows_register(struct walk *walk, __u32 place)
{
	if (walk->n == 1)
		return place < sizeof(walk->leaf) / 8;
	return place == REGISTER_BX && walk->bx_at != BX_LOST;
}

static __always_inline bool read_register(struct walk *walk, __u32 place, __u64 *value)
{
	if (walk->n > 1 && walk->bx_at != BX_SAME)
		return read_user(value, sizeof(*value), walk->bx_at);
	if (place >= sizeof(walk->leaf) / 8)
		return false;
	*value = ((__u64 *)&walk->leaf)[place];
	return true;
}

// Where rbx of the caller is: most functions that save it say so.
static __always_inline void follow_bx(struct walk *walk, __u64 cfa)
{
	__s32 offset = walk->bx_offset;

	if (offset == BX_LOST)
		walk->bx_at = BX_LOST;
	else if (offset != BX_SAME)
		walk->bx_at = cfa + offset;
}

static __always_inline __u32 to_caller_by_cfa(struct walk *walk, const struct rule *rule, __u64 cfa)
{
	__s64 return_off = RETURN_OFFSET(rule);
	__u64 frame[2] = { walk->fp, 0 }; // fp and return address, as they mostly stand in memory

	if (cfa <= walk->sp && !walk->may_leave)
		return STOP_BAD_FP; // fp was not what the row says: stacks grow down
	follow_bx(walk, cfa);
	if (rule->fp_kind == FP_AT_CFA && rule->fp_off + 8 == return_off) {
		if (!read_user(frame, sizeof(frame), cfa + rule->fp_off))
			return STOP_READ_FAULT;
		return go_to(walk, frame[1], cfa, frame[0]);
	}
	if (!read_user(&frame[1], 8, cfa + return_off))
		return STOP_READ_FAULT;
	if (rule->fp_kind != FP_SAME) {
		__u64 base = rule->fp_kind == FP_AT_CFA ? cfa : walk->fp;
		if (!read_user(&frame[0], 8, base + rule->fp_off))
			return STOP_READ_FAULT;
	}
	return go_to(walk, frame[1], cfa, frame[0]);
}

static __always_inline __u32 to_caller_by_rule(struct walk *walk, const struct rule *rule)
{
	bool is_fp = rule->kind == RULE_FP || rule->kind == RULE_DEREF || rule->kind == RULE_OTHER_STACK;
	__u64 cfa = is_fp ? walk->fp : walk->sp;
	__u64 kept[2];

	// In memory: what is known of a kind here shall not be known behind the switch, where the verifier would follow the
	// rest of the way once for each of them.
	walk->bx_offset = BX_LOST;
	walk->may_leave = false;
	switch (rule->kind) {
	case RULE_SP:
	case RULE_FP:
		if (FOLLOWS_BX)
			walk->bx_offset = rule->aux;
		cfa += rule->cfa;
		break;
	case RULE_OTHER_STACK:
		walk->may_leave = true;
		cfa += rule->cfa;
		break;
	case RULE_PLT:
		walk->bx_offset = BX_SAME;
		cfa += (__s64)(walk->pc & 15) >= rule->aux ? 16 : 8;
		break;
	case RULE_SP_FAR:
		cfa += (__s64)rule->aux * 65536 + rule->cfa;
		break;
	case RULE_DEREF:
	case RULE_DEREF_SP:
		if (!read_user(&cfa, sizeof(cfa), cfa + rule->aux))
			return STOP_READ_FAULT;
		cfa += rule->cfa;
		break;
	case RULE_REGISTER:
		if (!read_register(walk, rule->aux & REGISTER_PLACE, &cfa))
			return STOP_READ_FAULT;
		cfa += rule->cfa;
		if (rule->aux >> REGISTER_PLACE_BITS != BX_WORDS_LOST)
			walk->bx_offset = (rule->aux >> REGISTER_PLACE_BITS) * 8;
		break;
	case RULE_INDEXED:
		if (!read_register(walk, rule->aux & REGISTER_PLACE, &kept[0]) ||
		    !read_user(&cfa, 8, cfa + ((rule->aux >> REGISTER_PLACE_BITS) + kept[0]) * 8))
			return STOP_READ_FAULT;
		cfa += rule->cfa;
		break;
	case RULE_GO_DEPTH:
		walk->may_leave = true;
		if (!read_user(kept, sizeof(kept), cfa + rule->aux) || !read_user(&cfa, 8, kept[1] + 8))
			return STOP_READ_FAULT;
		cfa += rule->cfa - kept[0];
		break;
	case RULE_GO_CURRENT:
		walk->may_leave = true;
		if (!read_user(&cfa, 8, walk->thread + rule->fp_off) ||
		    !read_user(&cfa, 8, cfa + (rule->aux & ((1 << GO_CURRENT_BITS) - 1)) * 8) ||
		    !read_user(&cfa, 8, cfa + (rule->aux >> GO_CURRENT_BITS) * 8) ||
		    !read_user(&cfa, 8, cfa + rule->cfa))
			return STOP_READ_FAULT;
		cfa += 8;
		break;
	case RULE_LR: // only in a leaf: elsewhere lr is zero
		return go_to(walk, walk->lr, cfa + rule->cfa, walk->fp);
	case RULE_SIGNAL:
		return to_interrupted(walk);
	default:
		return STOP_ROOT;
	}
	return to_caller_by_cfa(walk, rule, cfa);
}

// Whether a rule says how to go on from here; else the frame pointer has to.
static __always_inline bool leads_on(struct walk *walk, const struct rule *rule)
{
	if (rule->kind == RULE_GAP || rule->kind == RULE_UNSUPPORTED || rule->kind > RULE_LAST)
		return false;
	if (rule->kind != RULE_REGISTER && rule->kind != RULE_INDEXED)
		return true;
	return knows_register(walk, rule->aux & REGISTER_PLACE);
}

// in   rule, how  as find_rule gave them
// out  HAS_CALLER, or a stop reason
static __always_inline __u32 to_caller(struct walk *walk, struct counters *count, struct rule *rule, __u32 how)
{
	__u32 next;

	if (how == STEP_ENTERED)
		return STOP_ROOT;
	if (rule && leads_on(walk, rule)) {
		how = rule->kind == RULE_SIGNAL ? STEP_SIGNAL : STEP_ROW;
		next = to_caller_by_rule(walk, rule);
	} else {
		if (rule && rule->kind != RULE_GAP)
			how = STEP_FP_UNSUPPORTED;
		next = to_caller_by_frame_pointer(walk);
	}
	if (next == HAS_CALLER)
		count_step(count, forget(walk, how));
	return next;
}

static long walk_step(__u32 index, void *context)
{
	struct walk_context *here = context;
	struct walk *walk = &here->scratch->walk;
	struct rule *rule = 0;
	__u32 how = STEP_FP_UNKNOWN;
	__u64 pc = walk->pc, sp = walk->sp;

	if (walk->n >= walk->n_max)
		return 1; // stop is STOP_DEPTH from the start
	if (walk->is_rest)
		return !put_rest_of_python(here->scratch);
	if (walk->is_python && put_python(here->scratch, walk->base + walk->n))
		return 0;
	bool has_vma = walk->is_known && find_vma(walk);
	if (walk->is_known && walk->is_guess && !has_vma) {
		walk->stop = STOP_NO_MAPPING; // what a register pointed to is no code: it is not a frame
		walk->is_rest = true;
		return 0;
	}
	if (has_vma)
		rule = find_rule(walk, &how);
	__u32 word = walk->base + walk->n;
	if (word >= FRAMES_MAX)
		return 1;
	here->scratch->words[word] = walk->pc;
	walk->n++;
	__u32 next = STOP_NO_MAPPING;
	if (has_vma || !walk->is_known)
		next = to_caller(walk, here->count, rule, how);
	if (next == HAS_CALLER) {
		if (walk->python_n != 0)
			meet_loop(here->scratch, pc, sp);
		return 0;
	}
	walk->stop = next;
	walk->is_rest = true;
	return next == STOP_ROOT;
}

// Fills the user frames of the record, leaf first.
static __always_inline enum stop_reason unwind_user(struct scratch *scratch, struct counters *count)
{
	struct walk_context here = { .scratch = scratch, .count = count };

	scratch->walk.n = 0;
	scratch->walk.stop = STOP_DEPTH;
	scratch->walk.is_guess = false;
	scratch->walk.is_exact = true;
	scratch->walk.bx_at = BX_SAME;
	scratch->walk.vma.len_pages = 0;
	scratch->walk.is_python = scratch->walk.is_rest = false;
	repeat(2 * USER_FRAMES_MAX, walk_step, &here); // a call of a loop of Python takes one more than its frames
	return scratch->walk.stop;
}
