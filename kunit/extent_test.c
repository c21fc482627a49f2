// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents: their lives, the division of space, and what records name.
 */
#include "alloc_fault.h"
#include "extents_rig.h"
#include "../kmod/core/refs.h"

#define HOST	SHARDBLK_STREAM_HOST
#define INDEX	SHARDBLK_STREAM_INDEX
#define META0	SHARDBLK_STREAM_META0
#define FREE	(EXTENTS - SHARDBLK_SUPER_EXTENTS)

static const struct shard_log_start from_start;

static enum shard_extent_state state(struct extents_rig *f, u32 nr)
{
	return extents_get(f, nr).state;
}

/* ---- a life ---- */

/* Gives up what no root points to, once all that was written is published. */
static u32 retire(struct extents_rig *f, u32 streams, u32 *retired, u32 max)
{
	return shard_extents_retire(f->ex, streams, NULL, streams, 0, retired,
				    max);
}

/*
 * Goal: extents begin free, and never assigned; the superblock's are apart.
 * Method: look at all of them.
 */
static void extents_begin_free(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_place tail;

	KUNIT_EXPECT_EQ(test, shard_extents_nr_free(f->ex), FREE);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, HOST), 0u);
	KUNIT_EXPECT_EQ(test, shard_extents_room(f->ex, HOST), 0u);
	KUNIT_EXPECT_FALSE(test, shard_extents_next(f->ex, HOST));
	shard_extents_tail(f->ex, HOST, &tail);
	KUNIT_EXPECT_EQ(test, tail.extent, 0u);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 0u);
	KUNIT_EXPECT_EQ(test, shard_extents_layout(f->ex)->nr_extents, EXTENTS);
}

/*
 * Goal: an extent goes from free to free, with a new generation each life.
 * Method: lead one through all states, twice.
 */
static void an_extent_lives_from_free_to_free(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	const struct shard_log_start from = {};
	u32 life, nr, retired[4];

	/* one life of each extent, so that the first comes again */
	for (life = 0; life <= FREE; life++) {
		struct shard_place at;

		shard_extents_want(f->ex, INDEX, true);
		KUNIT_ASSERT_EQ(test, shard_extents_pick(f->ex, 8, false, &nr, 1),
				1u);
		KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_ASSIGNED);
		/* the one that is on its way counts */
		KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 8, false, &nr, 1),
				0u);
		KUNIT_EXPECT_FALSE(test, shard_extents_next(f->ex, INDEX));
		shard_extent_ready(f->ex, nr);
		KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_READY);
		KUNIT_ASSERT_TRUE(test, shard_extents_next(f->ex, INDEX));
		KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_OPEN);
		KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, INDEX, 3, 0,
							    &at));
		KUNIT_EXPECT_EQ(test, at.extent, nr);
		KUNIT_EXPECT_EQ(test, at.generation, 1 + life / FREE);
		shard_extents_seal(f->ex, nr);
		KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_SEALED);
		KUNIT_ASSERT_EQ(test, retire(f, BIT(INDEX), retired, 4), 1u);
		KUNIT_EXPECT_EQ(test, retired[0], nr);
		KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, INDEX), 1u);
		/* one that records still name would come again at once */
		shard_extents_list(f->ex);
		shard_extents_relog(f->ex, &from, true);
		shard_extent_free(f->ex, nr);
		KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_FREE);
		KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, INDEX), 0u);
		KUNIT_EXPECT_EQ(test, shard_extents_nr_free(f->ex), FREE);
	}
}

/*
 * Goal: places follow one another up to the end; no locator twice (O1).
 * Method: fill an extent; seal it; then nothing is placed any more.
 */
