// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/shardblk/N/graph: the device as it is, and the last events
 * of its dependency graph, for shardctl graph or for people.
 *
 * Writing 1 to it begins to record, 0 ends that.  Before the first time nothing
 * is kept, and the engine has nobody to tell.  What was recorded stays until
 * the device goes.
 *
 * Locks: graph_lock is a leaf.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "block.h"

/* Events that are kept, about 128 KiB. */
#define GRAPH_EVENTS	1024
/* Events that are copied at once to be printed. */
#define GRAPH_PIECE	16

static struct dentry *root;
/* Two who begin to record at once make one ring. */
static DEFINE_MUTEX(graph_lock);

static void graph_line(void *ctx, const char *text)
{
	seq_printf(ctx, "%s\n", text);
}

static int graph_events(struct seq_file *m, struct shard_ring *ring)
{
	struct shard_event *events;
	char text[SHARD_EVENT_TEXT];
	u64 from = 0;
	u32 nr, i;

	events = kcalloc(GRAPH_PIECE, sizeof(*events), GFP_KERNEL);
	if (!events)
		return -ENOMEM;
	while ((nr = shard_ring_read(ring, from, events, GRAPH_PIECE))) {
		for (i = 0; i < nr; i++) {
			shard_event_text(&events[i], text);
			seq_printf(m, "%s\n", text);
		}
		from = events[nr - 1].number + 1;
		/* It will be called again with more room. */
		if (seq_has_overflowed(m))
			break;
	}
	kfree(events);
	return 0;
}

static int graph_show(struct seq_file *m, void *unused)
{
	struct shardblk *sb = m->private;
	/* Pairs with the release in graph_start(). */
	struct shard_ring *ring = smp_load_acquire(&sb->ring);

	seq_printf(m, "# shardblk graph: recording is %s\n",
		   shardblk_trace_records(sb) ? "on" : "off, 1 turns it on");
	shard_device_snapshot(sb->device, graph_line, m);
	return ring ? graph_events(m, ring) : 0;
}

static int graph_start(struct shardblk *sb)
{
	struct shard_ring *ring;

	if (!sb->ring) {
		ring = shard_ring_create(GRAPH_EVENTS);
		if (!ring)
			return -ENOMEM;
		/* Pairs with the acquires of readers and of trace_event(). */
		smp_store_release(&sb->ring, ring);
	}
	shardblk_trace_record(sb, true);
	return 0;
}

static ssize_t graph_write(struct file *file, const char __user *from,
			   size_t len, loff_t *pos)
{
	struct shardblk *sb = ((struct seq_file *)file->private_data)->private;
	bool on;
	int error;

	error = kstrtobool_from_user(from, len, &on);
	if (error)
		return error;
	mutex_lock(&graph_lock);
	if (on)
		error = graph_start(sb);
	else
		shardblk_trace_record(sb, false);
	mutex_unlock(&graph_lock);
	return error ?: len;
}

static int graph_open(struct inode *inode, struct file *file)
{
	return single_open(file, graph_show, inode->i_private);
}

static const struct file_operations graph_fops = {
	.owner		= THIS_MODULE,
	.open		= graph_open,
	.read		= seq_read,
	.write		= graph_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* Without debugfs, or when it refuses, the device is there all the same. */
void shardblk_debugfs_add(struct shardblk *sb)
{
	char name[12];

	snprintf(name, sizeof(name), "%d", sb->id);
	sb->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("graph", 0600, sb->debugfs, sb, &graph_fops);
}

void shardblk_debugfs_remove(struct shardblk *sb)
{
	debugfs_remove(sb->debugfs);
}

void shardblk_debugfs_init(void)
{
	root = debugfs_create_dir("shardblk", NULL);
}

void shardblk_debugfs_exit(void)
{
	debugfs_remove(root);
}
