// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who called this? One step takes a frame to its caller, or says why it cannot: address -> mapping -> page of the file's
// text -> row -> rule. Where there is no row, one step by frame pointer. The loop does not know which it was.
// Also compiled for user space (replay/), over look-ups of its own.
#pragma once

enum {
	FRAME_BYTES_MAX = 1 << 20, // no sane frame is larger; a wild register rarely points within 1 MiB above the stack pointer
	HAS_CALLER = 0xff,         // not a stop reason
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
static __always_inline __u32 find_rule_id(struct walk *walk, const struct range *range, __u32 pc_low)
{
	__u32 first = range->first, n = range->n, found = 0;
	__u32 key = pc_low << 16 | 0xfffe; // above every row of pc_low, below ROW_ABSENT

	for (__u32 step = (PAGE_ROWS_MAX + 1) / 2; step > 0; step /= 2) {
		__u32 probe = found + step;
		__u32 row = ROW_ABSENT;
		if (probe < n)
			row = row_at(forget(walk, first + probe));
		found += step & ((__u32)is_above(row, key) - 1);
	}
	__u32 row = row_at(forget(walk, first + found));
	return row > key ? 0 : row & 0xffff; // 0: the gap
}

// Looks up the rule for pc in its mapping.
// out  RULE_GAP and the like: *why says how the frame pointer's step is to be counted
static __always_inline struct rule *find_rule(struct walk *walk, __u32 *why)
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
	return rule_at(forget(walk, find_rule_id(walk, range, vaddr & 0xffff)));
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
	walk->is_guess = false;
	return HAS_CALLER;
}

// Code that keeps frame pointers has at fp the caller's fp, above it the return address. Other code has anything in that
// register, hence the guards. They demand fp >= sp of the frame, so every step climbs and the walk ends.
static __always_inline __u32 to_caller_by_frame_pointer(struct walk *walk)
{
	__u64 frame[2];

	if (walk->fp == 0)
		return STOP_FP_ZERO;
	if ((walk->fp & 7) != 0 || walk->fp < walk->sp || walk->fp - walk->sp > FRAME_BYTES_MAX)
		return STOP_BAD_FP;
	if (!read_user(frame, sizeof(frame), walk->fp))
		return STOP_READ_FAULT;
	__u32 next = go_to(walk, frame[1], walk->fp + sizeof(frame), frame[0]);
	walk->is_guess = true;
	return next;
}

// The kernel put the interrupted registers on the stack. They may belong to another stack: nothing is asked of them.
static __always_inline __u32 to_interrupted(struct walk *walk)
{
	struct saved_registers saved;

	if (!read_user(&saved, sizeof(saved), walk->sp + SIGNAL_REGISTERS))
		return STOP_READ_FAULT;
	walk->pc = code_address(SAVED_PC(&saved)); // exact: it was interrupted, it called nobody
	walk->sp = SAVED_SP(&saved);
	walk->fp = SAVED_FP(&saved);
	walk->lr = SAVED_LR(&saved);
	walk->is_guess = false;
	return walk->pc == 0 ? STOP_PC_ZERO : HAS_CALLER;
}

static __always_inline __u32 to_caller_by_cfa(struct walk *walk, const struct rule *rule, __u64 cfa)
{
	__s64 return_off = RETURN_OFFSET(rule);
	__u64 frame[2] = { walk->fp, 0 }; // fp and return address, as they mostly stand in memory

	if (cfa <= walk->sp)
		return STOP_BAD_FP; // fp was not what the row says: stacks grow down
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
	__u64 cfa = (rule->kind == RULE_FP || rule->kind == RULE_DEREF) ? walk->fp : walk->sp;

	switch (rule->kind) {
	case RULE_SP:
	case RULE_FP:
		cfa += rule->cfa;
		break;
	case RULE_PLT:
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
	case RULE_LR: // only in a leaf: elsewhere lr is zero
		return go_to(walk, walk->lr, cfa + rule->cfa, walk->fp);
	case RULE_SIGNAL:
		return to_interrupted(walk);
	default:
		return STOP_ROOT;
	}
	return to_caller_by_cfa(walk, rule, cfa);
}

// in   has_vma  the mapping of pc is walk->vma
// out  HAS_CALLER, or a stop reason
static __always_inline __u32 to_caller(struct walk *walk, struct counters *count, bool has_vma)
{
	__u32 how = STEP_FP_UNKNOWN, next;

	if (walk->is_known && !has_vma)
		return STOP_NO_MAPPING;
	struct rule *rule = walk->is_known ? find_rule(walk, &how) : 0;
	if (rule && rule->kind != RULE_GAP && rule->kind != RULE_UNSUPPORTED && rule->kind <= RULE_SP_FAR) {
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
	__u32 word = walk->base + walk->n;

	if (walk->n >= walk->n_max || word >= FRAMES_MAX)
		return 1; // stop is STOP_DEPTH from the start
	bool has_vma = walk->is_known && find_vma(walk);
	if (walk->is_known && walk->is_guess && !has_vma) {
		walk->stop = STOP_NO_MAPPING; // what a register pointed to is no code: it is not a frame
		return 1;
	}
	here->scratch->words[word] = walk->pc;
	walk->n++;
	__u32 next = to_caller(walk, here->count, has_vma);
	if (next == HAS_CALLER)
		return 0;
	walk->stop = next;
	return 1;
}

// Fills the user frames of the record, leaf first.
static __always_inline enum stop_reason unwind_user(struct scratch *scratch, struct counters *count)
{
	struct walk_context here = { .scratch = scratch, .count = count };

	scratch->walk.n = 0;
	scratch->walk.stop = STOP_DEPTH;
	scratch->walk.is_guess = false;
	scratch->walk.vma.len_pages = 0;
	repeat(USER_FRAMES_MAX + 1, walk_step, &here);
	return scratch->walk.stop;
}