static void places_follow_one_another(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 nr = extents_open(test, HOST);
	struct shard_place at;
	u32 i;

	for (i = 0; i < BLOCKS / 4; i++) {
		KUNIT_EXPECT_EQ(test, shard_extents_room(f->ex, HOST),
				BLOCKS - i * 4);
		shard_extents_tail(f->ex, HOST, &at);
		KUNIT_EXPECT_EQ(test, at.block, i * 4);
		KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, HOST, 4,
							    i, &at));
		KUNIT_EXPECT_EQ(test, at.extent, nr);
		KUNIT_EXPECT_EQ(test, at.generation, 1u);
		KUNIT_EXPECT_EQ(test, at.block, i * 4);
	}
	KUNIT_EXPECT_EQ(test, shard_extents_room(f->ex, HOST), 0u);
	shard_extents_seal(f->ex, nr);
	KUNIT_EXPECT_FALSE(test, shard_extents_place(f->ex, HOST, 1, 9, &at));
	shard_extents_tail(f->ex, HOST, &at);
	KUNIT_EXPECT_EQ(test, at.extent, 0u);
	/* once more does no harm: several appends of it may fail */
	shard_extents_seal(f->ex, nr);
}

/*
 * Goal: going on to the next extent seals the open one; without a ready one
 * the open one stays.
 * Method: next with none ready, then with one.
 */
static void the_open_extent_stays_until_another_is_ready(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 first = extents_open(test, HOST), second;

	KUNIT_EXPECT_FALSE(test, shard_extents_next(f->ex, HOST));
	KUNIT_EXPECT_EQ(test, state(f, first), SHARD_EXTENT_OPEN);
	second = extents_open(test, HOST);
	KUNIT_EXPECT_EQ(test, state(f, first), SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, state(f, second), SHARD_EXTENT_OPEN);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, HOST), 2u);
}

/* ---- who gets space ---- */

/*
 * Goal: metadata is served before host data, and host data leaves some room
 * in the record to a checkpoint (O12).
 * Method: all streams want some; records with more and more room.
 */
static void metadata_is_served_before_host_data(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[8], i, s, slack;

	for (s = 0; s < SHARD_STREAMS; s++)
		shard_extents_want(f->ex, s, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 2, false, picked, 8),
			2u);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_GE(test, extents_get(f, picked[i]).stream,
				(u8)META0);
	slack = shard_extents_layout(f->ex)->record_slack;
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, slack, false, picked, 8),
			2u);
	KUNIT_EXPECT_EQ(test, extents_get(f, picked[0]).stream, INDEX);
	KUNIT_EXPECT_EQ(test, extents_get(f, picked[1]).stream,
			SHARDBLK_STREAM_MERGE);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, slack, false, picked, 8),
			0u);
	for (s = SHARDBLK_STREAM_RELOC2; s >= SHARDBLK_STREAM_RELOC0; s--) {
		shard_extents_pick(f->ex, slack + 1, false, picked, 8);
		KUNIT_EXPECT_EQ(test, extents_get(f, picked[0]).stream, (u8)s);
	}
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, slack + 1, false, picked, 8),
			1u);
	KUNIT_EXPECT_EQ(test, extents_get(f, picked[0]).stream, HOST);
}

/*
 * Goal: extents of all streams of moved data count against what the host may have.
 * Method: open one for each of them.
 */
static void moved_data_counts_against_the_host(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 left = shard_extents_host_left(f->ex), s;

	for (s = SHARDBLK_STREAM_RELOC0; s <= SHARDBLK_STREAM_RELOC2; s++) {
		extents_open(test, s);
		KUNIT_EXPECT_EQ(test, shard_extents_host_left(f->ex), --left);
	}
}

/*
 * Goal: a stream is not starved while something is about to come free.
 * Method: use up the index's extents, retire one, free it.
 */
static void a_retired_extent_is_worth_waiting_for(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 i, retired;

	for (i = 0; i < f->layout.index_extents; i++)
		extents_open(test, INDEX);
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, INDEX));
	KUNIT_ASSERT_EQ(test, retire(f, BIT(INDEX), &retired, 1), 1u);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, INDEX));
	shard_extent_free(f->ex, retired);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, INDEX));
	extents_open(test, INDEX);
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, INDEX));
}

