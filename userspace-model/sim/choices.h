/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The choice stream: where everything that is not determined comes from.
 *
 * A choice has a kind, a bound n and a value below n; 0 is always the simplest
 * thing (no fault, no switch, stop), so that lowering values and cutting the
 * tail of a stream makes a history simpler.  A stream may be drawn from a
 * seed, from bytes (a fuzzer's), or from a list of values (a replay), and an
 * odometer goes through all streams that there are; whatever the source, it
 * can be recorded.
 */
#ifndef SIM_CHOICES_H
#define SIM_CHOICES_H

/* What a choice is about, beyond kapi's own kinds. */
enum sim_choice {
	SIM_CHOOSE_COMPLETE = KAPI_CHOOSE_USER,	/* which I/O completes next */
	SIM_CHOOSE_FAULT,	/* 1: this I/O fails */
	SIM_CHOOSE_LANDED,	/* how much of a failed write landed */
	SIM_CHOOSE_FLUSH_DROP,	/* what a failed flush did to the cache */
	SIM_CHOOSE_CRASH,	/* the manner of a crash, see disk.h */
	SIM_CHOOSE_SURVIVE,	/* 1: this write or sector is lost, see there */
	SIM_CHOOSE_RANDOM,	/* seed of get_random_bytes() */
	SIM_CHOOSE_MOCK,	/* what a stand-in for a layer makes of its contract */
	SIM_CHOOSE_END = 31,	/* the step that ends the history: how */
	SIM_CHOOSE_STEP = 32,	/* a step of the history: what is done next */
	SIM_CHOOSE_CHECK,	/* checks number their own from here */
};

enum sim_source {
	SIM_SOURCE_ZERO,
	SIM_SOURCE_SEED,
	SIM_SOURCE_BYTES,
	SIM_SOURCE_LIST,
	SIM_SOURCE_ODOMETER,
};

/* One choice as recorded. */
struct sim_record {
	u32 value;
	u32 bound;	/* 0: not known, or beyond 32 bits */
	u32 kind;
};

/**
 * struct sim_choices - a stream
 * @source:	where from
 * @state:	seed: of the generator
 * @ahead:	seed: what it gave, for the next choice
 * @bytes:	bytes: what is left; then zeros
 * @nr_bytes:	bytes: how many
 * @list:	list: the values; then zeros
 * @nr_list:	list: how many
 * @at:		list, odometer: where the next choice is looked for
 * @kinds:	odometer: a bit for each kind that is counted through
 * @digits:	odometer: the choices of these kinds
 * @nr_digits:	odometer: how many
 * @max_digits:	room
 * @next:	choices drawn so far
 * @hash:	of all choices drawn, and of what sim_note() was told
 * @recording:	keep them in @records
 * @records:	those drawn, @next of them if @recording
 * @max_records: room
 * @fixed:	@records is not ours: what finds no room is not kept
 * @random:	state of get_random_bytes(); 0: not seeded yet
 */
struct sim_choices {
	enum sim_source source;
	u64 state;
	u64 ahead;
	const u8 *bytes;
	size_t nr_bytes;
	const struct sim_record *list;
	size_t nr_list;
	size_t at;
	u64 kinds;
	struct sim_record *digits;
	size_t nr_digits;
	size_t max_digits;
	size_t next;
	u64 hash;
	bool recording;
	struct sim_record *records;
	size_t max_records;
	bool fixed;
	u64 random;
};

/*
 * A list is read by kind, so that it still makes sense when a change elsewhere
 * in it, or in the engine, makes for other choices in between: those of checks
 * are looked for within their step, all others before the next one of a check,
 * and none but the end beyond where that is.  What is not found is 0.
 *
 * Start a stream over.  @choices was zeroed once, or used before; records that
 * were kept are dropped, unless they are the very list to be replayed.
 */
void sim_choices_seed(struct sim_choices *choices, u64 seed);
void sim_choices_bytes(struct sim_choices *choices, const u8 *bytes, size_t nr);
void sim_choices_list(struct sim_choices *choices,
		      const struct sim_record *list, size_t nr);

/**
 * sim_choices_odometer() - the first of all streams: zeros
 * @kinds:	a bit for each kind that is counted through; others are 0
 *
 * The choices of a run decide which others are drawn after them, so the
 * streams are the leaves of a tree; sim_choices_next_leaf() goes to the next
 * one, in the order of the values.  Return: false when all have been.
 */
void sim_choices_odometer(struct sim_choices *choices, u64 kinds);
bool sim_choices_next_leaf(struct sim_choices *choices);

/** sim_choices_free() - give back the room for records */
void sim_choices_free(struct sim_choices *choices);

/**
 * sim_choose() - draw
 * @n:	at least 1; for 1, nothing is drawn
 *
 * Return: 0 <= result < n.  A listed value that is too high gives 0.
 */
size_t sim_choose(struct sim_choices *choices, size_t n, unsigned int kind);

/**
 * sim_choose_weighted() - draw one of @n, some more often than others
 * @weights:	how often each, not all 0; for seeds only: what other sources
 *		say keeps its meaning when weights change
 * @sum:	of the weights
 *
 * Return: 0 <= result < n.
 */
size_t sim_choose_weighted(struct sim_choices *choices, const u8 *weights,
			   size_t n, size_t sum, unsigned int kind);

/**
 * sim_choose_given() - a choice that was made elsewhere: as if it were drawn
 *
 * Return: @v.
 */
size_t sim_choose_given(struct sim_choices *choices, size_t v, size_t n,
			unsigned int kind);

/**
 * sim_choices_apart() - a number for what is not drawn itself
 *
 * For seeds only: the way in which choices come about that are then given.
 */
u64 sim_choices_apart(struct sim_choices *choices);

/** sim_note() - mix something into the hash: an operation, a result */
static inline void sim_note(struct sim_choices *choices, u64 v)
{
	u64 h = choices->hash ^ v;

	h *= 0x9e3779b97f4a7c15ULL;
	choices->hash = h ^ h >> 29;
}

/*
 * As hooks of struct kapi_hooks, whose ctx is then the struct sim_choices or
 * something that begins with one.
 */
size_t sim_choose_hook(void *ctx, size_t n, unsigned int kind);
void sim_random_hook(void *ctx, void *buf, size_t len);

/*
 * Text: one line per choice, "KIND VALUE/BOUND".  Reading gives malloc()ed
 * records and returns their number, or -EINVAL, -ENOMEM.
 */
void sim_records_print(FILE *file, const struct sim_record *records, size_t nr);
ssize_t sim_records_read(FILE *file, struct sim_record **records);

#endif /* SIM_CHOICES_H */
