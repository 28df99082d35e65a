// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Where is a stack copied to that user space will walk? A CPU's own record beside `scratch`, which ordinary samples do
// not touch: 32 KB more would cool every cache. In a map for the reason that walk.h gives: bpf_loop.
#pragma once

enum {
	REGISTER_WORDS = sizeof(struct registers) / 8,
	// The last piece begins before the bound: room for one more behind it lets the verifier see that it fits.
	SNAPSHOT_WORDS_MAX = FRAMES_MAX + REGISTER_WORDS + (SNAPSHOT_STACK_MAX + SNAPSHOT_PIECE) / 8,
	SNAPSHOT_PIECES_MAX = SNAPSHOT_STACK_MAX / SNAPSHOT_PIECE + 1, // the first is cut short by its page
};

struct snapshot {
	__u64 from;           // the user's address of the next piece
	__u32 left;           // bytes still to be copied
	__u32 n;              // words so far
	struct record record; // as it goes to the ring, with all that follows
	__u64 words[SNAPSHOT_WORDS_MAX];
};