/*
 * Goal: only what is sealed, in no log, and has nothing counted is given up
 * (O6); no more than asked for.
 * Method: extents of all those kinds at once.
 */
static void only_what_nothing_needs_is_given_up(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 host = extents_open(test, HOST);
	u32 live = extents_open(test, META0), dead[2], retired[4], other;

	dead[0] = extents_open(test, META0);
	extents_open(test, HOST);
	other = extents_open(test, INDEX);
	shard_extents_seal(f->ex, dead[0]);
	shard_extents_seal(f->ex, other);
	shard_extents_count_begin(f->ex, BIT(HOST) | BIT(META0));
	shard_extents_count(f->ex, live, 2);
	KUNIT_EXPECT_EQ(test, retire(f, BIT(HOST) | BIT(META0), retired, 0), 0u);
	KUNIT_ASSERT_EQ(test, retire(f, BIT(HOST) | BIT(META0), retired, 4), 1u);
	KUNIT_EXPECT_EQ(test, retired[0], dead[0]);
	KUNIT_EXPECT_EQ(test, extents_get(f, live).live, 2u);
	/* not twice */
	KUNIT_EXPECT_EQ(test, retire(f, BIT(META0), retired, 4), 0u);
	KUNIT_EXPECT_EQ(test, state(f, host), SHARD_EXTENT_SEALED);
	shard_extents_count_begin(f->ex, BIT(META0));
	KUNIT_EXPECT_EQ(test, retire(f, BIT(META0), retired, 4), 1u);
	KUNIT_EXPECT_EQ(test, retired[0], live);
}

/*
 * Goal: what roots point to is counted by differences; of a former life of the
 * extent none counts, and as long as one is left it is not given up (O6).
 * Method: add, take off, for the present and for other generations.
 */
static void references_are_counted_by_differences(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_refs *refs = shard_refs_create(&f->layout);
	u32 nr = extents_open(test, INDEX), retired;
	struct shard_place at = { .extent = nr };
	struct shard_extent e = extents_get(f, nr);

	KUNIT_ASSERT_NOT_NULL(test, refs);
	shard_extents_seal(f->ex, nr);
	shard_refs_add(refs, &at, 9);
	at.generation = e.generation;
	shard_refs_add(refs, &at, 5);
	at.generation = e.generation - 1;
	shard_refs_add(refs, &at, 9);
	KUNIT_EXPECT_EQ(test, shard_refs_live(refs, nr, &e), 5u);
	KUNIT_EXPECT_EQ(test, shard_refs_live(NULL, nr, &e), 0u);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, BIT(INDEX), refs, 0, 0,
						   &retired, 1), 0u);
	KUNIT_EXPECT_EQ(test, extents_get(f, nr).live, 5u);
	memset(refs->at, 0, refs->nr * sizeof(refs->at[0]));
	at.generation = e.generation;
	shard_refs_add(refs, &at, -4);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, BIT(INDEX), refs, 0, 0,
						   &retired, 1), 0u);
	KUNIT_EXPECT_EQ(test, extents_get(f, nr).live, 1u);
	memset(refs->at, 0, refs->nr * sizeof(refs->at[0]));
	at.generation = e.generation + 1;
	shard_refs_add(refs, &at, 7);
	e = extents_get(f, nr);
	KUNIT_EXPECT_EQ(test, shard_refs_live(refs, nr, &e), 1u);
	at.generation = e.generation;
	memset(refs->at, 0, refs->nr * sizeof(refs->at[0]));
	shard_refs_add(refs, &at, -2);
	KUNIT_EXPECT_FALSE(test, shard_refs_fit(refs, nr, &e, 16));
	KUNIT_EXPECT_TRUE(test, shard_refs_fit(NULL, nr, &e, 16));
	shard_refs_add(refs, &at, 17);
	KUNIT_EXPECT_TRUE(test, shard_refs_fit(refs, nr, &e, 16));
	KUNIT_EXPECT_FALSE(test, shard_refs_fit(refs, nr, &e, 15));
	memset(refs->at, 0, refs->nr * sizeof(refs->at[0]));
	shard_refs_add(refs, &at, -1);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, BIT(INDEX), refs, 0, 0,
						   &retired, 1), 1u);
	kvfree(refs);
}

