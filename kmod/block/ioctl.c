// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/shardblk-control for programs; uapi/shardblk.h has the contract.
 *
 * The number of a request says which it is, and nothing else: size and version
 * are read from the argument itself, so that a program of another version gets
 * an error that says so.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "block.h"
#include "../../uapi/shardblk_format.h"

/* Room for every argument that is copied as a whole. */
union ioctl_argument {
	struct shardblk_ioctl h;
	struct shardblk_stat stat;
	struct shardblk_add add;
	struct shardblk_id id;
	struct shardblk_list list;
	struct shardblk_status status;
};

static int ioctl_version(void __user *to)
{
	struct shardblk_version version = {
		.ioctl_version = SHARDBLK_IOCTL_VERSION,
		.format_version = SHARDBLK_FORMAT_VERSION,
		.nr_stats = SHARDBLK_NR_STATS,
		.release = SHARDBLK_RELEASE,
	};

	return copy_to_user(to, &version, sizeof(version)) ? -EFAULT : 0;
}

static int ioctl_stat(union ioctl_argument *argument)
{
	struct shardblk_stat *stat = &argument->stat;
	const struct shardblk_stat_text *text;

	if (stat->reserved || stat->index >= SHARDBLK_NR_STATS)
		return -EINVAL;
	text = &shardblk_stat_texts[stat->index];
	memset(stat->name, 0, sizeof(stat->name));
	memset(stat->meaning, 0, sizeof(stat->meaning));
	strscpy(stat->name, text->name, sizeof(stat->name));
	strscpy(stat->meaning, text->meaning, sizeof(stat->meaning));
	return 0;
}

/* Zero stands for the default. */
static bool size_permitted(u64 value, u64 min, u64 max)
{
	return !value || (value >= min && value <= max);
}

static int ioctl_add(union ioctl_argument *argument)
{
	struct shardblk_add *add = &argument->add;
	struct shardblk_options options = {
		.id = add->id,
		.read_only = add->flags & SHARDBLK_ADD_READ_ONLY,
		.retry_bad = add->flags & SHARDBLK_ADD_RETRY_BAD,
		.memtable = add->memtable,
		.cache = add->cache,
		.low_watermark = add->low_watermark,
		.scrub_interval = add->scrub_interval,
		.idle_ms = add->idle_ms,
	};
	char *path;
	int ret;

	if (add->flags & ~SHARDBLK_ADD_FLAGS || add->reserved ||
	    add->low_watermark > SHARDBLK_WATERMARK_MAX ||
	    add->scrub_interval > SHARDBLK_SCRUB_INTERVAL_MAX ||
	    !size_permitted(add->memtable, SHARDBLK_MEMTABLE_MIN,
			    SHARDBLK_MEMTABLE_MAX) ||
	    !size_permitted(add->cache, SHARDBLK_CACHE_MIN,
			    SHARDBLK_CACHE_MAX) ||
	    (add->idle_ms != SHARDBLK_IDLE_NEVER &&
	     !size_permitted(add->idle_ms, SHARDBLK_IDLE_MS_MIN,
			     SHARDBLK_IDLE_MS_MAX))) {
		pr_err("cannot add: flags or sizes out of range\n");
		return -EINVAL;
	}
	path = strndup_user(u64_to_user_ptr(add->path), PATH_MAX);
	if (IS_ERR(path))
		return PTR_ERR(path);
	options.path = path;
	ret = shardblk_add(&options);
	kfree(path);
	if (ret < 0)
		return ret;
	add->id = ret;
	return 0;
}

static int ioctl_remove(union ioctl_argument *argument)
{
	if (argument->id.reserved)
		return -EINVAL;
	return shardblk_remove(argument->id.id);
}

static int ioctl_checkpoint(union ioctl_argument *argument)
{
	if (argument->id.reserved)
		return -EINVAL;
	return shardblk_checkpoint(argument->id.id);
}

static int ioctl_list(union ioctl_argument *argument)
{
	struct shardblk_list *list = &argument->list;
	unsigned int nr;
	int error = 0;
	s32 *ids;

	if (list->reserved)
		return -EINVAL;
	ids = kmalloc_array(SHARDBLK_DEVICES_MAX, sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	nr = shardblk_ids(ids);
	if (copy_to_user(u64_to_user_ptr(list->ids), ids,
			 min(nr, list->nr_ids) * sizeof(*ids)))
		error = -EFAULT;
	else
		list->nr_ids = nr;
	kfree(ids);
	return error;
}

static int ioctl_status(union ioctl_argument *argument)
{
	struct shardblk_status *status = &argument->status;

	if (status->reserved)
		return -EINVAL;
	status->bad_extents = 0;
	memset(status->backing, 0, sizeof(status->backing));
	memset(status->stats, 0, sizeof(status->stats));
	return shardblk_report(status->id, status);
}

/**
 * struct ioctl_entry - a request
 * @cmd:	its number
 * @run:	do it; the argument is copied back on success, if @cmd says so
 */
struct ioctl_entry {
	unsigned int cmd;
	int (*run)(union ioctl_argument *argument);
};

static const struct ioctl_entry ioctl_entries[] = {
	{ SHARDBLK_IOC_STAT, ioctl_stat },
	{ SHARDBLK_IOC_ADD, ioctl_add },
	{ SHARDBLK_IOC_REMOVE, ioctl_remove },
	{ SHARDBLK_IOC_LIST, ioctl_list },
	{ SHARDBLK_IOC_STATUS, ioctl_status },
	{ SHARDBLK_IOC_CHECKPOINT, ioctl_checkpoint },
};

static const struct ioctl_entry *ioctl_find(unsigned int cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ioctl_entries); i++)
		if (_IOC_NR(ioctl_entries[i].cmd) == _IOC_NR(cmd))
			return &ioctl_entries[i];
	return NULL;
}

static int ioctl_run(const struct ioctl_entry *entry, void __user *to)
{
	size_t size = _IOC_SIZE(entry->cmd);
	union ioctl_argument argument;
	struct shardblk_ioctl h;
	int error;

	if (copy_from_user(&h, to, sizeof(h)))
		return -EFAULT;
	if (h.size != size || h.version != SHARDBLK_IOCTL_VERSION) {
		pr_err("a program speaks version %u of the control interface, this module speaks %u\n",
		       h.version, SHARDBLK_IOCTL_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (copy_from_user(&argument, to, size))
		return -EFAULT;
	/* What was checked counts, not what is there now. */
	argument.h = h;
	error = entry->run(&argument);
	if (error)
		return error;
	if (_IOC_DIR(entry->cmd) & _IOC_READ &&
	    copy_to_user(to, &argument, size))
		return -EFAULT;
	return 0;
}

long shardblk_control_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	void __user *argument = (void __user *)arg;
	const struct ioctl_entry *entry;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (_IOC_TYPE(cmd) != SHARDBLK_IOC_MAGIC)
		return -ENOTTY;
	if (_IOC_NR(cmd) == _IOC_NR(SHARDBLK_IOC_VERSION))
		return ioctl_version(argument);
	entry = ioctl_find(cmd);
	return entry ? ioctl_run(entry, argument) : -ENOTTY;
}
