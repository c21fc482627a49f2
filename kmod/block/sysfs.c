// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/block/shardblkN/shardblk/: one value per file, read-only but for the low
 * watermark, the time after which a device is idle, and what begins and paces a
 * scrub.
 *
 * The files come with the disk and go with it: del_gendisk() waits for readers,
 * and the engine is closed after that.
 */
#include <linux/sysfs.h>

#include "block.h"

const struct shardblk_stat_text shardblk_stat_texts[SHARDBLK_NR_STATS] = {
#define X(name, meaning) { #name, meaning },
	SHARD_STATS(X)
#undef X
};

static void sysfs_info(struct device *dev, struct shard_info *info)
{
	shardblk_info(dev_to_disk(dev)->private_data, info);
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%s\n", shard_state_name(info.state));
}
static DEVICE_ATTR_RO(state);

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr,
			 char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%pUb\n", info.uuid);
}
static DEVICE_ATTR_RO(uuid);

/* Who writes to the device shall not be able to make what proves itself. */
static ssize_t format_id_show(struct device *dev,
			      struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%pUb\n", info.format_id);
}
static DEVICE_ATTR_ADMIN_RO(format_id);

static ssize_t block_size_show(struct device *dev,
			       struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%u\n", info.block_size);
}
static DEVICE_ATTR_RO(block_size);

static ssize_t extent_size_show(struct device *dev,
				struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%llu\n",
			  (u64)info.extent_blocks * info.block_size);
}
static DEVICE_ATTR_RO(extent_size);

static ssize_t bad_extents_show(struct device *dev,
				struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%u\n", info.bad_extents);
}
static DEVICE_ATTR_RO(bad_extents);

static ssize_t free_guaranteed_show(struct device *dev,
				    struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%llu\n",
			  info.free_guaranteed * info.block_size);
}
static DEVICE_ATTR_RO(free_guaranteed);

static ssize_t free_estimate_show(struct device *dev,
				  struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%llu\n",
			  info.free_estimate * info.block_size);
}
static DEVICE_ATTR_RO(free_estimate);

static ssize_t space_low_show(struct device *dev,
			      struct device_attribute *attr, char *page)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;

	return sysfs_emit(page, "%d\n", shard_device_space_low(sb->device));
}
static DEVICE_ATTR_RO(space_low);

static ssize_t low_watermark_show(struct device *dev,
				  struct device_attribute *attr, char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%u\n", info.low_watermark);
}

static ssize_t low_watermark_store(struct device *dev,
				   struct device_attribute *attr,
				   const char *text, size_t len)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;
	u32 percent;

	if (kstrtou32(text, 10, &percent) || percent > SHARDBLK_WATERMARK_MAX)
		return -EINVAL;
	shard_device_set_watermark(sb->device, percent);
	return len;
}
static DEVICE_ATTR_RW(low_watermark);

/* 0: never. */
static ssize_t idle_ms_show(struct device *dev, struct device_attribute *attr,
			    char *page)
{
	struct shard_info info;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%u\n", info.idle_ms == SHARD_IDLE_NEVER ?
			  0 : info.idle_ms);
}

static ssize_t idle_ms_store(struct device *dev, struct device_attribute *attr,
			     const char *text, size_t len)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;
	u32 ms;

	if (kstrtou32(text, 10, &ms) ||
	    (ms && (ms < SHARD_IDLE_MS_MIN || ms > SHARD_IDLE_MS_MAX)))
		return -EINVAL;
	shard_device_set_idle(sb->device, ms ?: SHARD_IDLE_NEVER);
	return len;
}
static DEVICE_ATTR_RW(idle_ms);

static ssize_t backing_show(struct device *dev, struct device_attribute *attr,
			    char *page)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;

	return sysfs_emit(page, "/dev/%s\n", sb->backing.backend.name);
}
static DEVICE_ATTR_RO(backing);