/*
 * Goal: what a run that is not published yet lies in is not given up by others;
 * when it is given up itself, what was published before stays for its readers
 * (O7).
 * Method: two extents of the index written, one published; then fail.
 */
static void an_unpublished_run_keeps_its_extents(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 old = extents_open(test, INDEX), new, retired[2];
	struct shard_place at;

	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, INDEX, 3, 0, &at));
	KUNIT_EXPECT_EQ(test, retire(f, BIT(INDEX), retired, 2), 0u);
	new = extents_open(test, INDEX);
	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, INDEX, 3, 0, &at));
	shard_extents_seal(f->ex, new);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, BIT(INDEX), NULL, 0, 0,
						   retired, 1), 1u);
	KUNIT_EXPECT_EQ(test, retired[0], old);
	shard_extents_abandon(f->ex, BIT(INDEX));
	KUNIT_EXPECT_EQ(test, state(f, new), SHARD_EXTENT_FREE);
	KUNIT_EXPECT_EQ(test, state(f, old), SHARD_EXTENT_SEALED);
}

/* ---- records ---- */

/*
 * Goal: a record names the log in order and what else was assigned; the end
 * of a log extent is fixed once all up to it is durable.
 * Method: two host extents, sealed and open; one of the index.
 */
static void a_record_names_the_log_and_what_is_assigned(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_super_record *r = &f->record;
	u32 first = extents_open(test, HOST), second, index;

	extents_place(test, HOST, 10, 5);
	second = extents_open(test, HOST);
	extents_place(test, HOST, 4, 7);
	index = extents_open(test, INDEX);

	KUNIT_ASSERT_EQ(test, shard_extents_record(f->ex, &from_start, 4, false,
						   r), 0);
	KUNIT_ASSERT_EQ(test, r->nr_log, 2);
	KUNIT_ASSERT_EQ(test, r->nr_assigned, 1);
	KUNIT_EXPECT_EQ(test, r->extents[0].extent, first);
	KUNIT_EXPECT_EQ(test, r->extents[0].generation, 1u);
	KUNIT_EXPECT_EQ(test, r->extents[0].start, 0u);
	KUNIT_EXPECT_EQ(test, r->extents[0].end, SHARDBLK_END_OPEN);
	KUNIT_EXPECT_EQ(test, r->extents[1].extent, second);
	KUNIT_EXPECT_EQ(test, r->extents[2].extent, index);

	KUNIT_ASSERT_EQ(test, shard_extents_record(f->ex, &from_start, 7, false,
						   r), 0);
	KUNIT_EXPECT_EQ(test, r->extents[0].end, 10u);
	KUNIT_EXPECT_EQ(test, r->extents[1].end, SHARDBLK_END_OPEN);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 3u);
}

/*
 * Goal: a checkpoint's record leaves out the log that it replaces, and what
 * its manifest lists; once durable, so do those after it.
 * Method: publish a root in the middle of the second log extent.
 */
