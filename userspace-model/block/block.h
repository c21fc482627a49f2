/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The users of the modelled block layer, and of the module: what programs do to
 * /dev/shardblkN and to its files in sysfs.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include "linux.h"

struct sim_disk;

#define BLOCK_BACKINGS_MAX	3

/**
 * block_begin() - the module is loaded, and these are the backing devices
 *
 * Within a run of kapi, before anything else.
 */
void block_begin(struct sim_disk *const *disks, u32 nr);
/** block_end() - the module is gone: is all of it? */
void block_end(void);

/**
 * block_module_get() - keep the module, as whoever opens the control node does
 *
 * Return: false when it is being unloaded.
 */
bool block_module_get(void);
void block_module_put(void);
/** block_module_unload() - begin to unload it.  Return: false when it is used */
bool block_module_unload(void);

/** block_open() - open /dev/shardblk@id.  Return: NULL when that fails */
struct gendisk *block_open(u32 id);
void block_release(struct gendisk *disk);

/**
 * block_io() - one request, and wait for it; @disk is open
 * @op:		REQ_OP_*, and REQ_FUA
 *
 * Return: its status.
 */
blk_status_t block_io(struct gendisk *disk, unsigned int op, sector_t sector,
		      void *memory, u32 len);

/** block_file_enter() - into a file of its in sysfs.  Return: NULL: no such */
struct gendisk *block_file_enter(u32 id);
void block_file_leave(struct gendisk *disk);
/** block_nr_appeared() - disks that have appeared in sysfs, ever */
u32 block_nr_appeared(void);
/** block_wait() - where to wait for the next one */
wait_queue_head_t *block_wait(void);

/** block_refuse_disks() - device_add_disk() fails, when it can be seen already */
void block_refuse_disks(bool refuse);

/** block_shrink() - memory is short: all shrinkers give some back */
void block_shrink(void);

/** block_backing_gone() - the backing device is pulled out */
void block_backing_gone(u32 nr);
/** block_backing_is_held() - does anybody have it */
bool block_backing_is_held(u32 nr);

/* backing.c, for disk.c */
void block_backings_begin(struct sim_disk *const *disks, u32 nr);
void block_backings_end(void);

#endif /* BLOCK_BLOCK_H */
