// SPDX-License-Identifier: GPL-2.0-only
/*
 * idr: numbers to pointers, without a lock.
 */
#include "linux.h"

struct entry {
	struct list_head node;
	int id;
	void *ptr;
};

static struct entry *entry_from(const struct idr *idr, int id)
{
	struct entry *e;

	list_for_each_entry(e, &idr->entries, node)
		if (e->id >= id)
			return e;
	return NULL;
}

/* One in it at a time, and an allocation may take long. */
static void check_alone(const struct idr *idr)
{
	if (idr->busy)
		kapi_fail("two are in an idr at a time");
}

int block_idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	struct entry *e, *next;
	int id = start;

	check_alone(idr);
	idr->busy = true;
	e = kmalloc(sizeof(*e), gfp);
	idr->busy = false;
	if (!e)
		return -ENOMEM;
	while ((next = entry_from(idr, id)) && next->id == id)
		id++;
	if (id >= end) {
		kfree(e);
		return -ENOSPC;
	}
	e->id = id;
	e->ptr = ptr;
	list_add_tail(&e->node, next ? &next->node : &idr->entries);
	return id;
}

void *block_idr_remove(struct idr *idr, int id)
{
	struct entry *e = entry_from(idr, id);
	void *ptr;

	check_alone(idr);
	if (!e || e->id != id)
		return NULL;
	ptr = e->ptr;
	list_del(&e->node);
	kfree(e);
	return ptr;
}

void *block_idr_find(const struct idr *idr, int id)
{
	const struct entry *e = entry_from(idr, id);

	check_alone(idr);
	return e && e->id == id ? e->ptr : NULL;
}

void *block_idr_next(const struct idr *idr, int *id)
{
	const struct entry *e = entry_from(idr, *id);

	check_alone(idr);
	if (!e)
		return NULL;
	*id = e->id;
	return e->ptr;
}

void idr_destroy(struct idr *idr)
{
	struct entry *e, *next;

	list_for_each_entry_safe(e, next, &idr->entries, node)
		kfree(e);
	INIT_LIST_HEAD(&idr->entries);
}