static void a_checkpoint_shortens_the_record(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_super_record *r = &f->record;
	u32 second, late;
	struct shard_log_start from = { .seq = 6, .place.block = 2 };

	extents_open(test, HOST);
	extents_place(test, HOST, 10, 5);
	second = extents_open(test, HOST);
	extents_place(test, HOST, 4, 7);
	extents_open(test, INDEX);
	from.place.extent = second;
	from.place.generation = extents_get(f, second).generation;
	shard_extents_list(f->ex);
	late = extents_open(test, META0);

	KUNIT_ASSERT_EQ(test, shard_extents_record(f->ex, &from, 7, true, r), 0);
	KUNIT_ASSERT_EQ(test, r->nr_log, 1);
	KUNIT_EXPECT_EQ(test, r->extents[0].extent, second);
	KUNIT_EXPECT_EQ(test, r->extents[0].start, 2u);
	KUNIT_ASSERT_EQ(test, r->nr_assigned, 1);
	KUNIT_EXPECT_EQ(test, r->extents[1].extent, late);
	/* it may fail: until it is durable nothing has changed */
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 4u);

	shard_extents_relog(f->ex, &from, true);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 2u);
	/* what was said of another life of it means nothing */
	from.place.generation--;
	from.place.block = 3;
	KUNIT_ASSERT_EQ(test, shard_extents_record(f->ex, &from, 7, false, r),
			0);
	KUNIT_EXPECT_EQ(test, r->nr_log, 1);
	KUNIT_EXPECT_EQ(test, r->extents[0].start, 2u);
	KUNIT_EXPECT_EQ(test, r->nr_assigned, 1);
}

/*
 * Goal: what failed ends its extent in front of it: that is sealed, and records
 * say so once all up to there is durable (O1, O2).
 * Method: cut two of three frames off; look at two records, and the next one's
 * place.
 */
static void what_failed_ends_its_extent(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 nr = extents_open(test, HOST);
	struct shard_place at;

	extents_place(test, HOST, 3, 7);
	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, HOST, 2, 8, &at));
	shard_extents_cut(f->ex, &at, 7);
	KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, shard_extents_room(f->ex, HOST), 0u);
	at.block += 2;
	shard_extents_cut(f->ex, &at, 7);
	KUNIT_EXPECT_EQ(test, extents_get(f, nr).written, 3u);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from_start, 6, false,
						   &f->record), 0);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].end, SHARDBLK_END_OPEN);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from_start, 7, false,
						   &f->record), 0);
	KUNIT_EXPECT_EQ(test, f->record.nr_log, 1u);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].end, 3u);
}

/*
 * Goal: an extent whose only frame was cut off is in every record until a
 * manifest lists its generation, though no replay needs it: else a start would
 * assign that generation once more, and replay what the failed append left (O5).
 * Method: cut the first frame off; look at records before and with a manifest.
 */
static void what_is_cut_off_is_not_forgotten(struct kunit *test)
{
	struct shard_log_start from = { .seq = 7 };
	struct extents_rig *f = test->priv;
	u32 nr = extents_open(test, HOST);
	struct shard_place at;

	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, HOST, 2, 8, &at));
	shard_extents_cut(f->ex, &at, 7);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from, 7, false,
						   &f->record), 0);
	KUNIT_ASSERT_EQ(test, f->record.nr_log, 1u);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].extent, nr);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].generation, at.generation);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].end, 0u);
	shard_extents_relog(f->ex, &from, false);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 1u);

	shard_extents_list(f->ex);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from, 7, true,
						   &f->record), 0);
	KUNIT_EXPECT_EQ(test, f->record.nr_log, 0u);
	shard_extents_relog(f->ex, &from, true);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 0u);
}

/*
 * Goal: a record that cannot name all says so: -ENOSPC.
 * Method: more log extents than 512 bytes can name; then as many others.
 */
static void a_record_that_is_too_full_is_refused(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 i, max = shard_super_extents_max(512);

	for (i = 0; i < max; i++) {
		extents_open(test, HOST);
		extents_place(test, HOST, 1, i + 1);
	}
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from_start, 0, false,
						   &f->record), 0);
	extents_open(test, INDEX);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from_start, 0, false,
						   &f->record), -ENOSPC);
	extents_open(test, HOST);
	KUNIT_EXPECT_EQ(test, shard_extents_record(f->ex, &from_start, 0, false,
						   &f->record), -ENOSPC);
}