static ssize_t scrub_show(struct device *dev, struct device_attribute *attr,
			  char *page)
{
	struct shardblk_scrub_report report;

	shardblk_scrub_report(dev_to_disk(dev)->private_data, &report);
	if (report.running)
		return sysfs_emit(page, "running %u%%, %llu damaged\n",
				  report.percent, report.damaged);
	return sysfs_emit(page, "idle, %llu damaged\n", report.damaged);
}

static ssize_t scrub_store(struct device *dev, struct device_attribute *attr,
			   const char *text, size_t len)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;
	int error = 0;

	if (sysfs_streq(text, "start"))
		error = shardblk_scrub_start(sb);
	else if (sysfs_streq(text, "stop"))
		shardblk_scrub_stop(sb, false);
	else
		error = -EINVAL;
	return error ? error : len;
}
static DEVICE_ATTR_RW(scrub);

static ssize_t scrub_rate_show(struct device *dev,
			       struct device_attribute *attr, char *page)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;

	return sysfs_emit(page, "%u\n", READ_ONCE(sb->scrub_rate));
}

static ssize_t scrub_rate_store(struct device *dev,
				struct device_attribute *attr,
				const char *text, size_t len)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;
	u32 rate;

	if (kstrtou32(text, 10, &rate) || !rate)
		return -EINVAL;
	WRITE_ONCE(sb->scrub_rate, rate);
	return len;
}
static DEVICE_ATTR_RW(scrub_rate);

static ssize_t scrub_interval_show(struct device *dev,
				   struct device_attribute *attr, char *page)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;

	return sysfs_emit(page, "%u\n",
			  READ_ONCE(sb->scrub_interval) / SHARDBLK_HOUR);
}

static ssize_t scrub_interval_store(struct device *dev,
				    struct device_attribute *attr,
				    const char *text, size_t len)
{
	struct shardblk *sb = dev_to_disk(dev)->private_data;
	u32 hours;

	if (kstrtou32(text, 10, &hours) || hours > SHARDBLK_SCRUB_INTERVAL_MAX)
		return -EINVAL;
	shardblk_scrub_every(sb, hours * SHARDBLK_HOUR);
	return len;
}
static DEVICE_ATTR_RW(scrub_interval);

static struct device_attribute stat_attributes[SHARDBLK_NR_STATS];

static ssize_t stat_show(struct device *dev, struct device_attribute *attr,
			 char *page)
{
	struct shard_info info;
	const u64 *stats = (const u64 *)&info.stats;

	sysfs_info(dev, &info);
	return sysfs_emit(page, "%llu\n", stats[attr - stat_attributes]);
}

static struct attribute *single_attributes[] = {
	&dev_attr_state.attr,
	&dev_attr_uuid.attr,
	&dev_attr_format_id.attr,
	&dev_attr_block_size.attr,
	&dev_attr_extent_size.attr,
	&dev_attr_backing.attr,
	&dev_attr_bad_extents.attr,
	&dev_attr_free_guaranteed.attr,
	&dev_attr_free_estimate.attr,
	&dev_attr_low_watermark.attr,
	&dev_attr_space_low.attr,
	&dev_attr_idle_ms.attr,
	&dev_attr_scrub.attr,
	&dev_attr_scrub_rate.attr,
	&dev_attr_scrub_interval.attr,
};

static struct attribute *sysfs_attributes[ARRAY_SIZE(single_attributes) +
					  SHARDBLK_NR_STATS + 1];

static const struct attribute_group sysfs_group = {
	.name = "shardblk",
	.attrs = sysfs_attributes,
};

const struct attribute_group *shardblk_groups[] = {
	&sysfs_group,
	NULL,
};

void shardblk_sysfs_init(void)
{
	struct attribute **next = sysfs_attributes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(single_attributes); i++)
		*next++ = single_attributes[i];
	for (i = 0; i < SHARDBLK_NR_STATS; i++) {
		struct device_attribute *attr = &stat_attributes[i];

		sysfs_attr_init(&attr->attr);
		attr->attr.name = shardblk_stat_texts[i].name;
		attr->attr.mode = 0444;
		attr->show = stat_show;
		*next++ = &attr->attr;
	}
}