/* ---- recovery ---- */

/*
 * Goal: after a start, extents in use are sealed, the others free, and no
 * generation that was ever assigned comes again (O5).
 * Method: restore one of each kind; then assign all that are free.
 */
static void a_start_restores_generations_and_what_is_in_use(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[EXTENTS], nr, i;

	shard_extent_restore_generation(f->ex, 10, 7, true);
	shard_extent_restore_generation(f->ex, 11, 3, true);
	shard_extent_restore_generation(f->ex, 11, 4, false);
	shard_extent_restore_generation(f->ex, 12, 9, false);
	shard_extent_restore(f->ex, 10, INDEX, 5, 5);
	shard_extent_restore(f->ex, 12, HOST, 16, 0);
	shard_extent_restore_log(f->ex, 12, 3, 16, 100);

	KUNIT_EXPECT_EQ(test, state(f, 10), SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, state(f, 11), SHARD_EXTENT_FREE);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, INDEX), 1u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, HOST), 1u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_free(f->ex), FREE - 2);
	KUNIT_ASSERT_EQ(test, shard_extents_record(f->ex, &from_start, 100,
						   false, &f->record), 0);
	KUNIT_ASSERT_EQ(test, f->record.nr_log, 1);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].extent, 12u);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].start, 3u);
	KUNIT_EXPECT_EQ(test, f->record.extents[0].end, 16u);
	KUNIT_ASSERT_EQ(test, f->record.nr_assigned, 1);
	KUNIT_EXPECT_EQ(test, f->record.extents[1].extent, 11u);
	KUNIT_EXPECT_EQ(test, f->record.extents[1].generation, 4u);

	shard_extents_stock(f->ex, HOST, EXTENTS, EXTENTS);
	nr = shard_extents_pick(f->ex, 1000, false, picked, EXTENTS);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_NE(test, picked[i], 10u);
		KUNIT_EXPECT_NE(test, picked[i], 12u);
		if (picked[i] == 11)
			KUNIT_EXPECT_EQ(test,
					extents_get(f, 11).generation, 5u);
	}
}

/*
 * Goal: free extents that records name already are assigned before others, and
 * take no further entry: starts, however many, do not use up records.
 * Method: restore some in the middle of the device, and give one back; then
 * assign more than these, through a record with room for one.
 */
static void what_records_name_is_assigned_first(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[8], nr, i;

	for (i = 40; i < 43; i++)
		shard_extent_restore_generation(f->ex, i, 5, false);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 3u);
	nr = extents_open(test, INDEX);
	KUNIT_EXPECT_EQ(test, nr, 42u);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 3u);
	shard_extents_seal(f->ex, nr);
	shard_extents_abandon(f->ex, BIT(INDEX));
	KUNIT_EXPECT_EQ(test, state(f, nr), SHARD_EXTENT_FREE);
	shard_extents_stock(f->ex, HOST, 8, 8);
	nr = shard_extents_pick(f->ex, f->layout.record_slack + 1, false,
				picked, 8);
	KUNIT_ASSERT_EQ(test, nr, 4u);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, picked[i] >= 40 && picked[i] < 43);
	KUNIT_EXPECT_EQ(test, shard_extents_named(f->ex), 4u);
}

/*
 * Goal: a stream that no record has room for is starved, rather than waits for
 * ever.
 * Method: fill the record; the index has extents left, but none that is named.
 */
static void without_room_in_records_metadata_is_starved(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 i;

	for (i = 0; i < shard_super_extents_max(512); i++) {
		KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, INDEX));
		extents_open(test, HOST);
	}
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, INDEX));
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
}

/*
 * Goal: a record that is full is no hindrance to what it names already.
 * Method: name a free extent; let the index and the host want one, with no room.
 */
static void a_full_record_can_name_again(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[2];

	shard_extent_restore_generation(f->ex, 40, 5, false);
	shard_extents_want(f->ex, HOST, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 0, false, picked, 2),
			0u);
	shard_extents_want(f->ex, INDEX, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 0, false, picked, 2),
			1u);
	KUNIT_EXPECT_EQ(test, picked[0], 40u);
	KUNIT_EXPECT_EQ(test, extents_get(f, 40).stream, INDEX);
}

/*
 * Goal: an extent cannot be of two streams, whatever an image says.
 * Method: restore one twice; the accounts stay as they were.
 */
static void an_extent_is_of_one_stream(struct kunit *test)
{
	struct extents_rig *f = test->priv;

	KUNIT_EXPECT_TRUE(test, shard_extent_restore(f->ex, 10, HOST, 5, 3));
	KUNIT_EXPECT_TRUE(test, shard_extent_restore(f->ex, 10, HOST, 7, 3));
	KUNIT_EXPECT_FALSE(test, shard_extent_restore(f->ex, 10, INDEX, 9, 1));
	KUNIT_EXPECT_EQ(test, extents_get(f, 10).stream, HOST);
	KUNIT_EXPECT_EQ(test, extents_get(f, 10).written, 7u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, HOST), 1u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(f->ex, INDEX), 0u);
}

/*
 * Goal: an extent whose generations are used up is never assigned again (O5).
 * Method: restore the last generation there is; then assign all.
 */
static void a_generation_never_wraps(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[EXTENTS], nr, i;

	shard_extent_restore_generation(f->ex, 4, U32_MAX, true);
	shard_extents_stock(f->ex, HOST, 3, 3);
	nr = shard_extents_pick(f->ex, 1000, false, picked, EXTENTS);
	KUNIT_EXPECT_EQ(test, nr, 3u);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_NE(test, picked[i], 4u);
}

/*
 * Goal: without memory there are no extents.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_are_no_extents(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_extents *ex;
	bool struck;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		ex = shard_extents_create(&f->layout);
		struck = alloc_fault_disarm();
		shard_extents_destroy(ex);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_NOT_NULL(test, ex);
}

static struct kunit_case extent_cases[] = {
	KUNIT_CASE(extents_begin_free),
	KUNIT_CASE(an_extent_lives_from_free_to_free),
	KUNIT_CASE(places_follow_one_another),
	KUNIT_CASE(the_open_extent_stays_until_another_is_ready),
	KUNIT_CASE(metadata_is_served_before_host_data),
	KUNIT_CASE(moved_data_counts_against_the_host),
	KUNIT_CASE(a_retired_extent_is_worth_waiting_for),
	KUNIT_CASE(only_what_nothing_needs_is_given_up),
	KUNIT_CASE(references_are_counted_by_differences),
	KUNIT_CASE(an_unpublished_run_keeps_its_extents),
	KUNIT_CASE(a_record_names_the_log_and_what_is_assigned),
	KUNIT_CASE(a_checkpoint_shortens_the_record),
	KUNIT_CASE(what_failed_ends_its_extent),
	KUNIT_CASE(what_is_cut_off_is_not_forgotten),
	KUNIT_CASE(a_record_that_is_too_full_is_refused),
	KUNIT_CASE(a_start_restores_generations_and_what_is_in_use),
	KUNIT_CASE(what_records_name_is_assigned_first),
	KUNIT_CASE(without_room_in_records_metadata_is_starved),
	KUNIT_CASE(a_full_record_can_name_again),
	KUNIT_CASE(an_extent_is_of_one_stream),
	KUNIT_CASE(a_generation_never_wraps),
	KUNIT_CASE(without_memory_there_are_no_extents),
	{}
};

static struct kunit_suite extent_suite = {
	.name = "shardblk-extent",
	.init = extents_rig_init,
	.exit = extents_rig_exit,
	.test_cases = extent_cases,
};

kunit_test_suites(&extent_suite);
